"""Numbers of steps that differ from element to element."""

from __future__ import annotations

from collections.abc import Iterator

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
