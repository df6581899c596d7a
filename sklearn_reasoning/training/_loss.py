"""The training losses of a stack."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ._batches import Batch


class StackLoss(nn.Module):
    """The weighted mean loss of each model.

    Parameters
    ----------
    losses : sequence of {"l2", "squared"}
        Kind of loss of each model: the norm of the error, or its square.
    """

    squared: Tensor

    def __init__(self, losses: Sequence[str]) -> None:
        super().__init__()
        self.is_squared = squared = [loss == "squared" for loss in losses]
        self._all, self._any = all(squared), any(squared)
        self.register_buffer("squared", torch.tensor(squared).unsqueeze(-1), persistent=False)

    def forward(self, prediction: Tensor, batch: Batch) -> Tensor:
        """Return the losses, of shape (n_models,), for predictions (n_models, n, d)."""
        error = prediction.mT - batch.y
        if self._all:
            loss = (error * error).sum(dim=1)
        else:
            # Its gradient is 0, not 0/0, where the error is exactly 0.
            loss = torch.linalg.vector_norm(error, dim=1)
            if self._any:
                loss = torch.where(self.squared, (error * error).sum(dim=1), loss)
        return (batch.weight * loss).sum(dim=-1)
