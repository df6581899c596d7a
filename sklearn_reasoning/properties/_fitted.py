"""What a fitted model tells of its layer, for :func:`certify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.penalties import Penalty

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
    start_norm : float or None, default=0.0
        Norm of the start, in the units of y; None where each row has its own.
    penalty : Penalty or None, default=None
        The set that y lies in, or the term that is added to the energy.
    counted_from : {"zero", "start", "elsewhere"}, default="zero"
        From where the steps count y. A model that learns b counts it from the mean of the targets,
        which is where "mean" starts. It matters only for methods that do not move along with it, as
        rnn.

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
    start_norm: float | None = 0.0
    penalty: Penalty | None = None
    counted_from: str = "zero"


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
    first_distance : ndarray of shape (n,)
        Norm of the difference between start and exact minimiser, in the units of y; from 0 it is
        the norm of the minimiser.
    gradient_norm : ndarray of shape (n,) or None
        Norm of the gradient at the start, Qc + b, in the units of b; None if not measured.
    start_norm : ndarray of shape (n,)
        Norm of the start c, in the units of y.

    Notes
    -----
    ``distance`` is the left side of Eq. 6 and ``first_distance`` is what Cvg multiplies on the
    right, so no distance may exceed the certified Cvg times the first one.

    Examples
    --------
    >>> import numpy as np
    >>> rows = MeasuredRows.of(np.array([[0.5, 1.0]]), np.array([0.1]), np.array([2.0]))
    >>> rows.relative_distance, rows.start_norm
    (array([0.05]), array([0.]))
    """

    eigenvalues: Array
    distance: Array
    first_distance: Array
    gradient_norm: Array | None
    start_norm: Array

    @property
    def relative_distance(self) -> Array:
        """The distance over the first one; 0 where both are 0, inf where the first alone is."""
        with np.errstate(divide="ignore", invalid="ignore"):
            relative: Array = np.divide(self.distance, self.first_distance)
        return np.where(self.distance == 0.0, 0.0, relative)

    @classmethod
    def of(
        cls,
        eigenvalues: Array,
        distance: Array,
        first_distance: Array,
        gradient_norm: Array | None = None,
        start_norm: Array | float = 0.0,
    ) -> MeasuredRows:
        """Return rows that begin at one start, or at 0.

        Parameters
        ----------
        eigenvalues : ndarray of shape (n, d)
            The eigenvalues of Q.
        distance : ndarray of shape (n,)
            Norm of the difference between output and exact minimiser, in the units of y.
        first_distance : ndarray of shape (n,)
            Norm of the difference between start and exact minimiser, in the units of y.
        gradient_norm : ndarray of shape (n,) or None, default=None
            Norm of the gradient at the start, in the units of b; None if not measured.
        start_norm : float or ndarray of shape (n,), default=0.0
            Norm of the start, in the units of y, of all rows or of each.

        Returns
        -------
        MeasuredRows
            With ``start_norm`` of each row.
        """
        each = np.broadcast_to(np.asarray(start_norm, dtype=np.float64), np.shape(distance))
        return cls(eigenvalues, distance, first_distance, gradient_norm, each)


class Certifiable(Protocol):
    """A fitted estimator whose layer can be certified."""

    def _fitted_layer(self) -> FittedLayer:
        """Return the layer; raise NotFittedError before ``fit``."""

    def _measure_rows(self, X: Any, k: int | None = None) -> MeasuredRows:
        """Return what the model does on X, after k steps on the energies of its own k."""
