"""What :func:`decompose_gap` is given, checked before any work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_reasoning.datasets import QuadraticReasoningProblem
from sklearn_reasoning.estimators import HybridReasoningRegressor

from ._parts import Array
from ._table import last_step


@dataclass(frozen=True, eq=False)
class GapData:
    """Labels as columns of shape (n, d), in float64, and the held-out rows.

    ``noise_free`` is None where no noise is known of, ``X_test`` where folds are held out;
    ``y_test`` is then empty.
    """

    y: Array
    noise_free: Array | None
    X_test: Any
    y_test: Array
    noise_free_test: Array | None


def checked_data(estimator: Any, X: Any, y: Any, X_test: Any, y_test: Any, problem: Any) -> GapData:
    """Return labels and held-out rows, once all that :func:`decompose_gap` was given is sound."""
    _check_estimator(estimator)
    if (X_test is None) != (y_test is None):
        given, missing = ("X_test", "y_test") if y_test is None else ("y_test", "X_test")
        raise ValueError(f"{given} is given and {missing} is None. Pass both or neither.")
    if problem is not None and not isinstance(problem, QuadraticReasoningProblem):
        raise TypeError(
            f"problem={problem!r} must be a QuadraticReasoningProblem, as "
            "make_quadratic_reasoning(return_problem=True) returns it."
        )
    # Before a pipeline X may be anything.
    is_numeric = problem is not None or not isinstance(estimator, Pipeline)
    targets = _labels("y", y, "X", X, is_numeric)
    targets_test = np.empty((0, targets.shape[1]))
    if X_test is not None:
        targets_test = _labels("y_test", y_test, "X_test", X_test, is_numeric)
        _check_same("columns", "X_test", _width(X_test), "X", _width(X))
        _check_same("outputs", "y_test", targets_test.shape[1], "y", targets.shape[1])
    if (X_test is not None or problem is not None) and is_fitted(estimator):
        n_features = getattr(estimator, "n_features_in_", None)
        n_outputs = last_step(estimator).n_outputs_
        _check_same("columns", "X", _width(X), "the fitted estimator", n_features)
        _check_same("outputs", "y", targets.shape[1], "the fitted estimator", n_outputs)
    if problem is None:
        return GapData(targets, None, X_test, targets_test, None)
    _check_same("columns", "X", _width(X), "problem", problem.X.shape[1])
    _check_same("outputs", "y", targets.shape[1], "problem", problem.n_outputs)
    if X_test is None:
        _check_drawn_from(X, problem)
        X_test, targets_test, noise_free_test = _like(X, problem.X), problem.y, problem.y
    else:
        noise_free_test = problem.solution(X_test)
    noise_free = problem.solution(X)
    # Rows and labels in float32 are rounded, which is not what noise means.
    tolerance = max(_rounding(each) for each in (X, y, X_test, y_test))
    pairs = ((targets, noise_free), (targets_test, noise_free_test))
    if all(np.abs(a - b).max() <= tolerance * np.abs(b).max() for a, b in pairs):
        return GapData(targets, None, X_test, targets_test, None)
    return GapData(targets, noise_free, X_test, targets_test, noise_free_test)


def _check_estimator(estimator: Any) -> None:
    last = last_step(estimator)
    if not isinstance(last, HybridReasoningRegressor):
        ends = "" if last is estimator else f", which ends in {type(last).__name__},"
        hint = (
            " Of a fitted search pass best_estimator_." if hasattr(last, "best_estimator_") else ""
        )
        raise TypeError(
            f"estimator={type(estimator).__name__}{ends} must be a HybridReasoningRegressor or a "
            f"Pipeline that ends in one: other models have no energy to take apart.{hint}"
        )


def _labels(y_name: str, y: Any, X_name: str, X: Any, is_numeric: bool) -> Array:
    """Return y as columns, one for each output."""
    labels: Array = check_array(
        y, ensure_2d=False, allow_nd=True, dtype=np.float64, input_name=y_name
    )
    if labels.ndim not in (1, 2):
        raise ValueError(f"{y_name} must have one or two dimensions, got shape {labels.shape}.")
    if is_numeric:
        check_array(X, dtype=np.float64, input_name=X_name)
    if _num_samples(X) != len(labels):
        raise ValueError(
            f"{X_name} has {_num_samples(X)} rows and {y_name} has {len(labels)}; "
            "they must have the same number."
        )
    return labels.reshape(len(labels), -1)


def _check_same(what: str, name: str, number: Any, other_name: str, other: Any) -> None:
    if number is not None and other is not None and number != other:
        raise ValueError(
            f"{name} has {number} {what} and {other_name} has {other}; "
            "they must have the same number."
        )


def _width(X: Any) -> int | None:
    """Return the number of columns; None for what a pipeline has yet to make columns of."""
    shape = np.shape(X)
    return shape[1] if len(shape) == 2 else None


def _check_drawn_from(X: Any, problem: QuadraticReasoningProblem) -> None:
    rows = np.asarray(X)
    if rows.dtype != np.float32:
        rows = rows.astype(np.float64)
    population = {row.tobytes() for row in problem.X.astype(rows.dtype)}
    n_strange = sum(row.tobytes() not in population for row in rows)
    if n_strange:
        raise ValueError(
            f"X has {n_strange} rows, of {len(rows)}, that are not in the population of problem. "
            "Pass X and problem of one call of make_quadratic_reasoning, unscaled (scale inside "
            "a Pipeline), or say with X_test and y_test what is held out."
        )


def _like(X: Any, rows: Array) -> Any:
    """Return rows with the column names that X has, if any: a model may go by them."""
    return type(X)(rows, columns=X.columns) if hasattr(X, "iloc") else rows


def _rounding(values: Any) -> float:
    is_single = np.asarray(values).dtype == np.float32
    return float(np.sqrt(np.finfo(np.float32 if is_single else np.float64).eps))


def is_fitted(estimator: Any) -> bool:
    """Return whether an estimator or a pipeline is fitted."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True
