r"""Suprema and operator-Lipschitz constants of polynomials on [mu, L], from samples.

A polynomial of degree at most n is its Chebyshev series :math:`p = \sum_{j \le n} c_j T_j` in
the map of [mu, L] onto [-1, 1]; the series follows from n + 1 samples. From it

.. math::
    \max_{[\mu, L]} |p| \le \sum_j |c_j|, \qquad
    \max_{[\mu, L]} |p| \le \frac{\max_i |p(t_i)|}{\cos(\pi n / 2N)},

the second for N + 1 Chebyshev points (Ehlich and Zeller 1964). With :math:`p' = \sum_j u_j U_j`
in polynomials of the second kind and symmetric Q, Q' with spectra in [mu, L]

.. math:: \|p(Q) - p(Q')\|_2 \le \sum_j (j + 1) |u_j| \; \|Q - Q'\|_2 .

The documentation proves all three (docs/theory.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

# The relative error of a sample, with a margin: samples at k = 1000 and condition 1e6 were
# within 2e-13 of 60-digit arithmetic.
_ROUNDING = 1024 * np.finfo(np.float64).eps

# A rounding of 1 - phi t is that of another t, as far from it as the rounding of L. By Markov's
# inequality it changes a polynomial by 2 n^2 / (L - mu) times as much; with a margin.
_MARKOV = 16 * np.finfo(np.float64).eps

# Below this share of L, that is not worth much: the polynomial is bounded on an interval wider by
# the roundings at its ends.
_NARROW = 1e-3
_WIDER = 16 * np.finfo(np.float64).eps

# A sum of coefficients within this of an attained value is not worth a finer grid.
_TIGHT = 1e-6

# Points of the fine grid: at least so many for each degree, as 1 / cos(pi / 72) is 1.00095.
_OVERSAMPLING = 36
_N_FINE = 2**14


class Supremum(NamedTuple):
    """Bounds of the supremum of |p|, one for each of m polynomials.

    |p| is ``attained`` at ``point``; ``certified`` is an upper bound.
    """

    attained: Array
    certified: Array
    point: Array


def points(mu: float, L: float, n: int) -> Array:
    """Return the n + 1 Chebyshev points of [mu, L], both ends included, in rising order."""
    # From mu upwards without cancellation: small eigenvalues keep their digits.
    t = mu + (L - mu) * np.sin(np.linspace(0.0, 0.5 * np.pi, n + 1)) ** 2
    t[-1] = L
    return t


def coefficients(values: Array) -> Array:
    """Return the Chebyshev coefficients of samples at :func:`points`, along the last axis."""
    n = values.shape[-1] - 1
    even = np.concatenate([values, values[..., -2:0:-1]], axis=-1)
    c = np.fft.rfft(even, axis=-1).real / n
    c[..., 0] *= 0.5
    c[..., -1] *= 0.5
    return c


def samples(c: Array, n: int) -> Array:
    """Return the values at n + 1 :func:`points` of series no longer than that."""
    spectrum = np.zeros((*c.shape[:-1], n + 1))
    spectrum[..., : c.shape[-1]] = n * c
    spectrum[..., 0] *= 2.0
    spectrum[..., -1] *= 2.0
    return np.fft.irfft(spectrum, 2 * n, axis=-1)[..., : n + 1]


def supremum(
    p: Callable[[Array], Array], degree: int, mu: float, L: float, rounding: float = 0.0
) -> Supremum:
    """Bound the suprema of m polynomials over [mu, L], none of a higher ``degree``.

    ``p`` maps points of shape (m, j) or (1, j) to values of shape (m, j), with a relative error of
    ``rounding`` beyond that of every such sample. ``certified / attained`` is at most 1.001, but
    for rounding.
    """
    values = p(_nodes(degree, mu, L)[None])
    found = _supremum(p, values, degree, mu, L, rounding)
    if not degree or L - mu >= _NARROW * L:
        return found
    low, high = mu * (1.0 - _WIDER), L * (1.0 + _WIDER)
    wider = _supremum(p, p(_nodes(degree, low, high)[None]), degree, low, high, rounding)
    return found._replace(certified=np.maximum(found.certified, wider.certified))


def _nodes(degree: int, mu: float, L: float) -> Array:
    return points(mu, L, max(degree, 1))


def _supremum(
    p: Callable[[Array], Array],
    values: Array,
    degree: int,
    mu: float,
    L: float,
    rounding: float = 0.0,
) -> Supremum:
    """Bound the suprema of polynomials whose values at :func:`_nodes` are known."""
    n = max(degree, 1)
    nodes = _nodes(degree, mu, L)
    point = nodes[np.abs(values).argmax(axis=1)]
    attained = np.abs(values).max(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        c = coefficients(values)
        moved = _MARKOV * n**2 * (L / max(L - mu, _NARROW * L))
        allowance = (_ROUNDING * (n + 1) + moved + rounding) * attained
        certified = np.abs(c).sum(axis=1) + allowance
        loose = certified > (1.0 + _TIGHT) * attained + allowance
    if loose.any():
        fine = max(_OVERSAMPLING * n, _N_FINE)
        with np.errstate(invalid="ignore", over="ignore"):
            finer, place = _largest_sample(c[loose], fine)
            bound = finer / np.cos(0.5 * np.pi * degree / fine) + allowance[loose]
        certified[loose] = np.minimum(certified[loose], bound)
        candidates = point.copy()
        candidates[loose] = points(mu, L, fine)[place]
        # The samples come from a series; what is called attained is p itself.
        found = np.abs(p(candidates[:, None]))[:, 0]
        better = found > attained
        point, attained = np.where(better, candidates, point), np.where(better, found, attained)
    return _finite(attained, certified, point)


def _largest_sample(c: Array, n: int) -> tuple[Array, Array]:
    """Return the largest |sample| of each series and its index, a few series at a time."""
    length = max(2**20 // n, 1)
    parts = [np.abs(samples(c[i : i + length], n)) for i in range(0, len(c), length)]
    return (
        np.concatenate([part.max(axis=1) for part in parts]),
        np.concatenate([part.argmax(axis=1) for part in parts]),
    )


def operator_lipschitz(
    slope: Callable[[Array], Array], degree: int, mu: float, L: float
) -> Supremum:
    """Bound the operator-Lipschitz constants over [mu, L] of polynomials, from their derivatives.

    These, none of a higher ``degree``, are as for :func:`supremum`. ``attained`` is the largest
    slope, which Q = t I and a Q' close to it come near to.
    """
    values = slope(_nodes(degree, mu, L)[None])
    largest = _supremum(slope, values, degree, mu, L)
    n = max(degree, 1)
    with np.errstate(invalid="ignore", over="ignore"):
        d = np.pad(coefficients(values), ((0, 0), (0, 2)))
        u = 0.5 * (d[:, :-2] - d[:, 2:])
        u[:, 0] += 0.5 * d[:, 0]
        order = np.arange(1, n + 2)
        allowance = _ROUNDING * order.sum() * largest.attained
        certified = np.abs(u) @ order + allowance
    return _finite(largest.attained, certified, largest.point)


def _finite(attained: Array, certified: Array, point: Array) -> Supremum:
    """Put what double precision can say in the place of values that overflowed."""
    # A series may overflow where its polynomial does not: then only the bound is lost.
    bounded = np.isfinite(attained) & np.isfinite(certified)
    attained = np.where(np.isfinite(attained), attained, np.finfo(np.float64).max)
    certified = np.where(bounded, np.maximum(certified, attained), np.inf)
    return Supremum(attained, certified, point)
