"""Models that restore images: the networks f and g, and the energies that they predict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_reasoning._networks import Convolutions, free_spectrum
from sklearn_reasoning.algorithms import Problem
from sklearn_reasoning.energies import DiagonalQuadratic
from sklearn_reasoning.training import Model

from ._patches import PatchBatch
from ._settings import DenoiserArchitecture

# sigmoid(-3) = 0.05: Q begins near the identity, where the layer keeps its input.
_FIRST_LOGIT = -3.0


class PatchLoss(nn.Module):
    """Mean over patches of the mean squared error, or of its root, of each model.

    ``losses`` are "squared" or "l2", all alike.
    """

    def __init__(self, losses: Sequence[str]) -> None:
        super().__init__()
        (self.loss,) = set(losses)
        # Of no unit that the history would have to know of.
        self.is_squared = [False] * len(losses)

    def forward(self, restored: Tensor, batch: PatchBatch) -> Tensor:
        """Return the losses, of shape (n_models,), of images (n, n_models, height, width)."""
        error = (restored - batch.clean).flatten(2)
        if self.loss == "squared":
            return error.square().mean(dim=(0, 2))
        # vector_norm has the gradient 0, not 0/0, where the error is exactly 0.
        length: Tensor = torch.linalg.vector_norm(error, dim=2).mean(dim=0)
        return length / math.sqrt(error.shape[2])


class DenoisingModel(Model):
    r"""From noisy images to restored ones.

    The energy is :math:`\tfrac12 \|Y + g(X) - X\|^2 + \tfrac12 \sum (f(X) Y)^2`, so that
    :math:`Q = diag(1 + f^2)` and :math:`b = g(X) - X`: one scalar problem a pixel. Models lie side
    by side as channels. ``f`` and ``g`` are None where they are turned off. The only ``dtype`` is
    float32.
    """

    criterion = PatchLoss
    n_axes = 3  # pixels, and the single output of each

    def __init__(
        self,
        architecture: DenoiserArchitecture,
        k: tuple[int, ...],
        n_sizes: int = 1,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        a = architecture
        super().__init__(a.algorithm, a.mu, a.L, k, n_sizes)
        self.architecture = a
        cells, n = a.shuffle**2, self.n_models
        self.f = Convolutions(n, cells, a.f_channels, a.f_layers) if a.f_layers else None
        self.g = Convolutions(n, cells, a.g_channels, a.g_layers) if a.g_layers else None

    @property
    def margin(self) -> int:
        """How many pixels away an input can still change an output, rounded up to whole cells."""
        return self.architecture.shuffle * (
            1 + max(self.architecture.f_layers, self.architecture.g_layers)
        )

    @torch.no_grad()
    def draw_weights(self, model: int, seed: int) -> None:
        """Draw the initial weights of one model.

        At first g = 0 and f is small and constant, so the model gives back what it is given,
        a little darker.
        """
        generator = torch.Generator().manual_seed(seed)
        for network in (self.f, self.g):
            if network is not None:
                network.draw(model, generator)
        if self.f is not None:
            self.f.biases[-1].unflatten(0, (self.n_models, -1))[model].fill_(_FIRST_LOGIT)

    def problem(self, batch: PatchBatch) -> tuple[Problem, Any]:
        """Return the predicted energies, and the step sizes.

        The convolutions run in bfloat16 if the architecture has ``mixed_precision``.
        """
        mixed = self.architecture.mixed_precision
        diagonal, b = self.energy(batch.noisy, torch.bfloat16 if mixed else torch.float32)
        return self._problem(diagonal, b), self.phi(diagonal.dtype)

    def _problem(self, diagonal: Tensor, b: Tensor) -> Problem:
        # A pixel is a row of one output: methods that are not polynomial must not mix pixels.
        energy = DiagonalQuadratic(diagonal.unsqueeze(-1), b.unsqueeze(-1))
        return Problem(energy, self.mu, self.L)

    def readout(self, y: Tensor) -> Tensor:
        """Return the restored images, of shape (n, n_models, height, width)."""
        return y.squeeze(-1)

    def restore(self, x: Tensor, k: int | None = None) -> Tensor:
        """Return restored images of the shape of x, computed in float32.

        x holds noisy grey images, (n, n_models, height, width), whose sides are multiples of
        ``shuffle``; k is another number of steps than the models' own.
        """
        return self.solve(self._problem(*self.energy(x)), self.phi(x.dtype), k)

    def energy(self, x: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        """Return the diagonal of Q, in [1, L], and b, both of the shape and dtype of x.

        x is as for :meth:`restore`; the convolutions are computed in ``dtype``.
        """
        shuffle = self.architecture.shuffle
        # Counted from mid grey, so that the zeros around an image are not black.
        cells = F.pixel_unshuffle(x - 0.5, shuffle).to(dtype)
        diagonal, b = torch.ones_like(x), -x
        if self.f is not None:
            logits = F.pixel_shuffle(self.f(cells).to(x.dtype), shuffle)
            diagonal = free_spectrum(logits, self.mu, self.L)
        if self.g is not None:
            b = F.pixel_shuffle(self.g(cells).to(x.dtype), shuffle) - x
        return diagonal, b
