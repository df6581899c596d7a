"""Numbers of steps, which may differ from element to element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor


class StepCounts:
    """Numbers of steps of many elements, with what is asked of them in every run.

    ``k`` is a tensor of int64, not negative, that broadcasts against the points.
    """

    __slots__ = ("_digits", "k", "largest")

    def __init__(self, k: Tensor) -> None:
        self.k = k
        self.largest = int(k.max()) if k.numel() else 0
        self._digits: dict[torch.dtype, list[bool | Tensor]] = {}

    def digits(self, dtype: torch.dtype) -> list[bool | Tensor]:
        """Return the binary digits from the highest down, as 0 or 1 in a dtype.

        True and False stand for a digit that all elements have, or none.
        """
        if dtype not in self._digits:
            self._digits[dtype] = [
                self._digit(bit, dtype) for bit in reversed(range(self.largest.bit_length()))
            ]
        return self._digits[dtype]

    def _digit(self, bit: int, dtype: torch.dtype) -> bool | Tensor:
        digit = self.k >> bit & 1
        if bool((digit == digit.flatten()[0]).all()):
            return bool(digit.flatten()[0])
        return digit.to(dtype)


Steps = int | Tensor | StepCounts


def binary_digits(k: Steps, dtype: torch.dtype) -> Iterator[bool | Tensor]:
    """Yield the binary digits of k from the highest down, as :meth:`StepCounts.digits`."""
    if isinstance(k, int):
        return (bool(k >> bit & 1) for bit in reversed(range(k.bit_length())))
    counts = k if isinstance(k, StepCounts) else StepCounts(k)
    return iter(counts.digits(dtype))


def check_steps(k: Any) -> int | Tensor:
    """Return k as an int, or as an integer tensor with at least one axis.

    A TypeError if it holds anything but whole numbers, a ValueError if one is negative.
    """
    if not isinstance(k, int | Tensor):
        array = np.asarray(k)
        if array.ndim == 0 and array.dtype.kind == "f" and array == np.rint(array):
            return check_steps(int(array)) if np.isfinite(array) else _refuse(k)
        if array.dtype.kind not in "iu":
            return _refuse(k)
        k = torch.as_tensor(array.astype(np.int64))
    if isinstance(k, int):
        if k < 0:
            raise ValueError(f"k={k!r} must not be negative.")
        return k
    if k.is_floating_point() or k.is_complex() or k.dtype == torch.bool:
        raise TypeError(f"k must hold integers, got a tensor of {k.dtype}.")
    if bool((k < 0).any()):
        raise ValueError(f"k must not be negative, got {int(k.min())} among its entries.")
    return k if k.ndim else int(k)


def _refuse(k: Any) -> int:
    raise TypeError(f"k={k!r} must be a whole number, or an array of them.")
