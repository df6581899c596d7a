"""Algorithms: each one a recurrence, from which everything else about it follows."""

from ._base import Algorithm, PerIteration, Phi as Phi, iterates, last_iterate
from ._chebyshev import ChebyshevIteration
from ._checks import check_spectrum as check_spectrum, check_steps as check_steps
from ._conjugate_gradient import ConjugateGradient
from ._exact import ExactMinimizer
from ._gradient_descent import GradientDescent
from ._heavy_ball import HeavyBall
from ._nesterov import NesterovAcceleratedGradient
from ._problem import Problem
from ._recurrent_cell import RecurrentCell
from ._registry import get_algorithm, list_algorithms, register_algorithm
from ._steps import StepCounts as StepCounts, Steps as Steps
from ._transforms import under_transform as under_transform

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
    "GradientDescent",
    "HeavyBall",
    "NesterovAcceleratedGradient",
    "PerIteration",
    "Problem",
    "RecurrentCell",
    "get_algorithm",
    "iterates",
    "last_iterate",
    "list_algorithms",
    "register_algorithm",
]
