"""Estimators with scikit-learn's interface."""

from ._regressor import HybridReasoningRegressor

__all__ = ["HybridReasoningRegressor"]
