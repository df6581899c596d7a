"""Models whose head adapts to each group: features from a network, and k steps on their weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sklearn_reasoning._networks import Layout, evaluate, padded
from sklearn_reasoning.algorithms import Problem
from sklearn_reasoning.training import Model

from ._adaptation import Support, moved, problem_of
from ._by_group import by_group
from ._first_weights import draw_network
from ._scales import Scales
from ._settings import FewShotArchitecture

# The ridge that training begins at, in units of the features' squares.
_FIRST_RIDGE = 0.1


@dataclass(frozen=True)
class Episode:
    """Groups of rows, cut into what is learned from and what is asked.

    Parameters
    ----------
    x : Tensor of shape (n_models, padded n_features, n)
        Group by group, the support of each before its query, and then what fills up groups that
        have fewer rows than others.
    target : Tensor of shape (n_models, n_groups, n_rows, d)
    is_support : Tensor of shape (n_models, n_groups, n_support)
        1 for the rows of the support, of the first of each group, 0 for others.
    is_query : Tensor of shape (n_models, n_groups, n_rows)
        1 for the rows that are asked, 0 for others.
    count : Tensor of shape (n_models,)
        Number of query rows.
    """

    x: Tensor
    target: Tensor
    is_support: Tensor
    is_query: Tensor
    count: Tensor

    @property
    def n_support(self) -> int:
        """Number of rows that the support of each group is filled up to."""
        return self.is_support.shape[-1]


class QueryLoss(nn.Module):
    """The mean squared error over the query rows of a batch, in the units of the targets."""

    def __init__(self, losses: Sequence[str]) -> None:
        super().__init__()
        # In no unit that the history would have to know of.
        self.is_squared = [False] * len(losses)

    def forward(self, y: Tensor, batch: Episode) -> Tensor:
        """Return the loss of each model, of predictions (n_models, n_groups, n_rows, d)."""
        error = (y - batch.target) * batch.is_query.unsqueeze(-1)
        return error.square().sum(dim=(1, 2, 3)) / (batch.count * y.shape[-1])


class HeadModel(Model):
    r"""Features of a network, and a linear head of which every group has its own.

    Parameters
    ----------
    architecture : FewShotArchitecture
    k : tuple of int
    n_sizes : int
    dtype : torch.dtype

    Notes
    -----
    ``step_size`` holds the share of the stable region at which the step size of each group lies;
    the ridge is held as its logarithm.
    """

    criterion = QueryLoss

    def __init__(
        self,
        architecture: FewShotArchitecture,
        k: tuple[int, ...],
        n_sizes: int = 1,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        a = architecture
        super().__init__(a.algorithm, a.mu, a.L, k, n_sizes)
        self.architecture = a
        self._layout = Layout()
        self._layout.add_network("basis", a.n_features, a.basis_hidden, a.n_basis)
        self._layout.add_block("start", (a.n_outputs, a.n_weights))
        # One number; the others fill a vector, so that its exponential has the same bits in stacks.
        self._layout.add_block("log_ridge", (16,))
        n_weights = self._layout.close()
        self.weights = nn.Parameter(torch.zeros(self.n_models, n_weights, dtype=dtype))
        Scales.hold_in(self, self.n_models, a.n_features, a.n_outputs)

    @torch.no_grad()
    def draw_weights(self, model: int, seed: int) -> None:
        """Draw the initial weights of one model; its start is 0, the mean of the targets."""
        generator = torch.Generator().manual_seed(seed)
        row = torch.zeros(1, self.weights.shape[1], dtype=torch.float64)
        pieces = row.split(self._layout.sizes, dim=1)
        draw_network(self._layout.networks["basis"], pieces, generator)
        ridge = self._layout.blocks["log_ridge"]
        ridge.cut(ridge.of(pieces)).fill_(math.log(_FIRST_RIDGE))
        self.weights[model] = row[0].to(self.weights)

    def decaying(self) -> Tensor:
        """Return 1 for each weight of the network's matrices and 0 for the others."""
        mask = torch.zeros_like(self.weights[:1])
        pieces = mask.split(self._layout.sizes, dim=1)
        for layer in self._layout.networks["basis"]:
            if layer.matrix is not None:
                layer.matrix.of(pieces).fill_(1.0)
        return mask

    # ------------------------------------------------------------------ what it computes

    def features(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features of rows, (n_models, m, n), with starts and ridges.

        Starts are (n_models, m, d), ridges (n_models, 1, 1).
        """
        basis, start, ridge = self._basis(x)
        return torch.cat([basis, torch.ones_like(basis[:, :1])], dim=1), start, ridge

    def _basis(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return :meth:`features` without the constant."""
        outputs, blocks = evaluate(self.weights, x, self._layout)
        start = self._layout.blocks["start"].cut(blocks["start"]).mT
        ridge = blocks["log_ridge"].exp()[:, :1].unsqueeze(-1)
        return outputs["basis"], start, ridge

    def shares(self, dtype: torch.dtype) -> Tensor | None:
        """Return where step sizes lie in their stable regions, (n_models, 1, 1), or None."""
        return None if self.step_size is None else self.step_size.to(dtype).reshape(-1, 1, 1)

    def forward(self, batch: Any, k: int | None = None) -> Tensor:
        """Return the predictions of all rows, (n_models, n_groups, n_rows, d)."""
        support, rows, start, ridge = self._read(batch)
        fall = moved(self.algorithm, support, ridge, self._shares_for(), self.number_of_steps(k))
        return rows @ (start + fall)

    def problem(self, batch: Any) -> tuple[Problem, Any]:
        """Return the energies of the groups, in w - w_0 and over the ridge, and step sizes."""
        support, _, _, ridge = self._read(batch)
        return problem_of(self.algorithm, support, ridge, self._shares_for())

    def _read(self, batch: Episode) -> tuple[Support, Tensor, Tensor, Tensor]:
        """Return the supports, features of all rows, starts and ridges."""
        basis, start, ridge = self._basis(batch.x)
        # In whole vectors, as all that a model of a stack begins with.
        rows = by_group(basis, batch.target.shape[1], padded(basis.shape[1] + 1)).mT
        start = functional.pad(start, (0, 0, 0, rows.shape[-1] - start.shape[-2])).unsqueeze(1)
        here = batch.is_support.unsqueeze(-1)
        features = rows[:, :, : batch.n_support]
        residual = (batch.target[:, :, : batch.n_support] - features @ start) * here
        count = batch.is_support.sum(dim=-1).clamp_min(1.0)[..., None, None]
        return Support(features, residual, count, here), rows, start, ridge.unsqueeze(1)

    def _shares_for(self) -> Tensor | None:
        return self.shares(self.weights.dtype)


def padded_columns(x: Tensor) -> Tensor:
    """Return rows (n, n_features) as features times rows, both padded with zeros.

    The rows are padded to a multiple of 16, the features to one of 8.
    """
    n, width = x.shape
    return torch.nn.functional.pad(x.T, (0, -n % 16, 0, padded(width) - width))
