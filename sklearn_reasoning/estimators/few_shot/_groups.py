"""Which group a row belongs to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
import torch

_Array = np.ndarray[Any, Any]


class _OneGroup:
    """The name of the group of all rows, where no groups are given."""

    def __repr__(self) -> str:
        return "None"

    def __reduce__(self) -> str:
        return "ONE_GROUP"


ONE_GROUP = _OneGroup()


def read_groups(groups: Any, n: int) -> list[Hashable]:
    """Return the name of each row's group, or one name for all if there are none.

    Parameters
    ----------
    groups : array-like of shape (n,) or None
    n : int
        Number of rows.

    Raises
    ------
    ValueError
        If there are not n of them, they are no list, or one is missing.
    TypeError
        If one cannot be told from others by a hash.
    """
    if groups is None:
        return [ONE_GROUP] * n
    found = _as_list(groups, n)
    if len(found) != n:
        raise ValueError(
            f"groups has {len(found)} entries, and X has {n} rows: give the group of each row."
        )
    # Of whole numbers and strings none is: a look at each costs more than all else here.
    unlike = set(map(type, found)) - {int, str}
    missing = [i for i, name in enumerate(found) if _is_missing(name)] if unlike else []
    if missing:
        raise ValueError(
            f"groups is missing (NaN or None) in {len(missing)} rows, the first of them row "
            f"{missing[0]}: name a group for each row, or leave these rows out."
        )
    try:
        hash(tuple(found))
    except TypeError as error:
        raise TypeError(
            f"groups must hold numbers, strings or other objects with a hash: {error}."
        ) from error
    return found


def read_names(names: Any) -> list[Hashable]:
    """Return names of groups, as ``groups_`` lists them; one that is no list stands for itself.

    Raises
    ------
    ValueError, TypeError
        As for :func:`read_groups`.
    """
    if getattr(names, "ndim", 1) == 0:
        names = np.asarray(names).reshape(1)
    if isinstance(names, str | bytes) or not hasattr(names, "__len__"):
        names = [names]
    if not isinstance(names, list | tuple):
        names = _as_list(names, len(names))
    # groups_ has None for the group of all rows.
    unnamed = [name is None for name in names]
    found = read_groups(
        [0 if no else name for no, name in zip(unnamed, names, strict=True)], len(names)
    )
    return [ONE_GROUP if no else name for no, name in zip(unnamed, found, strict=True)]


def _as_list(groups: Any, n: int) -> list[Hashable]:
    if isinstance(groups, list | tuple):
        return _as_names(groups)
    # What is masked is missing.
    names = groups if isinstance(groups, np.ma.MaskedArray) else np.asarray(groups)
    if names.ndim == 2 and names.shape[1] == 1:
        names = names[:, 0]
    if names.ndim != 1:
        raise ValueError(
            f"groups of shape {names.shape} must have one entry for each of the {n} rows of X: "
            "shape (n_samples,)."
        )
    if names.dtype.kind in "mM":
        return _as_times(names)
    found: list[Hashable] = names.tolist()
    return _as_names(found) if names.dtype.kind == "O" else found


def _as_names(names: Sequence[Any]) -> list[Hashable]:
    is_plain = set(map(type, names)) <= {int, str, float, bool}
    return list(names) if is_plain else list(map(_as_name, names))


def _as_name(name: Any) -> Any:
    """Return an entry of a list, or of objects, as the same entry of an array would be."""
    if isinstance(name, torch.Tensor) and name.ndim == 0:
        return name.item()  # the hash of a tensor is its place in memory
    if not isinstance(name, np.generic):
        return name
    return _as_times(np.asarray([name]))[0] if name.dtype.kind in "mM" else name.item()


def _as_times(names: _Array) -> list[Hashable]:
    """Return times as those of the standard library: equal ones have one hash, whatever the unit.

    Those that are finer than a microsecond stay as they are.
    """
    rounded = names.astype(f"{names.dtype.kind}8[us]")
    pairs = zip(rounded.tolist(), names, (rounded == names) | np.isnat(names), strict=True)
    return [time if is_exact else name for time, name, is_exact in pairs]


def _is_missing(name: Any) -> bool:
    if name is None or type(name).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(name, tuple):
        return any(map(_is_missing, name))
    return isinstance(name, Number | np.generic) and bool(name != name)


@dataclass(frozen=True)
class GroupedRows:
    """Rows of groups, group by group.

    Parameters
    ----------
    names : tuple
        Of the groups, in the order of their first rows.
    x : ndarray of shape (n, n_features)
    y : ndarray of shape (n, d)
    sizes : ndarray of int and shape (n_groups,)
        Number of rows of each group.
    """

    names: tuple[Hashable, ...]
    x: _Array
    y: _Array
    sizes: _Array

    @classmethod
    def of(cls, x: _Array, y: _Array, groups: Sequence[Hashable]) -> GroupedRows:
        """Sort rows by their groups, and keep their order inside each."""
        places = {name: i for i, name in enumerate(dict.fromkeys(groups))}
        codes = np.array([places[name] for name in groups], dtype=np.int64)
        order = np.argsort(codes, kind="stable")
        sizes = np.bincount(codes, minlength=len(places))
        return cls(tuple(places), x[order], y[order], sizes)

    @property
    def firsts(self) -> _Array:
        """The place of the first row of each group."""
        return np.cumsum(self.sizes) - self.sizes

    def take(self, groups: _Array) -> GroupedRows:
        """Return some of the groups, by their places."""
        sizes = self.sizes[groups]
        rows = rows_of(self.firsts[groups], sizes)
        names = tuple(self.names[i] for i in groups.tolist())
        return GroupedRows(names, self.x[rows], self.y[rows], sizes)

    def followed_by(self, others: GroupedRows) -> GroupedRows:
        """Return these groups and then others, which have other names."""
        return GroupedRows(
            self.names + others.names,
            np.concatenate([self.x, others.x]),
            np.concatenate([self.y, others.y]),
            np.concatenate([self.sizes, others.sizes]),
        )


def rows_of(firsts: _Array, sizes: _Array) -> _Array:
    """Return the places of rows that lie together in runs, one run after the other."""
    starts = np.cumsum(sizes) - sizes
    shifts: _Array = np.repeat(firsts - starts, sizes)
    return shifts + np.arange(int(sizes.sum()))


def are_first(names: Sequence[Hashable], n: int) -> _Array:
    """Return which rows are among the first n of their groups."""
    seen: dict[Hashable, int] = {}
    is_first = np.zeros(len(names), dtype=bool)
    for i, name in enumerate(names):
        place = seen[name] = seen.get(name, 0) + 1
        is_first[i] = place <= n
    return is_first


def as_names(names: Sequence[Hashable]) -> _Array:
    """Return names of groups as an array: of numbers or strings where all are, else of objects."""
    plain = [None if name is ONE_GROUP else name for name in names]
    kinds = {type(name) for name in plain}
    if len(kinds) == 1 and kinds <= {int, float, str, bool}:
        return np.array(plain)
    found = np.empty(len(plain), dtype=object)
    found[:] = plain
    return found
