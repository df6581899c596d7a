"""Model selection that shows the generalisation gap, not the held-out score alone."""

from ._cell_losses import (
    cell_brier_loss,
    cell_brier_loss_scorer,
    cell_l2_loss,
    cell_l2_loss_scorer,
    cell_log_loss,
    cell_log_loss_scorer,
)
from ._l2_loss import l2_loss_scorer, mean_l2_loss
from .gap import (
    GapDecomposition,
    GapPart,
    GeneralizationGapDisplay,
    decompose_gap,
    few_shot_gap_table,
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
    "cell_brier_loss",
    "cell_brier_loss_scorer",
    "cell_l2_loss",
    "cell_l2_loss_scorer",
    "cell_log_loss",
    "cell_log_loss_scorer",
    "decompose_gap",
    "few_shot_gap_table",
    "gap_table",
    "generalization_gap",
    "l2_loss_scorer",
    "mean_l2_loss",
]
