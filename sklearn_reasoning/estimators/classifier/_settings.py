"""What a classifier is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn_reasoning.algorithms import Algorithm


@dataclass(frozen=True)
class ClassifierArchitecture:
    """The shapes and the code path of a classifier.

    Parameters
    ----------
    algorithm : Algorithm
    n_features : int
        Columns of X.
    n_cells : int
        Columns of y.
    n_classes : int
        Classes of all cells together; 1 where a cell is a label that is there or not.
    allowed : tuple of tuple of int, or None
        The classes that each cell has, where some have not all.
    perception : {"joint", "per_cell", "per_cell_image"} or callable
    perception_hidden : tuple of int
        Hidden sizes of the network that reads x.
    coupling : {"classwise", "full"} or None
    rank : int
        Rows of the factor A of the coupling; 0 without one.
    coupling_start : {"repulsive", "mixed"}
    concavity : float
        The share of L by which the energy may be concave.
    """

    algorithm: Algorithm
    n_features: int
    n_cells: int
    n_classes: int
    allowed: tuple[tuple[int, ...], ...] | None
    perception: str | Callable[..., Any]
    perception_hidden: tuple[int, ...]
    coupling: str | None
    rank: int
    coupling_start: str
    concavity: float

    @property
    def is_multilabel(self) -> bool:
        """Whether cells are labels that are there or not."""
        return self.n_classes == 1

    @property
    def n_coupled(self) -> int:
        """How many outputs the coupling has a column for."""
        return self.n_cells * (self.n_classes if self.coupling == "full" else 1)

    # What models of every kind have: curvature is learned here, and these are not asked.
    mu = 0.01
    L = 1.0
