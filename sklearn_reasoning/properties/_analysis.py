"""Which proofs there are for which algorithm."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch
from typing import ClassVar, Protocol

import numpy as np

from sklearn_reasoning.algorithms import Algorithm

from ._arguments import Case
from ._chebyshev_series import Array, Supremum
from ._polynomial import (
    filter_lipschitz,
    filter_supremum,
    residual_at_few_eigenvalues,
    residual_supremum,
    sensitivity_supremum,
)
from ._sampling import sampled_convergence, sampled_in_b, sampled_in_Q, sampled_sensitivity
from ._sensitivity_range import sensitivity_over_range


class Analysis(Protocol):
    """Bounds of the properties of an algorithm, for each of the m rows of a case.

    Methods that see b in the gradients alone, and begin no other way at another start, do from c
    what they do from 0 with the gradient at c for b; what is said of the start 0 then holds for
    every start.
    """

    def convergence(self, case: Case) -> Supremum:
        """Bound what is left of the distance to the minimiser, from the start 0."""

    def convergence_bound(self, case: Case) -> Array:
        """Return the upper bounds of :meth:`convergence` alone."""

    # Whether from y + c, on the energy moved by c, the output is moved by c.
    moves_along: ClassVar[bool] = True

    def from_any_start(self) -> Analysis:
        """Return the bounds of convergence and sensitivity that hold for every start."""
        return self

    def shown_convergence(self, case: Case) -> Array:
        """Return lower bounds of :meth:`convergence` that cost little."""

    def in_Q(self, case: Case) -> Supremum:
        """Bound how far the output moves with Q, per unit of the norm of the first gradient."""

    def in_b(self, case: Case) -> Supremum:
        """Bound how far the output moves with b."""

    def in_Q_per_start(self, case: Case) -> Supremum:
        """Bound how far the output moves with Q besides, per unit of the norm of the start."""
        return self.in_b(case)

    def in_Q_per_norm(self, case: Case) -> Supremum | None:
        """Bound how far the output moves with Q in a set, per unit of the largest norm there."""
        return None

    def in_start(self, case: Case) -> Supremum:
        """Bound how far the output moves with the start."""

    def sensitivity(self, case: Case) -> Supremum:
        """Bound how far the output moves with the step sizes or weights."""

    def sensitivity_over_range(self, case: Case, low: float, high: float) -> Supremum:
        """Bound the sensitivity at all step sizes in [low, high]; here for methods without."""
        return self.sensitivity(case)


class PolynomialAnalysis(Analysis):
    """Methods whose output is a polynomial in Q times b."""

    convergence = staticmethod(residual_supremum)
    in_start = staticmethod(residual_supremum)
    shown_convergence = staticmethod(residual_at_few_eigenvalues)

    def convergence_bound(self, case: Case) -> Array:
        """Return the upper bounds alone."""
        return residual_supremum(case).certified

    in_Q = staticmethod(filter_lipschitz)
    in_b = staticmethod(filter_supremum)
    sensitivity = staticmethod(sensitivity_supremum)
    sensitivity_over_range = staticmethod(sensitivity_over_range)


class ExactAnalysis(Analysis):
    r"""The minimiser :math:`-Q^{-1}b`: :math:`\|Q^{-1} - Q'^{-1}\| \le \mu^{-2} \|Q - Q'\|`."""

    def convergence(self, case: Case) -> Supremum:
        """Return 0: there is nothing left."""
        return everywhere(case, 0.0)

    def convergence_bound(self, case: Case) -> Array:
        """Return 0."""
        return np.zeros(case.k.shape)

    shown_convergence = convergence_bound

    def in_Q(self, case: Case) -> Supremum:
        """Return the derivative of 1/t at mu."""
        return everywhere(case, 1.0 / case.mu / case.mu)  # a power would raise on overflow

    def in_b(self, case: Case) -> Supremum:
        """Return 1/t at mu."""
        return everywhere(case, 1.0 / case.mu)

    def in_start(self, case: Case) -> Supremum:
        """Return 0: the minimiser knows no start."""
        return everywhere(case, 0.0)

    def sensitivity(self, case: Case) -> Supremum:
        """Return 0: there is no step size."""
        return everywhere(case, 0.0)


class SampledAnalysis(Analysis):
    """Methods of which nothing is proven: values that were found, and inf."""

    moves_along = False

    def convergence(self, case: Case) -> Supremum:
        """Return the largest error that was found."""
        return unproven(case, sampled_convergence(case))

    def convergence_bound(self, case: Case) -> Array:
        """Return inf: nothing is proven."""
        return np.full(case.k.shape, np.inf)

    shown_convergence = convergence_bound

    def in_Q(self, case: Case) -> Supremum:
        """Return the largest change with Q that was found."""
        return unproven(case, sampled_in_Q(case))

    def in_b(self, case: Case) -> Supremum:
        """Return the largest change with b that was found."""
        return unproven(case, sampled_in_b(case))

    def in_Q_per_start(self, case: Case) -> Supremum:
        """Return inf: other starts than 0 are not looked at."""
        return unproven(case, np.zeros(case.k.shape))

    in_start = in_Q_per_start

    def sensitivity(self, case: Case) -> Supremum:
        """Return the largest change with what is learned that was found."""
        return unproven(case, sampled_sensitivity(case))

    def sensitivity_over_range(self, case: Case, low: float, high: float) -> Supremum:
        """Return the largest change that was found at an end of the range."""
        ends = [replace(case, phi=np.full(case.k.shape, end)) for end in (low, high)]
        return unproven(case, np.maximum(*map(sampled_sensitivity, ends)))


def everywhere(case: Case, value: float) -> Supremum:
    """Return one value for all rows, known exactly and reached at mu."""
    values = np.full(case.k.shape, value)
    return Supremum(values, values, np.full(case.k.shape, case.mu))


def unproven(case: Case, attained: Array) -> Supremum:
    """Return values that were found, without an upper bound."""
    return Supremum(attained, np.full(case.k.shape, np.inf), np.full(case.k.shape, np.nan))


@singledispatch
def analysis_of(algorithm: Algorithm) -> Analysis:
    """Return the proofs that apply to an algorithm."""
    if "exact" in algorithm.provides:
        return ExactAnalysis()
    return PolynomialAnalysis() if "polynomial" in algorithm.provides else SampledAnalysis()
