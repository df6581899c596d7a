"""The regressor, and what searches and files ask of it."""

from ._architecture import (
    batch_size_of as batch_size_of,
    hold_out as hold_out,
    n_held_out_of as n_held_out_of,
)
from ._outputs import mean_norm as mean_norm, output_dtypes as output_dtypes
from ._reading import read_given as read_given, read_rows as read_rows
from ._regressor import HybridReasoningRegressor
from ._stored_regressor import RegressorState as RegressorState
from ._task import task_of as task_of

__all__ = ["HybridReasoningRegressor"]
