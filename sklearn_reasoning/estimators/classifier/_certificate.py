"""How far the outputs of a convex classifier are from the exact minimisers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sklearn_reasoning.properties import MeasuredRows

from ._coupled_model import kept_of
from ._relax import Relaxation

_Array = np.ndarray[Any, Any]

# Rows whose minimisers are looked for at once.
_AT_ONCE = 64


def measure(relaxation: Relaxation, x: _Array, k: int) -> MeasuredRows:
    """Return spectra and distances of rows after k steps."""
    model, curved = relaxation.model, relaxation.curved
    kept = kept_of(model.architecture)
    columns: list[list[_Array]] = []
    with torch.no_grad():
        for first in range(0, len(x), _AT_ONCE):
            b = -relaxation.evidence(x[first : first + _AT_ONCE])
            start = model.first(b.shape[2]).to(b.device)
            problem, _ = model.problem_of(curved, b, start)
            minimizer, begin = problem.minimizer(), problem.start_point()
            y = model.outputs(curved, b, start, k).permute(2, 0, 1).flatten(1)[:, kept]
            columns.append(
                [
                    (y - minimizer).norm(dim=1).numpy(),
                    (begin - minimizer).norm(dim=1).numpy(),
                    problem.gradient(begin).norm(dim=1).numpy(),
                    begin.norm(dim=1).numpy(),
                ]
            )
        spectrum = torch.linalg.eigvalsh(problem.energy.Q[0]).numpy()  # type: ignore[attr-defined]
    distance, first_distance, gradient, norm = (
        np.concatenate(parts) for parts in zip(*columns, strict=True)
    )
    spectra = np.broadcast_to(spectrum, (len(x), len(spectrum)))
    return MeasuredRows.of(spectra, distance, first_distance, gradient, norm)
