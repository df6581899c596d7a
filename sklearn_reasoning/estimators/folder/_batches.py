"""Sequences to train on, in batches of like lengths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ._model import FoldBatch
from ._network import padded_codes
from ._prior import SparsePrior

_Array = np.ndarray[Any, Any]

# Of longer sequences there are fewer in a batch, so that it takes no more memory.
_USUAL_LENGTH = 128


@dataclass(frozen=True)
class FoldRows:
    """Sequences and structures.

    Parameters
    ----------
    codes : list of ndarray of int
    pairs : list of ndarray of shape (m, 2)
    priors : list of SparsePrior or None
    """

    codes: list[_Array]
    pairs: list[_Array]
    priors: list[SparsePrior] | None

    def take(self, indices: Any) -> FoldRows:
        """Return some of them."""
        priors = None if self.priors is None else [self.priors[i] for i in indices]
        return FoldRows([self.codes[i] for i in indices], [self.pairs[i] for i in indices], priors)


class FoldBatches(Dataset[Any]):
    """Sequences in batches of like lengths, in another order every epoch.

    Parameters
    ----------
    rows : FoldRows
    batch_size : int
        Largest number of sequences of 128 bases in a batch; of longer ones it falls with the square
        of the length.
    bucket : int
        Sequences are filled up to a multiple of it; within it lengths count as equal.
    seed : int or None
        Seed of the order; None keeps it.
    device : str
    """

    def __init__(
        self, rows: FoldRows, batch_size: int, bucket: int, seed: int | None, device: Any
    ) -> None:
        self._rows, self._bucket, self._seed, self._device = rows, bucket, seed, device
        self._padded = np.array([-(-len(own) // bucket) * bucket for own in rows.codes])
        lengths = np.sort(self._padded)
        # Cuts go by sorted lengths alone, and so are the same in every epoch.
        self._cuts, first = [0], 0
        while first < len(lengths):
            size = batch_size
            while size > 1:
                longest = lengths[min(first + size, len(lengths)) - 1]
                if size * longest**2 <= batch_size * max(_USUAL_LENGTH, bucket) ** 2:
                    break
                size -= 1
            first = min(first + size, len(lengths))
            self._cuts.append(first)
        self.n_batches = len(self._cuts) - 1

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self._padded)

    def counts(self, number: int) -> _Array:
        """Return the number of sequences of an epoch."""
        return np.array([len(self)])

    def epoch(self, number: int) -> Iterator[FoldBatch]:
        """Yield the batches of an epoch; their order is a function of its number."""
        order, batches = np.arange(len(self)), np.arange(self.n_batches)
        if self._seed is not None:
            rng = np.random.default_rng([self._seed, number])
            order, batches = rng.permutation(order), rng.permutation(batches)
        order = order[np.argsort(self._padded[order], kind="stable")]
        for batch in batches:
            yield self._batch(order[self._cuts[batch] : self._cuts[batch + 1]])

    def _batch(self, chosen: _Array) -> FoldBatch:
        rows = self._rows.take(chosen)
        codes = padded_codes(rows.codes, self._bucket)
        n = codes.shape[1]
        target = np.zeros((len(chosen), n, n), dtype=np.float32)
        for of_one, pairs in zip(target, rows.pairs, strict=True):
            of_one[pairs[:, 0], pairs[:, 1]] = of_one[pairs[:, 1], pairs[:, 0]] = 1.0
        prior = None
        if rows.priors is not None:
            filled = np.stack([own.dense(n) for own in rows.priors])
            prior = torch.from_numpy(filled).to(self._device)
        device = self._device
        target_of_batch = torch.from_numpy(target).to(device)
        return FoldBatch(codes.to(device), target_of_batch, prior, len(chosen))
