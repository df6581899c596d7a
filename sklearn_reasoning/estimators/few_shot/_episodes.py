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

# Groups times rows of a batch are filled up to a multiple of this, a whole number of vectors: every
# model of a stack then begins on a vector boundary, and has the bits that it has alone.
_VECTORS = 16


class Slot(NamedTuple):
    """A batch of groups that are neighbours in size, wherever their rows come from.

    ``groups`` are places in the order by size; the numbers of groups, of rows and of rows of the
    support are what they are filled up to.
    """

    groups: slice
    n_groups: int
    n_rows: int
    n_support: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """What batches must have in common to lie side by side."""
        return self.n_groups, self.n_rows, self.n_support

    @classmethod
    def of(cls, groups: slice, n_rows: int, n_support: int) -> Slot:
        """Fill up as little as possible: groups, or their rows."""

        def filled(split: int) -> Slot:
            # Larger groups in larger steps, so that other groups of about their size share a stack.
            step = max(_VECTORS // split, 2 ** max((n_rows - 1).bit_length() - 3, 0))
            rows = padded(n_rows, step)
            support = min(padded(max(n_support, 1), max(_VECTORS // split, 4)), rows)
            return cls(groups, padded(groups.stop - groups.start, split), rows, support)

        return min(map(filled, (16, 8, 4, 2, 1)), key=lambda slot: slot.n_groups * slot.n_rows)


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
        self._dtype, self.device = dtype, device
        width = rows.x.shape[1]
        self._x = np.pad(rows.x, ((0, 0), (0, padded(width) - width)))
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
            sizes, supports = self._rows.sizes[own], self._support_sizes[own]
            slots.append(Slot.of(slice(first, end), int(sizes.max()), int(supports.max())))
        return slots

    def same_as(self, other: Episodes) -> bool:
        """Tell whether all batches are the same in every epoch."""
        mine, others = vars(self), vars(other)
        plain = ("_cut", "_seed", "_is_fixed", "_dtype", "device", "slots")
        return all(mine[name] == others[name] for name in plain) and all(
            np.array_equal(one, another)
            for one, another in (
                (self._support_sizes, other._support_sizes),
                (self._rows.sizes, other._rows.sizes),
                (self._x, other._x),
                (self._rows.y, other._rows.y),
            )
        )

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
        # Groups that fill up have no rows.
        firsts, sizes, n_support = np.zeros((3, slot.n_groups, 1), dtype=np.int64)
        firsts[: len(groups), 0] = self._rows.firsts[groups]
        sizes[: len(groups), 0] = self._rows.sizes[groups]
        n_support[: len(groups), 0] = self._support_sizes[groups]
        place = np.arange(slot.n_rows)
        # What fills up is the first row of its group, which no mask lets through.
        rows = shuffled[firsts + np.where(place < sizes, place, 0)]
        return Episode(
            # In the memory order of a stack: products of others are rounded otherwise.
            self._tensor(np.ascontiguousarray(self._x[rows.ravel()].T)),
            self._tensor(self._rows.y[rows]),
            self._tensor(place[: slot.n_support] < n_support),
            self._tensor((n_support <= place) & (place < sizes)),
            self._tensor((sizes - n_support).sum()),
        )

    def _tensor(self, values: Any) -> Tensor:
        return torch.as_tensor(values, dtype=self._dtype, device=self.device).unsqueeze(0)


class StackedEpisodes(Dataset[Any]):
    """The groups of models side by side, whose batches have the same shapes.

    Batches of models that learn from the same cuts are drawn once.

    Parameters
    ----------
    parts : sequence of Episodes
        Of each model.
    """

    def __init__(self, parts: Sequence[Episodes]) -> None:
        self._unlike: list[Episodes] = []
        which = []
        for part in parts:
            known = (i for i, other in enumerate(self._unlike) if part.same_as(other))
            place = next(known, len(self._unlike))
            if place == len(self._unlike):
                self._unlike.append(part)
            which.append(place)
        self._which = torch.tensor(which, device=parts[0].device)
        self._counts = np.concatenate([part.counts(0) for part in parts])
        self.n_batches = parts[0].n_batches

    def __len__(self) -> int:
        """Return the number of groups."""
        return max(map(len, self._unlike))

    def counts(self, number: int) -> _Array:
        """Return the number of query rows of each model in an epoch."""
        return self._counts

    def epoch(self, number: int) -> Iterator[Episode]:
        """Yield the batches of an epoch."""
        for each in zip(*(part.epoch(number) for part in self._unlike), strict=True):
            columns = ([getattr(one, field.name) for one in each] for field in fields(Episode))
            yield Episode(*(torch.cat(column)[self._which] for column in columns))
