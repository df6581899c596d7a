r"""What is proven of ADMM, without and with a penalty.

Without one :math:`r_k = (1 - \phi t) \prod_i (1 + \phi_i t)^{-1}`, and q_k is a sum of such
products with positive coefficients: it is largest, and steepest, at mu, for matrices too.

With one, :math:`w = x + \phi u` is the iterate of Douglas-Rachford splitting, which brings two w
closer by :math:`\delta = \max(1 / (1 + \phi\mu), \phi L / (1 + \phi L))`; the output, a proximal
step from w, is no farther apart than they are. docs/theory.md has the proofs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from sklearn_reasoning.algorithms import ADMM, PerIteration

from ._analysis import Analysis, analysis_of
from ._arguments import Case
from ._chebyshev_series import Array, Supremum
from ._penalised import PenalisedAnalysis, at_steps, under_penalty

_N_CELLS = 4096


class ADMMAnalysis(Analysis):
    """Exact values without a penalty."""

    def convergence(self, case: Case) -> Supremum:
        """Return the largest residual: at an end, or where its second branch is highest."""
        return _largest(case, _residual, _peak(case))

    def convergence_bound(self, case: Case) -> Array:
        """Return the same, which is exact."""
        return self.convergence(case).certified

    shown_convergence = convergence_bound
    in_start = convergence

    def in_Q(self, case: Case) -> Supremum:
        """Return the slope of q_k at mu."""
        return _at_mu(case, at_steps(case, lambda phi: _free(case, phi)[2]))

    def in_b(self, case: Case) -> Supremum:
        """Return q_k at mu."""
        return _at_mu(case, at_steps(case, lambda phi: _free(case, phi)[1]))

    def sensitivity(self, case: Case) -> Supremum:
        """Return the largest slope in the step size; of many sizes, a bound in small cells."""
        if isinstance(case.phi, PerIteration):
            return _sensitivity_to_each(case)
        return _largest(case, _step_size_slope, _steepest(case))

    def sensitivity_over_range(self, case: Case, low: float, high: float) -> Supremum:
        r"""Return the supremum of one function of :math:`\phi t` on [low mu, high L]."""
        wide = replace(case, phi=np.ones(case.k.shape), mu=low * case.mu, L=high * case.L)
        found = self.sensitivity(wide)
        return found._replace(point=np.clip(found.point / high, case.mu, case.L))


def _largest(case: Case, function: Callable[[Case, Array], Array], *peaks: Array) -> Supremum:
    """Return the largest of |function| at mu, L and the given points, for each row."""
    ends = np.full(case.k.shape, case.mu), np.full(case.k.shape, case.L)
    t = np.stack([*ends, *(np.clip(peak, case.mu, case.L) for peak in peaks)])
    values = np.stack([np.abs(function(case, row)) for row in t])
    best = values.argmax(axis=0)[None]
    found = np.take_along_axis(values, best, 0)[0]
    return Supremum(found, found, np.take_along_axis(t, best, 0)[0])


def _residual(case: Case, t: Array) -> Array:
    if isinstance(case.phi, PerIteration):
        left = at_steps(case, lambda phi: _free(case, phi, t)[0])
        return left
    return np.where(case.k == 0, 1.0, (1.0 - case.phi * t) * (1.0 + case.phi * t) ** -case.k)


def _step_size_slope(case: Case, t: Array) -> Array:
    x, k = case.phi * t, case.k
    return np.where(k == 0, 0.0, ((k + 1.0) - (k - 1.0) * x) * (1.0 + x) ** (-k - 1.0))


def _peak(case: Case) -> Array:
    """Return where (phi t - 1) times the product is largest; inf where it only rises."""
    k = case.k
    if not isinstance(case.phi, PerIteration):
        with np.errstate(divide="ignore"):
            return np.where(k > 1, (k + 1.0) / np.maximum(k - 1.0, 0.0), np.inf) / case.phi
    sizes = np.asarray(case.phi.sizes)
    found = np.full(k.shape, np.inf)
    for row, steps in enumerate(k):
        low, high = case.mu, case.L
        for _ in range(200 if steps else 0):
            middle = 0.5 * (low + high)
            a = sizes[:steps]
            rising = (a[0] * middle - 1.0) * (a / (1.0 + a * middle)).sum() < a[0]
            low, high = (middle, high) if rising else (low, middle)
        found[row] = low
    return found


def _steepest(case: Case) -> Array:
    with np.errstate(divide="ignore"):
        return np.where(case.k > 1, (case.k + 3.0) / np.maximum(case.k - 1.0, 0.0), 1.0) / case.phi


def _at_mu(case: Case, values: Array) -> Supremum:
    return Supremum(values, values, np.full(case.k.shape, case.mu))


def _free(case: Case, phi: Array, t: Array | float | None = None) -> tuple[Array, Array, Array]:
    """Return r, q and |q'| at t, by default mu, after each number of steps, (steps + 1, rows)."""
    t = np.broadcast_to(case.mu if t is None else t, case.k.shape)
    r, q, slope = np.ones(t.shape), np.zeros(t.shape), np.zeros(t.shape)
    found = [(r, q, slope)]
    for j, size in enumerate(phi):
        # Before the first resolvent stands the explicit step, whose q is the size.
        r = (1.0 - size * t if j == 0 else r) / (1.0 + size * t)
        before, fall = (size, 0.0) if j == 0 else (q, slope)
        q = (before + size) / (1.0 + size * t)
        slope = (fall + size * q) / (1.0 + size * t)
        found.append((r, q, slope))
    r_all, q_all, slope_all = (np.stack(column) for column in zip(*found, strict=True))
    return r_all, q_all, slope_all


def _sensitivity_to_each(case: Case) -> Supremum:
    """Bound the norm of the gradient in all step sizes, each factor at the end of a cell."""
    sizes = np.asarray(case.phi.sizes)
    t = np.geomspace(case.mu, case.L, _N_CELLS + 1).clip(case.mu, case.L)
    t[0], t[-1] = case.mu, case.L
    results = []
    for k in case.k:
        a = sizes[:k, None]
        product = np.prod(1.0 / (1.0 + a * t), axis=0)
        # The first size is in the explicit step, too.
        others = 1.0 / (1.0 + a[1:] * t)
        weight = np.abs(1.0 - a[0] * t) if k else 0.0 * t
        first = 2.0 / (1.0 + a[0] * t) if k else 0.0 * t
        exact = product * np.sqrt(first**2 + weight**2 * (others**2).sum(axis=0))
        above = np.maximum(weight[:-1], weight[1:])
        spread = np.sqrt(first[:-1] ** 2 + above**2 * (others[:, :-1] ** 2).sum(axis=0))
        best = exact.argmax()
        bound = max((product[:-1] * spread).max(), exact[best])
        results.append((exact[best], bound, t[best]))
    return Supremum(*np.array(results).reshape(-1, 3).T)


# ---------------------------------------------------------------------- with a penalty


class _Bounds(NamedTuple):
    left: Array
    in_b: Array
    in_Q: Array


class PenalisedADMMAnalysis(PenalisedAnalysis):
    """Bounds with any penalty."""

    def _left(self, case: Case) -> Array:
        if isinstance(case.phi, PerIteration):
            return at_steps(case, lambda phi: self._bounds(case, phi).left)
        first = np.maximum(np.abs(1.0 - case.phi * case.mu), np.abs(1.0 - case.phi * case.L))
        return np.where(case.k == 0, 1.0, _contraction(case, case.phi) ** case.k * first)

    def _in_b(self, case: Case) -> Array:
        return at_steps(case, lambda phi: self._bounds(case, phi).in_b)

    def _in_Q(self, case: Case) -> Array:
        return at_steps(case, lambda phi: self._bounds(case, phi).in_Q)

    def _in_start(self, case: Case) -> Array:
        return self._left(case)

    def _sensitivity(self, case: Case) -> Array:
        if isinstance(case.phi, PerIteration):
            return np.where(case.k == 0, 0.0, np.inf)
        return self._over_range(case, case.phi, case.phi)

    def _over_range(self, case: Case, low: Array | float, high: Array | float) -> Array:
        ends = np.maximum(_contraction(case, low), _contraction(case, high))
        v, k = 1.0 / (1.0 + low * case.mu), case.k.astype(float)
        moved = ends**k + k * ends ** np.maximum(k - 1.0, 0.0) * (1.0 + v) * (1.0 + ends + v)
        return np.where(case.k == 0, 0.0, moved)

    @staticmethod
    def _bounds(case: Case, phi: Array) -> _Bounds:
        """Return bounds after each number of steps, of shape (steps + 1, rows)."""
        mu, L = case.mu, case.L
        first = phi[0] if len(phi) else np.ones(case.k.shape)
        w = np.maximum(np.abs(1.0 - first * mu), np.abs(1.0 - first * L))
        in_b, in_Q = first, 0.0 * first
        found = [(np.ones_like(w), 0.0 * w, 0.0 * w)]
        for j, size in enumerate(phi):
            # A longer step than the last one stretches w by at most their ratio.
            stretch = np.maximum(1.0, size / phi[j - 1]) if j else 1.0
            delta, v = _contraction(case, size), 1.0 / (1.0 + size * mu)
            w, in_b, in_Q = w * stretch, in_b * stretch, in_Q * stretch
            # The implicit step begins no farther from the start than w, and ends v (w + phi |g|)
            # from it: that much is what Q moves.
            in_Q = delta * in_Q + size * v * v * (in_b + size)
            w, in_b = delta * w, delta * in_b + size * v
            found.append((w, in_b, in_Q))
        return _Bounds(*(np.stack(column) for column in zip(*found, strict=True)))


def _contraction(case: Case, phi: Array | float) -> Array:
    found: Array = np.maximum(1.0 / (1.0 + phi * case.mu), phi * case.L / (1.0 + phi * case.L))
    return found


@analysis_of.register
def _(algorithm: ADMM) -> Analysis:
    return ADMMAnalysis()


@under_penalty.register
def _(algorithm: ADMM, free: Analysis) -> Analysis:
    return PenalisedADMMAnalysis(free)
