"""Algorithms: each one a recurrence, from which everything else about it follows."""

from sklearn_reasoning._polynomials import PerIteration

from ._admm import ADMM
from ._base import Algorithm
from ._chebyshev import ChebyshevIteration
from ._checks import check_spectrum as check_spectrum
from ._conjugate_gradient import ConjugateGradient
from ._exact import ExactMinimizer
from ._fista import FISTA
from ._gradient_descent import GradientDescent
from ._heavy_ball import HeavyBall
from ._needs import check_needs as check_needs, check_takes_penalty as check_takes_penalty
from ._nesterov import NesterovAcceleratedGradient
from ._problem import Problem
from ._recurrent_cell import RecurrentCell
from ._registry import (
    get_algorithm,
    list_algorithms,
    own_algorithms as own_algorithms,
    register_algorithm,
)
from ._unroll import iterates, last_iterate

for _cls in (
    GradientDescent,
    NesterovAcceleratedGradient,
    HeavyBall,
    ChebyshevIteration,
    ConjugateGradient,
    RecurrentCell,
    ExactMinimizer,
    FISTA,
    ADMM,
):
    register_algorithm(_cls)

__all__ = [
    "ADMM",
    "FISTA",
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
