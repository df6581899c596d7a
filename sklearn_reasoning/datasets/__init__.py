"""Data sets: one generator or loader a file, none of which knows a model."""

from sklearn_reasoning.datasets._digits import load_digits_restoration
from sklearn_reasoning.datasets._quadratic import make_quadratic_reasoning
from sklearn_reasoning.datasets._quadratic_problem import QuadraticReasoningProblem

__all__ = ["QuadraticReasoningProblem", "load_digits_restoration", "make_quadratic_reasoning"]
