"""The training losses of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ._batches import Batch


class StackLoss(nn.Module):
    """The weighted mean loss of each model.

    The kinds are "l2", the norm of the error, and "squared", its square.
    """

    squared: Tensor

    def __init__(self, losses: Sequence[str]) -> None:
        super().__init__()
        self.is_squared = squared = [loss == "squared" for loss in losses]
        self._all, self._any = all(squared), any(squared)
        self.register_buffer("squared", torch.tensor(squared).unsqueeze(-1), persistent=False)

    def forward(self, prediction: Tensor, batch: Batch) -> Tensor:
        """Return the losses, of shape (n_models,), for predictions (n_models, n, d)."""
        kind = self._all or (self.squared if self._any else False)
        apply: Any = _WeightedMean.apply
        losses: Tensor = apply(prediction, batch.y, batch.weight, kind)
        return losses


class _WeightedMean(torch.autograd.Function):
    """Weighted sums of norms or squared norms of errors, with few passes over the errors."""

    @staticmethod
    def forward(
        ctx: Any, prediction: Tensor, y: Tensor, weight: Tensor, squared: bool | Tensor
    ) -> Tensor:
        error = prediction.mT - y
        loss = squares = (error * error).sum(dim=1)
        if squared is not True:
            loss = torch.sqrt(squares)
            if squared is not False:
                loss = torch.where(squared, squares, loss)
        ctx.save_for_backward(error, weight, loss)
        ctx.squared = squared
        return (weight * loss).sum(dim=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        error, weight, loss = ctx.saved_tensors
        gain = grads[0].unsqueeze(-1) * weight
        if ctx.squared is True:
            gain = 2.0 * gain
        else:
            # The gradient of a norm is 0, not 0/0, where the error is exactly 0.
            norm_gain = torch.where(loss == 0.0, 0.0, gain / loss)
            gain = (
                norm_gain
                if ctx.squared is False
                else torch.where(ctx.squared, 2.0 * gain, norm_gain)
            )
        return (error * gain.unsqueeze(1)).mT, None, None, None
