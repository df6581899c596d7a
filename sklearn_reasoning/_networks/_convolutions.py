"""Convolutional networks of models side by side."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Convolutions(nn.Module):
    """3 x 3 convolutions with ReLU between them; images keep their size, padded with zeros.

    Parameters
    ----------
    n_models : int
        Number of models side by side, whose channels do not see each other.
    cells : int
        Number of channels that come in and go out, of each model.
    channels : int
        Number of channels of the hidden layers.
    n_hidden : int
        Number of hidden layers: there is one convolution more.
    """

    def __init__(self, n_models: int, cells: int, channels: int, n_hidden: int) -> None:
        super().__init__()
        self.n_models = n_models
        shapes = [(n_models * s[0], *s[1:]) for s in kernel_shapes(cells, channels, n_hidden)]
        # Not nn.Conv2d, which draws its weights from the global generator.
        self.weights = nn.ParameterList([_zeros(shape) for shape in shapes])
        self.biases = nn.ParameterList([torch.zeros(s[0], dtype=torch.float32) for s in shapes])

    @torch.no_grad()
    def draw(self, model: int, generator: torch.Generator) -> None:
        """Draw the initial weights of a model (He et al. 2015); its last layer begins at zero."""
        for weight in list(self.weights)[:-1]:
            own = weight.unflatten(0, (self.n_models, -1))[model]
            spread = math.sqrt(2.0 / own[0].numel())
            own.copy_(spread * torch.randn(own.shape, dtype=torch.float64, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        """Return images of shape (n, n_models * cells, height, width), computed in their dtype."""
        # Channels last is the faster layout on processors and on GPUs, whatever the dtype.
        x = x.contiguous(memory_format=torch.channels_last)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if i > 0:
                x = F.relu(x)
            weight, bias = weight.to(x.dtype), bias.to(x.dtype)
            x = F.conv2d(x, weight, bias, padding=1, groups=self.n_models)
        return x


def _zeros(shape: tuple[int, ...]) -> Tensor:
    zeros = torch.zeros(shape, dtype=torch.float32)
    return zeros.contiguous(memory_format=torch.channels_last)


def kernel_shapes(cells: int, channels: int, n_hidden: int) -> list[tuple[int, int, int, int]]:
    """Return the shapes of the weights of :class:`Convolutions`; biases have the first sizes."""
    widths = [cells, *[channels] * n_hidden, cells]
    return [(after, before, 3, 3) for before, after in pairwise(widths)]
