"""Algorithms: each one a recurrence, from which everything else about it follows."""

from ._base import Algorithm, Gradient, PerIteration, iterates
from ._chebyshev import ChebyshevIteration
from ._conjugate_gradient import ConjugateGradient
from ._exact import ExactMinimizer
from ._gradient_descent import GradientDescent
from ._heavy_ball import HeavyBall
from ._nesterov import NesterovAcceleratedGradient
from ._recurrent_cell import RecurrentCell
from ._registry import get_algorithm, list_algorithms, register_algorithm

for _cls in (
    GradientDescent,
    NesterovAcceleratedGradient,
    HeavyBall,
    ChebyshevIteration,
    ConjugateGradient,
    RecurrentCell,
    ExactMinimizer,
):
    register_algorithm(_cls)

__all__ = [
    "Algorithm",
    "ChebyshevIteration",
    "ConjugateGradient",
    "ExactMinimizer",
    "Gradient",
    "GradientDescent",
    "HeavyBall",
    "NesterovAcceleratedGradient",
    "PerIteration",
    "RecurrentCell",
    "get_algorithm",
    "iterates",
    "list_algorithms",
    "register_algorithm",
]
