"""Step sizes of groups of unlike curvature, from one learned number."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm

# Ends of the range that a share is kept in.
LOWEST, HIGHEST = 0.01, 1.0


def step_size_at(algorithm: Algorithm, share: Tensor, L: Tensor) -> Tensor:
    """Return the step size that lies at a share of the stable region of each curvature.

    With the region [low, high] of spectra in [1, L] it is low + share (high - low): inside the
    region for every share in [0, 1], whatever L, and differentiable in both.

    Parameters
    ----------
    algorithm : Algorithm
        With a step size.
    share : Tensor
    L : Tensor
        Both broadcast against the step size.
    """
    bound: Any = L
    ends = algorithm.stable_region(1.0, bound)
    low, high = (torch.as_tensor(end, dtype=L.dtype, device=L.device) for end in ends)
    # No power nor logarithm: they round differently by where in a tensor a number stands.
    return low + share * (high - low)


def first_share(algorithm: Algorithm, L: float) -> float | None:
    """Return the share at which the algorithm's own first step size lies; None without any.

    A ValueError if the stable region is not bounded, away from 0 as well.
    """
    size = algorithm.initial_step_size(1.0, L)
    if size is None:
        return None
    low, high = algorithm.stable_region(1.0, L)
    if not 0.0 < low < high < math.inf:
        raise ValueError(
            f"algo={algorithm.name!r} has the stable region ({low!r}, {high!r}), and the step size "
            "of each group is learned as a share of one that is bounded, away from 0 as well. "
            "Give the algorithm a stable_region, or use 'nag' or 'gd'."
        )
    return min(max((size - low) / (high - low), LOWEST), HIGHEST)
