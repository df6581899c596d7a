"""Numbers about restored images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sklearn_reasoning.energies import DiagonalQuadratic
from sklearn_reasoning.layer import minimize

from ._module import DenoisingModule
from ._tiles import energy_of

_Array = np.ndarray[Any, Any]


def psnr(restored: _Array, clean: _Array) -> float:
    """Return the peak signal-to-noise ratio of an image, in dB, for a data range of 1.

    Parameters
    ----------
    restored : ndarray
        Clipped to [0, 1] first.
    clean : ndarray of the same shape

    Returns
    -------
    float
        Infinite for equal images.
    """
    error = np.clip(restored, 0.0, 1.0).astype(np.float64) - clean
    with np.errstate(divide="ignore"):
        return float(-10.0 * np.log10(np.mean(error**2)))


def distance_to_minimiser(
    module: DenoisingModule, planes: Sequence[_Array], k: int | None = None
) -> tuple[tuple[float, float], float, float]:
    """Return what the layer leaves to the exact minimiser of an image's energy.

    Parameters
    ----------
    module : DenoisingModule
    planes : sequence of ndarray of shape (height, width)
        The channels of the image.
    k : int or None
        Another number of steps than the module's own.

    Returns
    -------
    spectrum : (float, float)
        The smallest and the largest eigenvalue of Q.
    distance : float
        Norm of the output minus the minimiser, over all pixels and channels.
    length : float
        Norm of the minimiser.
    """
    a = module.architecture
    steps = a.k if k is None else k
    step_size = module.layer.step_size
    phi = None if step_size is None else float(step_size.detach())
    ends: list[float] = []
    squares = np.zeros(2)
    for plane in planes:
        diagonal, b = (
            torch.from_numpy(values.astype(np.float64)).unsqueeze(-1)
            for values in energy_of(module, plane)
        )
        minimiser = -b / diagonal
        if a.algorithm.is_polynomial:
            # Of the residual itself: a difference of outputs has no digits left near 0.
            error = a.algorithm.residual(diagonal, steps, phi, 1.0, a.L) * minimiser
        else:
            energy = DiagonalQuadratic(diagonal, b)
            error = minimize(a.algorithm, energy, steps, phi, 1.0, a.L) - minimiser
        ends += [float(diagonal.min()), float(diagonal.max())]
        squares += [float(error.square().sum()), float(minimiser.square().sum())]
    distance, length = np.sqrt(squares).tolist()
    return (min(ends), max(ends)), distance, length
