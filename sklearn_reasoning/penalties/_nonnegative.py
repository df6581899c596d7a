"""Outputs that are not negative."""

from __future__ import annotations

import torch
from torch import Tensor

from ._base import Penalty, Pullback
from ._rows import indicator


class Nonnegative(Penalty):
    r"""The set :math:`\{y : y_i \ge 0\}` of flows, intensities and prices.

    Notes
    -----
    The projection is :math:`\max(v, 0)`, entry by entry. Where an entry is exactly 0 it is
    differentiated as if it were inside, so that an output on the edge of the set still learns.
    The set is a cone: it is the same in every unit.

    Examples
    --------
    >>> import torch
    >>> flows = Nonnegative()
    >>> flows.prox(torch.tensor([[1.5, -2.0]]), 0.1)
    tensor([[1.5000, 0.0000]])
    >>> flows.value(torch.tensor([[1.5, 0.0], [1.5, -2.0]]))
    tensor([0., inf])
    """

    is_set = True

    def value(self, y: Tensor) -> Tensor:
        """Return 0 for rows without a negative entry, inf for others."""
        return indicator((y < 0.0).any(dim=-1), y)

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return v with zeros for its negative entries."""
        return v.clamp_min(0.0)

    def _prox_with_pullback(self, v: Tensor, step: Tensor | float) -> tuple[Tensor, Pullback]:
        inside = torch.heaviside(v, v.new_ones(()))
        return v.clamp_min(0.0), lambda y_: (y_ * inside, None)

    def in_units(self, unit: float) -> Nonnegative:
        """Return the set itself."""
        return self
