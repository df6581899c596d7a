"""The training losses of a stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        apply: Any = _WeightedMean.apply
        losses: Tensor = apply(prediction.mT - batch.y, batch.weight, self._kind())
        return losses

    def with_pullback(
        self, error: Tensor, weight: Tensor
    ) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return the losses for errors of shape (n_models, d, n), and their pullback.

        That maps the gradients of the losses times the weights, (n_models, n), to that of the
        errors.
        """
        return _weighted_mean(error, weight, self._kind())

    def _kind(self) -> bool | Tensor:
        return self._all or (self.squared if self._any else False)


def _weighted_mean(
    error: Tensor, weight: Tensor, squared: bool | Tensor
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return weighted sums of norms or squared norms of errors, with few passes over these."""
    loss = squares = (error * error).sum(dim=1)
    if squared is not True:
        loss = torch.sqrt(squares)
        if squared is not False:
            loss = torch.where(squared, squares, loss)

    def pull(gain: Tensor) -> Tensor:
        if squared is True:
            gain = 2.0 * gain
        else:
            # The gradient of a norm is 0, not 0/0, where the error is exactly 0.
            norm_gain = (gain / loss).masked_fill_(loss == 0.0, 0.0)
            gain = norm_gain if squared is False else torch.where(squared, 2.0 * gain, norm_gain)
        return error * gain.unsqueeze(1)

    return (weight * loss).sum(dim=-1), pull


class _WeightedMean(torch.autograd.Function):
    """The losses, as autograd takes them."""

    @staticmethod
    def forward(ctx: Any, error: Tensor, weight: Tensor, squared: bool | Tensor) -> Tensor:
        losses, ctx.pull = _weighted_mean(error, weight, squared)
        ctx.weight = weight
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.pull(grads[0].unsqueeze(-1) * ctx.weight), None, None
