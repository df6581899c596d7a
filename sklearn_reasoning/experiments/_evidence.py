"""Tests over repetitions, and what follows from them.

A part of a claim is tested at 0.01. A claim of several parts holds if all of them do.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sklearn_reasoning.inspection import rank_correlation

from ._measurements import Matrix

ALPHA = 0.01

HOLDS, IN_PART, FAILS = "holds", "holds in part", "does not hold"
UNDECIDED, NOT_TESTABLE = "undecided", "not testable"


class Part(NamedTuple):
    """A part of a claim: its verdict, what was found, and a p-value."""

    verdict: str
    found: str
    p_value: float | None


def combine(parts: Sequence[Part]) -> Part:
    """Join the parts of a claim, all of which it asserts.

    All hold: it holds. Some hold, or hold in part: it holds in part. None, and one is refuted:
    it does not hold. All are undecided: so is the claim. A part that cannot be tested leaves it
    not testable. The p-value is the largest of the parts that decide: those that hold, wholly or in
    part, those that are refuted where the claim does not hold, and all where nothing decides.
    """
    verdicts = {part.verdict for part in parts}
    found = " ".join(part.found for part in parts)
    if not parts or NOT_TESTABLE in verdicts:
        return Part(NOT_TESTABLE, found, None)
    if verdicts == {UNDECIDED}:
        verdict, deciding = UNDECIDED, verdicts
        found = f"The repetitions do not decide (no p below {ALPHA:g}). {found}"
    elif verdicts & {HOLDS, IN_PART}:
        verdict, deciding = HOLDS if verdicts == {HOLDS} else IN_PART, {HOLDS, IN_PART}
    else:
        verdict, deciding = FAILS, {FAILS}
    p_values = [part.p_value for part in parts if part.verdict in deciding]
    return Part(verdict, found, max((p for p in p_values if p is not None), default=None))


def mean_and_p(values: Matrix) -> tuple[float, float]:
    """Return the mean and the two-sided p of a one-sample t-test against 0; NaN is left out.

    Of paired differences this is the paired t-test. Wilcoxon's test is not used: of ten
    repetitions its smallest p is 0.002, which Holm's correction over nine k lifts above 0.01.
    NaN and NaN without values; a p of NaN with a single one. Values without any spread get the p
    of the sign test, 2^(1 - n).
    """
    values = values[np.isfinite(values)]
    n = len(values)
    if n == 0:
        return np.nan, np.nan
    mean = float(values.mean())
    if n == 1:
        return mean, np.nan
    error = float(values.std(ddof=1)) / np.sqrt(n)
    # Rounding alone gives equal differences a spread.
    if error <= 1e-12 * abs(mean) or error == 0.0:
        return mean, 1.0 if mean == 0.0 else 2.0 ** (1 - n)
    return mean, float(2.0 * special.stdtr(n - 1, -abs(mean) / error))


def holm(p_values: Iterable[float]) -> Matrix:
    """Return p-values adjusted for their number by Holm's step-down method."""
    p = np.asarray(list(p_values), dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    result = np.empty_like(p)
    result[order] = adjusted
    return result


def below(low: Matrix, high: Matrix, k: Sequence[int], names: tuple[str, str]) -> Part:
    """Test at each k that one algorithm is below another in the same repetitions.

    Matrices have a row a repetition and a column a k. Holds: significantly below at every k; since
    every one is needed, their p-values are not adjusted. In part: significantly below at some k
    (Holm over k), and undecided or above at others. Does not hold: significantly above at some k,
    and significantly below at none.
    """
    # Where both of a pair are infinite the matrices hold NaN, so that no difference is invalid.
    tested = [(steps, *mean_and_p(d)) for steps, d in zip(k, (low - high).T, strict=True)]
    tested = [entry for entry in tested if not np.isnan(entry[2])]
    first, second = names
    if not tested:
        return Part(NOT_TESTABLE, f"No two repetitions of {first} and {second} to compare.", None)
    steps = [entry[0] for entry in tested]
    means, unadjusted = (np.array([entry[i] for entry in tested]) for i in (1, 2))
    p = holm(unadjusted)
    is_below = means < 0.0
    significant = p < ALPHA
    right, wrong = significant & is_below, significant & (means > 0.0)
    holds = bool((is_below & (unadjusted < ALPHA)).all())
    found = f"{first} is below {second} at {int(is_below.sum())} of {len(steps)} k"
    if holds:
        found += f", significantly at each (the largest {show_p(unadjusted.max())})"
    else:
        found += f", significantly at {int(right.sum())} (the smallest {show_p(p.min())}, Holm)"
    if not is_below.all():
        found += f"; not below at {_listed(steps, ~is_below)}"
        found += f", significantly above at {_listed(steps, wrong)}" if wrong.any() else ""
    found += f". Mean of {first} - {second} over these k: {means.mean():+.3g}."
    if holds:
        return Part(HOLDS, found, float(unadjusted.max()))
    if right.any():
        return Part(IN_PART, found, float(p[right].min()))
    return Part(FAILS if wrong.any() else UNDECIDED, found, float(p.min()))


def trend(values: Matrix, k: Sequence[int], name: str, *, rises: bool) -> Part:
    """Test that values, a row a repetition, rise or fall with k.

    Each repetition has a least-squares slope against the place of k in the list; their mean is
    tested. With a significant turn, an inner k beyond an end in the wrong direction, a
    significant slope holds in part.
    """
    values, steps = _usable(values, k)
    if len(steps) < 2:
        return Part(NOT_TESTABLE, f"{name}: needs two k and two repetitions.", None)
    slope, p = mean_and_p(_slopes(values))
    if np.isnan(p):
        return Part(NOT_TESTABLE, f"{name}: needs two repetitions with two k each.", None)
    sign = 1.0 if rises else -1.0
    means = np.nanmean(values, axis=0)
    found = (
        f"{name}: from {means[0]:.3g} at k = {steps[0]} to {means[-1]:.3g} at k = {steps[-1]}, "
        f"mean slope {slope:+.2g} from one k to the next ({show_p(p)})"
    )
    turn = _turn(sign * values, steps)
    if turn is not None:
        found += f", but {'down' if rises else 'up'} {turn[0]} ({show_p(turn[1])}, Holm)"
    found += "."
    if p < ALPHA and sign * slope > 0.0:
        return Part(HOLDS if turn is None else IN_PART, found, p)
    if p < ALPHA or turn is not None:
        return Part(FAILS, found, min(p, turn[1]) if turn is not None else p)
    return Part(UNDECIDED, found, p)


def peak(values: Matrix, k: Sequence[int], name: str) -> Part:
    """Test that values, a row a repetition, rise and then fall: a maximum strictly inside the k.

    Each inner k is tested against both ends, and has the larger p of the two. Holds: above both
    ends at some inner k, significantly (Holm over the inner k). Does not hold: every inner k is
    significantly below the same end. Undecided else: a rise whose fall is not significant is no
    peak yet, and the other way round.
    """
    values, steps = _usable(values, k)
    if len(steps) < 3:
        return Part(NOT_TESTABLE, f"{name}: needs three k and two repetitions.", None)
    means, p = _inner_against_ends(values)
    is_above = np.all(means > 0.0, axis=0)
    over_both = holm(np.where(is_above, p.max(axis=0), 1.0))
    under_all = np.where(means < 0.0, p, 1.0).max(axis=1)
    heights = np.nanmean(values, axis=0)
    top = int(np.argmax(heights[1:-1]))
    best = int(np.argmin(over_both)) if over_both.min() < ALPHA else top
    found = (
        f"{name}: the largest mean inside the range is {heights[1 + top]:.3g}, at "
        f"k = {steps[1 + top]}; k = {steps[1 + best]} differs by {means[0, best]:+.3g} from "
        f"k = {steps[0]} and by {means[1, best]:+.3g} from k = {steps[-1]} "
        f"(above both: {show_p(over_both[best])}, Holm)."
    )
    if over_both.min() < ALPHA:
        return Part(HOLDS, found, float(over_both.min()))
    refuted = float(holm(under_all).min())
    if refuted < ALPHA:
        end = steps[0 if under_all[0] < under_all[1] else -1]
        return Part(FAILS, f"{found} All inner k are below k = {end} ({show_p(refuted)}).", refuted)
    rise, fall = (float(holm(row).min()) for row in np.where(means > 0.0, p, 1.0))
    found += f" Of the two, the rise has {show_p(rise)}, the fall {show_p(fall)} (Holm)."
    return Part(UNDECIDED, found, float(over_both.min()))


def follows(values: Matrix, reference: Matrix, name: str) -> Part:
    """Test that values are ordered as a reference is: a rank correlation a repetition, or row."""
    correlations = np.array([_rank_correlation(row, reference) for row in values])
    mean, p = mean_and_p(correlations)
    if np.isnan(p):
        return Part(NOT_TESTABLE, f"{name}: needs two k and two repetitions.", None)
    found = f"{name}: rank correlation {mean:+.2f} ({show_p(p)})."
    if p >= ALPHA:
        return Part(UNDECIDED, found, p)
    return Part(HOLDS if mean > 0.0 else FAILS, found, p)


def show_p(p: float) -> str:
    """Return a p-value as it is printed."""
    return f"p = {p:.2g}" if p >= 1e-99 else "p < 1e-99"


def _listed(steps: Sequence[int], chosen: NDArray[np.bool_]) -> str:
    names = ", ".join(str(k) for k, is_chosen in zip(steps, chosen, strict=True) if is_chosen)
    return f"k = {names}"


def _usable(values: Matrix, k: Sequence[int]) -> tuple[Matrix, list[int]]:
    """Return the columns that two or more repetitions have."""
    usable = np.isfinite(values).sum(axis=0) >= 2
    return values[:, usable], [steps for steps, keep in zip(k, usable, strict=True) if keep]


def _slopes(values: Matrix) -> Matrix:
    slopes = np.full(len(values), np.nan)
    for i, row in enumerate(values):
        places = np.flatnonzero(np.isfinite(row))
        if len(places) > 1:
            centred = places - places.mean()
            slopes[i] = centred @ row[places] / (centred @ centred)
    return slopes


def _inner_against_ends(values: Matrix) -> tuple[Matrix, Matrix]:
    """Return mean and p of each inner k minus the first and minus the last k.

    Both have the shape (2, n_k - 2). Where no two repetitions have both, the p is 1.
    """
    inner = values[:, 1:-1]
    tests = [[mean_and_p(d) for d in (inner - values[:, [end]]).T] for end in (0, -1)]
    found = np.array(tests)
    return found[..., 0], np.where(np.isnan(found[..., 1]), 1.0, found[..., 1])


def _turn(values: Matrix, steps: Sequence[int]) -> tuple[str, float] | None:
    """Return where values that should rise turn down, and the p of it, None if nowhere.

    That is an inner k significantly above the last, or below the first (Holm over all).
    """
    if len(steps) < 3:
        return None
    means, p = _inner_against_ends(values)
    against = np.stack([means[0] < 0.0, means[1] > 0.0])
    adjusted = holm(np.where(against, p, 1.0).ravel()).reshape(p.shape)
    if adjusted.min() >= ALPHA:
        return None
    end, place = divmod(int(np.argmin(adjusted)), p.shape[1])
    between = (steps[0], steps[1 + place]) if end == 0 else (steps[1 + place], steps[-1])
    size = abs(means[end, place])
    return f"from k = {between[0]} to {between[1]} by {size:.2g}", float(adjusted.min())


def _rank_correlation(row: Matrix, reference: Matrix) -> float:
    both = np.isfinite(row) & np.isfinite(reference)
    if both.sum() < 2:
        return np.nan
    found = rank_correlation(row[both], reference[both])
    return 0.0 if np.isnan(found) else found  # what never changes follows nothing
