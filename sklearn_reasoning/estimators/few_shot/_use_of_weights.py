"""A trained model of which every weight adapts, applied to arrays in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning.training import one_thread

from ._groups import GroupedRows
from ._scales import Scales
from ._use_of_heads import blocks_of_groups
from ._weights_model import WeightsModel

_Array = np.ndarray[Any, Any]

# Rows that are computed at once.
_ROWS_AT_ONCE = 4096


class UseOfWeights:
    """What a model of one makes of rows, in the units of X and y.

    Parameters
    ----------
    module : WeightsModel
    """

    # There are as many numbers as weights for each group: they are made when asked for.
    keeps_adapted = False
    start = None
    ridge = None

    def __init__(self, module: WeightsModel) -> None:
        self.module = module.with_numbers(lambda v: v.double() if v.is_floating_point() else v)
        self.device = module.weights.device
        self.scales = Scales.held_by(module)

    def _rows(self, values: _Array) -> Tensor:
        """Return values (n_groups, n, size) as (1, n_groups, size, n)."""
        return torch.as_tensor(values, device=self.device).mT.unsqueeze(0)

    def adapted(self, rows: GroupedRows, k: int | None = None) -> _Array:
        """Return all weights of groups after k steps on all rows, (n_groups, n_weights)."""
        rows = self.scales.standardised(rows)
        found = np.empty((len(rows.sizes), sum(w[0, 0].numel() for w in self.module.initial()[0])))
        with torch.no_grad(), one_thread():
            for groups, places in blocks_of_groups(rows.sizes, _ROWS_AT_ONCE):
                here = places < rows.sizes[groups, None]
                index = rows.firsts[groups, None] + np.where(here, places, 0)
                weights = self.module.adapted(
                    self._rows(rows.x[index]),
                    self._rows(rows.y[index]),
                    self._rows(here[..., None].astype(np.float64)),
                    k,
                )
                found[groups] = torch.cat([w[0].flatten(1) for w in weights], dim=1).cpu().numpy()
        return found

    def predict(self, x: _Array, adapted: _Array, codes: _Array) -> _Array:
        """Return predictions of rows, (n, d); the code -1 is the start."""
        x = (x - self.scales.x_mean) / self.scales.x_scale
        with torch.no_grad(), one_thread():
            start = [w[0, 0] for w in self.module.initial()[0]]
            flat = torch.cat([w.flatten() for w in start])
            known = torch.as_tensor(adapted, device=self.device)
            order = np.argsort(codes, kind="stable")
            asked, sizes = np.unique(codes, return_counts=True)
            firsts = np.cumsum(sizes) - sizes
            outputs = np.empty((len(x), len(self.scales.y_mean)))
            for groups, places in blocks_of_groups(sizes, _ROWS_AT_ONCE):
                here = places < sizes[groups, None]
                index = order[firsts[groups, None] + np.where(here, places, 0)]
                rows = torch.stack([flat if code < 0 else known[code] for code in asked[groups]])
                parts = rows.split([w.numel() for w in start], dim=1)
                weights = [p.reshape(1, -1, *w.shape) for p, w in zip(parts, start, strict=True)]
                found = self.module.outputs(weights, self._rows(x[index]))[0].mT
                outputs[index[here]] = found.cpu().numpy()[here]
        return outputs * self.scales.y_scale + self.scales.y_mean
