"""The rows of a stack's models as padded batches, features times rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ._settings import Architecture, Rows
from ._stack import padded


@dataclass(frozen=True)
class Batch:
    """Rows of every model, padded with rows of weight zero to a multiple of 16.

    Parameters
    ----------
    x : Tensor of shape (n_models, padded n_features, n)
    b : Tensor of shape (n_models, d, n) or None
    rotation : Tensor of shape (n_models, n, d, d) or None
    y : Tensor of shape (n_models, d, n)
    weight : Tensor of shape (n_models, n)
        Sample weights of mean 1 over all rows, over the number of true rows of the batch: a
        weighted sum is a mean.
    count : Tensor of shape (n_models,)
        Number of true rows.
    """

    x: Tensor
    b: Tensor | None
    rotation: Tensor | None
    y: Tensor
    weight: Tensor
    count: Tensor


class StackRows(Dataset[Any]):
    """The training or validation rows of every model of a stack.

    Parameters
    ----------
    architecture : Architecture
    rows : sequence of Rows
        One for each model; numbers of rows may differ.
    units : sequence of float
        Each model's y and b are divided by its unit.
    batch_sizes : sequence of int
        Largest number of rows in a batch. All models of a stack must make the same number
        of batches of the same padded length.
    seeds : sequence of int
        Seeds of the order of the rows.
    dtype : torch.dtype
    device : str

    Raises
    ------
    ValueError
        If the models cannot be cut into the same batches.
    """

    def __init__(
        self,
        architecture: Architecture,
        rows: Sequence[Rows],
        units: Sequence[float],
        batch_sizes: Sequence[int],
        seeds: Sequence[int],
        dtype: torch.dtype,
        device: str,
    ) -> None:
        self._d, self._m = architecture.n_outputs, padded(architecture.n_features)
        self._seeds = list(seeds)
        self._device = device
        self.counts = [len(r.y) for r in rows]
        cuts = {
            _cut(count, batch_size)
            for count, batch_size in zip(self.counts, batch_sizes, strict=True)
        }
        if len(cuts) > 1:
            raise ValueError(f"models of one stack need equal batches, got {sorted(cuts)}.")
        ((self.n_batches, self._length),) = cuts
        blocks = [_block(r, unit, self._m) for r, unit in zip(rows, units, strict=True)]
        self._has_b = rows[0].b is not None
        self._has_rotation = rows[0].rotation is not None
        d = self._d
        self._widths = [self._m, d, 1, d * self._has_b, d * d * self._has_rotation]
        # One row beyond the longest is zero, weight included: padding points there.
        self._n = max(self.counts)
        data = np.zeros((len(rows), self._n + 1, blocks[0].shape[1]))
        for model, block in enumerate(blocks):
            data[model, : len(block)] = block
        self._data = torch.as_tensor(data, dtype=dtype, device=device).flatten(0, 1)
        self._plan()
        self._whole = self._take(self._order(0)) if self.n_batches == 1 else None

    def __len__(self) -> int:
        """Return the largest number of rows of a model."""
        return self._n

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of an epoch; each epoch's order is a function of its number."""
        yield from self._take(self._order(number)) if self._whole is None else self._whole

    def _order(self, epoch: int) -> Tensor:
        """Return which row of the data goes where, (n_batches, n_models, length), flat."""
        order = self._padding.clone()
        generator = torch.Generator()
        for model, (count, places) in enumerate(zip(self.counts, self._places, strict=True)):
            first = model * (self._n + 1)
            if self.n_batches > 1:
                generator.manual_seed(_mix(self._seeds[model], epoch))
                order[places] = first + torch.randperm(count, generator=generator)
            else:
                order[places] = torch.arange(first, first + count)
        return order.to(self._device)

    def _take(self, order: Tensor) -> list[Batch]:
        taken = self._data.index_select(0, order)
        taken = taken.unflatten(0, (self.n_batches, len(self.counts), -1)).mT.contiguous()
        batches = []
        for count, part in zip(self._shares, taken, strict=True):
            x, y, weight, b, rotation = part.split(self._widths, dim=1)
            weight = weight[:, 0] / count.unsqueeze(-1)
            d = self._d
            batches.append(
                Batch(
                    x=x,
                    b=b if self._has_b else None,
                    rotation=rotation.unflatten(1, (d, d)).permute(0, 3, 1, 2)
                    if self._has_rotation
                    else None,
                    y=y,
                    weight=weight,
                    count=count,
                )
            )
        return batches

    def _plan(self) -> None:
        """Lay out the batches; they differ by at most one row, so that none is tiny."""
        shape = (self.n_batches, len(self.counts), self._length)
        padding = np.empty(shape, dtype=np.int64)
        self._places = []
        for model, count in enumerate(self.counts):
            padding[:, model] = model * (self._n + 1) + self._n
            first = (np.arange(self.n_batches) * len(self.counts) + model) * self._length
            parts = [
                start + np.arange(_share(count, self.n_batches, number))
                for number, start in enumerate(first)
            ]
            self._places.append(torch.from_numpy(np.concatenate(parts)))
        self._padding = torch.from_numpy(padding).flatten()
        self._shares = self._data.new_tensor(
            [[_share(c, self.n_batches, i) for c in self.counts] for i in range(self.n_batches)]
        )


def _cut(count: int, batch_size: int) -> tuple[int, int]:
    """Return the number of batches and their padded length."""
    n_batches = -(-count // batch_size)
    return n_batches, padded(-(-count // n_batches), 16)


def _share(count: int, n_batches: int, number: int) -> int:
    """Return the number of rows in one of n_batches even batches."""
    return count // n_batches + (number < count % n_batches)


def _mix(seed: int, epoch: int) -> int:
    """Return a seed for an epoch; odd multipliers keep neighbours apart."""
    return (seed * 0x9E3779B97F4A7C15 + epoch * 0xBF58476D1CE4E5B9) % 2**63


def _block(rows: Rows, unit: float, n_features: int) -> np.ndarray[Any, Any]:
    """Return [x | y | weight | b | rotation] of one model, one row a sample."""
    n = len(rows.y)
    x = np.zeros((n, n_features))
    x[:, : rows.x.shape[1]] = rows.x
    parts = [x, rows.y / unit, (rows.weight * (n / rows.weight.sum()))[:, None]]
    if rows.b is not None:
        parts.append(rows.b / unit)
    if rows.rotation is not None:
        parts.append(rows.rotation.reshape(n, -1))
    return np.concatenate(parts, axis=1)
