r"""Properties of polynomial methods, from the recurrence alone.

The error is :math:`r_k(Q)` times the first error and the output is :math:`-q_k(Q) b`. So Cvg is
the supremum of :math:`|r_k|` over [mu, L], Stab in b that of :math:`|q_k|`, Sens that of
:math:`|\partial q_k / \partial\phi|`, and Stab in Q the operator-Lipschitz constant of q_k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from sklearn_reasoning.algorithms import Algorithm, PerIteration, Problem, last_iterate
from sklearn_reasoning.energies import OperatorQuadratic

from ._arguments import Case
from ._chebyshev_series import Array, Supremum, operator_lipschitz, points, supremum

# A formula of a method of your own may keep k states at each point for its derivatives.
_NUMBERS_AT_ONCE = 2**25

# Of a slope in the step size, divided by a small eigenvalue, for each square root of the condition;
# up to 0.2 eps were seen.
_ROOT_ROUNDING = 4 * np.finfo(np.float64).eps

# Steps of a method whose gradients are counted; later ones are taken to be like these.
_N_COUNTED = 1001


def residual_supremum(case: Case) -> Supremum:
    """Bound the largest absolute value of r_k."""
    return _in_parts(case, lambda part: _supremum(part, _residual, 0))


def residual_at_few_eigenvalues(case: Case) -> Array:
    """Return the largest absolute value of r_k at a few points, for each row."""
    t = points(case.mu, case.L, 16)[None]
    largest: Array = np.nan_to_num(np.abs(_residual(case, t)), nan=np.inf).max(axis=1)
    return largest


def filter_supremum(case: Case) -> Supremum:
    """Bound the largest absolute value of q_k."""
    return _in_parts(case, lambda part: _supremum(part, _filter, 0))


def filter_lipschitz(case: Case) -> Supremum:
    """Bound the operator-Lipschitz constant of q_k."""

    def bound(part: Case) -> Supremum:
        return operator_lipschitz(_slope(part), _degree(part), part.mu, part.L)

    return _in_parts(case, bound)


def sensitivity_supremum(case: Case) -> Supremum:
    """Bound the norm of the derivative of q_k with respect to the step size(s)."""
    if case.phi is None:
        zeros = np.zeros(len(case.k))
        return Supremum(zeros, zeros, np.full(len(case.k), case.mu))
    rounding = _ROOT_ROUNDING * float(np.sqrt(case.L / case.mu))
    if not isinstance(case.phi, PerIteration):
        return _in_parts(case, lambda part: _supremum(part, _step_size_slope, 0, rounding))
    # The norm of the gradient is no polynomial, but its square is.
    squared = _in_parts(
        case, lambda part: _supremum(part, _squared_gradient, _degree(part), 2.0 * rounding)
    )
    return Supremum(np.sqrt(squared.attained), np.sqrt(squared.certified), squared.point)


def _supremum(
    part: Case, p: Callable[[Case, Array], Array], more_degree: int, rounding: float = 0.0
) -> Supremum:
    degree = _degree(part) + more_degree
    return supremum(lambda t: p(part, t), degree, part.mu, part.L, rounding)


def _residual(part: Case, t: Array) -> Array:
    return _evaluated(part, part.algorithm.residual, t)


def _filter(part: Case, t: Array) -> Array:
    return _evaluated(part, part.algorithm.filter, t)


def _slope(part: Case) -> Callable[[Array], Array]:
    return lambda t: _evaluated(part, part.algorithm.filter_derivative, t, wrt="t")


def _step_size_slope(part: Case, t: Array) -> Array:
    # Of the residual, because the filter's own derivative has no digits left once k is large:
    # it is what remains of terms as large as 1/mu.
    slope = _evaluated(part, part.algorithm.residual_derivative, t, wrt="step_size")
    return -slope / t


def _squared_gradient(part: Case, t: Array) -> Array:
    gradient = _evaluated(part, part.algorithm.residual_derivative, t, wrt="step_size")
    total: Array = ((gradient / t) ** 2).sum(axis=0)
    return total


def _evaluated(part: Case, function: Callable[..., Any], t: Array, **options: Any) -> Array:
    k = part.k[:, None]
    phi = part.phi[:, None] if isinstance(part.phi, np.ndarray) else part.phi
    with np.errstate(over="ignore", invalid="ignore"):
        values: Array = function(t, k, phi, part.mu, part.L, **options)
    return values


def _degree(part: Case) -> int:
    """Return a bound of the degree in t of r_k at the largest k."""
    phi = part.phi if isinstance(part.phi, PerIteration) else 1.0 / part.L
    return _count_gradients(part.algorithm, int(part.k.max()), phi, part.mu, part.L)


@lru_cache(maxsize=256)
def _count_gradients(algorithm: Algorithm, k: int, phi: Any, mu: float, L: float) -> int:
    """Count how often k steps ask for the gradient: t enters the recurrence nowhere else."""
    if k > _N_COUNTED and not isinstance(phi, PerIteration):
        first, later = (_count_gradients(algorithm, n, phi, mu, L) for n in (1, _N_COUNTED))
        return first + -((later - first) // -(_N_COUNTED - 1)) * (k - 1)
    calls = 0

    def product(y: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return mu * y

    energy = OperatorQuadratic(product, -torch.ones(1, 1, dtype=torch.float64))
    last_iterate(algorithm, Problem(energy, mu, L), k, phi)
    return calls


def _in_parts(case: Case, bound: Callable[[Case], Supremum]) -> Supremum:
    """Bound the rows of a case in parts of similar k, small enough for memory."""
    results = np.empty((3, len(case.k)))
    for rows in _parts(case.k):
        phi = case.phi[rows] if isinstance(case.phi, np.ndarray) else case.phi
        results[:, rows] = bound(replace(case, k=case.k[rows], phi=phi))
    attained, certified, point = results
    # Before the first step nothing was computed, so nothing was rounded.
    return Supremum(attained, np.where(case.k == 0, attained, certified), point)


def _parts(k: Array) -> Iterator[Array]:
    order = np.argsort(k, kind="stable")
    while len(order):
        # The last of a part has the largest k, to which all rows of it are run.
        largest = k[order].astype(float) + 1.0
        fits = np.arange(1, len(order) + 1) * largest**2 <= _NUMBERS_AT_ONCE
        # Doubling k within a part would cost the small ones more than a part of their own.
        fits &= largest <= 4.0 * largest[0]
        length = max(int(fits.sum()), 1)
        yield order[:length]
        order = order[length:]
