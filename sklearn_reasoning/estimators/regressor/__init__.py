"""The regressor, and what searches and files ask of it."""

from ._architecture import (
    batch_size_of as batch_size_of,
    hold_out as hold_out,
    n_held_out_of as n_held_out_of,
)
from ._outputs import mean_norm as mean_norm, output_dtypes as output_dtypes
from ._regressor import HybridReasoningRegressor
from ._stored_regressor import RegressorState as RegressorState

__all__ = ["HybridReasoningRegressor"]
