"""What the regressor makes of the outputs of its model, and of those of a stack."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sklearn_reasoning.training import RegressionModel, Rows

_Array = np.ndarray[Any, Any]

# From here on float32 cannot tell outputs apart that training could.
_MEAN_OVER_SPREAD = 1e4

# Squares of targets and of errors must stay among the floats of 64 bits; predictions of float32
# stay well within its own.
_LARGEST, _SMALLEST = 1e150, 1e-150
_LARGEST_OF_FLOAT32, _SMALLEST_OF_FLOAT32 = 1e30, 1e-30


def check_magnitude(y: _Array) -> None:
    """Raise a ValueError if the squares of targets would leave the floats."""
    peak = float(np.abs(y).max(initial=0.0))
    if peak > _LARGEST or 0.0 < peak < _SMALLEST:
        raise ValueError(
            f"y has values up to {peak:.3g}, whose squares are beyond floats of 64 bits. Change "
            f"its unit: divide it by {10.0 ** np.floor(np.log10(peak)):.0e}."
        )


def output_dtypes(module: RegressionModel) -> list[type]:
    """Return the dtype of the predictions of each model of a stack."""
    if module.weights.dtype != torch.float32:
        return [np.float64] * module.n_models
    # Of each output: one of large spread must not decide for one of small spread.
    spread = torch.where(module.scale == 0.0, 1.0, module.scale)
    enough = (module.offset.abs() < _MEAN_OVER_SPREAD * spread).all(dim=1)
    peak = module.unit * torch.maximum(module.offset.abs(), module.scale).amax(dim=1)
    fits = (peak > _SMALLEST_OF_FLOAT32) & (peak < _LARGEST_OF_FLOAT32)
    enough &= fits | (peak == 0.0)
    return [np.float32 if each else np.float64 for each in enough.tolist()]


def mean_norm(predicted: _Array, rows: Rows) -> float:
    """Return the mean norm of the error on rows, weighted as they are (Eq. 13)."""
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.linalg.norm(predicted - rows.y, axis=1)
        return float(np.average(norms, weights=rows.weight))
