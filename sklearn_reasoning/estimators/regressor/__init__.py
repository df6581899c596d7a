"""The regressor, and what searches and files ask of it."""

from ._architecture import hold_out as hold_out
from ._deferred_fit import DeferredFit as DeferredFit, deferred_fits as deferred_fits
from ._outputs import mean_norm as mean_norm, output_dtypes as output_dtypes
from ._regressor import HybridReasoningRegressor
from ._stackable import (
    find_regressor as find_regressor,
    is_watched as is_watched,
    likely_stack as likely_stack,
    why_not_stacked as why_not_stacked,
)
from ._stored_regressor import RegressorState as RegressorState

__all__ = ["HybridReasoningRegressor"]
