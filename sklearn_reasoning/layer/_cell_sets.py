"""The sets that cells of outputs lie in, projected onto in place, many times in a row.

Outputs lie as cells times classes times rows, (n_cells, n_classes, n), so that sums over classes
are sums of long vectors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

Project = Callable[[Tensor, Tensor], None]

# How far below the largest entry the threshold is looked for at most and at least.
_BELOW_LARGEST = (1.0, 1e-3)

# Larger entries are moved to 0 first: a threshold next to them would round away what it is for.
_LARGE = 8.0


class CellSet(ABC):
    """A product over cells of one set for the classes of each."""

    @abstractmethod
    def projector(self, like: Tensor) -> Project:
        """Return what writes the projection of its first argument into its second.

        ``like`` has the shape and dtype of both. It keeps buffers, and what it found the last time
        as a first guess of what it will find.
        """

    @abstractmethod
    def pull_back_(self, y_: Tensor, y: Tensor) -> None:
        """Turn the gradient of projections y into that of what was projected, in place."""


class Simplices(CellSet):
    r"""Distributions over the classes of each cell, :math:`y \ge 0, \sum_c y_c = 1`.

    The projection is :math:`\max(v - \theta, 0)`; Newton's method finds :math:`\theta`, the root of
    the convex, falling and piecewise linear :math:`\sum_c \max(v_c - \theta, 0) - 1`, exactly and
    after few steps, from any point below the largest entry; it is at most 1 below it.

    Parameters
    ----------
    allowed : Tensor of bool and shape (n_cells, n_classes, 1), or None
        Which classes a cell has; None are all.
    """

    def __init__(self, allowed: Tensor | None = None) -> None:
        self.forbidden = None if allowed is None else ~allowed

    def projector(self, like: Tensor) -> Project:
        """Return what writes the projection of its first argument, which it may change."""
        n_classes = like.shape[1]
        positive = torch.empty_like(like)
        theta, excess, count = (torch.empty_like(like[:, :1]) for _ in range(3))
        theta.fill_(torch.inf)
        most, least = _BELOW_LARGEST
        enough = 4.0 * torch.finfo(like.dtype).eps * n_classes

        def project(v: Tensor, out: Tensor) -> None:
            if self.forbidden is not None:
                v.masked_fill_(self.forbidden, -torch.inf)
            torch.amax(v, 1, keepdim=True, out=excess)
            if float(excess.abs().max()) > _LARGE:
                v.sub_(excess)
                excess.zero_()
            torch.maximum(theta, excess.sub_(most), out=theta)
            torch.minimum(theta, excess.add_(most - least), out=theta)
            for _ in range(n_classes + 2):
                torch.sub(v, theta, out=out)
                out.clamp_min_(0.0)
                torch.sum(out, 1, keepdim=True, out=excess)
                excess.sub_(1.0)
                if not float(excess.abs().max()) > enough:
                    break
                torch.sign(out, out=positive)
                torch.sum(positive, 1, keepdim=True, out=count)
                theta.addcdiv_(excess, count)

        return project

    def pull_back_(self, y_: Tensor, y: Tensor) -> None:
        """Take off the mean over the classes that stay, and leave zero for the others."""
        stays = y.sign()
        y_.mul_(stays)
        mean = y_.sum(1, keepdim=True).div_(stays.sum(1, keepdim=True))
        y_.addcmul_(stays, mean, value=-1.0)


class UnitBox(CellSet):
    """Numbers between 0 and 1: one class a cell, which is there or not."""

    def projector(self, like: Tensor) -> Project:
        """Return what clips its first argument into its second."""

        def project(v: Tensor, out: Tensor) -> None:
            torch.clamp(v, 0.0, 1.0, out=out)

        return project

    def pull_back_(self, y_: Tensor, y: Tensor) -> None:
        """Leave zero where a bound was reached."""
        y_.masked_fill_((y <= 0.0) | (y >= 1.0), 0.0)
