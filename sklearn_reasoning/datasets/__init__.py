"""Data sets: one generator or loader a file, none of which knows a model."""

from ._archiveii import load_archiveii
from ._bsd400 import load_bsd400
from ._digits import load_digits_restoration
from ._few_shot import make_few_shot
from ._groups import load_groups
from ._hairpins import make_hairpins
from ._natural_images import load_natural_images
from ._noise import LocallyAdaptiveNoise
from ._quadratic import make_quadratic_reasoning
from ._quadratic_problem import QuadraticReasoningProblem
from ._sudoku import make_sudoku
from ._sudoku_images import load_sudoku_images

__all__ = [
    "LocallyAdaptiveNoise",
    "QuadraticReasoningProblem",
    "load_archiveii",
    "load_bsd400",
    "load_digits_restoration",
    "load_groups",
    "load_natural_images",
    "load_sudoku_images",
    "make_few_shot",
    "make_hairpins",
    "make_quadratic_reasoning",
    "make_sudoku",
]
