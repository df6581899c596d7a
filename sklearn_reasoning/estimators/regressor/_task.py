"""What one fit of the regressor trains, and the net that it goes on from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from sklearn_reasoning._support.random_state import seed_of
from sklearn_reasoning.training import Architecture, ModelNet, Rows, TrainingTask

from ._architecture import architecture_of, hold_out, settings_of


def task_of(
    estimator: Any, rows: Rows, dtype: torch.dtype, hold_out: Callable[..., Any] = hold_out
) -> TrainingTask:
    """Return what ``fit`` trains on rows that were read."""
    architecture = architecture_of(estimator)
    seed = seed_of(estimator.random_state)
    rows, validation = hold_out(estimator, rows, seed)
    settings = settings_of(estimator, len(rows.y), seed)
    return TrainingTask(architecture, settings, rows, validation, dtype, estimator.device)


def net_to_go_on_from(estimator: Any, architecture: Architecture, what: str) -> ModelNet:
    """Return the fitted net, if what the parameters ask for now still fits it.

    A ValueError that names ``what`` goes on if it does not.
    """
    net: ModelNet = estimator.net_
    step_size = net.module_.step_size
    n_sizes = (estimator.k,) if estimator.step_size_per_iteration else ()
    if net.module_.architecture != architecture or (
        step_size is not None and step_size.shape[1:] != n_sizes
    ):
        raise ValueError(
            f"{what} goes on from the last fit and needs its shapes; columns, outputs or a "
            "parameter that changes them are now different. Use clone() to begin anew."
        )
    return net
