"""The reasoning layer: an algorithm run on an energy, the cheapest exact way."""

from ._layer import ReasoningLayer
from ._plan import minimize
from ._step_size import initial_sizes, resolve_step_size

__all__ = ["ReasoningLayer", "initial_sizes", "minimize", "resolve_step_size"]
