"""Which cells of an answer are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from sklearn_reasoning._support.numbers import readable_numbers

from ._labels import Labels, check_comparable, missing_of, read_cells

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class RightAnswers:
    """What predictions are compared with.

    Parameters
    ----------
    cells : ndarray of shape (n, n_cells)
        The right labels.
    is_asked : ndarray of bool and shape (n, n_cells)
        Where there is one.
    weight : ndarray of shape (n,)
        Weights of the rows, not all 0.
    """

    cells: _Array
    is_asked: _Array
    weight: _Array

    def share_of_rows(self, predicted: _Array) -> float:
        """Return the share of rows of which every cell that is asked for is right."""
        is_whole = (self._right(predicted) | ~self.is_asked).all(axis=1)
        return float(np.average(is_whole, weights=self.weight))

    def share_of_cells(self, predicted: _Array) -> float:
        """Return the share of cells that are right, of those that are asked for."""
        weights = self.is_asked * self.weight[:, None]
        return float(np.average(self._right(predicted), weights=weights))

    def _right(self, predicted: _Array) -> _Array:
        predicted = predicted.reshape(self.cells.shape)
        right = np.zeros(self.cells.shape, dtype=bool)
        right[self.is_asked] = predicted[self.is_asked] == self.cells[self.is_asked]
        return right


def right_answers(
    x: _Array, y: Any, sample_weight: Any, labels: Labels, missing_label: Any
) -> RightAnswers:
    """Return what the rows x are scored by; a ValueError if it does not go with them."""
    cells = read_cells(y)
    if cells.shape != (len(x), labels.n_cells):
        raise ValueError(
            f"y of shape {np.shape(y)} does not go with {len(x)} rows of {labels.n_cells} cells."
        )
    missing = missing_of(cells, missing_label)
    check_comparable(labels, cells[~missing])
    sample_weight = readable_numbers("sample_weight", sample_weight)
    weight = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise ValueError("sample_weight must not be zero for every row.")
    return RightAnswers(cells, ~missing, weight)
