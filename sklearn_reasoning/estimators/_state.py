"""What ``fit`` leaves behind, as tensors and values, and back: the content of a model file."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning.training import (
    Architecture,
    ModelSettings,
    build_net,
    history_from_columns,
    history_to_columns,
)

from ._columns import Columns
from ._regressor import HybridReasoningRegressor

_COLUMNS = ("x", "b", "rotation")
_VALUES = ("n_features_in_", "n_outputs_", "n_iter_", "empirical_loss_", "_is_1d")


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
    """
    net = estimator.net_
    tensors = {f"module.{name}": value for name, value in net.module_.state_dict().items()}
    for name, values in history_to_columns(net.history).items():
        tensors[f"history.{name}"] = torch.from_numpy(values)
    for name in _COLUMNS:
        if (indices := getattr(estimator._columns, name)) is not None:
            tensors[f"columns.{name}"] = torch.from_numpy(indices)
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

    Parameters
    ----------
    estimator : HybridReasoningRegressor
        With the constructor's parameters that it had.
    tensors, values
        As :func:`fitted_state` returned them.

    Raises
    ------
    KeyError, TypeError, RuntimeError
        If something is missing or does not fit together.
    """
    architecture = Architecture(**values["architecture"])
    settings = ModelSettings(**values["settings"])
    module = _under("module.", tensors)
    net = build_net(architecture, [settings], module["weights"].dtype, verbose=estimator.verbose)
    net.module_.load_state_dict(module)
    history = _under("history.", tensors)
    net.history_ = history_from_columns({key: column.numpy() for key, column in history.items()})
    columns = _under("columns.", tensors)
    x, b, rotation = (columns[name].numpy() if name in columns else None for name in _COLUMNS)
    if x is None:
        raise KeyError("columns.x")
    for name in _VALUES:
        setattr(estimator, name, values[name])
    if values["feature_names_in_"] is not None:
        estimator.feature_names_in_ = np.array(values["feature_names_in_"], dtype=object)
    estimator._columns = Columns(x, b, rotation)
    estimator.algorithm_ = architecture.algorithm
    estimator.net_ = net


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
