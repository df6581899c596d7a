"""Model selection that shows the generalisation gap, not the held-out score alone."""

from sklearn_reasoning.model_selection._decompose_gap import decompose_gap
from sklearn_reasoning.model_selection._gap import gap_table
from sklearn_reasoning.model_selection._gap_decomposition import GapDecomposition
from sklearn_reasoning.model_selection._gap_display import GeneralizationGapDisplay
from sklearn_reasoning.model_selection._gap_parts import GapPart
from sklearn_reasoning.model_selection._generalization_gap import generalization_gap
from sklearn_reasoning.model_selection._loss import l2_loss_scorer, mean_l2_loss
from sklearn_reasoning.model_selection._search import (
    BatchedGridSearchCV,
    BatchedRandomizedSearchCV,
)

__all__ = [
    "BatchedGridSearchCV",
    "BatchedRandomizedSearchCV",
    "GapDecomposition",
    "GapPart",
    "GeneralizationGapDisplay",
    "decompose_gap",
    "gap_table",
    "generalization_gap",
    "l2_loss_scorer",
    "mean_l2_loss",
]
