"""What the classifier's ``fit`` is given, read and checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    validate_data,
)

from sklearn_reasoning._support.numbers import moderate_weights, readable_numbers

from ._labels import Labels, cell_weights, check_known, labels_of, read_labels
from ._rows import CellRows

_Array = np.ndarray[Any, Any]


def read_rows(
    estimator: Any, X: Any, y: Any, sample_weight: Any, last: Labels | None
) -> tuple[CellRows, Labels, torch.dtype]:
    """Return what is trained on, without rows of weight zero, and the dtype to train in.

    ``last`` are the labels of the fit that this one goes on from, None where it begins anew. The
    estimator is told of the columns of X.
    """
    if y is None:
        validate_data(estimator, X, y)  # says what is missing in scikit-learn's words
    X = validate_data(estimator, readable_numbers("X", X), dtype=[np.float64, np.float32])
    cells, missing, kind = read_labels(y, estimator.missing_label)
    check_consistent_length(X, cells)
    sample_weight = readable_numbers("sample_weight", sample_weight)
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    weight = moderate_weights(weight)
    if not weight.sum() > 0.0:
        raise ValueError("sample_weight must not be zero for every row.")
    kept = np.flatnonzero(weight)
    X, cells, missing, weight = X[kept], cells[kept], missing[kept], weight[kept]
    labels = labels_of(cells, missing, kind) if last is None else _gone_on(last, cells, kind)
    codes = labels.encode(cells, missing)
    check_known(labels, cells, codes)
    of_cells = cell_weights(labels, codes, estimator.class_weight, weight)
    dtype = torch.float32 if X.dtype == np.float32 else torch.float64
    return CellRows(X, codes, weight, of_cells), labels, dtype


def _gone_on(last: Labels, cells: _Array, kind: str) -> Labels:
    """Return the labels of the last fit; a ValueError if y is of another kind or width."""
    # Rows of which every label is 0 or 1 need not be an indicator.
    kind = last.kind if kind == "multilabel" and last.kind == "cells" else kind
    if (last.kind, last.n_cells) != (kind, cells.shape[1]):
        raise ValueError(
            "warm_start=True goes on from the last fit, whose y was of another kind or had "
            "other columns. Use clone() to begin anew."
        )
    return last
