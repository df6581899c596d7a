"""Labels as users have them, as the numbers that are trained on, and back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import assert_all_finite, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

_Array = np.ndarray[Any, Any]

# What a missing label is as a number of a class.
MISSING = -1

# The least probability of a label that is returned.
_LEAST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Labels:
    """Which labels there are.

    Parameters
    ----------
    kind : {"single", "cells", "multilabel"}
        y of one dimension, of several cells, or an indicator of labels.
    classes : tuple of ndarray
        The classes of each cell, sorted.
    """

    kind: str
    classes: tuple[_Array, ...]

    @property
    def n_cells(self) -> int:
        """Number of cells, or of labels."""
        return len(self.classes)

    @property
    def alphabet(self) -> _Array:
        """The classes of all cells together."""
        return np.unique(np.concatenate(self.classes))

    @property
    def n_classes(self) -> int:
        """Number of outputs of a cell."""
        return 1 if self.kind == "multilabel" else len(self.alphabet)

    @property
    def allowed(self) -> tuple[tuple[int, ...], ...] | None:
        """The places in the alphabet of each cell's classes; None where all cells have all."""
        alphabet = self.alphabet
        if self.kind == "multilabel" or all(len(own) == len(alphabet) for own in self.classes):
            return None
        return tuple(tuple(np.searchsorted(alphabet, own).tolist()) for own in self.classes)

    def encode(self, y: _Array, missing: _Array) -> _Array:
        """Return places in the alphabet, (n, n_cells); MISSING, and below it for unknown classes.

        Of a multilabel indicator they are 0 and 1.
        """
        alphabet = self.alphabet
        codes = np.full(y.shape, MISSING, dtype=np.int64)
        for cell, own in enumerate(self.classes):
            seen = ~missing[:, cell]
            values = y[seen, cell]
            codes[seen, cell] = np.where(
                np.isin(values, own), np.searchsorted(alphabet, values), MISSING - 1
            )
        return codes

    def decode(self, outputs: _Array) -> _Array:
        """Return the labels of outputs (n, n_cells, n_classes)."""
        if self.kind == "multilabel":
            first = np.stack([own[0] for own in self.classes])
            last = np.stack([own[-1] for own in self.classes])
            return np.where(outputs[:, :, 0] >= 0.5, last, first)
        y = self.alphabet[outputs.argmax(axis=2)]
        return y[:, 0] if self.kind == "single" else y

    def probabilities(self, outputs: _Array) -> _Array | list[_Array]:
        """Return outputs as scikit-learn has probabilities."""
        if self.kind == "multilabel":
            # scikit-learn asks that they be strictly between 0 and 1.
            return np.clip(outputs[:, :, 0], _LEAST, 1.0 - _LEAST)
        alphabet = self.alphabet
        if len(alphabet) == 1:
            outputs = np.ones_like(outputs)
        each = [
            outputs[:, cell, np.searchsorted(alphabet, own)]
            for cell, own in enumerate(self.classes)
        ]
        return each[0] if self.kind == "single" else each

    @property
    def attribute(self) -> Any:
        """The classes as ``classes_`` has them."""
        return self.classes[0] if self.kind == "single" else list(self.classes)


def read_labels(y: Any, missing_label: Any) -> tuple[_Array, _Array, str]:
    """Return labels (n, n_cells), which of them are missing, and of which kind they are.

    A ValueError if they are no classes, or a row has none; its message names the row.
    """
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape "
            "of y to (n_samples,), for example using ravel().",
            DataConversionWarning,
            stacklevel=4,
        )
        y = y[:, 0]
    if y.ndim not in (1, 2) or y.size == 0:
        raise ValueError(f"y of shape {y.shape} must be labels of shape (n,) or (n, cells).")
    missing = _missing(y, missing_label)
    cells, missing_cells = (v.reshape(len(y), -1) for v in (y, missing))
    if (none := np.flatnonzero(missing_cells.all(axis=1))).size:
        raise ValueError(
            f"y has no label in row {none[0]}: all of it is missing_label={missing_label!r}. "
            f"There {'is one such row' if len(none) == 1 else f'are {len(none)} such rows'}; "
            "leave them out."
        )
    for cell in np.flatnonzero(missing_cells.all(axis=0)):
        raise ValueError(f"y has no label in column {cell}: all of it is missing.")
    known = cells[~missing_cells]
    if known.dtype.kind == "f":
        assert_all_finite(known, input_name="y")
    if y.ndim == 1:
        check_classification_targets(y)
        return cells, missing_cells, "single"
    if type_of_target(known) in ("continuous", "unknown"):
        # The words of scikit-learn.
        raise ValueError(
            f"Unknown label type: {type_of_target(known)}. Maybe you are trying to fit a "
            "classifier, which expects discrete classes on a regression target with continuous "
            "values."
        )
    is_indicator = known.dtype.kind in "biuf" and np.isin(known, (0, 1)).all()
    return cells, missing_cells, "multilabel" if is_indicator else "cells"


def labels_of(cells: _Array, missing: _Array, kind: str) -> Labels:
    """Return which labels there are in y."""
    if kind == "multilabel":
        both = np.array([0, 1], dtype=cells.dtype)
        return Labels(kind, (both,) * cells.shape[1])
    return Labels(
        kind, tuple(np.unique(cells[~missing[:, cell], cell]) for cell in range(cells.shape[1]))
    )


def check_known(labels: Labels, cells: _Array, codes: _Array) -> None:
    """Refuse classes that were not there before, by name."""
    unknown = np.argwhere(codes < MISSING)
    if len(unknown):
        row, cell = unknown[0]
        raise ValueError(
            f"y has the class {cells[row, cell]!r} in row {row}, column {cell}, unseen in "
            f"training: the classes there are {labels.classes[cell].tolist()}."
        )


def cell_weights(labels: Labels, codes: _Array, class_weight: Any) -> _Array:
    """Return the weight of each label, (n, n_cells): 0 where it is missing."""
    present = codes != MISSING
    weights = present.astype(np.float64)
    if class_weight is None:
        return weights
    each = (
        class_weight
        if isinstance(class_weight, Sequence) and not isinstance(class_weight, str)
        else [class_weight] * labels.n_cells
    )
    if len(each) != labels.n_cells:
        raise ValueError(
            f"class_weight lists {len(each)} entries, and y has {labels.n_cells} columns."
        )
    alphabet = labels.alphabet
    for cell, wanted in enumerate(each):
        seen = present[:, cell]
        values = alphabet[codes[seen, cell]]
        there = np.unique(values)
        of_class = compute_class_weight(wanted, classes=there, y=values)
        weights[seen, cell] = of_class[np.searchsorted(there, values)]
    return weights


def _missing(y: _Array, missing_label: Any) -> _Array:
    if missing_label is None:
        if y.dtype.kind == "f" and np.isnan(y).any():
            raise ValueError("Input y contains NaN. missing_label=np.nan leaves such labels out.")
        return np.zeros(y.shape, dtype=bool)
    if isinstance(missing_label, float) and np.isnan(missing_label):
        return np.array(y != y, dtype=bool)
    return np.array(y == missing_label, dtype=bool).reshape(y.shape)
