"""Features of rows, put in order by groups: one copy on the way forward and one on the way back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def by_group(basis: Tensor, n_groups: int, width: int) -> Tensor:
    """Return functions of rows as a matrix for each group, with the constant after them.

    Parameters
    ----------
    basis : Tensor of shape (n_models, n_basis, n_groups * n_rows)
        Group by group.
    n_groups : int
    width : int
        Above ``n_basis``; what is beyond the constant is 0.

    Returns
    -------
    Tensor of shape (n_models, n_groups, width, n_rows)
    """
    apply: Any = _ByGroup.apply
    result: Tensor = apply(basis, n_groups, width)
    return result


class _ByGroup(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, basis: Tensor, n_groups: int, width: int) -> Tensor:
        n_models, n_basis, n = basis.shape
        ctx.n_basis = n_basis
        rows = basis.new_zeros(n_models, n_groups, width, n // n_groups)
        rows[:, :, :n_basis] = basis.unflatten(-1, (n_groups, -1)).transpose(1, 2)
        rows[:, :, n_basis] = 1.0
        return rows

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (rows_,) = grads  # a name with ``_`` is the gradient of that name
        return rows_[:, :, : ctx.n_basis].transpose(1, 2).flatten(2), None, None
