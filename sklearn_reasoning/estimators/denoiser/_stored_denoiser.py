"""The fitted state of the denoiser, as model files hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from sklearn_reasoning._networks import kernel_shapes
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.estimators._stored_state import COUNT, Shapes, StoredState
from sklearn_reasoning.training import ModelSettings

from ._denoising_model import DenoisingModel
from ._parameters import CONSTRAINTS
from ._settings import DenoiserArchitecture


class DenoiserState(StoredState):
    """What a fitted denoiser is made of."""

    model = DenoisingModel
    architecture = DenoiserArchitecture
    architecture_domain: ClassVar[dict[str, list[Any]]] = {
        "algorithm": [Algorithm],
        "mixed_precision": ["boolean"],
        **{
            name: CONSTRAINTS[name]
            for name in ("L", "f_channels", "f_layers", "g_channels", "g_layers", "shuffle")
        },
    }
    values_domain: ClassVar[dict[str, list[Any]]] = {"n_steps_": COUNT}

    def check_architecture(self, found: DenoiserArchitecture) -> None:
        """Refuse weights of a fixed length, and a denoiser without networks."""
        if "lengths" not in found.algorithm.provides:
            raise ValueError(f"{found.algorithm.name!r} is no algorithm for single pixels")
        if not found.f_layers and not found.g_layers:
            # Nothing in the file would then bound the shuffle, to which images are padded.
            raise ValueError("there is neither f nor g")

    def shapes(
        self,
        architecture: DenoiserArchitecture,
        settings: ModelSettings,
        tensors: Mapping[str, Tensor],
    ) -> Shapes:
        """Return shapes and dtypes of the module's tensors."""
        shapes = dict(_network_shapes(architecture, at_most=len(tensors)))
        if settings.step_size:
            shapes["step_size"] = ((1,), torch.float64)
        return shapes


def _network_shapes(
    a: DenoiserArchitecture, at_most: int
) -> Iterator[tuple[str, tuple[tuple[int, ...], torch.dtype]]]:
    """Yield names, shapes and dtypes of the weights, of which there are not more."""
    cells = a.shuffle**2
    networks = {"f": (a.f_channels, a.f_layers), "g": (a.g_channels, a.g_layers)}
    if any(n_layers > at_most for _, n_layers in networks.values()):
        raise ValueError(f"the architecture has more layers than the {at_most} tensors can be")
    for name, (channels, n_layers) in networks.items():
        if n_layers:
            for i, kernel in enumerate(kernel_shapes(cells, channels, n_layers)):
                yield f"{name}.weights.{i}", (kernel, torch.float32)
                yield f"{name}.biases.{i}", (kernel[:1], torch.float32)
