"""The rows of a stack's models as padded batches, features times rows."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sklearn_reasoning._networks import padded

from ._settings import Architecture, Rows

# Numbers in the batches that are gathered at once.
_NUMBERS_AT_ONCE = 2**17


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What regression models predict from.

    Parameters
    ----------
    x : Tensor of shape (n_models, padded n_features, n)
    b : Tensor of shape (n_models, d, n) or None
        The linear terms, where they are given, in the models' units.
    rotation : Tensor of shape (n_models, n, d, d) or None
        The eigenvectors, where they are given.
    limits : Tensor of shape (n_models, n_limits, n) or None
        What the penalty takes from columns of X, over the models' units.
    """

    x: Tensor
    b: Tensor | None = None
    rotation: Tensor | None = None
    limits: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Batch(Inputs):
    """Rows of every model, padded with rows of weight zero to a multiple of 16.

    Parameters
    ----------
    x, b, rotation, limits
        As for :class:`Inputs`.
    y : Tensor of shape (n_models, d, n)
        Counted from the models' offsets, in their units.
    weight : Tensor of shape (n_models, n)
        Sample weights of mean 1 over all rows, over the number of true rows of the batch: a
        weighted sum is a mean.
    count : Tensor of shape (n_models,)
        Number of true rows.
    """

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
    offsets : sequence of ndarray of shape (d,)
        What is taken off each model's y, in its unit.
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
        offsets: Sequence[np.ndarray[Any, Any]],
        batch_sizes: Sequence[int],
        seeds: Sequence[int],
        dtype: torch.dtype,
        device: str,
    ) -> None:
        self._d, self._m = architecture.n_outputs, padded(architecture.n_features)
        self._seeds = list(seeds)
        self._device = device
        self._counts = [len(r.y) for r in rows]
        cuts = {
            cut(count, batch_size)
            for count, batch_size in zip(self._counts, batch_sizes, strict=True)
        }
        if len(cuts) > 1:
            raise ValueError(f"models of one stack need equal batches, got {sorted(cuts)}.")
        ((self.n_batches, self._length),) = cuts
        # Models of the same rows, and often of the same order, share what is made of them.
        keys = [
            (id(r), unit, offset.tobytes())
            for r, unit, offset in zip(rows, units, offsets, strict=True)
        ]
        first: dict[Any, int] = {}
        for model, key in enumerate(keys):
            first.setdefault(key, model)
        blocks = [_block(rows[i], units[i], offsets[i], self._m) for i in first.values()]
        numbers = {key: number for number, key in enumerate(first)}
        self._has_b = rows[0].b is not None
        self._has_rotation = rows[0].rotation is not None
        d = self._d
        self._n_limits = 0 if rows[0].limits is None else rows[0].limits.shape[1]
        self._widths = [self._m, d, 1, d * self._has_b, d * d * self._has_rotation, self._n_limits]
        # One row beyond the longest is zero, weight included: padding points there.
        self._n = max(self._counts)
        data = np.zeros((len(blocks), blocks[0].shape[1], self._n + 1))
        for number, block in enumerate(blocks):
            data[number, :, : len(block)] = block.T
            # Zeros may be no limits, and are no rotation.
            if n_valid := self._widths[4] + self._n_limits:
                data[number, -n_valid:, len(block) :] = block[:1, -n_valid:].T
        self._data = torch.as_tensor(data, dtype=dtype, device=device)
        self._plan([numbers[key] for key in keys])
        self._whole = list(self._take(self._order(0))) if self.n_batches == 1 else None

    def __len__(self) -> int:
        """Return the largest number of rows of a model."""
        return self._n

    def counts(self, number: int) -> np.ndarray[Any, Any]:
        """Return how much each model is given in an epoch: its number of rows."""
        return np.array(self._counts)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of an epoch; each epoch's order is a function of its number."""
        yield from self._take(self._order(number)) if self._whole is None else self._whole

    def taken(self, models: np.ndarray[Any, Any]) -> StackRows:
        """Return the rows of some of the models."""
        index = torch.from_numpy(models).to(self._device)
        some = copy.copy(self)
        some._counts = [self._counts[model] for model in models]
        some._shares = self._shares[:, index]
        batches, some._batch_of = self._batch_of[index].unique(return_inverse=True)
        some._data = self._data[batches]
        order_of, some._places = self._order_of[batches.cpu()], self._places[batches.cpu()]
        orders, some._order_of = order_of.unique(return_inverse=True)
        some._unlike = [self._unlike[order] for order in orders.tolist()]
        if self.n_batches == 1:
            some._whole = list(some._take(some._order(0)))
        return some

    def _order(self, epoch: int) -> Tensor:
        """Return which rows go where, of shape (n_unlike, n_batches, length)."""
        generator = torch.Generator()
        orders = torch.full((len(self._unlike), self._n + 1), self._n)
        for row, (seed, count) in zip(orders, self._unlike, strict=True):
            if self.n_batches > 1:
                generator.manual_seed(_mix(seed, epoch))
                torch.randperm(count, generator=generator, out=row[:count])
            else:
                torch.arange(count, out=row[:count])
        rows = orders[self._order_of]
        order = rows.gather(1, self._places).unflatten(1, (self.n_batches, self._length))
        return order.to(self._device)

    def _take(self, order: Tensor) -> Iterator[Batch]:
        """Yield batches, gathered as many at once as stay in the cache."""
        d, n_models = self._d, len(self._counts)
        at_once = max(_NUMBERS_AT_ONCE // (n_models * self._data.shape[1] * self._length), 1)
        for first in range(0, self.n_batches, at_once):
            index = order[:, first : first + at_once].transpose(0, 1).unsqueeze(2)
            n_batches = len(index)
            data = self._data.expand(n_batches, *self._data.shape)
            rows = data.gather(3, index.expand(*data.shape[:3], -1))
            if rows.shape[1] < n_models:
                rows = rows.index_select(1, self._batch_of)
            taken = rows.split(self._widths, dim=2)
            x, y, _, b, rotation, limits = (part.unbind() for part in taken)
            counts = self._shares[first : first + at_once]
            weights = (taken[2][:, :, 0] / counts.unsqueeze(-1)).unbind()
            for i, count in enumerate(counts.unbind()):
                yield Batch(
                    x=x[i],
                    b=b[i] if self._has_b else None,
                    rotation=rotation[i].unflatten(1, (d, d)).permute(0, 3, 1, 2)
                    if self._has_rotation
                    else None,
                    limits=limits[i] if self._n_limits else None,
                    y=y[i],
                    weight=weights[i],
                    count=count,
                )

    def _plan(self, data: Sequence[int]) -> None:
        """Lay out the batches; they differ by at most one row, so that none is tiny.

        ``data`` is where each model's rows are.
        """
        # Models of one seed and as many rows share their order.
        orders = list(zip(self._seeds, self._counts, strict=True))
        self._unlike = list(dict.fromkeys(orders))
        # Those of the same rows as well share their batches.
        keys = list(zip(orders, data, strict=True))
        unlike = list(dict.fromkeys(keys))
        numbers = {key: number for number, key in enumerate(unlike)}
        self._batch_of = torch.tensor([numbers[key] for key in keys], device=self._device)
        self._data = self._data[[number for _, number in unlike]]
        self._order_of = torch.tensor([self._unlike.index(order) for order, _ in unlike])
        plans = {count: self._plan_of(count) for count in set(self._counts)}
        # Of each place in the batches: the number of its row in the order, or that of padding.
        places = np.stack([plans[count][0] for (_, count), _ in unlike])
        self._places = torch.from_numpy(places)
        shares = np.stack([plans[count][1] for count in self._counts], axis=1)
        self._shares = torch.as_tensor(shares, dtype=self._data.dtype, device=self._device)

    def _plan_of(self, count: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        shares = count // self.n_batches + (np.arange(self.n_batches) < count % self.n_batches)
        first = np.cumsum(shares) - shares
        place = np.arange(self._length)
        places = np.where(place < shares[:, None], first[:, None] + place, self._n)
        return places.ravel(), shares


def cut(count: int, batch_size: int) -> tuple[int, int]:
    """Return the number of batches and their padded length."""
    n_batches = -(-count // batch_size)
    return n_batches, padded(-(-count // n_batches), 16)


def _mix(seed: int, epoch: int) -> int:
    """Return a seed for an epoch; odd multipliers keep neighbours apart."""
    return (seed * 0x9E3779B97F4A7C15 + epoch * 0xBF58476D1CE4E5B9) % 2**63


def _block(
    rows: Rows, unit: float, offset: np.ndarray[Any, Any], n_features: int
) -> np.ndarray[Any, Any]:
    """Return [x | y | weight | b | rotation | limits] of one model, one row a sample."""
    n = len(rows.y)
    x = np.zeros((n, n_features))
    x[:, : rows.x.shape[1]] = rows.x
    # Centred in float64: float32 has no digits for a mean that is large against the spread.
    y = rows.y / unit - offset
    parts = [x, y, (rows.weight * (n / rows.weight.sum()))[:, None]]
    if rows.b is not None:
        parts.append(rows.b / unit)
    if rows.rotation is not None:
        parts.append(rows.rotation.reshape(n, -1))
    if rows.limits is not None:
        parts.append(rows.limits / unit)
    return np.concatenate(parts, axis=1)
