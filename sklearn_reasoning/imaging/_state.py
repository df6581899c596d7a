"""What ``fit`` leaves behind, as tensors and values, and back: the content of a model file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.estimators._stored import (
    COUNT,
    STEPS,
    check_tensors,
    checked,
    in_parts,
    restored_history,
    stored_net,
    stored_steps,
)
from sklearn_reasoning.layer import resolve_step_size

from ._denoiser import HybridReasoningDenoiser
from ._module import kernel_shapes
from ._net import build_net
from ._parameters import CONSTRAINTS
from ._settings import DenoiserArchitecture, DenoiserSettings

_ARCHITECTURE = {
    "algorithm": [Algorithm],
    "k": STEPS,
    "step_size_range": [tuple, None],
    **{
        name: CONSTRAINTS[name]
        for name in (
            "L",
            "step_size",
            "learn_step_size",
            "f_channels",
            "f_layers",
            "g_channels",
            "g_layers",
            "shuffle",
        )
    },
}
_SETTINGS = {
    "mixed_precision": ["boolean"],
    **{name: CONSTRAINTS[name] for name in ("max_steps", "lr", "lr_schedule", "weight_decay")},
}
_VALUES = {"loss": CONSTRAINTS["loss"], "n_steps_": COUNT}


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

    Raises
    ------
    ValueError
        If its k is too large for a model file.
    """
    net = estimator.net_
    architecture = net.module_.architecture
    stored_steps(architecture.k)
    return stored_net(net), {
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

    Whether everything fits together is checked before anything of the model's size is made.

    Parameters
    ----------
    estimator : HybridReasoningDenoiser
        With the constructor's parameters that it had.
    tensors, values
        As :func:`fitted_state` returned them.

    Raises
    ------
    KeyError, TypeError, ValueError
        If something is missing or does not fit together.
    """
    architecture = _architecture(values.pop("architecture"))
    settings = checked("settings", values.pop("settings"), _SETTINGS, DenoiserSettings)
    checked("fitted", values, _VALUES)
    parts = in_parts(tensors, ("module", "history"))
    check_tensors(parts["module"], dict(_shapes(architecture, at_most=len(tensors))))
    net = build_net(architecture, settings, values["loss"], verbose=estimator.verbose)
    net.module_.load_state_dict(parts["module"])
    net.history_ = restored_history(parts["history"])
    estimator.n_steps_ = values["n_steps_"]
    estimator.algorithm_ = architecture.algorithm
    estimator.net_ = net


def _architecture(values: Any) -> DenoiserArchitecture:
    found: DenoiserArchitecture = checked(
        "architecture", values, _ARCHITECTURE, DenoiserArchitecture
    )
    algorithm, ends = found.algorithm, found.step_size_range
    if not algorithm.commutes_with_rotations:
        raise ValueError(f"{algorithm.name!r} is no algorithm for single pixels")
    if algorithm.has_step_size == (found.step_size is None or ends is None):
        raise ValueError(f"{algorithm.name!r} does not go with step_size={found.step_size!r}")
    resolve_step_size(algorithm, found.step_size, "stable" if ends is None else ends, 1.0, found.L)
    if not found.f_layers and not found.g_layers:
        # Nothing in the file would then bound the shuffle, to which images are padded.
        raise ValueError("there is neither f nor g")
    return found


def _shapes(
    a: DenoiserArchitecture, at_most: int
) -> Iterator[tuple[str, tuple[tuple[int, ...], torch.dtype]]]:
    """Yield names, shapes and dtypes of the module's tensors, of which there are not more."""
    cells = a.shuffle**2
    networks = {"f": (a.f_channels, a.f_layers), "g": (a.g_channels, a.g_layers)}
    if any(n_layers > at_most for _, n_layers in networks.values()):
        raise ValueError(f"the architecture has more layers than the {at_most} tensors can be")
    for name, (channels, n_layers) in networks.items():
        if n_layers:
            for i, kernel in enumerate(kernel_shapes(cells, channels, n_layers)):
                yield f"{name}.weights.{i}", (kernel, torch.float32)
                yield f"{name}.biases.{i}", (kernel[:1], torch.float32)
    if a.algorithm.has_step_size:
        yield "layer._step_size", ((), torch.float64)
