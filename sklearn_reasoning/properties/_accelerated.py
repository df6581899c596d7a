r"""What is proven of accelerated methods with a penalty, up to the step size 1/L.

A Lyapunov function of the values tells how far from the minimiser they are. How far two runs are
apart it does not tell. One step brings :math:`z = (1 + \beta) y - \beta y_-` closer by
:math:`\rho`, which is followed step by step; for nag a quadratic form tells more. docs/theory.md
has the proofs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from sklearn_reasoning.algorithms import FISTA, NesterovAcceleratedGradient, PerIteration

from ._analysis import Analysis
from ._arguments import Case
from ._chebyshev_series import Array
from ._penalised import PenalisedAnalysis, at_steps, rate_of, under_penalty

# Up to here steps are followed one by one.
_FOLLOWED = 1024


class PenalisedAcceleration(PenalisedAnalysis, ABC):
    """Bounds from one step after another, and what a method knows besides."""

    @abstractmethod
    def momentum(self, s: Array, j: int) -> Array:
        """Return the momentum after j steps, s = sqrt(mu phi)."""

    @abstractmethod
    def lyapunov(self, s: Array, k: Array) -> Array:
        """Bound what is left after k steps by function values."""

    def _left(self, case: Case) -> Array:
        followed = self._followed(case, start=1.0)
        if isinstance(case.phi, PerIteration):
            return self._proven(case, followed)
        known = self.lyapunov(np.sqrt(case.mu * case.phi), case.k)
        return self._proven(case, np.minimum(followed, known))

    def _in_start(self, case: Case) -> Array:
        return self._proven(case, self._followed(case, start=1.0))

    def _in_b(self, case: Case) -> Array:
        return self._proven(case, self._followed(case, in_b=1.0))

    def _in_Q(self, case: Case) -> Array:
        return self._proven(case, self._followed(case, in_Q=1.0))

    def _followed(
        self, case: Case, *, start: float = 0.0, in_b: float = 0.0, in_Q: float = 0.0
    ) -> Array:
        """Follow distances that begin at ``start`` and are pushed apart in every step.

        ``in_Q`` pushes by the distance of z from the start, which is pushed by the gradient there.
        """
        short = replace(case, k=np.minimum(case.k, _FOLLOWED))

        def follow(phi: Array) -> Array:
            zero = np.zeros(phi.shape[1])
            y, y_before = zero + start, zero + start
            length, length_before = zero, zero
            found = [y]
            for j, size in enumerate(phi):
                # What the step before extrapolated by.
                beta = self.momentum(np.sqrt(case.mu * phi[j - 1]), j) if j else zero
                rate = rate_of(case, size)
                z, z_length = _spread(y, y_before, beta), _spread(length, length_before, beta)
                y, y_before = rate * z + size * (in_b + in_Q * z_length), y
                length, length_before = rate * z_length + size, length
                found.append(y)
            return np.stack(found)

        with np.errstate(over="ignore", invalid="ignore"):
            found = np.nan_to_num(at_steps(short, follow), nan=np.inf, posinf=np.inf)
        return np.where(case.k <= _FOLLOWED, found, np.inf)

    @staticmethod
    def _proven(case: Case, values: Array) -> Array:
        """Return the values where no step is longer than 1/L but the first, and inf elsewhere."""
        longest = case.phi
        if isinstance(longest, PerIteration):
            longest = max(map(float, longest.sizes), default=0.0)
        # But for rounding; the first step is one of gradient descent, whatever its size.
        short = longest * case.L <= 1.0 + 4.0 * np.finfo(np.float64).eps
        return np.where((case.k < 2) | short, values, np.inf)


def _spread(y: Array, y_before: Array, beta: Array) -> Array:
    return (1.0 + beta) * y + beta * y_before


class PenalisedFISTA(PenalisedAcceleration):
    """The values fall as the square of k."""

    def momentum(self, s: Array, j: int) -> Array:
        """Return (j - 1) / (j + 2)."""
        return 0.0 * s + (j - 1) / (j + 2)

    def lyapunov(self, s: Array, k: Array) -> Array:
        """Return 2 / (s (k + 1))."""
        return 2.0 / (s * (k + 1.0))


class Form(NamedTuple):
    r"""A quadratic form X, a growth and two multipliers that bound how a difference grows.

    The difference :math:`D_{j+1} = P W (2 D_j - D_{j-1})` of two runs, W symmetric with its
    eigenvalues in [0, 1] and P the difference of a proximal step, satisfies
    :math:`|(D_{j+1}, D_j)|_X \le growth \, |(D_j, D_{j-1})|_X`, since

    .. math:: growth^2 |(D, D_-)|_X^2 - |(p, D)|_X^2 - \lambda_1 \langle p, u - p \rangle -
        \lambda_2 \langle u, 2D - D_- - u \rangle

    is a positive semidefinite form of (D, D_-, u, p): u = W(2D - D_-), p its proximal point.
    """

    first: float
    mixed: float
    second: float
    growth: float
    of_prox: float
    of_W: float

    @property
    def spread(self) -> float:
        """The largest length of D over the norm of (D, D_-), times that of (1, 0)."""
        return float(np.sqrt(self.first / (self.first - self.mixed**2 / self.second)))

    def after_one(self, s: Array) -> Array:
        """Return the norm of (1 + s, 1) in the unit of D, at most."""
        squared = self.first * (1.0 + s) ** 2 - 2.0 * self.mixed * (1.0 + s) + self.second
        return np.sqrt(squared / self.first) * self.spread


# From a semidefinite program, rounded.
FORM = Form(first=1.66, mixed=-0.95, second=1.37, growth=1.6, of_prox=2.43, of_W=2.32)


class PenalisedNesterov(PenalisedAcceleration):
    """The values fall by 1 - s a step, and differences grow by at most 1.6 (1 - s)."""

    def momentum(self, s: Array, j: int) -> Array:
        """Return (1 - s) / (1 + s)."""
        return (1.0 - s) / (1.0 + s)

    def lyapunov(self, s: Array, k: Array) -> Array:
        """Return 3 / (2 s) times the square root of (1 - s)^k."""
        return np.where(k == 0, 1.0, 1.5 / s * (1.0 - s) ** (0.5 * k))

    def _in_start(self, case: Case) -> Array:
        followed = super()._in_start(case)
        if isinstance(case.phi, PerIteration):
            return followed
        s = np.sqrt(case.mu * case.phi)
        with np.errstate(over="ignore"):
            known = (1.0 - s) * (FORM.growth * (1.0 - s)) ** np.maximum(case.k - 1.0, 0.0)
        known = np.where(case.k == 0, 1.0, known * FORM.after_one(s))
        return np.minimum(followed, self._proven(case, known))

    def _in_b(self, case: Case) -> Array:
        followed = super()._in_b(case)
        if isinstance(case.phi, PerIteration):
            return followed
        return np.minimum(followed, self._proven(case, case.phi * _pushes(case, case.k)))

    def _in_Q(self, case: Case) -> Array:
        followed = super()._in_Q(case)
        if isinstance(case.phi, PerIteration):
            return followed
        # Every z is at most so far from the start, and every push moves the output so far.
        beta = self.momentum(np.sqrt(case.mu * case.phi), 1)
        one, other = (case.phi * _pushes(case, np.maximum(case.k - n, 0)) for n in (1, 0))
        known = (1.0 + 2.0 * beta) * one * other
        return np.minimum(followed, self._proven(case, known))


def _pushes(case: Case, k: Array) -> Array:
    """Return the sum over i < k of how far a difference of 1, i steps ago, may be by now."""
    r = 1.0 - np.sqrt(case.mu * case.phi)
    q = FORM.growth * r
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        geometric = np.where(q == 1.0, k, (q**k - 1.0) / (q - 1.0))
    # Before any further step it is 1.
    total: Array = FORM.spread * geometric - (k > 0) * (FORM.spread - 1.0)
    return total + 0.0  # no zero with a sign


@under_penalty.register
def _(algorithm: NesterovAcceleratedGradient, free: Analysis) -> Analysis:
    return PenalisedNesterov(free)


@under_penalty.register
def _(algorithm: FISTA, free: Analysis) -> Analysis:
    return PenalisedFISTA(free)
