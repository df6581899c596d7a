"""What ``fit`` leaves behind, as tensors and values, and back: the content of a model file."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.algorithms._checks import check_spectrum
from sklearn_reasoning.training import Architecture, ModelSettings, build_net
from sklearn_reasoning.training._stack import state_shapes

from ._columns import Columns
from ._parameters import CONSTRAINTS, hidden_sizes
from ._regressor import HybridReasoningRegressor
from ._stored import (
    COUNT,
    NUMBER,
    POSITIVE_COUNT,
    STEPS,
    check_tensors,
    checked,
    in_parts,
    restored_history,
    restored_names,
    stored_net,
    stored_steps,
)

_COLUMNS = ("x", "b", "rotation")

_ARCHITECTURE = {
    "n_features": COUNT,
    "n_outputs": POSITIVE_COUNT,
    "algorithm": [Algorithm],
    "mu": CONSTRAINTS["mu"],
    "L": CONSTRAINTS["L"],
    "q_hidden": [tuple, None],
    "b_hidden": [tuple, None],
    "spectrum": [StrOptions({"anchored", "free"})],
    "rotation": [StrOptions({"identity", "shared", "predicted", "given"})],
}
_AS_IN_THE_CONSTRUCTOR = (
    "learn_step_size",
    "loss",
    "optimizer",
    "lr",
    "weight_decay",
    "lr_schedule",
    "max_epochs",
    "keep",
    "tol",
)
_SETTINGS = {
    **{name: CONSTRAINTS[name] for name in _AS_IN_THE_CONSTRUCTOR},
    "k": STEPS,
    "step_size": [tuple],
    "step_size_range": [tuple],
    "batch_size": POSITIVE_COUNT,
    "patience": [*POSITIVE_COUNT, None],
    "seed": [Interval(Integral, 0, 2**31, closed="left")],
}
_VALUES = {
    "n_features_in_": COUNT,
    "n_outputs_": POSITIVE_COUNT,
    "n_iter_": COUNT,
    "empirical_loss_": NUMBER,
    "_is_1d": ["boolean"],
}


def fitted_state(
    estimator: HybridReasoningRegressor,
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return all that ``fit`` left: tensors, and values that JSON can hold.

    Parameters
    ----------
    estimator : HybridReasoningRegressor
        A fitted estimator.

    Returns
    -------
    tensors : dict of str to Tensor
    values : dict

    Raises
    ------
    ValueError
        If its k is too large for a model file.
    """
    net = estimator.net_
    stored_steps(net.models[0].k)
    tensors = stored_net(net)
    for name in _COLUMNS:
        if (indices := getattr(estimator._columns, name)) is not None:
            tensors[f"columns.{name}"] = torch.from_numpy(indices.astype(np.int64))
    architecture = net.module_.architecture
    names = getattr(estimator, "feature_names_in_", None)
    return tensors, {
        # Not asdict: it would take the algorithm apart.
        "architecture": {f.name: getattr(architecture, f.name) for f in fields(Architecture)},
        "settings": asdict(net.models[0]),
        "feature_names_in_": None if names is None else [str(name) for name in names],
        **{name: getattr(estimator, name) for name in _VALUES},
    }


def restore_fitted_state(
    estimator: HybridReasoningRegressor, tensors: dict[str, Tensor], values: dict[str, Any]
) -> None:
    """Make an estimator fitted, on the CPU, with what :func:`fitted_state` returned.

    Whether everything fits together is checked before anything of the model's size is made.

    Parameters
    ----------
    estimator : HybridReasoningRegressor
        With the constructor's parameters that it had.
    tensors, values
        As :func:`fitted_state` returned them.

    Raises
    ------
    KeyError, TypeError, ValueError
        If something is missing or does not fit together.
    """
    names = values.pop("feature_names_in_")
    architecture = _architecture(values.pop("architecture"))
    settings = _settings(values.pop("settings"), architecture)
    checked("fitted", values, _VALUES)
    parts = in_parts(tensors, ("module", "history", "columns"))
    columns = _columns(parts["columns"], architecture, values["n_features_in_"])
    if values["n_outputs_"] != architecture.n_outputs:
        raise ValueError("the numbers of outputs differ")
    weights = parts["module"]["weights"]
    if weights.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"the weights are {weights.dtype}")
    # As build_net has it.
    n_sizes = None if len(settings.step_size) == 1 else len(settings.step_size)
    shapes = state_shapes(architecture, n_sizes, weights.numel())
    exact = {"step_size": torch.float64}
    check_tensors(
        parts["module"],
        {name: (shape, exact.get(name, weights.dtype)) for name, shape in shapes.items()},
    )
    net = build_net(architecture, [settings], weights.dtype, verbose=estimator.verbose)
    net.module_.load_state_dict(parts["module"])
    net.history_ = restored_history(parts["history"])
    for name, value in values.items():
        setattr(estimator, name, value)
    if names is not None:
        estimator.feature_names_in_ = restored_names(names, values["n_features_in_"])
    estimator._columns = columns
    estimator.algorithm_ = architecture.algorithm
    estimator.net_ = net


def _architecture(values: Any) -> Architecture:
    found: Architecture = checked("architecture", values, _ARCHITECTURE, Architecture)
    check_spectrum(found.mu, found.L)
    hidden_sizes("q_hidden", found.q_hidden)
    hidden_sizes("b_hidden", found.b_hidden)
    if found.spectrum == "anchored" and found.n_outputs < 3:
        raise ValueError("an anchored spectrum has at least 3 eigenvalues")
    return found


def _settings(values: Any, architecture: Architecture) -> ModelSettings:
    found: ModelSettings = checked("settings", values, _SETTINGS, ModelSettings)
    sizes, ends = found.step_size, found.step_size_range
    if len(ends) != 2 or not all(_is_positive(number) for number in (*sizes, *ends)):
        raise ValueError("step sizes and their range must be positive numbers")
    if len(sizes) not in ({1, found.k} if architecture.algorithm.has_step_size else {0}):
        raise ValueError(f"k={found.k} steps do not go with {len(sizes)} step sizes")
    return found


def _is_positive(number: Any) -> bool:
    return type(number) in (int, float) and 0.0 < number < math.inf


def _columns(tensors: dict[str, Tensor], architecture: Architecture, n_features: int) -> Columns:
    """Return where x, b and R are, if they share out the columns of X between them."""
    d = architecture.n_outputs
    lengths = {"x": architecture.n_features}
    if architecture.b_hidden is None:
        lengths["b"] = d
    if architecture.rotation == "given":
        lengths["rotation"] = d * d
    check_tensors(tensors, {name: ((size,), torch.int64) for name, size in lengths.items()})
    taken = torch.cat(list(tensors.values())).sort().values
    if not torch.equal(taken, torch.arange(len(taken))) or len(taken) != n_features:
        raise ValueError("x, b and R do not share out the columns of X between them")
    x, b, rotation = (
        tensors[name].numpy().astype(np.intp) if name in tensors else None for name in _COLUMNS
    )
    assert x is not None
    return Columns(x, b, rotation)
