r"""What is proven of conjugate gradients.

Its error is the smallest in the norm of Q among all polynomial methods, so with
:math:`\kappa = L/\mu` and the residual polynomial of the Chebyshev semi-iteration

.. math:: \|y_k - y^*\|_2 \le \min\bigl(1, \sqrt\kappa / T_k(x(0))\bigr) \, \|y_0 - y^*\|_2 ,

where the 1 is Hestenes and Stiefel's (1952): the error never grows. With the eigenvalues at the
k + 1 extrema of :math:`T_k` and a suitable b, the residual polynomial *is* Chebyshev's, which
leaves :math:`1/T_k(x(0))` in any norm. After one step :math:`y_1 = -\alpha b` with
:math:`\alpha = b'b / b'Qb`. From the second step on, two b close to an eigenvector may end in
quite different directions, and no Lipschitz constant is known.

From another start c its steps are those from 0 with the gradient at c for b. The error
:math:`e = c - y^*` becomes :math:`e - \alpha Qe`, whose derivative by e is bounded below.
"""

from __future__ import annotations

import numpy as np

from sklearn_reasoning.algorithms import ConjugateGradient

from ._analysis import Analysis, analysis_of, everywhere
from ._arguments import Case
from ._chebyshev_series import Array, Supremum


class ConjugateGradientAnalysis(Analysis):
    """Bounds for conjugate gradients."""

    def convergence(self, case: Case) -> Supremum:
        """Bound the error by Chebyshev's, from both sides."""
        best, bound = self.shown_convergence(case), self.convergence_bound(case)
        return Supremum(best, np.maximum(bound, best), np.full(case.k.shape, np.nan))

    def convergence_bound(self, case: Case) -> Array:
        """Return Chebyshev's bound in the norm of Q, brought to the Euclidean one."""
        return np.minimum(1.0, np.sqrt(case.L / case.mu) * self.shown_convergence(case))

    def shown_convergence(self, case: Case) -> Array:
        """Return the error on the spectrum on which Chebyshev's is the best."""
        # T_k(x(0)) in closed form: steps_needed asks for it at thousands of steps.
        if case.mu == case.L:
            return np.where(case.k == 0, 1.0, 0.0)
        with np.errstate(over="ignore"):
            best: Array = 1.0 / np.cosh(2.0 * case.k * np.arctanh(np.sqrt(case.mu / case.L)))
        return best

    def in_Q(self, case: Case) -> Supremum:
        r"""Return :math:`\mu^{-2}` after one step: \|alpha^2 b'dQb\| is at most that."""
        slope = 1.0 / case.mu / case.mu
        return _after_one_step(case, slope, slope, slope)

    def in_b(self, case: Case) -> Supremum:
        r"""Bound the derivative of :math:`\alpha b`, by Kantorovich's inequality."""
        kappa = case.L / case.mu
        bound = (1.0 + (kappa - 1.0) / np.sqrt(kappa)) / case.mu
        return _after_one_step(case, _largest_jacobian(case.mu, case.L), bound, 1.0 / case.mu)

    def in_Q_per_start(self, case: Case) -> Supremum:
        r"""Return the bound in b; for a start along an eigenvector, :math:`1/\mu` is reached."""
        bound = self.in_b(case).certified
        eigenvector = np.where(case.k == 0, 0.0, 1.0 / case.mu)
        return Supremum(eigenvector, bound, np.full(case.k.shape, case.mu))

    def in_start(self, case: Case) -> Supremum:
        r"""Bound the derivative of :math:`e - \alpha Qe`, by Kantorovich's inequality."""
        kappa = case.L / case.mu
        bound = (kappa - 1.0) * (1.0 + np.sqrt(kappa))
        moved = _after_one_step(case, kappa - 1.0, bound, 0.0)
        # At k = 0 the output is the start; a longer e leaves an error longer by as much.
        left = self.shown_convergence(case)
        return Supremum(
            np.maximum(moved.attained, left),
            np.maximum(moved.certified, left),
            np.full(case.k.shape, np.nan),
        )

    def sensitivity(self, case: Case) -> Supremum:
        """Return 0: there is no step size."""
        return everywhere(case, 0.0)


def _after_one_step(case: Case, attained: float, certified: float, eigenvector: float) -> Supremum:
    """Return 0 at k = 0, the given bounds at k = 1 and what an eigenvector b shows beyond."""
    later = certified if case.mu == case.L else np.inf  # one step is then all it takes
    below = np.select([case.k == 0, case.k == 1], [0.0, attained], eigenvector)
    above = np.select([case.k == 0, case.k == 1], [0.0, certified], later)
    return Supremum(below, np.maximum(below, above), np.full(case.k.shape, case.mu))


def _largest_jacobian(mu: float, L: float) -> float:
    """Return the largest norm of the derivative of alpha b, over b in the plane."""
    angle = np.linspace(0.0, np.pi / 2, 1001)
    b = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    Qb = b * np.array([mu, L])
    alpha = 1.0 / (b * Qb).sum(axis=1)[:, None]
    slope = 2.0 * alpha * (b - alpha * Qb)
    jacobian: Array = alpha[:, :, None] * np.eye(2) + b[:, :, None] * slope[:, None, :]
    return float(np.linalg.norm(jacobian, 2, axis=(1, 2)).max())


@analysis_of.register
def _(algorithm: ConjugateGradient) -> Analysis:
    return ConjugateGradientAnalysis()
