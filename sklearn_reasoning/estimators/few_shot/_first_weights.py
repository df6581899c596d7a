"""How networks of features begin."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sklearn_reasoning._networks import Block, Network


def draw_network(network: Network, pieces: Sequence[Tensor], generator: torch.Generator) -> None:
    """Draw the weights of a network into the pieces of the row of a model, of which there is one.

    Matrices are those of He et al. (2015), which keep the squares of rectified values from layer to
    layer. Without biases all functions of a single column would bend at the same place.
    """

    def draw(block: Block, bound: float) -> None:
        drawn = 2.0 * torch.rand(block.shape, dtype=torch.float64, generator=generator) - 1.0
        block.cut(block.of(pieces))[0] = bound * drawn

    for layer in network:
        n_in = 1 if layer.matrix is None else layer.matrix.shape[1]
        if layer.matrix is not None:
            draw(layer.matrix, math.sqrt(6.0 / n_in))
        draw(layer.bias, 1.0 / math.sqrt(n_in))
