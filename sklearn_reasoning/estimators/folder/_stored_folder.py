"""The fitted state of the folder, as model files hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.estimators._stored_state import COUNT, Shapes, StoredState
from sklearn_reasoning.matching import matching_algorithm
from sklearn_reasoning.training import ModelSettings

from ._calibration import shapes_of_calibration
from ._model import FoldingModel
from ._network import shapes_of
from ._parameters import CONSTRAINTS
from ._settings import FolderArchitecture


class FolderState(StoredState):
    """What a fitted folder is made of."""

    model = FoldingModel
    learns_step_sizes = False
    architecture = FolderArchitecture
    architecture_domain: ClassVar[dict[str, list[Any]]] = {
        "algorithm": [Algorithm],
        "has_prior": ["boolean"],
        "learned": [StrOptions({"network", "calibration"})],
        **{
            name: CONSTRAINTS[name]
            for name in ("sequence_channels", "sequence_layers", "pair_channels", "pair_layers")
        },
    }
    values_domain: ClassVar[dict[str, list[Any]]] = {"n_iter_": COUNT}

    def check_architecture(self, found: FolderArchitecture) -> None:
        """Refuse algorithms that cannot climb the dual, and a calibration of nothing."""
        matching_algorithm(found.algorithm.name)
        if found.learned == "calibration" and not found.has_prior:
            raise ValueError("a calibration needs a prior")

    def shapes(
        self,
        architecture: FolderArchitecture,
        settings: ModelSettings,
        tensors: Mapping[str, Tensor],
    ) -> Shapes:
        """Return shapes and dtypes of the module's tensors."""
        found = (
            shapes_of(architecture, len(tensors))
            if architecture.learned == "network"
            else shapes_of_calibration()
        )
        return {f"network.{name}": (shape, torch.float32) for name, shape in found}
