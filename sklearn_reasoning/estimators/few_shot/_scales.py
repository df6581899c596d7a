"""Means and spreads of X and y, in whose units models compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ._groups import GroupedRows

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Scales:
    """Means and standard deviations of each column.

    Where a column is constant the latter are 1 of y, and infinite of x: nothing is known of it.
    """

    x_mean: _Array
    x_scale: _Array
    y_mean: _Array
    y_scale: _Array

    @classmethod
    def of(cls, rows: GroupedRows) -> Scales:
        """Return those of rows; a ValueError where numbers are too large to have any."""
        x, y = _mean_and_scale("X", rows.x, np.inf), _mean_and_scale("y", rows.y, 1.0)
        return cls(*x, *y)

    @staticmethod
    def hold_in(module: torch.nn.Module, n_models: int, n_features: int, n_outputs: int) -> None:
        """Give a module room for those of each of its models: means 0 and scales 1."""
        for name, size in (("x", n_features), ("y", n_outputs)):
            for kind, fill in (("mean", 0.0), ("scale", 1.0)):
                values = torch.full((n_models, size), fill, dtype=torch.float64)
                module.register_buffer(f"{name}_{kind}", values)

    @classmethod
    def held_by(cls, module: torch.nn.Module) -> Scales:
        """Return those that a model of one holds."""
        return cls(*(module.get_buffer(name)[0].cpu().numpy() for name in _NAMES))

    def put(self, module: torch.nn.Module, model: int) -> None:
        """Store them in one of the models of a module."""
        for name in _NAMES:
            module.get_buffer(name)[model] = torch.as_tensor(getattr(self, name))

    def standardised(self, rows: GroupedRows) -> GroupedRows:
        """Return rows in these units."""
        x = (rows.x - self.x_mean) / self.x_scale
        y = (rows.y - self.y_mean) / self.y_scale
        return GroupedRows(rows.names, x, y, rows.sizes)


_NAMES = ("x_mean", "x_scale", "y_mean", "y_scale")


def _mean_and_scale(name: str, values: _Array, of_constant: float) -> tuple[_Array, _Array]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = values.mean(axis=0), values.std(axis=0)
    (too_large,) = np.nonzero(~np.isfinite(spread))
    if len(too_large):
        raise ValueError(
            f"Column {too_large[0]} of {name} holds numbers so large that their spread is "
            "infinite: divide it by its size."
        )
    # What rounding leaves of a constant is no spread.
    least = 8.0 * np.finfo(np.float64).eps * np.abs(values).max(axis=0, initial=0.0)
    return mean, np.where(spread > least, spread, of_constant)
