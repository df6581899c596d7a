"""The domain of every constructor parameter of the few-shot regressor, and what they ask for."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_reasoning.algorithms import Algorithm, get_algorithm, list_algorithms
from sklearn_reasoning.estimators._parameters import (
    CONSTRAINTS as OF_REGRESSOR,
    check_device,
    check_numbers,
    hidden_sizes,
)
from sklearn_reasoning.training import ModelSettings, check_callbacks

from ._groups import GroupedRows
from ._settings import FewShotArchitecture
from ._step_share import HIGHEST, LOWEST, first_share

_SHARED = (
    "algo",
    "k",
    "optimizer",
    "lr",
    "batch_size",
    "early_stopping",
    "validation_fraction",
    "tol",
    "n_iter_no_change",
    "keep",
    "warm_start",
    "device",
    "callbacks",
    "verbose",
    "random_state",
)

_COUNT = Interval(Integral, 1, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    **{name: OF_REGRESSOR[name] for name in _SHARED},
    "basis_hidden": ["array-like", Interval(Integral, 0, None, closed="left")],
    "n_basis": [_COUNT],
    "shots": [StrOptions({"auto"}), _COUNT],
    "cut": [StrOptions({"random", "first", "mixed"})],
    "adapt": [StrOptions({"head", "all"})],
    "weight_decay": [StrOptions({"auto"}), Interval(Real, 0, np.inf, closed="left")],
    "max_epochs": [StrOptions({"auto"}), _COUNT],
    "lr_schedule": [StrOptions({"one_cycle", "cosine", "constant"})],
}

# About as many steps of the optimiser, within bounds of passes, are taken if nothing is said.
_STEPS = 3000
_FEWEST_EPOCHS, _MOST_EPOCHS = 4, 300
_BATCH = 50
# Measured: 40 to 80 groups ask for this decay, thousands for next to none.
_LARGEST_DECAY = 0.06
_MANY_GROUPS = 20.0


def check_relations(estimator: Any) -> Algorithm:
    """Return the algorithm, and check what the constraints cannot say of one parameter alone.

    The ValueError names the parameter.
    """
    e = estimator
    algorithm = get_algorithm(e.algo)
    check_numbers(e, CONSTRAINTS)
    hidden_sizes("basis_hidden", e.basis_hidden)
    if not {"rotations", "lengths"} <= algorithm.provides:
        usable = [
            name
            for name in list_algorithms()
            if {"rotations", "lengths"} <= get_algorithm(name).provides
        ]
        raise ValueError(
            f"algo={algorithm.name!r} has learned weights that know one set of coordinates, and "
            f"the features here are learned too. Use one of {usable}."
        )
    first_share(algorithm, FewShotArchitecture.L)
    check_callbacks(e.callbacks, has_validation=bool(e.early_stopping))
    check_device(e.device)
    return algorithm


def check_shots(shots: Any, rows: GroupedRows, part: str = "", way_out: str = "") -> None:
    """Refuse a number of shots that leaves no group a row to be asked.

    ``part`` and ``way_out`` say which groups these are, and how else they could be more.
    """
    largest = int(np.argmax(rows.sizes))
    size, name = int(rows.sizes[largest]), rows.names[largest]
    if size < 2:
        raise ValueError(
            f"shots={shots!r}: no group{part} can be cut into rows to learn from and rows to ask, "
            f"since every group{part} has a single row (n_samples={len(rows.x)}). Give groups of "
            f"two rows or more{way_out}."
        )
    if not isinstance(shots, str) and size <= shots:
        raise ValueError(
            f"shots={shots!r}: no group{part} has more rows than that; the largest, {name!r}, has "
            f"{size}. Set shots to at most {size - 1}, or to 'auto'{way_out}."
        )


def architecture_of(estimator: Any, n_features: int, n_outputs: int) -> FewShotArchitecture:
    """Return the architecture that an estimator asks for."""
    e = estimator
    return FewShotArchitecture(
        algorithm=e.algorithm_,
        n_features=n_features,
        n_outputs=n_outputs,
        basis_hidden=hidden_sizes("basis_hidden", e.basis_hidden) or (),
        n_basis=int(e.n_basis),
        adapt=str(e.adapt),
    )


def settings_of(estimator: Any, n_groups: int, seed: int) -> ModelSettings:
    """Return how an estimator, whose parameters are checked, wants to be trained on groups."""
    e = estimator
    batch_size = _BATCH if isinstance(e.batch_size, str) else int(e.batch_size)
    n_batches = -(-n_groups // batch_size)
    if isinstance(e.max_epochs, str):
        wanted = round(_STEPS / n_batches)
        epochs = min(max(wanted, _FEWEST_EPOCHS), _MOST_EPOCHS)
    else:
        epochs = int(e.max_epochs)
    share = first_share(e.algorithm_, FewShotArchitecture.L)
    return ModelSettings(
        k=int(e.k),
        step_size=() if share is None else (share,),
        step_size_range=(LOWEST, HIGHEST),
        learn_step_size=True,
        loss="squared",
        optimizer=e.optimizer,
        lr=float(e.lr),
        weight_decay=_decay(e.weight_decay, n_groups),
        lr_schedule=e.lr_schedule,
        max_epochs=epochs,
        batch_size=batch_size,
        keep=e.keep,
        patience=int(e.n_iter_no_change) if e.early_stopping else None,
        tol=float(e.tol),
        seed=seed,
        max_steps=epochs * n_batches,
    )


def _decay(wanted: float | str, n_groups: int) -> float:
    if isinstance(wanted, str):
        return min((_MANY_GROUPS / n_groups) ** 2, _LARGEST_DECAY)
    return float(wanted)
