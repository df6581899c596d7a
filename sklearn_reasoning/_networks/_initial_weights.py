"""How the networks of a model are drawn before training, by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class InitialWeights:
    """How matrices are drawn.

    ``bound`` gives, for numbers of outputs and inputs, the largest number that is drawn;
    ``ends_at_zero`` is whether the last layer of a network begins at zero, which makes its
    outputs constant at first.
    """

    bound: Callable[[int, int], float]
    ends_at_zero: bool

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Return a float64 matrix of numbers that are uniform between plus and minus the bound."""
        drawn = torch.rand(shape, dtype=torch.float64, generator=generator)
        return self.bound(*shape) * (2.0 * drawn - 1.0)


def _glorot(n_out: int, n_in: int) -> float:
    """Return the bound of Glorot and Bengio (2010), which the paper's study uses."""
    return math.sqrt(6.0 / (n_out + n_in))


def _fan_in(n_out: int, n_in: int) -> float:
    """Return the bound that torch gives a linear layer."""
    return 1.0 / math.sqrt(n_in)


INITIAL_WEIGHTS = {
    "small": InitialWeights(_fan_in, ends_at_zero=True),
    "glorot": InitialWeights(_glorot, ends_at_zero=False),
}
