"""What the regressor reads of X, y and weights, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import _check_sample_weight, validate_data

from sklearn_reasoning._support.numbers import moderate_weights, readable_numbers
from sklearn_reasoning.estimators._parameters import check_outputs
from sklearn_reasoning.training import Given, Rows

from ._allowed import of_rows, warn_of_rows_outside
from ._columns import resolve_columns
from ._outputs import check_magnitude

_Array = np.ndarray[Any, Any]

# How far R'R may be from I, by the dtype that is trained in.
_ORTHOGONAL = {torch.float32: 1e-3, torch.float64: 1e-6}


def read_rows(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, reset: bool
) -> tuple[Rows, torch.dtype]:
    """Return what is trained on, without rows of weight zero, and the dtype to train in.

    With ``reset`` the estimator is told what X and y are like; else they must be as they were.
    """
    X, y = validate_data(
        estimator,
        readable_numbers("X", X),
        readable_numbers("y", y),
        reset=reset,
        dtype=[np.float64, np.float32],
        multi_output=True,
        y_numeric=True,
    )
    sample_weight = readable_numbers("sample_weight", sample_weight)
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    weight = moderate_weights(weight)
    if not weight.sum() > 0.0:
        raise ValueError("sample_weight must not be zero for every row.")
    _resolve(estimator, X, y, reset)
    dtype = torch.float32 if X.dtype == np.float32 else torch.float64
    x, *others = given = estimator._columns.split(X, _ORTHOGONAL[dtype])
    _check_limits(estimator, given)
    y_dtype = y.dtype
    # In one memory order, so that a frame and an array of the same numbers give the same bits.
    y = y.reshape(len(y), -1).astype(np.float64, order="C")
    check_magnitude(y)
    rows = Rows(x, y, weight, *others)
    # Rows of weight zero are absent: they would take places in batches, and turns of the order.
    rows = rows if weight.all() else rows.take(np.flatnonzero(weight))
    if estimator._penalty is not None:
        # Limits are as exact as X.
        is_rounded = np.float32 in (y_dtype, X.dtype if given.limits is not None else None)
        warn_of_rows_outside(estimator._penalty, rows, np.float32 if is_rounded else np.float64)
    return rows, dtype


def _resolve(estimator: Any, X: _Array, y: _Array, reset: bool) -> None:
    """Tell the estimator of outputs and columns; a ValueError if they are not those it has."""
    e, n_outputs = estimator, 1 if y.ndim == 1 else y.shape[1]
    if not reset:
        if n_outputs != e.n_outputs_:
            raise ValueError(f"y has {n_outputs} columns; the model has {e.n_outputs_} outputs.")
        return
    check_outputs(e, n_outputs)
    e.n_outputs_, e._is_1d = n_outputs, y.ndim == 1
    e._columns = resolve_columns(
        X.shape[1],
        n_outputs,
        e.linear_term,
        e.rotation,
        getattr(e, "feature_names_in_", None),
        () if e._penalty is None else e._penalty.columns(),
    )


def read_given(estimator: Any, X: Any, dtype: torch.dtype) -> Given:
    """Return what is read from X, as float64, of a model that is trained in a dtype."""
    X = validate_data(estimator, readable_numbers("X", X), reset=False, dtype=np.float64)
    given: Given = estimator._columns.split(X, _ORTHOGONAL[dtype])
    if given.limits is not None:
        _check_limits(estimator, given)
    return given


def _check_limits(estimator: Any, given: Given) -> None:
    """Refuse a set that does not go with d outputs, or is empty for a row."""
    if estimator._penalty is not None:
        of_rows(estimator._penalty, given.limits).check(estimator.n_outputs_)
