"""How the matrices of networks are drawn before training, by name."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def glorot_uniform(n_out: int, n_in: int) -> float:
    """Return the bound of Glorot and Bengio (2010), which the paper's study uses."""
    return math.sqrt(6.0 / (n_out + n_in))


def fan_in_uniform(n_out: int, n_in: int) -> float:
    """Return the bound that torch gives a linear layer."""
    return 1.0 / math.sqrt(n_in)


_BOUNDS: dict[str, Callable[[int, int], float]] = {
    "glorot": glorot_uniform,
    "fan_in": fan_in_uniform,
}

INITIAL_WEIGHTS = tuple(_BOUNDS)


def draw_matrix(name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return a float64 matrix of numbers that are uniform between plus and minus a bound.

    ``name`` is "glorot" or "fan_in", the shape the numbers of outputs and inputs.
    """
    drawn = torch.rand(shape, dtype=torch.float64, generator=generator)
    return _BOUNDS[name](*shape) * (2.0 * drawn - 1.0)
