"""Regression over groups of few rows, and what files ask of it."""

from ._few_shot_regressor import FewShotReasoningRegressor
from ._stored_few_shot import FewShotState as FewShotState

__all__ = ["FewShotReasoningRegressor"]
