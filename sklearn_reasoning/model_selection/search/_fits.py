"""The fits of a search: which there are, and how they are put into stacks."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from sklearn.base import clone

from sklearn_reasoning.training import LARGEST_STACK

from ._stackable import find_regressor, likely_stack, why_not_stacked

# Bytes of training rows in a stack, of which training holds several copies.
_LARGEST_ROWS = 2**25


@dataclass(frozen=True)
class Fit:
    """One fit of a search, of one of the splits of ``cv``.

    Its index is its place among all fits of the search: by candidate, then restart, then fold.
    Restart 0 has the seeds of the estimator.
    """

    index: int
    parameters: dict[str, Any]
    repeat: int
    fold: int


def candidate_estimator(base: Any, parameters: dict[str, Any]) -> Any:
    """Return a clone of the estimator of a search with the parameters of a candidate.

    They may be estimators that other candidates share.
    """
    return clone(base).set_params(**clone(parameters, safe=False))


def restarted(candidate: Any, repeat: int) -> Any:
    """Return a clone of a candidate's estimator with the seeds of a restart."""
    estimator = clone(candidate)
    return estimator.set_params(**_restart_seeds(estimator, repeat)) if repeat else estimator


def expand(candidates: Sequence[dict[str, Any]], n_repeats: int, n_folds: int) -> list[Fit]:
    """Return the fits of every candidate, restart and fold."""
    places = (
        (parameters, repeat, fold)
        for parameters in candidates
        for repeat in range(n_repeats)
        for fold in range(n_folds)
    )
    return [Fit(i, *place) for i, place in enumerate(places)]


def has_seed(estimator: Any) -> bool:
    """Return whether an estimator has a ``random_state`` for restarts to change."""
    return any(_is_seed(name) for name in estimator.get_params(deep=True))


def _restart_seeds(estimator: Any, repeat: int) -> dict[str, int]:
    """Return new values for every ``random_state``, functions of the old ones and ``repeat``."""
    seeds = {}
    for name, value in estimator.get_params(deep=True).items():
        if not _is_seed(name):
            continue
        if isinstance(value, np.random.RandomState):
            value = copy.deepcopy(value).randint(2**31 - 1)
        elif not isinstance(value, int | np.integer) or value < 0:
            continue  # None is new each time; what is no seed, fit will refuse
        seeds[name] = int(np.random.SeedSequence([int(value), repeat]).generate_state(1)[0] >> 1)
    return seeds


def _is_seed(name: str) -> bool:
    return name == "random_state" or name.endswith("__random_state")


@dataclass(frozen=True)
class Task:
    """Fits that one worker does, as a stack or, where that cannot be, one by one."""

    fits: list[Fit]
    stacked: bool


@dataclass(frozen=True)
class Plan:
    """What is to be done, as tasks that run side by side.

    The tasks are stacks, and fits on their own; the longest first. ``alone`` says how many fits are
    on their own, by the reason.
    """

    tasks: list[Task]
    alone: dict[str, int]


def plan(
    base: Any, fits: Sequence[Fit], n_train: Sequence[int], width: int, n_workers: int
) -> Plan:
    """Put the fits of a search for an estimator into stacks.

    ``n_train`` holds the number of training rows of each fold, ``width`` is the number of columns
    of X and y, ``n_workers`` the number of processes that will share the tasks.
    """
    groups: dict[Hashable, list[tuple[int, int, Fit]]] = defaultdict(list)
    tasks: list[tuple[float, Task]] = []
    alone: dict[str, int] = defaultdict(int)
    for estimator, candidate_fits in _by_candidate(base, fits):
        reason = why_not_stacked(estimator)
        if reason is not None:
            alone[reason] += len(candidate_fits)
            tasks.extend((np.inf, Task([fit], stacked=False)) for fit in candidate_fits)
            continue
        regressor = find_regressor(estimator)
        # Neighbours end together, and equal k are cheaper than unlike ones.
        order = _whole(regressor.max_epochs), _whole(regressor.k)
        stacks = {n: likely_stack(estimator, n) for n in set(n_train)}
        for fit in candidate_fits:
            groups[stacks[n_train[fit.fold]]].append((*order, fit))
    size = _stack_size(sum(map(len, groups.values())), max(n_train, default=1) * width, n_workers)
    for group in groups.values():
        group.sort(key=lambda entry: entry[:2])
        for part in np.array_split(np.arange(len(group)), -(-len(group) // size)):
            stack = [group[i] for i in part]
            epochs, _, _ = stack[-1]
            tasks.append((len(stack) * epochs, Task([fit for _, _, fit in stack], stacked=True)))
    tasks.sort(key=lambda task: -task[0])
    return Plan([task for _, task in tasks], dict(alone))


def _by_candidate(base: Any, fits: Sequence[Fit]) -> Iterator[tuple[Any, list[Fit]]]:
    """Yield each candidate's estimator and fits."""
    for _, group in groupby(fits, key=lambda fit: id(fit.parameters)):
        candidate_fits = list(group)
        yield candidate_estimator(base, candidate_fits[0].parameters), candidate_fits


def _stack_size(n_fits: int, n_numbers: int, n_workers: int) -> int:
    """Return the largest size of a stack, for models with ``n_numbers`` training data each."""
    largest = max(1, min(LARGEST_STACK, _LARGEST_ROWS // (8 * max(n_numbers, 1))))
    # As many rounds as stacks of that size need, and all workers busy in each.
    rounds = max(1, -(-n_fits // (largest * n_workers)))
    return max(1, -(-n_fits // (rounds * n_workers)))


def _whole(value: Any) -> int:
    """Return a whole number as it is, and 0 for what fit will refuse."""
    return int(value) if isinstance(value, int | np.integer) else 0
