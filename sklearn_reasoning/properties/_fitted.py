"""What a fitted model tells of its layer, for :func:`certify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sklearn_reasoning.algorithms import Algorithm

from ._chebyshev_series import Array


@dataclass(frozen=True, eq=False)
class FittedLayer:
    r"""The algorithm of a fitted model, with what it learned.

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance.
    k : int
        Number of steps.
    phi : float, PerIteration, mapping of weights or None
        The learned step size(s), in 1/curvature, or weights.
    mu, L : float
        Bounds of the spectrum of Q.
    step_size_range : (float, float) or None
        The range that the step size was kept in, in 1/curvature; None for algorithms without
        one.

    Notes
    -----
    :math:`Alg^k_\phi` of Eq. 3, after training.

    Examples
    --------
    >>> from sklearn_reasoning.algorithms import GradientDescent
    >>> layer = FittedLayer(GradientDescent(), 10, 1.0, 0.1, 1.0, (0.02, 1.8))
    >>> residual = layer.algorithm.residual(layer.mu, layer.k, layer.phi, layer.mu, layer.L)
    >>> round(float(residual), 4)  # 0.9^10
    0.3487
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
        The eigenvalues of Q. A row of a denoiser is an image, of which the smallest and the largest
        are held: d = 2.
    distance : ndarray of shape (n,)
        Norm of the difference between output and exact minimiser, in the units of y.
    relative_distance : ndarray of shape (n,)
        The same over the norm of the minimiser; 0 where both are 0.

    Notes
    -----
    ``relative_distance`` is the left side of Eq. 6 over the distance of its right side, so no
    row may exceed the certified Cvg.

    Examples
    --------
    >>> import numpy as np
    >>> rows = MeasuredRows.of(np.array([[0.5, 1.0]]), np.array([0.1]), length=np.array([2.0]))
    >>> rows.relative_distance
    array([0.05])
    """

    eigenvalues: Array
    distance: Array
    relative_distance: Array

    @classmethod
    def of(cls, eigenvalues: Array, distance: Array, length: Array) -> MeasuredRows:
        """Return the rows whose minimisers have these lengths.

        Parameters
        ----------
        eigenvalues : ndarray of shape (n, d)
            The eigenvalues of Q.
        distance : ndarray of shape (n,)
            Norm of the difference between output and exact minimiser, in the units of y.
        length : ndarray of shape (n,)
            Norm of the minimiser, in the units of y.

        Returns
        -------
        MeasuredRows
            With the distance over the length, 0 where the length is 0.
        """
        relative = np.divide(distance, length, out=np.zeros_like(distance), where=length > 0.0)
        return cls(eigenvalues, distance, relative)


class Certifiable(Protocol):
    """A fitted estimator whose layer can be certified."""

    def _fitted_layer(self) -> FittedLayer:
        """Return the layer; raise NotFittedError before ``fit``."""

    def _measure_rows(self, X: Any, k: int | None = None) -> MeasuredRows:
        """Return what the model does on X, after k steps on the energies of its own k."""
