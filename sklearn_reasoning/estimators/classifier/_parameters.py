"""The domain of every constructor parameter of the classifier, and what they ask for."""

from __future__ import annotations

from math import isqrt
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_reasoning.algorithms import Algorithm, check_takes_penalty, get_algorithm
from sklearn_reasoning.estimators._parameters import (
    CONSTRAINTS as OF_REGRESSOR,
    check_device,
    check_numbers,
    hidden_sizes,
)
from sklearn_reasoning.penalties import Simplex
from sklearn_reasoning.training import ModelSettings, check_callbacks

from ._labels import Labels
from ._settings import ClassifierArchitecture

_SHARED = (
    "algo",
    "k",
    "optimizer",
    "loss",
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
    "perception": [StrOptions({"joint", "per_cell", "per_cell_image"}), callable],
    "lr_schedule": [StrOptions({"one_cycle", "cosine", "constant"})],
    "perception_hidden": ["array-like", Interval(Integral, 0, None, closed="left")],
    "coupling": [StrOptions({"classwise", "full"}), None],
    "rank": [StrOptions({"auto"}), _COUNT],
    "permute_classes": ["boolean"],
    "evidence_scale": [Interval(Real, 0, None, closed="neither")],
    "input_noise": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
    "coupling_start": [StrOptions({"repulsive", "mixed"})],
    "concavity": [Interval(Real, 0, 1, closed="left")],
    "predict_k": [Interval(Integral, 0, None, closed="left"), StrOptions({"converged"}), None],
    "n_restarts": [Interval(Integral, 0, None, closed="left")],
    "class_weight": [dict, list, StrOptions({"balanced"}), None],
    "missing_label": [object],
    "weight_decay": [Interval(Real, 0, np.inf, closed="left")],
    "max_epochs": [StrOptions({"auto"}), _COUNT],
}

# About as many steps of the optimiser, within bounds of passes, are taken if nothing is said.
_STEPS = 1000
_FEWEST_EPOCHS, _MOST_EPOCHS = 12, 200

_LARGEST_SINGLE_BATCH = 64
# The noise for networks that read each cell, in spreads of what they read.
_NOISE = 0.5
# The share of different blocks up to which they are taken for the same ones again and again.
_FEW = 0.5
_BATCH = 50

# The least rank that is taken for a coupling that has as many columns, and the share above it.
_LEAST_RANK = 27
_SHARE = 0.4


def check_relations(estimator: Any) -> Algorithm:
    """Return the algorithm, and check what the constraints cannot say of one parameter alone.

    The ValueError names the parameter.
    """
    e = estimator
    algorithm = get_algorithm(e.algo)
    check_numbers(e, CONSTRAINTS)
    hidden_sizes("perception_hidden", e.perception_hidden)
    check_takes_penalty(algorithm, Simplex())
    if e.coupling is not None and e.concavity > 0.0 and not knows_no_mu(algorithm):
        raise ValueError(
            f"algo={algorithm.name!r} needs a convex energy, and concavity={e.concavity!r} allows "
            "one that is not. Set concavity=0, or use 'fista' or 'gd'."
        )
    check_callbacks(e.callbacks, has_validation=bool(e.early_stopping))
    check_device(e.device)
    return algorithm


def knows_no_mu(algorithm: Algorithm) -> bool:
    """Tell whether the steps of a method are the same whatever the lower bound of curvature is."""
    if not algorithm.needs <= {"descend"}:
        return False
    # A momentum that does not follow from mu and the step size is no tensor.
    momentum = algorithm._momentum(torch.tensor(0.5), 0.1)
    return momentum is None or not isinstance(momentum.factor, torch.Tensor)


def architecture_of(estimator: Any, labels: Labels, n_features: int) -> ClassifierArchitecture:
    """Return the architecture that an estimator asks for; a ValueError if X cannot be cut."""
    e, n_cells = estimator, labels.n_cells
    check_blocks(e.perception, n_features, n_cells)
    if e.permute_classes:
        check_exchangeable(labels)
    # A single cell has nothing to be coupled with.
    coupling = e.coupling if n_cells > 1 else None
    n_coupled = n_cells * (labels.n_classes if coupling == "full" else 1)
    rank = 0
    if coupling is not None:
        rank = int(e.rank) if not isinstance(e.rank, str) else automatic_rank(n_coupled)
    return ClassifierArchitecture(
        algorithm=e.algorithm_,
        n_features=n_features,
        n_cells=n_cells,
        n_classes=labels.n_classes,
        allowed=labels.allowed,
        perception=e.perception,
        perception_hidden=hidden_sizes("perception_hidden", e.perception_hidden) or (),
        coupling=coupling,
        rank=rank,
        coupling_start=e.coupling_start,
        concavity=float(e.concavity),
    )


def check_exchangeable(labels: Labels) -> None:
    """Refuse to permute labels that are there or not, and classes that not all cells have."""
    refusal = "permute_classes=True takes the classes of all cells for exchangeable, and "
    if labels.kind == "multilabel":
        raise ValueError(refusal + "y has labels that are there or not. Leave it False.")
    if labels.allowed is None:
        return
    alphabet = labels.alphabet
    for cell, own in enumerate(labels.classes):
        if len(lacking := np.setdiff1d(alphabet, own)):
            raise ValueError(
                f"{refusal}column {cell} of y never holds {lacking[:3].tolist()}, which others do. "
                "Fit on rows that show every class in every column, or leave it False."
            )


def automatic_rank(n_coupled: int) -> int:
    """Return the rank of a coupling of so many outputs."""
    return min(n_coupled, max(_LEAST_RANK, round(_SHARE * n_coupled)))


def check_blocks(perception: Any, n_features: int, n_cells: int) -> None:
    """Refuse columns that cannot be cut into blocks, one for each cell."""
    if perception not in ("per_cell", "per_cell_image"):
        return
    if n_features % n_cells:
        raise ValueError(
            f"perception={perception!r} cuts X into a block of columns for each of the {n_cells} "
            f"cells of y, and they do not divide its {n_features} columns."
        )
    width = n_features // n_cells
    if perception == "per_cell_image" and isqrt(width) ** 2 != width:
        raise ValueError(
            f"perception='per_cell_image' reads a square image for each of the {n_cells} cells of "
            f"y, and the {width} columns of X for a cell are no square number."
        )


def input_noise_of(estimator: Any, x: Any, n_cells: int) -> tuple[Any, int]:
    """Return standard deviations of noise for the columns of x, or None, and its blocks.

    A ValueError if the dtype of x does not reach so far.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        noise, n_blocks = _noise_of(estimator, x, n_cells)
        if noise is not None and not np.isfinite(noise.astype(x.dtype)).all():
            raise ValueError(
                f"input_noise={estimator.input_noise!r}, times the spread of X, leaves the numbers "
                f"of {x.dtype}: scale X, or lower it."
            )
    return noise, n_blocks


def _noise_of(estimator: Any, x: Any, n_cells: int) -> tuple[Any, int]:
    e, n_features = estimator, x.shape[1]
    in_blocks = e.perception in ("per_cell", "per_cell_image")
    if not in_blocks:
        share = 0.0 if isinstance(e.input_noise, str) else float(e.input_noise)
        return (share * x.std(axis=0, dtype=np.float64) if share else None), 1
    blocks = x.reshape(len(x) * n_cells, -1)
    blocks = blocks[blocks.any(axis=1)]
    if isinstance(e.input_noise, str):
        share = _NOISE if _are_few_images(blocks) else 0.0
    else:
        share = float(e.input_noise)
    if share == 0.0 or not len(blocks):
        return None, 1
    # One network reads all blocks: their columns have one scale.
    return np.full(n_features, share * blocks.std(dtype=np.float64)), n_cells


def _are_few_images(blocks: Any) -> bool:
    """Tell whether blocks are the same ones again and again, and no symbols, written out."""
    if ((blocks == 0.0) | (blocks == 1.0)).all():
        return False
    # Hashes: images may fill gigabytes.
    return len({hash(block.tobytes()) for block in blocks}) <= _FEW * len(blocks)


def batch_size_of(estimator: Any, n: int) -> int:
    """Return the largest number of rows in a step, for n training rows."""
    if isinstance(estimator.batch_size, str):
        return n if n <= _LARGEST_SINGLE_BATCH else _BATCH
    return int(estimator.batch_size)


def epochs_of(estimator: Any, n: int) -> int:
    """Return the number of passes over n training rows."""
    if not isinstance(estimator.max_epochs, str):
        return int(estimator.max_epochs)
    n_batches = -(-n // batch_size_of(estimator, n))
    return min(max(round(_STEPS / n_batches), _FEWEST_EPOCHS), _MOST_EPOCHS)


def settings_of(estimator: Any, n: int, seed: int) -> ModelSettings:
    """Return how an estimator, whose parameters are checked, wants to be trained on n rows."""
    e, batch_size, epochs = estimator, batch_size_of(estimator, n), epochs_of(estimator, n)
    return ModelSettings(
        k=int(e.k),
        step_size=(),
        step_size_range=(1.0, 1.0),
        learn_step_size=False,
        loss=e.loss,
        optimizer=e.optimizer,
        lr=float(e.lr),
        weight_decay=float(e.weight_decay),
        lr_schedule=e.lr_schedule,
        max_epochs=epochs,
        batch_size=batch_size,
        keep=e.keep,
        patience=int(e.n_iter_no_change) if e.early_stopping else None,
        tol=float(e.tol),
        seed=seed,
        max_steps=epochs * -(-n // batch_size),
    )
