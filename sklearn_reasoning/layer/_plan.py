"""The cheapest exact way to run an algorithm on an energy."""

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm, iterates
from sklearn_reasoning.algorithms._base import Phi
from sklearn_reasoning.algorithms._steps import Steps
from sklearn_reasoning.energies import DiagonalQuadratic, QuadraticEnergy
from sklearn_reasoning.energies._base import KnownSpectrum


def minimize(
    algorithm: Algorithm, energy: QuadraticEnergy, k: Steps, phi: Phi, mu: float, L: float
) -> Tensor:
    r"""Return y_k, k steps of the algorithm on the energy from 0 (Eq. 3).

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance.
    energy : QuadraticEnergy
        Energies of n samples in d dimensions.
    k : int or Tensor of int
        Number of steps; a tensor broadcasts against y of shape (..., n, d).
    phi : Tensor, float, PerIteration, mapping or None
        Step size(s) in 1/curvature, broadcasting against y, or weights.
    mu, L : float
        Bounds of the spectrum of Q.

    Returns
    -------
    Tensor of shape (..., n, d)
        In the dtype of the energy and the units of y.

    Notes
    -----
    ============== ======================= ==================================================
    the energy has the algorithm           the layer computes
    ============== ======================= ==================================================
    a spectrum     is polynomial           :math:`-R\,q_k(\lambda) R'b`
    anything       is exact                the minimiser, by a linear solve
    a spectrum     commutes with rotations steps in the eigenbasis
    only products  has only steps          steps
    ============== ======================= ==================================================

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.algorithms import GradientDescent
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.ones(1, 2))
    >>> minimize(GradientDescent(), energy, 2, 1.0, 0.5, 1.0)
    tensor([[-1.5000, -1.0000]])
    """
    if isinstance(energy, KnownSpectrum):
        if algorithm.is_polynomial:
            q = energy.apply(lambda t: algorithm.filter(t, k, phi, mu, L))
            return energy.from_eigenbasis(q * -energy.to_eigenbasis(energy.b))
        if algorithm.commutes_with_rotations:
            decoupled = DiagonalQuadratic(energy.eigenvalues, energy.to_eigenbasis(energy.b))
            return energy.from_eigenbasis(_unroll(algorithm, decoupled, k, phi, mu, L))
    if algorithm.is_exact:
        return energy.minimizer()
    return _unroll(algorithm, energy, k, phi, mu, L)


def _unroll(
    algorithm: Algorithm, energy: QuadraticEnergy, k: Steps, phi: Phi, mu: float, L: float
) -> Tensor:
    shape: tuple[int, ...] = energy.b.shape
    if isinstance(energy, KnownSpectrum):
        shape = np.broadcast_shapes(shape, energy.eigenvalues.shape)
    start = torch.zeros_like(energy.b).expand(shape)
    *_, y = iterates(algorithm, start, energy.gradient, k, phi, mu, L)
    return y
