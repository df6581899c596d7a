"""What the regressor says of its layer, and of rows, for certificates."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_reasoning.properties import MeasuredRows
from sklearn_reasoning.training import Architecture, Given, RegressionModel, measure, single_start


def start_of_layer(module: RegressionModel) -> dict[str, Any]:
    """Return what :class:`~sklearn_reasoning.properties.FittedLayer` is told of the start."""
    a, start = module.architecture, single_start(module)
    return {
        "start_norm": None if start is None else float(np.linalg.norm(start)),
        "counted_from": _counted_from(a),
        # A projection after free steps moves no two outputs apart: what holds of them holds.
        "penalty": a.penalty if a.obeys_in_steps else None,
    }


def _counted_from(a: Architecture) -> str:
    if not a.is_centred or a.obeys_in_steps:
        return "zero"
    return "start" if a.starts_at_origin and a.penalty is None else "elsewhere"


def measure_rows(module: RegressionModel, given: Given, k: int | None) -> MeasuredRows:
    """Return spectra and distances of rows, after another k steps if given."""
    found = measure(module, *given, k=k)
    return MeasuredRows.of(
        found.eigenvalues,
        found.distance,
        found.first_distance,
        found.gradient_norm,
        found.start_norm,
    )
