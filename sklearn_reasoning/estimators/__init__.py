"""Estimators with scikit-learn's interface."""

from ._parameters import check_k as check_k
from ._stored_state import StoredState as StoredState, restored_names as restored_names
from .classifier import HybridReasoningClassifier
from .folder import HybridReasoningFolder
from .regressor import HybridReasoningRegressor

__all__ = ["HybridReasoningClassifier", "HybridReasoningFolder", "HybridReasoningRegressor"]
