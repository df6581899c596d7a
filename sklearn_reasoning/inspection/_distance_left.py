"""What k steps of a fitted layer leave of the way to the minimisers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.layer._plan import minimize
from sklearn_reasoning.properties import FittedLayer


def distance_left(
    layer: FittedLayer, Q: NDArray[Any], b: NDArray[Any], steps: NDArray[Any]
) -> NDArray[np.float64]:
    """Return how much of the distance to the minimiser each row has left after k steps.

    Parameters
    ----------
    layer : FittedLayer
    Q : ndarray of shape (n, d, d)
    b : ndarray of shape (n, d)
    steps : ndarray of int, of shape (n_k,)

    Returns
    -------
    ndarray of shape (n_k, n)
        Relative to the first distance; 0 where that is 0.
    """
    eigenvalues, vectors = np.linalg.eigh(Q)
    # In the eigenbasis, where a residual keeps all its digits: a difference of outputs has none
    # left near the minimiser.
    minimiser = -np.einsum("nij,ni->nj", vectors, b) / eigenvalues
    if layer.algorithm.is_polynomial:
        left = [
            layer.algorithm.residual(eigenvalues, k, layer.phi, layer.mu, layer.L) * minimiser
            for k in steps.tolist()
        ]
    else:
        left = [_difference(layer, Q, b, k) for k in steps.tolist()]
    distance = np.linalg.norm(np.stack(left), axis=-1)
    length = np.linalg.norm(minimiser, axis=-1)
    return np.divide(distance, length, out=np.zeros_like(distance), where=length > 0.0)


def _difference(layer: FittedLayer, Q: NDArray[Any], b: NDArray[Any], k: int) -> NDArray[Any]:
    energy = DenseQuadratic(torch.from_numpy(Q), torch.from_numpy(b))
    with torch.no_grad():
        y = minimize(layer.algorithm, energy, k, layer.phi, layer.mu, layer.L)
        difference: NDArray[Any] = (y - energy.minimizer()).numpy()
    return difference
