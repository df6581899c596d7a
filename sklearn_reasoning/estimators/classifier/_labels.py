"""Labels as users have them, as the numbers that are trained on, and back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
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
    y = _as_array(y)
    if y.ndim == 2 and y.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape "
            "of y to (n_samples,), for example using ravel().",
            DataConversionWarning,
            stacklevel=4,
        )
        y = y[:, 0]
    cells, missing_cells = y.reshape(len(y), -1), missing_of(y, missing_label)
    if y.ndim == 2:
        cells = _numbers_of(cells, missing_cells)
    known = cells[~missing_cells]
    if known.dtype.kind == "f":
        assert_all_finite(known, input_name="y")
    if y.ndim == 1:
        check_classification_targets(y)
        return cells, missing_cells, "single"
    try:
        np.unique(known)
    except TypeError as error:
        raise ValueError(
            "y mixes labels that cannot be put in one order, such as text and numbers: "
            "y.astype(str) makes text of all."
        ) from error
    if type_of_target(known) in ("continuous", "unknown"):
        # The words of scikit-learn.
        raise ValueError(
            f"Unknown label type: {type_of_target(known)}. Maybe you are trying to fit a "
            "classifier, which expects discrete classes on a regression target with continuous "
            "values."
        )
    is_indicator = known.dtype.kind in "biuf" and np.isin(known, (0, 1)).all()
    return cells, missing_cells, "multilabel" if is_indicator else "cells"


def _numbers_of(cells: _Array, missing: _Array) -> _Array:
    """Return labels as numbers where all are: beside None or pandas' NA they come as objects."""
    if cells.dtype.kind != "O":
        return cells
    known = np.array(cells[~missing].tolist())
    if known.dtype.kind not in "biuf":
        return cells
    numbers = np.zeros(cells.shape, dtype=known.dtype)
    numbers[~missing] = known
    return numbers


def read_cells(y: Any) -> _Array:
    """Return labels (n, n_cells)."""
    y = _as_array(y)
    return y.reshape(len(y), -1)


def check_comparable(labels: Labels, values: _Array) -> None:
    """Refuse labels that no prediction can be equal to."""
    ours = labels.alphabet.dtype
    is_whole = values.dtype.kind != "f" or ours.kind not in "biu" or (values % 1 == 0).all()
    if not is_whole or _is_text(values) != _is_text(labels.alphabet):
        raise ValueError(
            f"y holds {values[:3].tolist()}, no labels like {labels.alphabet[:3].tolist()}"
            f" of dtype {ours}, as in training."
        )


def _is_text(values: _Array) -> bool:
    return values.dtype.kind == "U" or any(isinstance(value, str) for value in values[:1].tolist())


def _as_array(y: Any) -> _Array:
    if issparse(y):
        raise ValueError("y is sparse, and must be an array: y.toarray().")
    y = np.asarray(y)
    if y.ndim not in (1, 2) or y.size == 0:
        raise ValueError(f"y of shape {y.shape} must be labels of shape (n,) or (n, cells).")
    return y


def labels_of(cells: _Array, missing: _Array, kind: str) -> Labels:
    """Return which labels there are in y; a ValueError if all of a column are missing."""
    for cell in np.flatnonzero(missing.all(axis=0)):
        raise ValueError(f"y has no label in column {cell}: all of it is missing.")
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
        (name,) = cells[[row], cell].tolist()
        raise ValueError(
            f"y has the class {name!r} in row {row}, column {cell}, unseen in "
            f"training: the classes there are {labels.classes[cell].tolist()}."
        )


def cell_weights(labels: Labels, codes: _Array, class_weight: Any, sample_weight: _Array) -> _Array:
    """Return the weight of each label, (n, n_cells): 0 where it is missing.

    "balanced" counts rows by their ``sample_weight``.
    """
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
        try:
            of_class = compute_class_weight(
                wanted, classes=there, y=values, sample_weight=sample_weight[seen]
            ).astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"class_weight={wanted!r}, of column {cell}: {error}") from error
        if not ((of_class >= 0.0) & np.isfinite(of_class)).all():
            raise ValueError(
                f"class_weight={wanted!r}, of column {cell}, must hold finite numbers that are not "
                "negative."
            )
        weights[seen, cell] = of_class[np.searchsorted(there, values)]
    if not (weights * sample_weight[:, None]).any():
        raise ValueError(f"class_weight={class_weight!r} leaves no label a weight above 0.")
    return weights


def missing_of(y: _Array, missing_label: Any) -> _Array:
    """Return which labels of y are missing, (n, n_cells); a ValueError if a row has none."""
    missing = _missing(y, missing_label).reshape(len(y), -1)
    if (none := np.flatnonzero(missing.all(axis=1))).size:
        raise ValueError(
            f"y has no label in row {none[0]}: all of it is missing_label={missing_label!r}. "
            f"There {'is one such row' if len(none) == 1 else f'are {len(none)} such rows'}; "
            "leave them out."
        )
    return missing


def _missing(y: _Array, missing_label: Any) -> _Array:
    if isinstance(missing_label, list | tuple | dict | set | np.ndarray):
        raise TypeError(f"missing_label={missing_label!r} must be a single label.")
    nothing = _is_nothing(y)
    if missing_label is not None and _is_nothing(np.array(missing_label, dtype=object)).all():
        return nothing
    if nothing.any():
        raise ValueError("Input y contains NaN. missing_label=np.nan leaves such labels out.")
    if missing_label is None:
        return nothing
    return np.array(y == missing_label, dtype=bool).reshape(y.shape)


def _is_nothing(y: _Array) -> _Array:
    """Return where an array holds NaN, None or what pandas has for them."""
    if y.dtype.kind == "f":
        return np.asarray(np.isnan(y))
    if y.dtype.kind != "O":
        return np.zeros(y.shape, dtype=bool)
    found = [value is None or not _equals_itself(value) for value in y.ravel().tolist()]
    return np.array(found, dtype=bool).reshape(y.shape)


def _equals_itself(value: Any) -> bool:
    try:
        return bool(value == value)
    except TypeError:  # pandas' NA is equal to nothing, and not unequal either
        return False
