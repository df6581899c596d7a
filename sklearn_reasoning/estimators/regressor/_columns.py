"""Where x, b and R stand among the columns of X."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from sklearn_reasoning.training import Given

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Columns:
    """Indices of the columns of X that hold x, b and R: of shape (m,), (d,) and (d * d,).

    ``b`` is None where b is learned, ``rotation`` where R is not given, ``limits`` where a penalty
    asks for no columns.
    """

    x: _Array
    b: _Array | None
    rotation: _Array | None
    limits: _Array | None = None

    def split(self, X: _Array, tolerance: float) -> Given:
        """Return x of shape (n, m), b of shape (n, d), R of shape (n, d, d) and the limits.

        R'R may differ from the identity by ``tolerance``; a ValueError if it differs by more.
        """
        x, b, limits = (
            None if each is None else X[:, each] for each in (self.x, self.b, self.limits)
        )
        assert x is not None
        if self.rotation is None:
            return Given(x, b, None, limits)
        d = round(len(self.rotation) ** 0.5)
        R = X[:, self.rotation].reshape(-1, d, d)
        _check_orthogonal(R, tolerance)
        return Given(x, b, R, limits)


def resolve_columns(
    n_features: int,
    n_outputs: int,
    linear_term: Any,
    rotation: Any,
    feature_names: _Array | None,
    limits: Sequence[str | int] = (),
) -> Columns:
    """Return where x, b, R and the numbers of a penalty are.

    ``feature_names`` are those of the columns of X, where it has them; ``limits`` are the columns
    that the penalty asks for. A ValueError if X is too narrow, or a listed column does not exist,
    is listed twice, or the number of listed columns is not d or d * d.
    """
    d = n_outputs
    listed = {
        "linear_term": (None if isinstance(linear_term, str) else linear_term, d),
        "rotation": (None if isinstance(rotation, str) else rotation, d * d),
        "Columns": (limits or None, len(limits)),
    }
    found = {
        name: _indices(name, columns, size, n_features, feature_names)
        for name, (columns, size) in listed.items()
        if columns is not None
    }
    taken = np.concatenate([*found.values(), np.empty(0, dtype=np.intp)]).astype(np.intp)
    if len(set(taken.tolist())) < len(taken):
        what = "linear_term, rotation and Columns" if limits else "linear_term and rotation"
        raise ValueError(f"{what} list a column of X twice.")
    rest = np.setdiff1d(np.arange(n_features), taken)
    # By position: [x | b | R], so R is cut off first.
    by_position = isinstance(linear_term, str) and linear_term != "learned"
    needed = d * by_position
    needed += d * d * (rotation == "given" if isinstance(rotation, str) else 0)
    if needed > len(rest):
        raise ValueError(
            f"X has {len(rest)} columns to take x, b and R from, and linear_term={linear_term!r} "
            f"with rotation={rotation!r} needs at least {needed} for {d} outputs: {d} for b, if "
            f"given, and {d * d} for R, if given. Use linear_term='learned' or "
            "rotation='shared' for X without them."
        )
    if isinstance(rotation, str) and rotation == "given":
        rest, found["rotation"] = rest[: -d * d], rest[-d * d :]
    if by_position:
        rest, found["linear_term"] = rest[:-d], rest[-d:]
    return Columns(rest, found.get("linear_term"), found.get("rotation"), found.get("Columns"))


def _indices(
    name: str,
    columns: Sequence[Any],
    size: int,
    n_features: int,
    feature_names: _Array | None,
) -> _Array:
    if not np.iterable(columns):  # an array of no dimension counts as array-like
        raise ValueError(f"{name}={columns!r} must be a word or list columns of X.")
    entries = list(columns)
    if entries and all(isinstance(entry, bool | np.bool_) for entry in entries):
        if len(entries) != n_features:
            raise ValueError(
                f"{name} is a mask of length {len(entries)}, and X has {n_features} columns."
            )
        entries = np.flatnonzero(entries).tolist()
    if len(entries) != size:
        raise ValueError(
            f"{name} lists {len(entries)} columns of X; it needs {size} for the outputs of y."
        )
    indices = []
    for entry in entries:
        if isinstance(entry, str):
            if feature_names is None:
                raise ValueError(f"{name} lists names, and X has no column names.")
            places = np.flatnonzero(feature_names == entry)
            if not len(places):
                raise ValueError(f"{name} lists {entry!r}, which is no column of X.")
            if len(places) > 1:  # scikit-learn refuses such an X from 1.9 on
                raise ValueError(
                    f"{name} needs unique column names, and X has {len(places)} named {entry!r}."
                )
            indices.append(int(places[0]))
        elif isinstance(entry, Integral) and -n_features <= int(entry) < n_features:
            indices.append(int(entry) % n_features)
        else:
            raise ValueError(
                f"{name} lists {entry!r}, which is no column of X (0 to {n_features - 1})."
            )
    return np.array(indices, dtype=np.intp)


def _check_orthogonal(R: _Array, tolerance: float) -> None:
    product = np.matmul(R.swapaxes(1, 2), R)
    error = float(np.abs(product - np.eye(R.shape[-1])).max()) if len(R) else 0.0
    if not error <= tolerance:
        raise ValueError(
            f"rotation: the columns of X that hold R are not orthogonal matrices (R'R differs "
            f"from I by {error:.3g}). If a scaler came before, its scaled columns are the "
            "reason: keep it off R (and b) with a ColumnTransformer."
        )
