"""The parts of the loss of a fitted model, row by row, and their means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from sklearn_reasoning.datasets import QuadraticReasoningProblem
from sklearn_reasoning.properties import model_of
from sklearn_reasoning.training import measure, predict_energy

Array = NDArray[np.float64]

# Matrices of a whole population need not be in memory at once.
_N_ENTRIES = 2_000_000


@dataclass(frozen=True)
class GapPart:
    """A mean on training rows, on held-out rows, and what lies between.

    Parameters
    ----------
    empirical, empirical_se : float
        Mean over the training rows, and its standard error, in the units of the loss.
    held_out, held_out_se : float
        Mean over the held-out rows, and its standard error, in the units of the loss; an error of
        0 where they are the population.
    gap, gap_se : float
        Held-out minus empirical, and its standard error, in the units of the loss. An error that
        one row or one fold cannot tell is NaN.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> from sklearn_reasoning.model_selection import decompose_gap
    >>> X, y = load_linnerud(return_X_y=True)
    >>> model = HybridReasoningRegressor(max_epochs=5, random_state=0)
    >>> bias = decompose_gap(model, X, y, cv=4).algorithm_bias
    >>> bool(abs(bias.held_out - bias.empirical - bias.gap) < 1e-12)
    True
    """

    empirical: float
    empirical_se: float
    held_out: float
    held_out_se: float
    gap: float
    gap_se: float


def part_of_rows(training: Array, held_out: Array, *, is_population: bool) -> GapPart:
    """Return the means of independent rows.

    With ``is_population`` the held-out rows are all there are, so that their mean has no error.
    """
    empirical, ours = float(training.mean()), standard_error(training)
    mean = float(held_out.mean())
    theirs = 0.0 if is_population else standard_error(held_out)
    return GapPart(empirical, ours, mean, theirs, mean - empirical, math.hypot(ours, theirs))


def part_of_folds(training: Array, held_out: Array) -> GapPart:
    """Return the means over folds, of which each has a training and a held-out mean."""
    empirical, mean = float(training.mean()), float(held_out.mean())
    return GapPart(
        empirical,
        standard_error(training),
        mean,
        standard_error(held_out),
        mean - empirical,
        standard_error(held_out - training),
    )


def standard_error(values: Array) -> float:
    """Return the standard error of the mean of independent values; NaN for a single one."""
    if len(values) < 2:
        return math.nan
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def row_values(
    estimator: Any,
    X: Any,
    y: Array,
    noise_free: Array | None = None,
    problem: QuadraticReasoningProblem | None = None,
) -> dict[str, Array]:
    """Return the loss of each row and its parts, in float64, each of shape (n,).

    ``algorithm_bias``, ``representation_error`` and, with the labels ``noise_free``,
    ``label_noise`` add up to ``total``. ``distance_to_minimiser`` is a size, as are, with the true
    energies of a problem, ``Q_distance_frobenius`` and ``Q_distance_spectral``.
    """
    model, features = model_of(estimator, X)
    outputs, minimisers, distance, Q_distance = _apply(model, features, X, problem)
    target = y if noise_free is None else noise_free
    loss = np.linalg.norm(outputs - target, axis=1)
    of_minimiser = np.linalg.norm(minimisers - target, axis=1)
    values = {"algorithm_bias": loss - of_minimiser, "representation_error": of_minimiser}
    total = loss
    if noise_free is not None:
        total = np.linalg.norm(outputs - y, axis=1)
        values["label_noise"] = total - loss
    return {**values, "total": total, "distance_to_minimiser": distance, **Q_distance}


def _apply(
    model: Any, features: Any, X: Any, problem: QuadraticReasoningProblem | None
) -> tuple[Array, Array, Array, dict[str, Array]]:
    """Return outputs, minimisers, the distances between them, and those from Q to Q*."""
    inputs, module = model._split(features), model.module_
    measured = measure(module, *inputs)
    # An exact layer has no bias; the rounding of a second solution would look like one.
    reached = measured.distance[:, None] == 0.0
    minimisers = np.where(reached, measured.output, measured.minimizer)
    if problem is None:
        return measured.output, minimisers, measured.distance, {}
    raw, d = np.asarray(X), model.n_outputs_
    frobenius, spectral = (np.empty(len(raw)) for _ in range(2))
    for rows in gen_batches(len(raw), max(1, _N_ENTRIES // d**2)):
        Q, _ = predict_energy(module, *inputs.take(rows))
        eigenvalues = np.linalg.eigvalsh(Q - problem.energy(raw[rows])[0])
        frobenius[rows] = np.linalg.norm(eigenvalues, axis=1)
        spectral[rows] = np.abs(eigenvalues).max(axis=1)
    Q_distance = {"Q_distance_frobenius": frobenius, "Q_distance_spectral": spectral}
    return measured.output, minimisers, measured.distance, Q_distance
