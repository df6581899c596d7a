"""How many steps a wanted accuracy takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from sklearn_reasoning.algorithms import Algorithm, PerIteration
from sklearn_reasoning.penalties import Penalty

from ._analyses import analysis_of
from ._analysis import Analysis
from ._arguments import Case, resolve
from ._chebyshev_series import Array

_LARGEST_K = 2**16

# Up to here every k is looked at: the first steps may come near the minimiser and leave it again.
_EACH_UP_TO = 2**10
_FIRST_BLOCK = 2**6


def steps_needed(
    algo: str | Algorithm,
    accuracy: float,
    step_size: Any = None,
    mu: float = 0.1,
    L: float = 1.0,
    *,
    any_start: bool = False,
    penalty: Penalty | None = None,
) -> int | None:
    """Return how many steps leave at most a fraction of the distance to the minimiser.

    Parameters
    ----------
    algo : str or Algorithm
        A name of :func:`~sklearn_reasoning.algorithms.list_algorithms` or an instance.
    accuracy : float
        The wanted bound of Cvg (Eq. 6), a positive fraction of the distance.
    step_size : float, PerIteration, mapping or None, default=None
        As for :func:`convergence`, but a single one.
    mu, L : float, default=0.1 and 1.0
        Bounds of the spectrum of Q.
    any_start : bool, default=False
        As for :func:`convergence`: whether it has to be enough from every start.
    penalty : Penalty or None, default=None
        As for :func:`convergence`.

    Returns
    -------
    int or None
        The smallest k whose certified Cvg is at most ``accuracy``; above 1,024, for methods
        whose error may grow on the way, a k at which it is and before which it is not. None if
        65,536 steps, or those that have a step size, are not enough, or if nothing is proven.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> steps_needed("gd", 0.01, step_size=1.0, mu=0.1, L=1.0)  # 0.9^44 < 0.01
    44
    >>> steps_needed("nag", 0.01, step_size=1.0, mu=0.1, L=1.0)
    17
    """
    if not (isinstance(accuracy, Real) and 0.0 < accuracy < float("inf")):
        raise ValueError(f"accuracy={accuracy!r} must be a positive number.")
    case = resolve(algo, 0, step_size, mu, L)
    if len(case.k) != 1:
        raise ValueError(f"step_size={step_size!r} must be a single one.")
    analysis = analysis_of(case.algorithm, penalty)
    if any_start:
        analysis = analysis.from_any_start()
    largest = min(_LARGEST_K, len(case.phi)) if isinstance(case.phi, PerIteration) else _LARGEST_K

    found, each = None, min(largest, _EACH_UP_TO)
    if isinstance(case.phi, PerIteration):  # the sizes to come may do anything
        each = largest
    for block in _blocks(each):
        if (found := _first_of(block, analysis, case, accuracy)) is not None or block[
            -1
        ] == largest:
            return found

    # What a few eigenvalues show is cheap, and rules out all but the last of the candidates.
    def possible(k: int) -> bool:
        return bool(analysis.shown_convergence(_at(case, k)) <= accuracy)

    def proven(k: int) -> bool:
        return possible(k) and bool(analysis.convergence_bound(_at(case, k)) <= accuracy)

    candidate = _first(possible, each + 1, largest)
    return None if candidate is None else _first(proven, candidate, largest)


def _blocks(largest: int) -> Iterator[Array]:
    """Yield 0, ..., largest in blocks that grow, since a larger k costs more."""
    begin, end = 0, _FIRST_BLOCK
    while begin <= largest:
        yield np.arange(begin, min(end, largest + 1))
        begin, end = end, 2 * end


def _first_of(ks: Array, analysis: Analysis, case: Case, accuracy: float) -> int | None:
    """Return the first of some k whose bound is at most the accuracy."""
    candidates = ks[
        analysis.shown_convergence(replace(case, k=ks, phi=_repeated(case, ks))) <= accuracy
    ]
    length = 1
    while len(candidates):
        some, candidates = candidates[:length], candidates[length:]
        bounds = analysis.convergence_bound(replace(case, k=some, phi=_repeated(case, some)))
        if (bounds <= accuracy).any():
            return int(some[(bounds <= accuracy).argmax()])
        length *= 2
    return None


def _repeated(case: Case, ks: Array) -> Any:
    """Return the step sizes of a case of one k for several."""
    return np.full(ks.shape, case.phi) if isinstance(case.phi, np.ndarray) else case.phi


def _at(case: Case, k: int) -> Case:
    return replace(case, k=np.array([k]))


def _first(holds: Callable[[int], bool], smallest: int, largest: int) -> int | None:
    """Return the first k of a range from which on something holds, by doubling and bisection."""
    below, k = smallest - 1, smallest
    while not holds(k):
        if k == largest:
            return None
        below, k = k, min(2 * k - smallest + 1, largest)
    while k - below > 1:
        middle = (below + k) // 2
        below, k = (below, middle) if holds(middle) else (middle, k)
    return k
