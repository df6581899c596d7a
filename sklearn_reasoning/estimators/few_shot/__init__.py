"""Regression over groups of few rows."""

from ._few_shot_regressor import FewShotReasoningRegressor

__all__ = ["FewShotReasoningRegressor"]
