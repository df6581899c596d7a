"""What ``fit`` leaves behind, as tensors and values, and back: the content of a model file."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning.training import history_from_columns, history_to_columns

from ._denoiser import HybridReasoningDenoiser
from ._net import build_net
from ._settings import DenoiserArchitecture, DenoiserSettings


def fitted_state(estimator: HybridReasoningDenoiser) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return all that ``fit`` left: tensors, and values that JSON can hold.

    Parameters
    ----------
    estimator : HybridReasoningDenoiser
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
    architecture = net.module_.architecture
    return tensors, {
        # Not asdict: it would take the algorithm apart.
        "architecture": {
            f.name: getattr(architecture, f.name) for f in fields(DenoiserArchitecture)
        },
        "settings": asdict(net.settings),
        "loss": net.criterion_.loss,
        "n_steps_": estimator.n_steps_,
    }


def restore_fitted_state(
    estimator: HybridReasoningDenoiser, tensors: dict[str, Tensor], values: dict[str, Any]
) -> None:
    """Make an estimator fitted, on the CPU, with what :func:`fitted_state` returned.

    Parameters
    ----------
    estimator : HybridReasoningDenoiser
        With the constructor's parameters that it had.
    tensors, values
        As :func:`fitted_state` returned them.

    Raises
    ------
    KeyError, TypeError, RuntimeError
        If something is missing or does not fit together.
    """
    architecture = DenoiserArchitecture(**values["architecture"])
    settings = DenoiserSettings(**values["settings"])
    net = build_net(architecture, settings, values["loss"], verbose=estimator.verbose)
    parts: dict[str, dict[str, Tensor]] = {"module": {}, "history": {}}
    for name, tensor in tensors.items():
        part, rest = name.split(".", 1)
        parts[part][rest] = tensor
    net.module_.load_state_dict(parts["module"])
    columns = {name: column.numpy() for name, column in parts["history"].items()}
    net.history_ = history_from_columns(columns)
    estimator.n_steps_ = values["n_steps_"]
    estimator.algorithm_ = architecture.algorithm
    estimator.net_ = net
