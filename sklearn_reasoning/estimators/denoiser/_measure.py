"""Numbers about restored images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sklearn_reasoning.algorithms import Problem
from sklearn_reasoning.energies import DiagonalQuadratic
from sklearn_reasoning.layer import first_distance, remaining

from ._denoising_model import DenoisingModel
from ._tiles import energy_of

_Array = np.ndarray[Any, Any]


def psnr(restored: _Array, clean: _Array) -> float:
    """Return the peak signal-to-noise ratio of an image, in dB, for a data range of 1.

    The restored image is clipped to [0, 1] first. It is infinite for equal images.
    """
    error = np.clip(restored, 0.0, 1.0).astype(np.float64) - clean
    with np.errstate(divide="ignore"):
        return float(-10.0 * np.log10(np.mean(error**2)))


def measure(
    module: DenoisingModel, planes: Sequence[_Array], k: int | None = None
) -> tuple[tuple[float, float], float, float, float]:
    """Return what k steps, or the module's own, leave to the exact minimiser of an image's energy.

    The module is a single model, the planes of shape (height, width) are the channels. Returned are
    the smallest and the largest eigenvalue of Q, and norms over all pixels and channels: of the
    output minus the minimiser, of the minimiser, which is that far from the start at 0, and of the
    gradient at the start, b.
    """
    phi = module.learned()
    ends: list[float] = []
    squares = np.zeros(3)
    for plane in planes:
        diagonal, b = (
            torch.from_numpy(values.astype(np.float64)).unsqueeze(-1)
            for values in energy_of(module, plane)
        )
        problem = Problem(DiagonalQuadratic(diagonal, b), module.mu, module.L)
        left = remaining(module.algorithm, problem, module.number_of_steps(k), phi)
        ends += [float(diagonal.min()), float(diagonal.max())]
        squares += [float(v.square().sum()) for v in (left, first_distance(problem), b)]
    return (min(ends), max(ends)), *np.sqrt(squares).tolist()
