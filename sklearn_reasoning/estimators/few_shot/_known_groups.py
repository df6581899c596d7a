"""The groups that an estimator knows: their rows, and their heads."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ._groups import GroupedRows
from ._head_model import HeadModel
from ._use_of_heads import UseOfHeads
from ._use_of_weights import UseOfWeights
from ._weights_model import WeightsModel

_Array = np.ndarray[Any, Any]

Use: TypeAlias = UseOfHeads | UseOfWeights


@dataclass(frozen=True)
class KnownGroups:
    """Groups by their names.

    Parameters
    ----------
    rows : GroupedRows
        What each has adapted to, in the units of X and y.
    heads : ndarray of shape (n_groups, m, d) or None
        After the number of steps of the model. None where it keeps none: they are then made anew.
    """

    rows: GroupedRows
    heads: _Array | None
    places: dict[Hashable, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        places = {name: i for i, name in enumerate(self.rows.names)}
        object.__setattr__(self, "places", places)

    @classmethod
    def of(cls, rows: GroupedRows, use: Use) -> KnownGroups:
        """Adapt to groups."""
        return cls(rows, use.adapted(rows) if use.keeps_adapted else None)

    def none(self) -> KnownGroups:
        """Return no groups, of the same shapes."""
        nothing = self.rows.take(np.array([], dtype=np.int64))
        return KnownGroups(nothing, None if self.heads is None else self.heads[:0])

    def with_others(self, rows: GroupedRows, use: Use) -> KnownGroups:
        """Adapt to others, too; those with equal names replace these.

        Raises
        ------
        ValueError
            If the head of one is not finite.
        """
        new = set(rows.names)
        kept = np.array([i for i, name in enumerate(self.rows.names) if name not in new], dtype=int)
        heads = None
        if self.heads is not None:
            heads = use.adapted(rows)
            bad = np.flatnonzero(~np.isfinite(heads).all(axis=(1, 2)))
            if len(bad):
                raise ValueError(
                    f"X or y of group {rows.names[bad[0]]!r} holds numbers so much larger than "
                    "those of fit that adaptation leaves the finite numbers."
                )
            heads = np.concatenate([self.heads[kept], heads])
        return KnownGroups(self.rows.take(kept).followed_by(rows), heads)

    def codes(self, names: Sequence[Hashable]) -> _Array:
        """Return the places of groups; -1 for those that are not known."""
        return np.array([self.places.get(name, -1) for name in names], dtype=np.int64)

    def named(self, names: Sequence[Hashable]) -> GroupedRows:
        """Return the rows of groups.

        Raises
        ------
        ValueError
            If one is not known, or there is none.
        """
        if unknown := [name for name in names if name not in self.places]:
            raise ValueError(
                f"groups: {unknown[0]!r} is not known. adapt() makes groups known, and groups_ "
                "lists those that are."
            )
        if not names:
            raise ValueError("groups: there is none to certify; adapt() makes groups known.")
        return self.rows.take(self.codes(names))

    def predict(self, use: Use, x: _Array, codes: _Array, k: int | None) -> _Array:
        """Return predictions of rows after k steps, (n, d); the code -1 is the start.

        Raises
        ------
        ValueError
            If one is not finite, as where steps on all weights diverge.
        """
        if self.heads is not None and (k is None or k == use.module.k[0]):
            return use.predict(x, self.heads, codes)
        asked, own = np.unique(codes, return_inverse=True)
        is_known = asked >= 0
        adapted = use.adapted(self.rows.take(asked[is_known]), k)
        places = np.where(is_known, np.cumsum(is_known) - 1, -1)
        outputs = use.predict(x, adapted, places[own])
        bad = codes[~np.isfinite(outputs).all(axis=1) & (codes >= 0)]
        if len(bad):
            raise ValueError(
                f"Predictions of group {self.rows.names[bad[0]]!r} leave the finite numbers: X or "
                "y of the rows that it adapts to are too large, beside those of fit, for its steps."
            )
        return outputs


def use_of(module: HeadModel | WeightsModel) -> Use:
    """Return what a trained module makes of rows."""
    return UseOfHeads(module) if isinstance(module, HeadModel) else UseOfWeights(module)
