"""Ridge regression whose penalties generalised cross-validation chooses: no folds, one SVD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

_Array = np.ndarray[Any, Any]

# Penalties to choose from, as shares of the largest eigenvalue of the scatter matrix.
_SHARES = torch.tensor([*np.logspace(-10, 3, 79), np.inf], dtype=torch.float64)[:, None]


@dataclass(frozen=True)
class Ridge:
    """A ridge regression: ``slopes x + level``, and the share of the variance it leaves.

    The slopes have the shape (d, m), the level (d,). The share is that which cross-validation
    expects of other rows, of all outputs together, at most 1.
    """

    slopes: _Array
    level: _Array
    unexplained: float


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
    # torch's products, because numpy's run on threads that cannot be limited for one caller; in
    # one order of memory, on which their last digits depend.
    x, y = (np.ascontiguousarray(values, dtype=np.float64) for values in (x, y))
    largest = np.abs(x).max(axis=0, initial=0.0)
    # Slopes of others have no room in a float32.
    usable = (largest > 1e-25) & (largest < 1e25)
    centre = (weight[:, None] * np.where(usable, x, 0.0)).sum(axis=0)
    root = torch.from_numpy(np.sqrt(weight)[:, None])
    inputs, target = root * torch.from_numpy(x - centre), root * torch.from_numpy(y)
    spread = inputs.square().sum(dim=0).sqrt()
    # Rounding alone gives a constant column a spread.
    varies = torch.from_numpy(usable) & (spread > 1e-12 * torch.from_numpy(largest))
    total = target.square().sum()
    slopes = torch.zeros(y.shape[1], x.shape[1], dtype=torch.float64)
    if n < 3 or not varies.any() or not total:
        return Ridge(slopes.numpy(), np.zeros(y.shape[1]), 1.0)
    u, s, vt = torch.linalg.svd(inputs[:, varies] / spread[varies], full_matrices=False)
    kept = s > 1e-7 * s[0]
    u, s, vt = u[:, kept], s[kept], vt[kept]
    parts = u.mT @ target
    rest = (target.square().sum(dim=0) - parts.square().sum(dim=0)).clamp_min(0.0)
    left = 1.0 / (1.0 + s.square() / (_SHARES * s[0].square()))  # (penalties, rank)
    rss = rest + left.square() @ parts.square()  # (penalties, d)
    room = n - 1 - (1.0 - left).sum(dim=1, keepdim=True)
    criterion = (rss / room.square()).masked_fill(room < 1e-6 * n, torch.inf)
    least, chosen = criterion.min(dim=0)
    shrunk = (1.0 - left[chosen].mT) / s[:, None] * parts  # (rank, d)
    slopes[:, varies] = (shrunk.mT @ vt) / spread[varies]
    unexplained = (n - 1) ** 2 * float(least.sum() / total)
    return Ridge(slopes.numpy(), -(slopes.numpy() @ centre), min(unexplained, 1.0))
