"""Sets that outputs must lie in, and terms that are added to an energy: one a file."""

from ._affine import Affine
from ._ball import Ball
from ._base import Penalty, Pullback as Pullback
from ._box import Box
from ._budget import Budget
from ._columns import Columns
from ._group_l1 import GroupL1
from ._l1 import L1
from ._monotone import Monotone
from ._nonnegative import Nonnegative
from ._penalty_of import (
    parts_of as parts_of,
    penalty_of as penalty_of,
    rows_of_options as rows_of_options,
)
from ._simplex import Simplex

__all__ = [
    "L1",
    "Affine",
    "Ball",
    "Box",
    "Budget",
    "Columns",
    "GroupL1",
    "Monotone",
    "Nonnegative",
    "Penalty",
    "Simplex",
]
