"""Outputs between bounds."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from ._base import Penalty, Pullback
from ._known import Known
from ._options import divided, option, resolve
from ._rows import indicator


class Box(Penalty):
    r"""The set :math:`\{y : low_i \le y_i \le high_i\}` of powers, portions and grey values.

    Parameters
    ----------
    low, high : float, array-like of shape (d,) or (n, d), Tensor, or Columns
        The bounds, in the units of y: one for all, one for each output, or those of each sample.
        They may be infinite, and derivatives reach tensors.

    Raises
    ------
    TypeError
        If a bound is neither a number, an array of numbers nor Columns.
    ValueError
        If a lower bound is above the upper one, or a bound is not a number.

    Notes
    -----
    The projection is :math:`\min(\max(v, low), high)`, entry by entry. Where an entry is exactly at
    a bound it is differentiated as if it were inside, so that an output on the edge still learns.

    Examples
    --------
    >>> import torch
    >>> v = torch.tensor([[1.5, -2.0, 0.5]])
    >>> Box(0.0, 1.0).prox(v, 0.1)
    tensor([[1.0000, 0.0000, 0.5000]])
    >>> Box([0.0, -1.0, 1.0], float("inf")).prox(v, 0.1)
    tensor([[ 1.5000, -1.0000,  1.0000]])
    """

    is_set = True

    def __init__(self, low: Any, high: Any) -> None:
        self.low = option("low", low, finite=False)
        self.high = option("high", high, finite=False)
        self._rules(Known(self, None, tensors=False))

    def value(self, y: Tensor) -> Tensor:
        """Return 0 for rows within the bounds, inf for others."""
        low, high = resolve(self, "low", y), resolve(self, "high", y)
        return indicator(((y < low) | (y > high)).any(dim=-1), y)

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return v with the bounds in place of what is beyond them."""
        return v.clamp_min(resolve(self, "low", v)).clamp_max(resolve(self, "high", v))

    def _prox_with_pullback(self, v: Tensor, step: Tensor | float) -> tuple[Tensor, Pullback]:
        y = self.prox(v.detach(), step).detach()
        return y, lambda y_: (y_ * (y == v), None)

    def in_units(self, unit: float) -> Box:
        """Return the box with its bounds divided by the unit."""
        return Box(divided(self, "low", unit), divided(self, "high", unit))

    def largest_norm(self, d: int) -> float:
        """Return the norm of the farthest corner."""
        known = Known(self, d, tensors=True)
        farthest = known.rows("low").abs().maximum(known.rows("high").abs())
        return math.sqrt(float(known.total(farthest.square()).max()))

    def _rules(self, known: Known) -> None:
        low, high = known.bounds("low", "high")
        known.refuse(low > high, "low={low} must not be above high={high}", low=low, high=high)
        known.refuse(low == math.inf, "low={low} leaves no number", low=low)
        known.refuse(high == -math.inf, "high={high} leaves no number", high=high)
