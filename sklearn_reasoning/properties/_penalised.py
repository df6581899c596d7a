r"""What is proven with a penalty, whichever: a closed convex term or a set.

With :math:`T(y) = prox_{\phi g}(y - \phi \nabla E(y))` and
:math:`\rho = \max(|1 - \phi\mu|, |1 - \phi L|)`, T brings two points closer by :math:`\rho`, since
a proximal step is nonexpansive. Everything here follows from that, and from lengths of steps;
docs/theory.md has the proofs. ``attained`` is the value without a penalty, which is one of them:
the set of all y.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch

import numpy as np

from sklearn_reasoning.algorithms import (
    Algorithm,
    ExactMinimizer,
    GradientDescent,
    PerIteration,
)

from ._analysis import Analysis
from ._arguments import Case
from ._chebyshev_series import Array, Supremum


class PenalisedAnalysis(Analysis):
    """Bounds with any penalty, where there are some; a method of which nothing is proven."""

    def __init__(self, free: Analysis) -> None:
        self.free = free

    def convergence(self, case: Case) -> Supremum:
        """Bound what is left of the distance to the constrained minimiser."""
        return _joined(case, self.free.convergence(case), self._left(case))

    def convergence_bound(self, case: Case) -> Array:
        """Return the upper bounds alone."""
        return self._left(case)

    def shown_convergence(self, case: Case) -> Array:
        """Return the bounds: less is shown without a penalty, and they cost no more."""
        return self._left(case)

    def in_Q(self, case: Case) -> Supremum:
        """Bound how far the output moves with Q, per unit of the first gradient."""
        return _joined(case, self.free.in_Q(case), self._in_Q(case))

    def in_b(self, case: Case) -> Supremum:
        """Bound how far the output moves with b."""
        return _joined(case, self.free.in_b(case), self._in_b(case))

    def in_start(self, case: Case) -> Supremum:
        """Bound how far the output moves with the start."""
        return _joined(case, self.free.in_start(case), self._in_start(case))

    def sensitivity(self, case: Case) -> Supremum:
        """Bound how far the output moves with the step sizes."""
        return _joined(case, self.free.sensitivity(case), self._sensitivity(case))

    def sensitivity_over_range(self, case: Case, low: float, high: float) -> Supremum:
        """Bound the sensitivity at all step sizes of a range."""
        found = self.free.sensitivity_over_range(case, low, high)
        return _joined(case, found, self._over_range(case, low, high))

    def _left(self, case: Case) -> Array:
        return np.where(case.k == 0, 1.0, np.inf)

    _in_start = _left

    def _in_Q(self, case: Case) -> Array:
        return _unmoved_before_the_first_step(case)

    def _in_b(self, case: Case) -> Array:
        return _unmoved_before_the_first_step(case)

    def _sensitivity(self, case: Case) -> Array:
        return _unmoved_before_the_first_step(case)

    def _over_range(self, case: Case, low: float, high: float) -> Array:
        return _unmoved_before_the_first_step(case)


def _unmoved_before_the_first_step(case: Case) -> Array:
    return np.where(case.k == 0, 0.0, np.inf)


class PenalisedGradientDescent(PenalisedAnalysis):
    r"""Table 1's row of gradient descent, for every penalty.

    It is that of one eigenvalue t at which :math:`1 - \phi t = \rho`.
    """

    def _left(self, case: Case) -> Array:
        return self._of(case, "residual")

    _in_start = _left

    def in_Q_per_norm(self, case: Case) -> Supremum:
        """Return the bound in b: no iterate that Q multiplies is longer than the longest point."""
        return self.in_b(case)

    def _in_b(self, case: Case) -> Array:
        return self._of(case, "filter")

    def _in_Q(self, case: Case) -> Array:
        return self._of(case, "filter_derivative")

    def _sensitivity(self, case: Case) -> Array:
        if isinstance(case.phi, PerIteration):
            return at_steps(case, lambda phi: _sensitivity_to_each(case, phi))
        return case.k * _power(rate_of(case, case.phi), case.k - 1)

    def _over_range(self, case: Case, low: float, high: float) -> Array:
        rate = np.maximum(rate_of(case, low), rate_of(case, high))
        return case.k * _power(rate, case.k - 1)

    def _of(self, case: Case, name: str) -> Array:
        if isinstance(case.phi, PerIteration):
            column = ("residual", "filter", "filter_derivative").index(name)
            return at_steps(case, lambda phi: _followed(case, phi)[column])
        # In units of the step size, where t is 1 - rho without a rounding of it.
        x = np.minimum(*(np.minimum(p, 2.0 - p) for p in (case.phi * case.mu, case.phi * case.L)))
        power_of_phi = {"residual": 0, "filter": 1, "filter_derivative": 2}[name]
        with np.errstate(over="ignore", invalid="ignore"):
            value: Array = np.abs(getattr(GradientDescent(), name)(x, case.k, 1.0))
        return np.nan_to_num(value, nan=np.inf) * case.phi**power_of_phi


def _followed(case: Case, phi: Array) -> tuple[Array, Array, Array]:
    """Return Cvg and Stab in b and Q of gradient steps of many sizes, after each step."""
    left, in_b, in_Q = np.ones(phi.shape[1]), np.zeros(phi.shape[1]), np.zeros(phi.shape[1])
    found = [(left, in_b, in_Q)]
    for size in phi:
        rate = rate_of(case, size)
        left, in_b, in_Q = rate * left, rate * in_b + size, rate * in_Q + size * in_b
        found.append((left, in_b, in_Q))
    left_all, in_b_all, in_Q_all = (np.stack(column) for column in zip(*found, strict=True))
    return left_all, in_b_all, in_Q_all


def _sensitivity_to_each(case: Case, phi: Array) -> Array:
    """Return the sensitivity to all step sizes together, after each step."""
    squared, length, found = np.zeros(phi.shape[1]), np.ones(phi.shape[1]), [np.zeros(phi.shape[1])]
    for j, size in enumerate(phi):
        if j:
            # The step of another size at the same place, over its size, is longer at most so much.
            length = length * rate_of(case, phi[j - 1]) * np.maximum(1.0, phi[j - 1] / size)
        squared = rate_of(case, size) ** 2 * squared + length**2
        found.append(np.sqrt(squared))
    return np.stack(found)


class PenalisedExact(PenalisedAnalysis):
    """The constrained minimiser moves no farther than the free one may."""

    def in_Q_per_norm(self, case: Case) -> Supremum:
        """Return the bound in b."""
        return self.in_b(case)

    def _left(self, case: Case) -> Array:
        return np.zeros(case.k.shape)

    _in_start = _sensitivity = _left

    def _in_b(self, case: Case) -> Array:
        return np.full(case.k.shape, 1.0 / case.mu)

    def _in_Q(self, case: Case) -> Array:
        return np.full(case.k.shape, 1.0 / case.mu / case.mu)


# ---------------------------------------------------------------------- steps


def sizes_of(case: Case) -> Array:
    """Return the step sizes of all steps, of shape (largest k, m)."""
    k = int(case.k.max(initial=0))
    if isinstance(case.phi, PerIteration):
        each = np.asarray([float(size) for size in case.phi.sizes[:k]])
        return np.broadcast_to(each[:, None], (k, len(case.k)))
    return np.broadcast_to(case.phi, (k, len(case.k)))


def at_steps(case: Case, after_each: Callable[[Array], Array]) -> Array:
    """Return the values at the k of each row, of a function that returns those after each step."""
    values: Array = after_each(sizes_of(case))[case.k, np.arange(len(case.k))]
    return values


def rate_of(case: Case, phi: Array | float) -> Array:
    """Return by how much a proximal gradient step brings two points closer."""
    rate: Array = np.maximum(np.abs(1.0 - phi * case.mu), np.abs(1.0 - phi * case.L))
    return rate


def _power(rate: Array, k: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(rate, dtype=np.float64) ** np.maximum(k, 0)


def _joined(case: Case, free: Supremum, certified: Array) -> Supremum:
    # Bounds of both kinds are rounded.
    return Supremum(free.attained, np.maximum(free.attained, certified), free.point)


# ---------------------------------------------------------------------- which method


@singledispatch
def under_penalty(algorithm: Algorithm, free: Analysis) -> Analysis:
    """Return what is proven of an algorithm with a penalty, from what is without one."""
    return PenalisedAnalysis(free)


@under_penalty.register
def _(algorithm: GradientDescent, free: Analysis) -> Analysis:
    return PenalisedGradientDescent(free)


@under_penalty.register
def _(algorithm: ExactMinimizer, free: Analysis) -> Analysis:
    return PenalisedExact(free)
