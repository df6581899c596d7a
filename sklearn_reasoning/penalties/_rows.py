"""What is computed for each row alone."""

from __future__ import annotations

import torch
from torch import Tensor

# Rounding errors that a set with equalities allows for, in units of the last place: 1e-12 in
# float64.
ROUNDING = 4096.0


def row_sum(x: Tensor) -> Tensor:
    """Return the sum of each row, an axis kept; how it is rounded depends on the row alone."""
    return x.contiguous().sum(dim=-1, keepdim=True)


def scale_of(x: Tensor) -> Tensor:
    """Return the power of two below the largest entry of each row, an axis kept, as a constant.

    Divided by it, which changes no digit, entries have squares that neither overflow nor vanish.
    """
    limits = torch.finfo(x.dtype)
    largest = x.detach().abs().amax(dim=-1, keepdim=True).clamp(limits.tiny, limits.max)
    return largest.log2().floor().exp2()


def indicator(outside: Tensor, like: Tensor) -> Tensor:
    """Return 0 for rows inside and inf for those outside, given a bool for each row."""
    return torch.zeros_like(like[..., 0]).masked_fill(outside, torch.inf)


def slack(y: Tensor) -> Tensor:
    """Return the rounding error to allow for in sums of each row: 1e-12 (1 + sum of abs y)."""
    return ROUNDING * torch.finfo(y.dtype).eps * (1.0 + y.abs().sum(dim=-1))
