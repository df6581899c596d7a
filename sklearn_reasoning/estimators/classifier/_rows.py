"""The rows that a classifier is trained on, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ._coupled_model import CellBatch

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class CellRows:
    """Rows of one model.

    Parameters
    ----------
    x : ndarray of shape (n, n_features)
    codes : ndarray of int and shape (n, n_cells)
        Numbers of classes.
    row_weight : ndarray of shape (n,)
    cell_weight : ndarray of shape (n, n_cells)
    """

    x: _Array
    codes: _Array
    row_weight: _Array
    cell_weight: _Array

    def take(self, indices: _Array) -> CellRows:
        """Return some of the rows."""
        parts = (self.x, self.codes, self.row_weight, self.cell_weight)
        return CellRows(*(part[indices] for part in parts))


class CellBatches(Dataset[Any]):
    """Rows in batches of nearly equal length, in another order every epoch.

    Parameters
    ----------
    rows : CellRows
    n_classes : int
        1 for labels that are there or not.
    batch_size : int
        Largest number of rows in a batch.
    seed : int or None
        Seed of the order; None keeps it.
    dtype : torch.dtype
    device : str
    noise : ndarray of shape (n_features,), or None
        Standard deviations of the normal numbers that are added to entries of x, anew in every
        epoch; not to blocks of zeros.
    n_blocks : int, default=1
        How many blocks of columns x has.
    permutes : bool, default=False
        Whether the classes of each row come in an order of their own, anew in every epoch.
    """

    def __init__(
        self,
        rows: CellRows,
        n_classes: int,
        batch_size: int,
        seed: int | None,
        dtype: torch.dtype,
        device: Any,
        noise: _Array | None = None,
        n_blocks: int = 1,
        permutes: bool = False,
    ) -> None:
        n = len(rows.x)
        self._n, self._n_classes, self._seed = n, n_classes, seed
        self._n_blocks, self._permutes = n_blocks, permutes
        self.n_batches = -(-n // batch_size)

        def tensor(values: _Array, kind: torch.dtype = dtype) -> Tensor:
            return torch.as_tensor(values, dtype=kind, device=device)

        self._x = tensor(np.ascontiguousarray(rows.x))
        self._noise = None if noise is None else tensor(noise)
        self._codes = tensor(rows.codes.T.copy(), torch.int64)
        self._row_weight = tensor(rows.row_weight / rows.row_weight.mean())
        in_row = (rows.cell_weight.sum(axis=1) * rows.row_weight).sum() / rows.row_weight.sum()
        if not in_row > 0.0:  # of all rows together it is; early stopping takes them apart
            raise ValueError(
                "early_stopping=True trains on rows, or holds out rows, of which class_weight "
                "leaves no label a weight above 0. Use another validation_fraction or random_state."
            )
        self._cell_weight = tensor(rows.cell_weight.T / in_row)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._n

    def counts(self, number: int) -> _Array:
        """Return the number of rows of an epoch."""
        return np.array([self._n])

    def epoch(self, number: int) -> Iterator[CellBatch]:
        """Yield the batches of an epoch; its order is a function of its number."""
        order = np.arange(self._n)
        if self._seed is not None and self.n_batches > 1:
            order = np.random.default_rng([self._seed, number]).permutation(self._n)
        generator = torch.Generator()
        if self._noise is not None or self._permutes:
            (drawn,) = np.random.SeedSequence([self._seed or 0, number, 1]).generate_state(1)
            generator.manual_seed(int(drawn))
        for part in np.array_split(order, self.n_batches):
            index = torch.from_numpy(part).to(self._x.device)
            x = self._noisy(self._x[index], generator)
            yield self._batch(index, x, self._order(len(index), generator))

    def _noisy(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if self._noise is None:
            return x
        drawn = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
        drawn *= self._noise
        blocks = (len(x), self._n_blocks, -1)
        seen = x.reshape(blocks).abs().amax(dim=2, keepdim=True) > 0.0
        return x + (drawn.reshape(blocks) * seen).reshape(x.shape)

    def _order(self, n: int, generator: torch.Generator) -> Tensor | None:
        if not self._permutes:
            return None
        drawn = torch.rand(self._n_classes, n, generator=generator, dtype=torch.float32)
        return drawn.argsort(dim=0).to(self._x.device)

    def _batch(self, index: Tensor, x: Tensor, order: Tensor | None) -> CellBatch:
        codes = self._codes[:, index]
        if self._n_classes == 1:
            target = (codes == 1).to(self._x.dtype).unsqueeze(1)
        else:
            target = self._x.new_zeros(len(codes), self._n_classes, len(index))
            # Cells without a label have no weight, whatever their target is.
            target.scatter_(1, codes.clamp_min(0).unsqueeze(1), 1.0)
        return CellBatch(
            x,
            target,
            self._row_weight[index] / len(index),
            self._cell_weight[:, index],
            len(index),
            order,
        )
