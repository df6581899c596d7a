"""Images of any size through a denoiser, a tile at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning._support.threads import one_thread

from ._denoising_model import DenoisingModel

_Array = np.ndarray[Any, Any]

# Activations of a tile this wide take about 15 MB; margins add a quarter to the work.
TILE_SIZE = 256

# Up to so many pixels threads wait for each other longer than they work.
_SMALL = 64 * 64


def restore(
    module: DenoisingModel, image: _Array, k: int | None = None, tile_size: int = TILE_SIZE
) -> _Array:
    """Return a restored image; both are grey and float32, of shape (height, width).

    k is another number of steps than the module's own. A square of ``tile_size`` pixels a side,
    margins not counted, is computed at a time.
    """
    (restored,) = _tiled(module, image, tile_size, lambda x: (module.restore(x, k),))
    return restored


def energy_of(
    module: DenoisingModel, image: _Array, tile_size: int = TILE_SIZE
) -> tuple[_Array, _Array]:
    """Return the diagonal of Q and b for every pixel.

    Parameters and returned arrays are as for :func:`restore`.
    """
    diagonal, b = _tiled(module, image, tile_size, module.energy)
    return diagonal, b


def _tiled(
    module: DenoisingModel,
    image: _Array,
    tile_size: int,
    function: Callable[[Tensor], tuple[Tensor, ...]],
) -> list[_Array]:
    """Return the maps that a function makes of an image."""
    cell, margin = module.architecture.shuffle, module.margin
    height, width = image.shape
    # The rule for every size: reflect to whole cells, cut back afterwards.
    image = np.pad(image, [(0, -side % cell) for side in image.shape], mode="reflect")
    step = max(tile_size // cell, 1) * cell
    maps: list[_Array] = []
    device = next(module.parameters()).device
    with torch.inference_mode(), one_thread() if image.size <= _SMALL else nullcontext():
        for rows in _spans(image.shape[0], step, margin):
            for columns in _spans(image.shape[1], step, margin):
                seen = np.ascontiguousarray(image[rows.seen, columns.seen], dtype=np.float32)
                outputs = function(torch.from_numpy(seen)[None, None].to(device))
                if not maps:
                    maps = [np.empty(image.shape, dtype=np.float32) for _ in outputs]
                for whole, tile in zip(maps, outputs, strict=True):
                    kept = tile[0, 0].cpu().numpy()[rows.kept, columns.kept]
                    whole[rows.core, columns.core] = kept
    return [whole[:height, :width] for whole in maps]


class _Span:
    """The part of a side that a tile fills, what it sees of it, and what is kept of that."""

    def __init__(self, start: int, stop: int, first: int, last: int) -> None:
        self.core = slice(start, stop)
        self.seen = slice(first, last)
        self.kept = slice(start - first, stop - first)


def _spans(length: int, step: int, margin: int) -> Iterator[_Span]:
    for start in range(0, length, step):
        stop = min(start + step, length)
        yield _Span(start, stop, max(start - margin, 0), min(stop + margin, length))
