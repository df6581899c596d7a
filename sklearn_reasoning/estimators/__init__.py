"""Estimators with scikit-learn's interface."""

from ._deferred_fit import DeferredFit as DeferredFit, deferred_fits as deferred_fits
from ._parameters import check_k as check_k
from ._stored_state import StoredState as StoredState, restored_names as restored_names
from .classifier import HybridReasoningClassifier
from .few_shot import FewShotReasoningRegressor
from .folder import HybridReasoningFolder
from .regressor import HybridReasoningRegressor

__all__ = [
    "FewShotReasoningRegressor",
    "HybridReasoningClassifier",
    "HybridReasoningFolder",
    "HybridReasoningRegressor",
]
