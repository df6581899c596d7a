r"""The supremum of the sensitivity over a range of step sizes, Sens(k).

An algorithm's ``sensitivity_rate`` bounds the sensitivity in an interval of step sizes by that at
its upper end. The range is bisected until the bounds of all its intervals are within a half per
cent of what is attained at their ends.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ._arguments import Case
from ._chebyshev_series import Array, Supremum
from ._polynomial import sensitivity_supremum

_CLOSE = 1.005
_N_FIRST = 8
_MAX_BISECTIONS = 60
_N_SAMPLED = 33

# Reached only where the values at most of the step sizes underflow.
_MOST_INTERVALS = 512

# Added to a bound that underflowed, so that its product with a large ratio still is a bound.
_TINY = 1e-300


def sensitivity_over_range(case: Case, low: float, high: float) -> Supremum:
    """Bound the sensitivity at all step sizes in [low, high], 0 < low, for each k of a case.

    The step sizes of the case are not used. ``certified`` is inf where an end has no rate.
    """
    rows, which = np.unique(case.k, return_inverse=True)
    results = np.array([_one(replace(case, k=np.array([k])), low, high) for k in rows])
    return Supremum(*results.T[:, which.ravel()]) if len(rows) else Supremum(*np.empty((3, 0)))


def _one(case: Case, low: float, high: float) -> tuple[float, float, float]:
    k = int(case.k[0])
    if not _has_rate(case, low, high):
        local = _local(case, np.geomspace(low, high, _N_SAMPLED))
        best = local.attained.argmax()
        return float(local.attained[best]), np.inf, float(local.point[best])
    ends = np.geomspace(low, high, _N_FIRST + 1) if low < high else np.array([low, high])
    ends[0], ends[-1] = low, high
    local = _local(case, ends)
    lows, highs, at_highs = ends[:-1], ends[1:], local.certified[1:]
    best = local.attained.argmax()
    attained, point = float(local.attained[best]), float(local.point[best])
    certified = float(local.certified.max())
    # Nothing is left at k = 0, or far below the smallest number. With one eigenvalue the
    # sensitivity is a constant times a power of the rate, which is largest at an end.
    if attained == 0.0 or case.mu == case.L:
        return attained, certified, point
    for _ in range(_MAX_BISECTIONS):
        bounds = _bounds(case, k, lows, highs, at_highs)
        open_ = bounds > _CLOSE * attained
        certified = max(certified, bounds[~open_].max(initial=0.0))
        lows, highs, at_highs = lows[open_], highs[open_], at_highs[open_]
        if not len(lows):
            return attained, certified, point
        if len(lows) > _MOST_INTERVALS:
            break
        middles = np.sqrt(lows * highs)
        local = _local(case, middles)
        best = local.attained.argmax()
        if local.attained[best] > attained:
            attained, point = float(local.attained[best]), float(local.point[best])
        certified = max(certified, float(local.certified.max()))
        lows, highs = np.concatenate([lows, middles]), np.concatenate([middles, highs])
        at_highs = np.concatenate([local.certified, at_highs])
    rest = _bounds(case, k, lows, highs, at_highs).max()
    return attained, max(certified, float(rest)), point


def _has_rate(case: Case, low: float, high: float) -> bool:
    """Return whether a rate is known at both ends; then it is known in between."""
    rates = [case.algorithm.sensitivity_rate(end, case.mu, case.L) for end in (low, high)]
    return not any(rate is None or np.isnan(rate) for rate in rates)


def _local(case: Case, step_sizes: Array) -> Supremum:
    k = np.broadcast_to(case.k, step_sizes.shape)
    return sensitivity_supremum(replace(case, k=k, phi=step_sizes))


def _bounds(case: Case, k: int, lows: Array, highs: Array, at_highs: Array) -> Array:
    """Return the bounds of intervals, from certified values at their upper ends."""
    rates = np.array([case.algorithm.sensitivity_rate(x, case.mu, case.L) for x in (lows, highs)])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_ratio = np.maximum(np.log(rates[0]) - np.log(rates[1]), 0.0)
        bounds = np.exp((k - 1) * log_ratio + np.log(at_highs + _TINY))
    # Where the rate at the upper end is 0, it says nothing of the others.
    return np.where(np.isfinite(bounds), bounds, np.inf)
