"""What a fitted model tells of its layer, for :func:`certify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sklearn_reasoning.algorithms import Algorithm

from ._chebyshev_series import Array


@dataclass(frozen=True, eq=False)
class FittedLayer:
    """The algorithm of a fitted model, with what it learned.

    Parameters
    ----------
    algorithm : Algorithm
    k : int
        Number of steps.
    phi : float, PerIteration, mapping of weights or None
        The learned step size(s) or weights.
    mu, L : float
        Bounds of the spectrum of Q.
    step_size_range : (float, float) or None
        The range that the step size was kept in; None for algorithms without one.
    """

    algorithm: Algorithm
    k: int
    phi: Any
    mu: float
    L: float
    step_size_range: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class MeasuredRows:
    """The energies that a model predicts for n rows, and how far its outputs are from optimal.

    Parameters
    ----------
    eigenvalues : ndarray of shape (n, d)
        Of Q. A row of a denoiser is an image, of which the smallest and the largest are held.
    distance : ndarray of shape (n,)
        Norm of the difference between output and exact minimiser, in the unit of y.
    relative_distance : ndarray of shape (n,)
        The same over the norm of the minimiser; 0 where both are 0.
    """

    eigenvalues: Array
    distance: Array
    relative_distance: Array

    @classmethod
    def of(cls, eigenvalues: Array, distance: Array, length: Array) -> MeasuredRows:
        """Return the rows whose minimisers have these lengths, an array of shape (n,)."""
        relative = np.divide(distance, length, out=np.zeros_like(distance), where=length > 0.0)
        return cls(eigenvalues, distance, relative)


class Certifiable(Protocol):
    """A fitted estimator whose layer can be certified."""

    def _fitted_layer(self) -> FittedLayer:
        """Return the layer; raise NotFittedError before ``fit``."""

    def _measure_rows(self, X: Any, k: int | None = None) -> MeasuredRows:
        """Return what the model does on X, after k steps on the energies of its own k."""
