"""The rates and optimisers that a study selects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._tables import Table, table_of


def selected(
    candidates: Sequence[Mapping[str, Any]],
    model: Sequence[str],
    losses: NDArray[Any],
    measured: Mapping[str, NDArray[Any]],
    first: int = 0,
) -> Table:
    """Return a row for each model and repetition: the candidate with the smallest of the losses.

    ``model`` names what tells the models of candidates apart besides ``optimizer`` and ``lr``.
    Losses and what was measured, with ``train_loss`` and ``population_loss`` at the front, are of
    shape (n_candidates, n_repetitions), the first of which has the number ``first``. A RuntimeError
    if all candidates of a model and repetition diverged.
    """
    rows = []
    of_models: dict[tuple[Any, ...], list[int]] = {}
    for i, candidate in enumerate(candidates):
        of_models.setdefault(tuple(candidate[name] for name in model), []).append(i)
    for key, among in of_models.items():
        for repetition in range(losses.shape[1]):
            own = losses[among, repetition]
            if np.isnan(own).all():
                named = sorted(zip(model, key, strict=True))
                which = ", ".join(f"{name}={v!r}" for name, v in named)
                lrs = tuple(dict.fromkeys(candidates[i]["lr"] for i in among))
                raise RuntimeError(
                    f"all trainings of {which} diverged in repetition {first + repetition}: try "
                    f"smaller lrs={lrs}."
                )
            best = among[int(np.nanargmin(own))]
            train, population, *others = (float(v[best, repetition]) for v in measured.values())
            how = candidates[best]["optimizer"], candidates[best]["lr"]
            gap = population - train
            rows.append((*key, first + repetition, *how, train, population, gap, *others))
    _, _, *more = measured
    names = (*model, "repetition", "optimizer", "lr", "train_loss", "population_loss", "gap", *more)
    return table_of(names, rows)
