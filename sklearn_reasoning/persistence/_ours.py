"""How our own estimators are stored."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from sklearn_reasoning.estimators import (
    FewShotReasoningRegressor,
    HybridReasoningClassifier,
    HybridReasoningFolder,
    HybridReasoningRegressor,
    StoredState,
)
from sklearn_reasoning.estimators.classifier import ClassifierState
from sklearn_reasoning.estimators.denoiser import DenoiserState
from sklearn_reasoning.estimators.few_shot import FewShotState
from sklearn_reasoning.estimators.folder import FolderState
from sklearn_reasoning.estimators.regressor import RegressorState
from sklearn_reasoning.imaging import HybridReasoningDenoiser

from ._stored_class import State, StoredClass


class _Ours(StoredClass):
    is_ours = True

    def __init__(self, kind: type[Any], state: StoredState) -> None:
        names = tuple(name for name in kind().get_params() if name != "callbacks")
        super().__init__(kind, names, left_out=("callbacks",))
        self.state = state

    def _is_default(self, name: str, value: Any) -> bool:
        # Defaults may change between releases; a model keeps its own. None: callbacks left out.
        return name == "callbacks" and value is None

    def take(self, estimator: Any) -> State | None:
        return self.state.take(estimator) if "net_" in vars(estimator) else None

    def put(self, estimator: Any, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        self.state.put(estimator, tensors, values)


OURS = [
    _Ours(FewShotReasoningRegressor, FewShotState()),
    _Ours(HybridReasoningClassifier, ClassifierState()),
    _Ours(HybridReasoningDenoiser, DenoiserState()),
    _Ours(HybridReasoningFolder, FolderState()),
    _Ours(HybridReasoningRegressor, RegressorState()),
]
