"""The domain of every constructor parameter of the folder, and what they ask for."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_reasoning.estimators._parameters import check_device, check_numbers, check_values
from sklearn_reasoning.matching import MATCHING_ALGORITHMS, matching_algorithm
from sklearn_reasoning.training import ModelSettings, check_callbacks

from ._prior import check_prior
from ._settings import FolderArchitecture

_POSITIVE = Interval(Real, 0, np.inf, closed="neither")
_COUNT = Interval(Integral, 1, None, closed="left")
_COUNT_OR_NONE = Interval(Integral, 0, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "algo": [StrOptions(set(MATCHING_ALGORITHMS))],
    "k": [_COUNT_OR_NONE],
    "sequence_channels": [_COUNT],
    "sequence_layers": [_COUNT_OR_NONE],
    "pair_channels": [_COUNT],
    "pair_layers": [_COUNT_OR_NONE],
    "prior": [StrOptions({"vienna"}), callable, None],
    "learned": [StrOptions({"auto", "network", "calibration"})],
    "pseudoknots": ["boolean"],
    "unknown_letters": [StrOptions({"accept", "refuse"})],
    "lr": [_POSITIVE],
    "lr_schedule": [StrOptions({"one_cycle", "cosine", "constant"})],
    "weight_decay": [Interval(Real, 0, np.inf, closed="left")],
    "max_epochs": [_COUNT],
    "batch_size": [_COUNT],
    "bucket": [_COUNT],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "tol": [Interval(Real, 0, np.inf, closed="left")],
    "n_iter_no_change": [_COUNT],
    "device": [str, torch.device],
    "callbacks": [list, tuple, None],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}


def architecture_of(estimator: Any) -> FolderArchitecture:
    """Return what is asked for, and check what the constraints cannot say of one parameter alone.

    The ValueError names the parameter; ImportError if a prior needs what is missing.
    """
    e = estimator
    check_numbers(e, CONSTRAINTS)
    check_callbacks(e.callbacks, has_validation=bool(e.early_stopping))
    check_device(e.device)
    check_prior(e.prior)
    if e.learned == "calibration" and e.prior is None:
        raise ValueError(
            "learned='calibration' is that of a prior, and prior=None. Give one, or use "
            "learned='network'."
        )
    return FolderArchitecture(
        algorithm=matching_algorithm(e.algo),
        sequence_channels=int(e.sequence_channels),
        sequence_layers=int(e.sequence_layers),
        pair_channels=int(e.pair_channels),
        pair_layers=int(e.pair_layers),
        has_prior=e.prior is not None,
        learned=_learned(e),
    )


def check_used(estimator: Any) -> None:
    """Check the parameters that predictions read, which may have been set after ``fit``.

    The ValueError names the parameter.
    """
    names = ("prior", "pseudoknots", "unknown_letters")
    values = {name: getattr(estimator, name) for name in names}
    constraints = {name: CONSTRAINTS[name] for name in names}
    check_values(type(estimator).__name__, values, constraints)


def _learned(estimator: Any) -> str:
    if estimator.learned == "auto":
        return "network" if estimator.prior is None else "calibration"
    return str(estimator.learned)


def settings_of(estimator: Any, n_batches: int, seed: int) -> ModelSettings:
    """Return how an estimator wants to be trained, with so many steps an epoch."""
    e, epochs = estimator, int(estimator.max_epochs)
    return ModelSettings(
        k=int(e.k),
        step_size=(),
        step_size_range=(1.0, 1.0),
        learn_step_size=False,
        # Two numbers need no help to find pairs, and are asked for the best F1.
        loss="pairs" if _learned(e) == "network" else "f1",
        optimizer="adam",
        lr=float(e.lr),
        weight_decay=float(e.weight_decay),
        lr_schedule=e.lr_schedule,
        max_epochs=epochs,
        batch_size=int(e.batch_size),
        keep="best" if e.early_stopping else "last",
        patience=int(e.n_iter_no_change) if e.early_stopping else None,
        tol=float(e.tol),
        seed=seed,
        max_steps=epochs * n_batches,
    )
