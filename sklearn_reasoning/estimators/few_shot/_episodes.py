"""Groups in batches, each cut into support and query anew in every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sklearn_reasoning._networks import padded

from ._groups import GroupedRows
from ._head_model import Episode

_Array = np.ndarray[Any, Any]

# Supports, queries and the groups of a batch are filled up to multiples of this, or, of fewer
# groups, the rows to multiples of its square: every model of a stack then begins on a vector
# boundary, and has the bits that it has alone.
_MULTIPLE = 4


class Slot(NamedTuple):
    """A batch of groups that are neighbours in size, wherever their rows come from.

    ``groups`` are places in the order by size; the numbers of groups and of rows of the supports
    and the queries are what they are filled up to.
    """

    groups: slice
    n_groups: int
    n_support: int
    n_query: int


def support_sizes(sizes: _Array, shots: int | str) -> _Array:
    """Return how many rows of each group are support; a row of every group is left to be asked."""
    wanted = sizes // 2 if isinstance(shots, str) else np.full_like(sizes, int(shots))
    found: _Array = np.minimum(wanted, sizes - 1)
    return found


class Episodes(Dataset[Any]):
    """The groups that one model is trained on, in batches.

    Batches hold groups of neighbouring size, so that little is filled up; which they are, in which
    order, and how each is cut follows from the seed and the number of the epoch.

    Parameters
    ----------
    rows : GroupedRows
        In the units in which the model computes.
    shots : int or "auto"
        Largest number of rows of a support; "auto" is half of those of each group.
    cut : {"random", "first", "mixed"}
        Which rows of a group they are: any, its first, or in every epoch the first of half of the
        groups and any of the others.
    batch_size : int
        Largest number of groups in a batch.
    seed : int
    dtype : torch.dtype
    device : str
    is_fixed : bool, default=False
        Whether every epoch is the first one, as in validation.
    """

    def __init__(
        self,
        rows: GroupedRows,
        shots: int | str,
        cut: str,
        batch_size: int,
        seed: int,
        dtype: torch.dtype,
        device: Any,
        *,
        is_fixed: bool = False,
    ) -> None:
        self._rows, self._cut, self._seed, self._is_fixed = rows, cut, seed, is_fixed
        self._dtype, self._device = dtype, device
        self._support_sizes = support_sizes(rows.sizes, shots)
        self._query_sizes = rows.sizes - self._support_sizes
        self._group_of_row = np.repeat(np.arange(len(rows.sizes)), rows.sizes)
        self.slots = self._slots(batch_size)
        self.n_batches = len(self.slots)

    def _slots(self, batch_size: int) -> list[Slot]:
        order = np.lexsort((self._query_sizes, self._support_sizes))
        n = len(order)
        n_batches = -(-n // batch_size)
        ends = np.linspace(0, n, n_batches + 1).round().astype(int).tolist()
        slots = []
        for first, end in pairwise(ends):
            own = order[first:end]
            is_few = len(own) < _MULTIPLE
            n_groups = len(own) if is_few else padded(len(own), _MULTIPLE)
            multiple = _MULTIPLE**2 if is_few else _MULTIPLE
            n_support, n_query = (
                padded(max(int(sizes[own].max()), 1), multiple)
                for sizes in (self._support_sizes, self._query_sizes)
            )
            slots.append(Slot(slice(first, end), n_groups, n_support, n_query))
        return slots

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self._rows.sizes)

    def counts(self, number: int) -> _Array:
        """Return the number of query rows of an epoch."""
        return np.array([int(self._query_sizes.sum())])

    def epoch(self, number: int) -> Iterator[Episode]:
        """Yield the batches of an epoch, which are a function of its number."""
        drawn = np.random.default_rng([self._seed, 0 if self._is_fixed else number])
        # Rows in some order inside their groups: the first ones are the support.
        shuffled = np.lexsort((self._ranks(drawn), self._group_of_row))
        ties = drawn.permutation(len(self))
        groups = ties[np.lexsort((self._query_sizes[ties], self._support_sizes[ties]))]
        # Of the epoch alone: models side by side have batches of one shape at a time.
        for i in np.random.default_rng([number]).permutation(self.n_batches):
            slot = self.slots[i]
            yield self._episode(shuffled, groups[slot.groups], slot)

    def _ranks(self, drawn: np.random.Generator) -> _Array:
        """Return a number for each row, by which those of a group are put in order."""
        ranks = drawn.random(len(self._group_of_row))
        if self._cut == "random":
            return ranks
        in_order = np.arange(len(ranks)) / len(ranks)
        if self._cut == "first":
            return in_order
        keeps = drawn.random(len(self)) < 0.5
        return np.where(keeps[self._group_of_row], in_order, ranks)

    def _episode(self, shuffled: _Array, groups: _Array, slot: Slot) -> Episode:
        firsts, n_support, n_query = (
            # Groups that fill up have no rows.
            np.pad(values[groups], (0, slot.n_groups - len(groups)))[:, None]
            for values in (self._rows.firsts, self._support_sizes, self._query_sizes)
        )
        in_support, in_query = np.arange(slot.n_support), np.arange(slot.n_query)
        is_support, is_query = in_support < n_support, in_query < n_query
        # What fills up is the first row of its group, which no mask lets through.
        places = np.concatenate(
            [
                firsts + np.where(is_support, in_support, 0),
                firsts + np.where(is_query, n_support + in_query, 0),
            ],
            axis=1,
        )
        rows = shuffled[places]
        width = self._rows.x.shape[1]
        x = self._rows.x[rows.ravel()].T
        # In the memory order of a stack: products of others are rounded otherwise.
        x = np.ascontiguousarray(np.pad(x, ((0, padded(width) - width), (0, -x.shape[1] % 16))))
        return Episode(
            self._tensor(x),
            self._tensor(self._rows.y[rows]),
            self._tensor(is_support),
            self._tensor(is_query),
            self._tensor(n_query.sum()),
        )

    def _tensor(self, values: Any) -> Tensor:
        return torch.as_tensor(values, dtype=self._dtype, device=self._device).unsqueeze(0)


class StackedEpisodes(Dataset[Any]):
    """The groups of models side by side, whose batches have the same shapes.

    Parameters
    ----------
    parts : sequence of Episodes
        Of each model.
    """

    def __init__(self, parts: Sequence[Episodes]) -> None:
        self._parts = parts
        self.n_batches = parts[0].n_batches

    def __len__(self) -> int:
        """Return the number of groups."""
        return max(map(len, self._parts))

    def counts(self, number: int) -> _Array:
        """Return the number of query rows of each model in an epoch."""
        return np.concatenate([part.counts(number) for part in self._parts])

    def epoch(self, number: int) -> Iterator[Episode]:
        """Yield the batches of an epoch."""
        for each in zip(*(part.epoch(number) for part in self._parts), strict=True):
            columns = ([getattr(one, field.name) for one in each] for field in fields(Episode))
            yield Episode(*(torch.cat(column) for column in columns))
