"""Models that fold: scores of pairs from a network, and a matching of bases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_reasoning.algorithms import Problem
from sklearn_reasoning.layer import minimize
from sklearn_reasoning.matching import DualMatching, dual_problem
from sklearn_reasoning.rna import allowed_pairs_of_batch
from sklearn_reasoning.training import Model

from ._calibration import Calibration
from ._network import PairNetwork
from ._settings import FolderArchitecture

# The score of a pair is 0.5 where its logit is 0, and 0 where it is -2.
_SLOPE, _MIDDLE = 0.25, 0.5


@dataclass(frozen=True)
class FoldBatch:
    """Sequences to train on.

    Parameters
    ----------
    codes : Tensor of int of shape (batch, n)
        Bases, unknown beyond the end.
    target : Tensor of shape (batch, n, n)
        1 for pairs, symmetric.
    prior : Tensor of shape (batch, n, n) or None
    count : int
        Number of sequences.
    """

    codes: Tensor
    target: Tensor
    prior: Tensor | None
    count: int

    @cached_property
    def allowed(self) -> Tensor:
        """Which pairs are allowed, of shape (batch, n, n)."""
        return allowed_pairs_of_batch(self.codes)


class FoldLoss(nn.Module):
    r"""The mean over sequences of 1 - F1 of the pairing, and of the cross-entropy of scores.

    F1 is that of weights, :math:`2 \sum y t / \sum (y + t)` with the targets t. The cross-entropy
    is a sum over allowed pairs for each pair of the target: pairs without a weight learn from it.
    ``losses`` has one entry, "pairs" for both or "f1" for the first alone.
    """

    def __init__(self, losses: Sequence[str]) -> None:
        super().__init__()
        # In no unit that the history would have to know of.
        self.is_squared = [False] * len(losses)
        (self._loss,) = losses

    def forward(self, prediction: Tensor, batch: FoldBatch) -> Tensor:
        """Return the loss, of shape (1,), of pairings and logits, (2, batch, n, n)."""
        pairing, logits = prediction
        target = batch.target
        n_pairs = target.sum(dim=(1, 2))
        hits = (pairing * target).sum(dim=(1, 2))
        f1 = (2.0 * hits + 1e-3) / (pairing.sum(dim=(1, 2)) + n_pairs + 1e-3)
        if self._loss == "f1":
            return (1.0 - f1.mean()).reshape(1)
        where, i, j = torch.nonzero(batch.allowed.triu(), as_tuple=True)
        each = F.binary_cross_entropy_with_logits(
            logits[where, i, j], target[where, i, j], reduction="none"
        )
        share = 2.0 / n_pairs.clamp(min=2.0)
        return (1.0 - f1.mean() + (each * share[where]).sum() / len(share)).reshape(1)


class FoldingModel(Model):
    r"""From sequences to pairings of their bases.

    The energy is that of :class:`~sklearn_reasoning.matching.DualMatching`; its multipliers, one a
    base, are what the algorithm moves.
    """

    criterion = FoldLoss

    def __init__(
        self,
        architecture: FolderArchitecture,
        k: tuple[int, ...],
        n_sizes: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        a = architecture
        super().__init__(a.algorithm, a.mu, a.L, k, 1)
        # The curvature is known: nothing is left to learn.
        self.step_size = None
        self.architecture = a
        self.network = (PairNetwork(a) if a.learned == "network" else Calibration()).to(dtype)

    def draw_weights(self, model: int, seed: int) -> None:
        """Draw the initial weights."""
        self.network.draw(torch.Generator().manual_seed(seed))

    def scored(
        self, codes: Tensor, allowed: Tensor, prior: Tensor | None
    ) -> tuple[DualMatching, Tensor]:
        """Return the energy of multipliers, one a base, and the logits of pairs, (batch, n, n)."""
        logits: Tensor = self.network(codes, allowed, prior)
        return DualMatching(_MIDDLE + _SLOPE * logits, allowed), logits

    def problem(self, batch: FoldBatch) -> tuple[Problem, Any]:
        """Return the dual of a batch, and the step size."""
        energy, _ = self.scored(batch.codes, batch.allowed, batch.prior)
        return dual_problem(energy), 1.0

    def multipliers(self, energy: DualMatching, k: int | None = None) -> Tensor:
        """Return the multipliers after k steps."""
        return minimize(self.algorithm, dual_problem(energy), self.number_of_steps(k), 1.0)

    def forward(self, batch: FoldBatch, k: int | None = None) -> Tensor:
        """Return pairings and logits, of shape (2, batch, n, n)."""
        energy, logits = self.scored(batch.codes, batch.allowed, batch.prior)
        return torch.stack([energy.feasible(self.multipliers(energy, k)), logits])
