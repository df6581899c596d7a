"""A trained model whose heads adapt, applied to arrays in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning.training import one_thread

from ._adaptation import Support, moved
from ._groups import GroupedRows
from ._head_model import HeadModel, padded_columns
from ._scales import Scales

_Array = np.ndarray[Any, Any]

# Rows that are computed at once: their features stay in the cache.
_ROWS_AT_ONCE = 4096


class UseOfHeads:
    """What a model of one makes of rows, in the units of X and y.

    Parameters
    ----------
    module : HeadModel
    """

    keeps_adapted = True

    def __init__(self, module: HeadModel) -> None:
        in_float64 = module.with_numbers(lambda v: v.double() if v.is_floating_point() else v)
        self.module = in_float64
        self.device = module.weights.device
        self.scales = Scales.held_by(module)
        with torch.no_grad():
            nothing = np.zeros((1, len(self.scales.x_mean)))
            _, start, ridge = in_float64.features(self._columns(nothing))
        self.start, self.ridge = start[0], ridge

    def _columns(self, x: _Array) -> Tensor:
        scaled = (x - self.scales.x_mean) / self.scales.x_scale
        return padded_columns(torch.as_tensor(scaled, device=self.device)).unsqueeze(0)

    def _features(self, x: _Array) -> Tensor:
        """Return features of rows, (n, m)."""
        features, _, _ = self.module.features(self._columns(x))
        return features[0, :, : len(x)].T

    def supports(self, rows: GroupedRows) -> Iterator[tuple[_Array, Support]]:
        """Yield places of groups, and their rows as supports, some groups at a time."""
        for groups, places in blocks_of_groups(rows.sizes, _ROWS_AT_ONCE):
            here = places < rows.sizes[groups, None]
            index = rows.firsts[groups, None] + np.where(here, places, 0)
            target = torch.as_tensor((rows.y[index] - self.scales.y_mean) / self.scales.y_scale)
            features = self._features(rows.x[index.ravel()]).unflatten(0, index.shape)
            mask = torch.as_tensor(here, dtype=torch.float64, device=self.device).unsqueeze(-1)
            features = features * mask
            residual = target.to(self.device) * mask - features @ self.start
            count = torch.as_tensor(rows.sizes[groups], dtype=torch.float64, device=self.device)
            yield groups, Support(features, residual, count[:, None, None], mask)

    def adapted(self, rows: GroupedRows, k: int | None = None) -> _Array:
        """Return the heads of groups after k steps on all of their rows, (n_groups, m, d)."""
        module = self.module
        steps = module.k[0] if k is None else k
        share = module.shares(torch.float64)
        heads = np.empty((len(rows.sizes), *self.start.shape))
        with torch.no_grad(), one_thread():
            for groups, support in self.supports(rows):
                fall = moved(
                    module.algorithm,
                    support,
                    self.ridge,
                    None if share is None else share[0],
                    steps,
                )
                heads[groups] = (self.start + fall).cpu().numpy()
        return heads

    def predict(self, x: _Array, adapted: _Array, codes: _Array) -> _Array:
        """Return predictions of rows, (n, d); the code -1 is the start."""
        # joblib maps large arrays, to be read only, which torch warns of.
        heads = torch.as_tensor(np.require(adapted, requirements="W"), device=self.device)
        outputs = np.empty((len(x), len(self.scales.y_mean)))
        with torch.no_grad(), one_thread():
            for first in range(0, len(x), _ROWS_AT_ONCE):
                part = slice(first, first + _ROWS_AT_ONCE)
                features, own = self._features(x[part]), torch.as_tensor(codes[part])
                found = features @ self.start
                known = (own >= 0).nonzero().squeeze(1)
                if len(known):
                    each = heads[own[known]]
                    found[known] = (features[known].unsqueeze(1) @ each).squeeze(1)
                outputs[part] = found.cpu().numpy()
        return outputs * self.scales.y_scale + self.scales.y_mean


def blocks_of_groups(sizes: _Array, n_at_once: int) -> Iterator[tuple[_Array, _Array]]:
    """Yield places of groups of neighbouring sizes, and the places of as many rows as the largest.

    A block has at most ``n_at_once`` rows, if it has more than one group.
    """
    order = np.argsort(sizes, kind="stable")
    end = len(order)
    while end:
        largest = max(int(sizes[order[end - 1]]), 1)
        first = max(end - max(n_at_once // largest, 1), 0)
        yield order[first:end], np.arange(largest)
        end = first
