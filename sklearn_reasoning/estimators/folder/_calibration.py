"""A physical model's probabilities, calibrated: what is learned are two numbers."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ._prior import LEAST_PROBABILITY


class Calibration(nn.Module):
    r"""Logits of pairs, a logit(p) + c for given probabilities p.

    At first a is 1 and c one half, with which pairs are those of a probability of about one half
    and more. Neither knows of any family of sequences, and so they hold for others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.zeros(1))
        self.constant = nn.Parameter(torch.zeros(1))

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Begin anew; nothing is drawn."""
        self.factor.fill_(1.0)
        self.constant.fill_(0.5)

    def forward(self, codes: Tensor, allowed: Tensor, prior: Tensor) -> Tensor:
        """Return logits of shape (batch, n, n), 0 where a pair is not allowed."""
        given = torch.logit(prior, eps=LEAST_PROBABILITY)
        return allowed * (self.factor * given + self.constant)


def shapes_of_calibration() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield names and shapes of the weights."""
    yield "factor", (1,)
    yield "constant", (1,)
