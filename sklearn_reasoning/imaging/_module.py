"""The networks f and g, and the layer behind them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_reasoning.energies import DiagonalQuadratic
from sklearn_reasoning.energies._heads import free_spectrum
from sklearn_reasoning.layer import ReasoningLayer

from ._settings import DenoiserArchitecture

# sigmoid(-3) = 0.05: Q begins near the identity, where the layer keeps its input.
_FIRST_LOGIT = -3.0


class Convolutions(nn.Module):
    """3 x 3 convolutions with ReLU between them; images keep their size, padded with zeros.

    Parameters
    ----------
    cells : int
        Number of channels that come in and go out.
    channels : int
        Number of channels of the hidden layers.
    n_hidden : int
        Number of hidden layers: there is one convolution more.
    """

    def __init__(self, cells: int, channels: int, n_hidden: int) -> None:
        super().__init__()
        shapes = kernel_shapes(cells, channels, n_hidden)
        # Not nn.Conv2d, which draws its weights from the global generator.
        self.weights = nn.ParameterList([torch.zeros(s, dtype=torch.float32) for s in shapes])
        self.biases = nn.ParameterList([torch.zeros(s[0], dtype=torch.float32) for s in shapes])

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Draw the initial weights (He et al. 2015); the last layer begins at zero."""
        for weight in list(self.weights)[:-1]:
            spread = math.sqrt(2.0 / weight[0].numel())
            drawn = torch.randn(weight.shape, dtype=torch.float64, generator=generator)
            weight.copy_(spread * drawn)

    def forward(self, x: Tensor) -> Tensor:
        """Return an image of the same shape and dtype, computed in that dtype."""
        return convolve(x, self.weights, self.biases)


def kernel_shapes(cells: int, channels: int, n_hidden: int) -> list[tuple[int, int, int, int]]:
    """Return the shapes of the weights of :class:`Convolutions`; biases have the first sizes."""
    widths = [cells, *[channels] * n_hidden, cells]
    return [(after, before, 3, 3) for before, after in pairwise(widths)]


def convolve(
    x: Tensor, weights: Iterable[Tensor], biases: Iterable[Tensor], groups: int = 1
) -> Tensor:
    """Return what convolutions with ReLU between them make of images, in the dtype of x.

    Parameters
    ----------
    x : Tensor of shape (n, channels, height, width)
    weights, biases : iterable of Tensor
        One of each for every convolution.
    groups : int, default=1
        Into how many parts the channels are divided that do not see each other.
    """
    # Channels last is the faster layout on processors and on GPUs, whatever the dtype.
    x = x.contiguous(memory_format=torch.channels_last)
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        if i > 0:
            x = F.relu(x)
        x = F.conv2d(x, weight.to(x.dtype), bias.to(x.dtype), padding=1, groups=groups)
    return x


class DenoisingModule(nn.Module):
    r"""From noisy images to restored ones.

    The energy is :math:`\tfrac12 \|Y + g(X) - X\|^2 + \tfrac12 \sum (f(X) Y)^2`, so that
    :math:`Q = diag(1 + f^2)` and :math:`b = g(X) - X`: one scalar problem a pixel.

    Parameters
    ----------
    architecture : DenoiserArchitecture

    Attributes
    ----------
    f, g : Convolutions or None
        None where they are turned off.
    layer : ReasoningLayer
        Its step size is held in float64.
    """

    def __init__(self, architecture: DenoiserArchitecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        cells = a.shuffle**2
        self.f = Convolutions(cells, a.f_channels, a.f_layers) if a.f_layers else None
        self.g = Convolutions(cells, a.g_channels, a.g_layers) if a.g_layers else None
        self.layer = ReasoningLayer(
            a.algorithm,
            a.k,
            1.0,
            a.L,
            step_size=a.step_size,
            step_size_range="stable" if a.step_size_range is None else a.step_size_range,
            learn_step_size=a.learn_step_size,
        )

    @property
    def margin(self) -> int:
        """How many pixels away an input can still change an output, rounded up to whole cells."""
        return self.architecture.shuffle * (
            1 + max(self.architecture.f_layers, self.architecture.g_layers)
        )

    @torch.no_grad()
    def draw_weights(self, seed: int) -> None:
        """Draw the initial weights.

        At first g = 0 and f is small and constant, so the model gives back what it is given,
        a little darker.
        """
        generator = torch.Generator().manual_seed(seed)
        for network in (self.f, self.g):
            if network is not None:
                network.draw(generator)
        if self.f is not None:
            self.f.biases[-1].fill_(_FIRST_LOGIT)

    def energy(self, x: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        """Return the diagonal of Q, in [1, L], and b.

        Parameters
        ----------
        x : Tensor of shape (n, 1, height, width)
            Noisy grey images, whose sides are multiples of ``shuffle``.
        dtype : torch.dtype, default=torch.float32
            In which the convolutions are computed; what comes out is in the dtype of x.

        Returns
        -------
        diagonal, b : Tensor of shape (n, 1, height, width)
        """
        return predict_energy(self.architecture, self.f, self.g, x, dtype)

    def forward(
        self, x: Tensor, k: int | None = None, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Return the restored images.

        Parameters
        ----------
        x, dtype
            As for :meth:`energy`.
        k : int or None, default=None
            Another number of steps than the layer's own.

        Returns
        -------
        Tensor of shape (n, 1, height, width)
        """
        diagonal, b = self.energy(x, dtype)
        # A pixel is a row of one output: methods that are not polynomial must not mix pixels.
        energy = DiagonalQuadratic(diagonal.unsqueeze(-1), b.unsqueeze(-1))
        y: Tensor = self.layer(energy, k)
        return y.squeeze(-1)


def predict_energy(
    architecture: DenoiserArchitecture,
    f: nn.Module | None,
    g: nn.Module | None,
    x: Tensor,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Return the diagonal of Q, in [1, L], and b, as networks f and g predict them.

    Parameters
    ----------
    architecture : DenoiserArchitecture
    f, g : Module or None
        From cells to as many cells; None where they are turned off.
    x, dtype
        As for :meth:`DenoisingModule.energy`; of a stack, the channels are its models.

    Returns
    -------
    diagonal, b : Tensor of the shape of x
    """
    # Counted from mid grey, so that the zeros around an image are not black.
    cells = F.pixel_unshuffle(x - 0.5, architecture.shuffle).to(dtype)
    diagonal, b = torch.ones_like(x), -x
    if f is not None:
        logits = F.pixel_shuffle(f(cells).to(x.dtype), architecture.shuffle)
        diagonal = free_spectrum(logits, 1.0, architecture.L)
    if g is not None:
        b = F.pixel_shuffle(g(cells).to(x.dtype), architecture.shuffle) - x
    return diagonal, b


class PatchLoss(nn.Module):
    """Mean over patches of the mean squared error, or of its root.

    Parameters
    ----------
    loss : {"squared", "l2"}
    """

    def __init__(self, loss: str) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, restored: Tensor, clean: Tensor) -> Tensor:
        """Return the loss of patches of shape (n, 1, height, width)."""
        error = (restored - clean).flatten(1)
        if self.loss == "squared":
            return error.square().mean()
        # vector_norm has the gradient 0, not 0/0, where the error is exactly 0.
        return torch.linalg.vector_norm(error, dim=1).mean() / math.sqrt(error.shape[1])
