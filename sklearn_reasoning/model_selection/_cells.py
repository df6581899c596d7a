"""Probabilities and labels of one cell, of several and of a multilabel indicator, read alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_consistent_length

from sklearn_reasoning._support.numbers import readable_numbers

_Floats = NDArray[np.float64]

# How far probabilities may be off by rounding.
_SLACK = 1e-4


@dataclass(frozen=True)
class Cells:
    """What losses need of probabilities.

    Parameters
    ----------
    of_right : list of ndarray of shape (n,)
        Of each cell, the probability of the right class.
    squares : list of ndarray of shape (n,)
        Of each cell, the squared distance to the right answer, over all classes.
    has_two : list of bool
        Of each cell, whether it has two classes at most.
    known : ndarray of bool and shape (n, n_cells)
        Which labels are not missing.
    are_labels : bool
        Whether cells are labels of a multilabel indicator.
    eps : float
        The eps of the dtype of probabilities.
    """

    of_right: list[_Floats]
    squares: list[_Floats]
    has_two: list[bool]
    known: NDArray[np.bool_]
    are_labels: bool
    eps: float


def read_cells(y_true: Any, y_proba: Any, classes: Any, missing_label: Any) -> Cells:
    """Return what losses need; a ValueError that names what does not fit."""
    y = np.asarray(y_true)
    if y.ndim not in (1, 2) or y.size == 0:
        raise ValueError(f"y_true of shape {y.shape} must be labels of shape (n,) or (n, cells).")
    known = _known(y, missing_label).reshape(len(y), -1)
    if not known.any():
        raise ValueError(f"All of y_true is missing_label={missing_label!r}.")
    cells = y.reshape(len(y), -1)
    are_labels = y.ndim == 2 and y.shape[1] > 1 and _is_indicator(cells[known])
    parts, own, eps = _parts(cells, known, y_proba, classes)
    of_right, squares, has_two = [], [], []
    for cell, (p, there) in enumerate(zip(parts, own, strict=True)):
        right = cells[:, cell, None] == there
        of_right.append(np.where(right, p, 0.0).sum(axis=1))
        unseen = ~right.any(axis=1)
        # A class without a column has the probability 0, and 1 would have been right.
        squares.append(np.square(p - right).sum(axis=1) + unseen)
        has_two.append(len({*there.tolist(), *cells[known[:, cell], cell].tolist()}) <= 2)
    return Cells(of_right, squares, has_two, known, are_labels, eps)


def _parts(
    cells: NDArray[Any], known: NDArray[np.bool_], y_proba: Any, classes: Any
) -> tuple[list[_Floats], list[NDArray[Any]], float]:
    """Return of each cell the probabilities (n, classes), and which classes these are."""
    n_cells = cells.shape[1]
    # A list of arrays is of cells; of lists it is one table, unless it is three deep.
    is_list = isinstance(y_proba, list | tuple) and np.ndim(y_proba[0] if y_proba else 0) == 2
    if is_list:
        each = [_probabilities(p, f"y_proba[{cell}]") for cell, p in enumerate(y_proba)]
        if len(each) != n_cells:
            raise ValueError(f"y_proba lists {len(each)} cells, and y_true has {n_cells}.")
        if n_cells > 1:
            given = [None] * n_cells if classes is None else list(classes)
        else:
            given = [_of_only_cell(classes)]
        if len(given) != n_cells:
            raise ValueError(f"classes lists {len(given)} cells, and y_true has {n_cells}.")
        names = [f"y_proba[{cell}]" for cell in range(n_cells)]
    elif n_cells > 1:
        table = _probabilities(y_proba, "y_proba")
        check_consistent_length(cells, table)
        if table.ndim != 2 or table.shape[1] != n_cells:
            raise ValueError(
                f"y_proba of shape {table.shape} must have one column for each of the {n_cells} "
                "labels of y_true, or be a list with an array for each cell."
            )
        if not _is_indicator(cells[known]):
            raise ValueError(
                "y_proba has one column for each cell, and y_true has other values than 0 and 1. "
                "Cells of several classes need a list with an array (n, classes) for each."
            )
        each = [np.stack([1.0 - p, p], axis=1) for p in table.T]
        return each, [np.array([0, 1])] * n_cells, _eps(table)
    else:
        each, given, names = [_probabilities(y_proba, "y_proba")], [_of_only_cell(classes)], []
        names = ["y_proba"]
    eps = max(map(_eps, each))
    own = []
    for cell, (p, name) in enumerate(zip(each, names, strict=True)):
        check_consistent_length(cells, p)
        if p.ndim == 1:
            each[cell] = p = np.stack([1.0 - p, p], axis=1)
        seen = cells[known[:, cell], cell]
        own.append(np.unique(seen) if given[cell] is None else np.asarray(given[cell]))
        if p.ndim != 2 or own[cell].shape != (p.shape[1],):
            raise ValueError(
                f"{name} of shape {p.shape} must have one column for each of the "
                f"{len(own[cell])} classes {own[cell].tolist()}. Pass the classifier's classes_ as "
                "classes."
            )
        if (far := np.abs(p.sum(axis=1) - 1.0)).max() > _SLACK * p.shape[1]:
            raise ValueError(f"{name} must sum to 1 in each row; row {far.argmax()} does not.")
    return [p.astype(np.float64) for p in each], own, eps


def _of_only_cell(classes: Any) -> Any:
    """Return the classes of a y of one dimension, which may be the only entry of a list."""
    if isinstance(classes, list | tuple) and len(classes) == 1 and np.ndim(classes[0]) == 1:
        return classes[0]
    return classes


def _probabilities(values: Any, name: str) -> NDArray[Any]:
    array = np.asarray(readable_numbers(name, values))
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise ValueError(f"{name} must be probabilities, got shape {array.shape}, {array.dtype}.")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    assert_all_finite(array, input_name=name)
    if array.min() < -_SLACK or array.max() > 1.0 + _SLACK:
        raise ValueError(
            f"{name} must be probabilities, and lies in [{array.min():.3g}, {array.max():.3g}]."
        )
    return array


def _eps(p: NDArray[Any]) -> float:
    return float(np.finfo(p.dtype).eps)


def _is_indicator(known: NDArray[Any]) -> bool:
    return known.dtype.kind in "biuf" and bool(np.isin(known, (0, 1)).all())


def _known(y: NDArray[Any], missing_label: Any) -> NDArray[np.bool_]:
    if missing_label is None:
        if y.dtype.kind == "f":
            assert_all_finite(y, input_name="y_true")
        return np.ones(y.shape, dtype=bool)
    if isinstance(missing_label, float) and np.isnan(missing_label):
        return np.asarray(y == y, dtype=bool)
    return np.broadcast_to(np.asarray(y != missing_label, dtype=bool), y.shape)
