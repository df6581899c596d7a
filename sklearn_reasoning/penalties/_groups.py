"""Outputs in groups, of unlike sizes if need be."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._options import Constant, constant


class Groups(Constant):
    """Sizes that split d outputs, with the indices that bring all groups to one length."""

    taken: Tensor
    back: Tensor

    def __new__(cls, sizes: Any) -> Groups:
        self = super().__new__(cls, sizes)
        d, longest = sum(self), max(self)
        starts = np.cumsum((0, *self[:-1]))
        within = np.arange(longest)
        filled = within < np.array(self)[:, None]
        self.taken = constant(np.where(filled, starts[:, None] + within, d).reshape(-1))
        self.back = constant(np.flatnonzero(filled))
        return self

    @property
    def are_equal(self) -> bool:
        """Whether all have one size, so that nothing has to be filled in."""
        return min(self) == max(self)

    def split(self, v: Tensor, fill: float) -> Tensor:
        """Return (..., n_groups, longest) of (..., d), with a number where a group is shorter."""
        self.check(v.shape[-1])
        if not self.are_equal:
            v = torch.nn.functional.pad(v, (0, 1), value=fill)
            v = v.index_select(-1, self.taken.to(v.device))
        return v.unflatten(-1, (len(self), max(self)))

    def join(self, parts: Tensor) -> Tensor:
        """Return (..., d) of (..., n_groups, longest)."""
        v = parts.flatten(-2)
        return v if self.are_equal else v.index_select(-1, self.back.to(v.device))

    def check(self, d: int) -> None:
        """Refuse other numbers of outputs than the sizes add up to."""
        if sum(self) != d:
            raise ValueError(
                f"groups={tuple(self)} add up to {sum(self)}, and there are {d} outputs."
            )


def groups_option(value: Any) -> Groups:
    """Return sizes of groups as they are kept."""
    if isinstance(value, Groups):
        return value
    if not np.iterable(value) or isinstance(value, str):
        raise TypeError(f"groups={value!r} must list sizes of groups, such as (3, 4, 2).")
    sizes = list(value)
    if any(isinstance(size, bool) or not isinstance(size, Integral) for size in sizes):
        raise TypeError(f"groups={value!r} must hold whole numbers, the sizes of groups.")
    if not sizes or min(sizes) < 1:
        raise ValueError(f"groups={value!r} must hold sizes of at least 1.")
    return Groups(tuple(map(int, sizes)))
