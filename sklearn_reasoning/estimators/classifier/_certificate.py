"""What is proven of a convex classifier, and how far its outputs are from the minimisers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sklearn_reasoning.properties import FittedLayer, MeasuredRows

from ._coupled_model import CoupledModel, kept_of, penalty_of
from ._relax import Relaxation

_Array = np.ndarray[Any, Any]

# Rows whose minimisers are looked for at once.
_AT_ONCE = 64


def check_convex(concavity: float | None) -> None:
    """Refuse an energy that is concave by a share of L in some directions."""
    if concavity is not None and concavity >= 0.0:
        raise ValueError(
            f"The fitted energy is concave by {concavity:.3g} of L in some directions: it has "
            "several minimisers, and no certificate holds. Fit with concavity=0 for a convex "
            "one."
        )


def fitted_layer(module: CoupledModel, relaxation: Relaxation) -> FittedLayer:
    """Return the trained layer of a module, of which the relaxation is made."""
    model, curved = relaxation.model, relaxation.curved
    phi = model.step_size_on(curved)
    return FittedLayer(
        module.algorithm,
        int(module.k[0]),
        phi,
        model.lower_bound(curved),
        curved.largest,
        None if phi is None else (phi, phi),
        start_norm=float(np.linalg.norm(module.double_first())),
        penalty=penalty_of(module.architecture),
    )


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
