"""Which group a row belongs to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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


def _as_list(groups: Any, n: int) -> list[Hashable]:
    if isinstance(groups, list | tuple):
        return [name.item() if isinstance(name, np.generic) else name for name in groups]
    names = np.asarray(groups)
    if names.ndim == 2 and names.shape[1] == 1:
        names = names[:, 0]
    if names.ndim != 1:
        raise ValueError(
            f"groups of shape {names.shape} must have one entry for each of the {n} rows of X: "
            "shape (n_samples,)."
        )
    found: list[Hashable] = names.tolist()
    return found


def _is_missing(name: Any) -> bool:
    if name is None or type(name).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(name, float) and name != name


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
        places: dict[Hashable, int] = {}
        for name in dict.fromkeys(groups):
            places[name] = len(places)
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

    def updated(self, others: GroupedRows) -> GroupedRows:
        """Return these groups and others, of which those with equal names replace these."""
        new = set(others.names)
        kept = self.take(np.array([i for i, g in enumerate(self.names) if g not in new], dtype=int))
        return GroupedRows(
            kept.names + others.names,
            np.concatenate([kept.x, others.x]),
            np.concatenate([kept.y, others.y]),
            np.concatenate([kept.sizes, others.sizes]),
        )


def rows_of(firsts: _Array, sizes: _Array) -> _Array:
    """Return the places of rows that lie together in runs, one run after the other."""
    starts = np.cumsum(sizes) - sizes
    shifts: _Array = np.repeat(firsts - starts, sizes)
    return shifts + np.arange(int(sizes.sum()))


def as_names(names: Sequence[Hashable]) -> _Array:
    """Return names of groups as an array: of numbers or strings where all are, else of objects."""
    plain = [None if name is ONE_GROUP else name for name in names]
    kinds = {type(name) for name in plain}
    if len(kinds) == 1 and kinds <= {int, float, str, bool}:
        return np.array(plain)
    found = np.empty(len(plain), dtype=object)
    found[:] = plain
    return found
