"""Patches of images, drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ._settings import STEPS_PER_EPOCH

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class PatchBatch:
    """Patches of every model, of shape (n, n_models, height, width).

    ``count`` is what the batch counts for in the loss of its epoch.
    """

    noisy: Tensor
    clean: Tensor
    count: float = 1.0


class PatchSteps(Dataset[Any]):
    """Steps without end, cut into what skorch's events and history call epochs.

    ``draw`` returns the noisy and the clean patches of a step, of shape (n, n_models, height,
    width); there are ``max_steps`` in all.
    """

    n_batches = STEPS_PER_EPOCH

    def __init__(self, draw: Callable[[], tuple[Tensor, Tensor]], max_steps: int) -> None:
        self._draw, self._max_steps = draw, max_steps

    def __len__(self) -> int:
        """Return the number of steps."""
        return self._max_steps

    def counts(self, number: int) -> _Array:
        """Return the number of steps of an epoch."""
        return np.array(min(STEPS_PER_EPOCH, self._max_steps - STEPS_PER_EPOCH * number))

    def epoch(self, number: int) -> Iterator[PatchBatch]:
        """Yield the batches of an epoch."""
        for _ in range(int(self.counts(number))):
            yield PatchBatch(*self._draw())


class Patches:
    """Pairs of square patches, each drawn from all images by their area.

    The images are grey, float32 and of equal shapes in pairs; those smaller than a patch are
    continued by reflection. A draw goes to the ``device`` and has ``batch_size`` patches; with
    ``augment`` each is turned and flipped into one of its 8 positions.
    """

    def __init__(
        self,
        noisy: Sequence[_Array],
        clean: Sequence[_Array],
        *,
        patch_size: int,
        batch_size: int,
        augment: bool,
        seed: int,
        device: Any = "cpu",
    ) -> None:
        areas = np.array([image.size for image in noisy], dtype=np.float64)
        self._ends = np.cumsum(areas) / areas.sum()
        self._pairs = [
            (_at_least(patch_size, x), _at_least(patch_size, y))
            for x, y in zip(noisy, clean, strict=True)
        ]
        self._patch_size, self._batch_size, self._augment = patch_size, batch_size, augment
        self._generator = np.random.default_rng(seed)
        self._device = device

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return noisy and clean patches of shape (batch_size, 1, patch_size, patch_size)."""
        n, size = self._batch_size, self._patch_size
        drawn = self._generator.random((4, n))
        # The last end is 1 only up to rounding.
        last = len(self._ends) - 1
        images = np.minimum(np.searchsorted(self._ends, drawn[0], side="right"), last)
        batch = np.empty((2, n, 1, size, size), dtype=np.float32)
        for i, image in enumerate(images):
            pair = self._pairs[image]
            top, left = (
                int(u * (side - size + 1))
                for u, side in zip(drawn[1:3, i], pair[0].shape, strict=True)
            )
            position = int(8 * drawn[3, i]) if self._augment else 0
            for j, whole in enumerate(pair):
                patch = whole[top : top + size, left : left + size]
                batch[j, i, 0] = _turned(patch, position)
        noisy, clean = torch.from_numpy(batch).to(self._device)
        return noisy, clean


def _turned(patch: _Array, position: int) -> _Array:
    """Return one of the 8 positions of a square."""
    if position & 1:
        patch = patch[::-1]
    if position & 2:
        patch = patch[:, ::-1]
    return patch.T if position & 4 else patch


def _at_least(size: int, image: _Array) -> _Array:
    missing = [max(size - side, 0) for side in image.shape]
    if not any(missing):
        return image
    return np.pad(image, [(0, m) for m in missing], mode="reflect")
