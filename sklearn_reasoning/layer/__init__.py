"""The reasoning layer: an algorithm run on a problem, the cheapest exact way."""

from sklearn_reasoning.algorithms import check_needs, check_takes_penalty

from ._cell_sets import CellSet as CellSet, Simplices as Simplices, UnitBox as UnitBox
from ._coupled_steps import CoupledSteps as CoupledSteps
from ._layer import ReasoningLayer
from ._plan import decouples, first_distance, minimize, remaining, stepwise as stepwise
from ._step_size import clamp_step_size_, initial_sizes, resolve_step_size

__all__ = [
    "ReasoningLayer",
    "check_needs",
    "check_takes_penalty",
    "clamp_step_size_",
    "decouples",
    "first_distance",
    "initial_sizes",
    "minimize",
    "remaining",
    "resolve_step_size",
]
