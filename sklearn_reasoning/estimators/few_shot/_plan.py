"""What a fit trains, from the parameters of an estimator and the rows of its groups."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

from sklearn_reasoning.estimators._held_out import kept_and_held_out
from sklearn_reasoning.training import ModelNet

from ._episodes import Episodes
from ._groups import GroupedRows
from ._parameters import architecture_of, check_shots, settings_of
from ._scales import Scales
from ._task import FewShotTask


def task_of(
    estimator: Any, rows: GroupedRows, seed: int, dtype: torch.dtype, last: ModelNet | None
) -> FewShotTask:
    """Return what ``fit`` trains.

    Parameters
    ----------
    estimator : FewShotReasoningRegressor
        Its parameters.
    rows : GroupedRows
    seed : int
    dtype : torch.dtype
    last : ModelNet or None
        The net that training goes on from, in whose units it then is.

    Raises
    ------
    ValueError
        If the groups are too few to hold some out, none has more rows than ``shots``, or the last
        net has other shapes.
    """
    train_rows, held_out = _hold_out(estimator, rows, seed)
    architecture = architecture_of(estimator, rows.x.shape[1], rows.y.shape[1])
    settings = settings_of(estimator, len(train_rows.sizes), seed)
    scales = Scales.of(train_rows)
    if last is not None:
        if last.module_.architecture != architecture:
            raise ValueError(
                "warm_start=True goes on from the last fit and needs its shapes; columns or a "
                "parameter that changes them are now different. Use clone() to begin anew."
            )
        scales = Scales.held_by(last.module_)

    def episodes(part: GroupedRows, *, is_fixed: bool) -> Episodes:
        return Episodes(
            scales.standardised(part),
            estimator.shots,
            estimator.cut,
            settings.batch_size,
            seed,
            dtype,
            estimator.device,
            is_fixed=is_fixed,
        )

    return FewShotTask(
        architecture,
        settings,
        scales,
        episodes(train_rows, is_fixed=False),
        None if held_out is None else episodes(held_out, is_fixed=True),
        dtype,
        estimator.device,
    )


def _hold_out(
    estimator: Any, rows: GroupedRows, seed: int
) -> tuple[GroupedRows, GroupedRows | None]:
    if not estimator.early_stopping:
        return rows, None
    n = len(rows.sizes)
    refusal = (
        "early_stopping=True holds out whole groups, and validation_fraction="
        f"{estimator.validation_fraction!r} leaves none to train on, of {n}. Give more groups, or "
        "set early_stopping=False."
    )
    kept, held_out = kept_and_held_out(n, estimator.validation_fraction, seed, refusal)
    parts = rows.take(kept), rows.take(held_out)
    for part, use in zip(parts, ("leaves to train on", "holds out"), strict=True):
        whose = f" that early_stopping=True {use}"
        check_shots(estimator.shots, part, whose, ", or set early_stopping=False")
    return parts


def warn_of_single_rows(rows: GroupedRows, stacklevel: int) -> None:
    """Say which groups cannot be cut."""
    single = [rows.names[i] for i in np.flatnonzero(rows.sizes == 1)]
    if not single:
        return
    named = ", ".join(map(repr, single[:3])) + (", ..." if len(single) > 3 else "")
    warnings.warn(
        f"{len(single)} of {len(rows.sizes)} groups have a single row ({named}): it cannot be cut "
        "into one to adapt to and one to predict, and trains the start alone.",
        UserWarning,
        stacklevel=stacklevel + 1,
    )
