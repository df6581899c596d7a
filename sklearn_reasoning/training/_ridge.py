"""Ridge regression, of x and of a kernel: penalties by generalised cross-validation, one SVD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

_Array = np.ndarray[Any, Any]

# Penalties to choose from, as shares of the largest eigenvalue of the scatter matrix.
_SHARES = torch.tensor([*np.logspace(-10, 3, 79), np.inf], dtype=torch.float64)[:, None]

# More rows hardly change the share of noise, and cost their cube.
_MOST_ROWS = 1000


@dataclass(frozen=True)
class Ridge:
    """A ridge regression: ``slopes x + level``.

    The slopes have the shape (d, m), the level (d,).
    """

    slopes: _Array
    level: _Array


def ridge(x: _Array, y: _Array, weight: _Array, n: int) -> Ridge:
    r"""Fit a ridge regression to each output, with a penalty of its own.

    Each penalty minimises the criterion of generalised cross-validation,
    :math:`\mathrm{RSS} / (n - 1 - \mathrm{df})^2` (Golub, Heath and Wahba 1979). Columns of x are
    brought to one spread first, so that their units do not matter.

    Parameters
    ----------
    x : ndarray of shape (n, m)
        Features.
    y : ndarray of shape (n, d)
        Targets, centred by their weighted mean.
    weight : ndarray of shape (n,)
        Weights that sum to 1.
    n : int
        How many rows to count: one that is another's copy tells nothing new.

    Returns
    -------
    Ridge
    """
    columns = _Columns(x, weight)
    target = columns.root * _float64(y)
    slopes = torch.zeros(target.shape[1], x.shape[1], dtype=torch.float64)
    if n >= 3 and columns.varies.any() and target.any():
        u, s, vt = torch.linalg.svd(columns.standard, full_matrices=False)
        kept = s > 1e-7 * s[0]
        u, s, vt = u[:, kept], s[kept], vt[kept]
        parts = u.mT @ target
        left, _ = _cross_validated(s.square(), parts, target, n)
        shrunk = (1.0 - left) / s[:, None] * parts  # (rank, d)
        slopes[:, columns.varies] = (shrunk.mT @ vt) / columns.spread[columns.varies]
    return Ridge(slopes.numpy(), -(slopes.numpy() @ columns.centre))


def noise_share(x: _Array, residuals: _Array, weight: _Array, n: int) -> float:
    r"""Return the share of the variance of residuals that no smooth function of x explains.

    That which generalised cross-validation expects of kernel ridge regression on other rows, of
    all outputs together: 1 where there is nothing to learn but noise. The kernel is the Gaussian
    :math:`\exp(-|x - x'|^2 / 2m)`, with columns of spread 1.

    Parameters
    ----------
    x : ndarray of shape (n, m)
        Features.
    residuals : ndarray of shape (n, d)
        What a ridge regression leaves, centred by the weighted mean.
    weight : ndarray of shape (n,)
        Weights that sum to 1.
    n : int
        How many rows to count.

    Returns
    -------
    float
        Between 0 and 1.
    """
    if len(x) > _MOST_ROWS:
        some = slice(None, None, -(-len(x) // _MOST_ROWS))
        n = min(n, len(x[some]))
        x, residuals, weight = x[some], residuals[some], weight[some] / weight[some].sum()
        residuals = residuals - weight @ residuals
    columns = _Columns(x, weight)
    target = columns.root * _float64(residuals)
    total = target.square().sum()
    if n < 3 or not columns.varies.any() or not total:
        return 1.0
    z = columns.standard / columns.root
    distances = torch.cdist(z, z).square() / z.shape[1]
    kernel = torch.exp(-0.5 * distances)
    of_mean = _float64(weight[:, None])
    kernel = kernel - (kernel @ of_mean) - (of_mean.mT @ kernel) + of_mean.mT @ kernel @ of_mean
    eigenvalues, vectors = torch.linalg.eigh(columns.root * kernel * columns.root.mT)
    eigenvalues = eigenvalues.clamp_min(0.0)
    # A kernel can interpolate any noise: close to that the criterion is a ratio of two zeros.
    _, least = _cross_validated(eigenvalues, vectors.mT @ target, target, n, least_room=0.1)
    return min(float((n - 1) ** 2 * least.sum() / total), 1.0)


class _Columns:
    """Columns of x of weighted mean 0 and spread 1, without those that do not vary.

    ``standard`` has its rows times ``root``, the roots of the weights.
    """

    def __init__(self, x: _Array, weight: _Array) -> None:
        # torch's products, because numpy's run on threads that cannot be limited for one caller;
        # in one order of memory, on which their last digits depend.
        x = np.ascontiguousarray(x, dtype=np.float64)
        largest = np.abs(x).max(axis=0, initial=0.0)
        # Slopes of others have no room in a float32.
        usable = (largest > 1e-25) & (largest < 1e25)
        self.centre: _Array = (weight[:, None] * np.where(usable, x, 0.0)).sum(axis=0)
        self.root = torch.from_numpy(np.sqrt(weight)[:, None])
        inputs = self.root * torch.from_numpy(x - self.centre)
        self.spread = inputs.square().sum(dim=0).sqrt()
        # Rounding alone gives a constant column a spread.
        self.varies = torch.from_numpy(usable) & (self.spread > 1e-12 * torch.from_numpy(largest))
        self.standard = inputs[:, self.varies] / self.spread[self.varies]


def _cross_validated(
    eigenvalues: Tensor, parts: Tensor, target: Tensor, n: int, least_room: float = 1e-6
) -> tuple[Tensor, Tensor]:
    """Return what the best penalties leave of each part, (rank, d), and their criteria, (d,)."""
    rest = (target.square().sum(dim=0) - parts.square().sum(dim=0)).clamp_min(0.0)
    left = 1.0 / (1.0 + eigenvalues / (_SHARES * eigenvalues.max()))
    rss = rest + left.square() @ parts.square()  # (penalties, d)
    room = n - 1 - (1.0 - left).sum(dim=1, keepdim=True)
    criterion = (rss / room.square()).masked_fill(room < least_room * n, torch.inf)
    least, chosen = criterion.min(dim=0)
    return left[chosen].mT, least


def _float64(values: _Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64))
