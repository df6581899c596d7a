"""Training of stacks of models; a single fit is a stack of one."""

from sklearn_reasoning._threads import one_thread

from ._batches import cut
from ._fit import build_net, fit_stack, stack_rows, train_one_epoch
from ._history import history_from_columns, history_to_columns
from ._inference import distance_to_minimiser, predict, predict_energy
from ._net import StackNet
from ._settings import Architecture, ModelSettings, Rows
from ._stack import ReasoningStack, padded
from ._task import LARGEST_STACK, TrainingTask
from ._trained import TrainedModel, as_if_stopped, trained_models

__all__ = [
    "LARGEST_STACK",
    "Architecture",
    "ModelSettings",
    "ReasoningStack",
    "Rows",
    "StackNet",
    "TrainedModel",
    "TrainingTask",
    "as_if_stopped",
    "build_net",
    "cut",
    "distance_to_minimiser",
    "fit_stack",
    "history_from_columns",
    "history_to_columns",
    "one_thread",
    "padded",
    "predict",
    "predict_energy",
    "stack_rows",
    "train_one_epoch",
    "trained_models",
]
