"""Model selection that shows the generalisation gap, not the held-out score alone."""

from ._l2_loss import l2_loss_scorer, mean_l2_loss
from .gap import (
    GapDecomposition,
    GapPart,
    GeneralizationGapDisplay,
    decompose_gap,
    gap_table,
    generalization_gap,
)
from .search import BatchedGridSearchCV, BatchedRandomizedSearchCV

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
