"""Models of which every weight adapts to each group: model-agnostic meta-learning (MAML)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_reasoning._networks import Layout, padded
from sklearn_reasoning.algorithms import Problem
from sklearn_reasoning.training import Model

from ._first_weights import draw_network
from ._head_model import Episode, QueryLoss
from ._scales import Scales
from ._settings import FewShotArchitecture

# The step size that training begins at, for targets of variance 1.
_FIRST_STEP = 0.01

# A matrix and a column of biases for each layer, of each group.
Weights = Sequence[Tensor]


class WeightsModel(Model):
    r"""A perceptron of which every group has its own after k plain gradient steps.

    The steps are on the mean squared error over the support, each by learned sizes, one for each
    matrix and each vector of biases; training differentiates through all of them.

    Parameters
    ----------
    architecture : FewShotArchitecture
    k : tuple of int
    n_sizes : int
    dtype : torch.dtype
    """

    criterion = QueryLoss

    def __init__(
        self,
        architecture: FewShotArchitecture,
        k: tuple[int, ...],
        n_sizes: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        a = architecture
        super().__init__(a.algorithm, a.mu, a.L, k, 1)
        # There is one for each layer, among the weights.
        self.step_size = None
        self.architecture = a
        self._layout = Layout()
        self._layout.add_network("network", a.n_features, a.basis_hidden, a.n_outputs)
        self._network = self._layout.networks["network"]
        self._n_tensors = sum(2 if layer.matrix else 1 for layer in self._network)
        self._layout.add_block("log_steps", (padded(self._n_tensors, 16),))
        n_weights = self._layout.close()
        self.weights = nn.Parameter(torch.zeros(self.n_models, n_weights, dtype=dtype))
        Scales.hold_in(self, self.n_models, a.n_features, a.n_outputs)

    @torch.no_grad()
    def draw_weights(self, model: int, seed: int) -> None:
        """Draw the initial weights of one model."""
        generator = torch.Generator().manual_seed(seed)
        row = torch.zeros(1, self.weights.shape[1], dtype=torch.float64)
        pieces = row.split(self._layout.sizes, dim=1)
        draw_network(self._network, pieces, generator)
        steps = self._layout.blocks["log_steps"]
        steps.cut(steps.of(pieces)).fill_(math.log(_FIRST_STEP))
        self.weights[model] = row[0].to(self.weights)

    def initial(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return the shared weights, each (n_models, 1, ...), and the step size of each."""
        pieces = self.weights.split(self._layout.sizes, dim=1)
        found: list[Tensor] = []
        for layer in self._network:
            if layer.matrix is not None:
                found.append(layer.matrix.cut(layer.matrix.of(pieces)).unsqueeze(1))
            found.append(layer.bias.cut(layer.bias.of(pieces))[:, None, :, None])
        steps = self._layout.blocks["log_steps"]
        sizes = steps.of(pieces).contiguous().exp()[:, : self._n_tensors, None, None, None]
        return found, list(sizes.unbind(dim=1))

    def outputs(self, weights: Weights, x: Tensor) -> Tensor:
        """Return outputs (n_models, n_groups, d, n) of rows (n_models, n_groups, n_features, n)."""
        own = iter(weights)
        for i, layer in enumerate(self._network):
            if i > 0:
                x = torch.relu(x)
            if layer.matrix is None:
                bias = next(own)
                x = bias.expand(*bias.shape[:-1], x.shape[-1])
            else:
                x = next(own) @ x + next(own)
        return x

    def adapted(
        self, x: Tensor, target: Tensor, mask: Tensor, k: int | None = None
    ) -> tuple[Tensor, ...]:
        """Return the weights of each group after k steps.

        Parameters
        ----------
        x : Tensor of shape (n_models, n_groups, n_features, n)
        target : Tensor of shape (n_models, n_groups, d, n)
        mask : Tensor of shape (n_models, n_groups, 1, n)
            1 for rows, 0 for what fills up.
        k : int or None, default=None
            None is that of the first model: all have the same.
        """
        count = mask.sum(dim=-1, keepdim=True).clamp_min(1.0) * target.shape[2]

        def loss(weights: tuple[Tensor, ...]) -> Tensor:
            # Of groups that know nothing of each other: the gradient of the sum is that of each.
            error = (self.outputs(weights, x) - target) * mask
            return (error.square() / count).sum()

        slope = torch.func.grad(loss)
        shared, sizes = self.initial()
        n_groups = x.shape[1]
        weights = tuple(w.expand(-1, n_groups, -1, -1) for w in shared)
        for _ in range(self.k[0] if k is None else k):
            steps = zip(weights, sizes, slope(weights), strict=True)
            weights = tuple(w - size * g for w, size, g in steps)
        return weights

    def forward(self, batch: Any, k: int | None = None) -> Tensor:
        """Return the predictions of all rows, (n_models, n_groups, n_rows, d)."""
        e: Episode = batch
        _, n_groups, n_rows, _ = e.target.shape
        x = e.x[:, : self.architecture.n_features, : n_groups * n_rows]
        x = x.unflatten(-1, (n_groups, n_rows)).transpose(1, 2)
        target = e.target.mT[..., : e.n_support]
        weights = self.adapted(x[..., : e.n_support], target, e.is_support.unsqueeze(2), k)
        return self.outputs(weights, x).mT

    def problem(self, batch: Any) -> tuple[Problem, Any]:
        """Refuse: what is minimised is no energy that an algorithm here would take."""
        raise NotImplementedError("adapt='all' takes plain gradient steps on a loss.")
