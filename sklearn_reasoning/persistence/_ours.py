"""How our own estimators are stored."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from sklearn_reasoning.estimators import HybridReasoningRegressor
from sklearn_reasoning.estimators import _state as _regressor_state
from sklearn_reasoning.imaging import HybridReasoningDenoiser
from sklearn_reasoning.imaging import _state as _denoiser_state

from ._stored_class import State, StoredClass


class _Ours(StoredClass):
    is_ours = True

    def __init__(self, kind: type[Any], state: Any) -> None:
        names = tuple(name for name in kind().get_params() if name != "callbacks")
        super().__init__(kind, names, left_out=("callbacks",))
        self.state = state

    def _is_default(self, name: str, value: Any) -> bool:
        # Defaults may change between releases; a model keeps its own. None: callbacks left out.
        return name == "callbacks" and value is None

    def take(self, estimator: Any) -> State | None:
        if "net_" not in vars(estimator):
            return None
        state: State = self.state.fitted_state(estimator)
        return state

    def put(self, estimator: Any, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        self.state.restore_fitted_state(estimator, tensors, values)


OURS = [
    _Ours(HybridReasoningDenoiser, _denoiser_state),
    _Ours(HybridReasoningRegressor, _regressor_state),
]
