"""Training of models side by side; a single fit is a stack of one."""

from sklearn_reasoning._support.threads import one_thread

from ._batches import Batch, Inputs, cut
from ._callbacks import check_callbacks as check_callbacks
from ._fit import fit_stack, set_initial_state, stack_rows
from ._history import history_from_columns, history_to_columns
from ._inference import Measured, measure, predict, predict_energy, single_start
from ._model import Model
from ._net import ModelNet, build_net, train
from ._regression_model import RegressionModel, state_shapes as state_shapes
from ._settings import (
    Architecture,
    Given as Given,
    ModelSettings,
    Rows,
    first_step_sizes as first_step_sizes,
)
from ._stack_inference import predict_stack as predict_stack
from ._targets import TargetStatistics, unit_near as unit_near
from ._task import LARGEST_STACK, TrainingTask
from ._trained import (
    TrainedModel,
    TrainedStack as TrainedStack,
    as_if_stopped,
    trained_models,
)

__all__ = [
    "LARGEST_STACK",
    "Architecture",
    "Batch",
    "Inputs",
    "Measured",
    "Model",
    "ModelNet",
    "ModelSettings",
    "RegressionModel",
    "Rows",
    "TargetStatistics",
    "TrainedModel",
    "TrainingTask",
    "as_if_stopped",
    "build_net",
    "cut",
    "fit_stack",
    "history_from_columns",
    "history_to_columns",
    "measure",
    "one_thread",
    "predict",
    "predict_energy",
    "set_initial_state",
    "single_start",
    "stack_rows",
    "train",
    "trained_models",
]
