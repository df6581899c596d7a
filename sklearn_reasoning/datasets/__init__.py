"""Data sets: one generator or loader a file, none of which knows a model."""

from sklearn_reasoning.datasets._bsd400 import load_bsd400
from sklearn_reasoning.datasets._digits import load_digits_restoration
from sklearn_reasoning.datasets._natural_images import load_natural_images
from sklearn_reasoning.datasets._noise import LocallyAdaptiveNoise
from sklearn_reasoning.datasets._quadratic import make_quadratic_reasoning
from sklearn_reasoning.datasets._quadratic_problem import QuadraticReasoningProblem

__all__ = [
    "LocallyAdaptiveNoise",
    "QuadraticReasoningProblem",
    "load_bsd400",
    "load_digits_restoration",
    "load_natural_images",
    "make_quadratic_reasoning",
]
