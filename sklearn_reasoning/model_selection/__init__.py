"""Model selection that shows the generalisation gap, not the held-out score alone."""

from sklearn_reasoning.model_selection._gap import gap_table
from sklearn_reasoning.model_selection._loss import l2_loss_scorer, mean_l2_loss

__all__ = ["gap_table", "l2_loss_scorer", "mean_l2_loss"]
