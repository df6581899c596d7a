"""A total that is split within bounds: the capped simplex."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ._base import Penalty
from ._known import Known
from ._options import detached, divided, option, resolve
from ._rows import ROUNDING, indicator, row_sum, slack


class Budget(Penalty):
    r"""The set :math:`\{y : low_i \le y_i \le high_i, \sum_i y_i = total\}` of dispatch.

    Parameters
    ----------
    total : float, array-like of shape (n,) or (n, 1), Tensor, or Columns
        What the outputs add up to, in the units of y: one number, or one for each sample.
    low, high : float, array-like of shape (d,) or (n, d), Tensor, or Columns, default=0.0 and inf
        The bounds, in the units of y: one for all, one for each output, or those of each sample.
        They may be infinite. Derivatives reach tensors, of totals as well.

    Raises
    ------
    TypeError
        If an option is neither a number, an array of numbers nor Columns.
    ValueError
        If a lower bound is above the upper one, or the set is empty: the total is above the sum of
        the upper bounds or below that of the lower ones. What needs d or
        :meth:`Penalty.with_columns` to be known is checked by :meth:`Penalty.check`.

    Notes
    -----
    The projection is :math:`y_i = \min(\max(v_i - \tau, low_i), high_i)`. The sum of these falls
    with :math:`\tau`, in straight pieces that meet where an entry reaches a bound, at
    :math:`v_i - low_i` or :math:`v_i - high_i`. A binary search over these 2d sorted places finds
    the piece on which the sum is the total, and a linear equation :math:`\tau` (Brucker 1984).
    Sums are right to 1e-12 in float64 (of the largest bound), which is what :meth:`value` allows
    for; no entry is beyond its bounds.

    Examples
    --------
    >>> import torch
    >>> v = torch.tensor([[3.0, 1.0, 0.0]])
    >>> Budget(1.0, high=0.6).prox(v, 0.1)
    tensor([[0.6000, 0.4000, 0.0000]])
    >>> Budget(0.0, low=-1.0, high=[1.0, 2.0, 3.0]).prox(v, 0.1)
    tensor([[ 1.0000,  0.0000, -1.0000]])
    >>> Budget(3.0, high=[0.5, 1.0])
    Traceback (most recent call last):
    ...
    ValueError: Budget: total=3 is above the sum of high, 1.5: the set is empty.
    """

    is_set = True

    def __init__(self, total: Any, low: Any = 0.0, high: Any = math.inf) -> None:
        self.total = option("total", total, of_samples=True)
        self.low = option("low", low, finite=False)
        self.high = option("high", high, finite=False)
        self._rules(Known(self, None, tensors=False))

    def value(self, y: Tensor) -> Tensor:
        """Return 0 for rows within the bounds that add up, to 1e-12 in float64; inf for others."""
        total, low, high = (resolve(self, name, y) for name in ("total", "low", "high"))
        outside = ((y < low) | (y > high)).any(dim=-1)
        return indicator(outside | ~((row_sum(y) - total).abs().squeeze(-1) <= slack(y)), y)

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        r"""Return v less :math:`\tau`, clipped."""
        v = v.contiguous()
        total, low, high = (resolve(self, name, v) for name in ("total", "low", "high"))
        origin, tau = _multiplier(v.detach(), *map(detached, (total, low, high)))
        w = v - origin - tau
        # What is left of tau is a rounding error; its derivatives are those of tau.
        free = (w > low) & (w < high)
        left = (row_sum(_clip(w, low, high)) - total) / row_sum(free.to(v.dtype)).clamp_min(1.0)
        return _clip(w - left, low, high)

    def in_units(self, unit: float) -> Budget:
        """Return the set with its total and its bounds divided by the unit."""
        return Budget(*(divided(self, name, unit) for name in ("total", "low", "high")))

    def largest_norm(self, d: int) -> float:
        """Return a bound of the largest norm, exact where all entries but one are at a bound.

        On its interval a square lies below its chord, and the sum of chords is largest where the
        total goes to the steepest ones first.
        """
        known = Known(self, d, tensors=True)
        total, low, high = known.rows("total"), known.rows("low"), known.rows("high")
        total, low, high = torch.broadcast_tensors(total, low, high.expand(-1, d))
        others_low, others_high = _sum_of_others(low), _sum_of_others(high)
        low, high = low.maximum(total - others_high), high.minimum(total - others_low)
        slope, order = (low + high).sort(dim=-1, descending=True)
        room = (high - low).gather(-1, order)
        left = (total - low.sum(dim=-1, keepdim=True)).clamp_min(0.0)
        before = room.cumsum(dim=-1) - room
        filled = (left - before).clamp_min(0.0).minimum(room)
        squares = low.square().sum(dim=-1) + (slope * filled).sum(dim=-1)
        largest = math.sqrt(float(squares.max()))
        return math.inf if math.isnan(largest) else largest

    def _rules(self, known: Known) -> None:
        known.width("total", 1, "total")
        known.no_nan("total")
        low, high = known.bounds("low", "high")
        known.refuse(low > high, "low={low} must not be above high={high}", low=low, high=high)
        total, floor, cap = known.rows("total"), known.total(low), known.total(high)
        sizes = [known.total(x.abs().nan_to_num(posinf=0.0)) for x in (low, high)]
        rounding = ROUNDING * known.eps * (total.abs() + sizes[0] + sizes[1])
        known.refuse(
            total > cap + rounding,
            "total={total} is above the sum of high, {cap}: the set is empty",
            total=total,
            cap=cap,
        )
        known.refuse(
            total < floor - rounding,
            "total={total} is below the sum of low, {floor}: the set is empty",
            total=total,
            floor=floor,
        )


def _clip(v: Tensor, low: Any, high: Any) -> Tensor:
    return v.clamp_min(low).clamp_max(high)


def _sum_of_others(x: Tensor) -> Tensor:
    """Return for each entry of a row the sum of all others, which may be infinite."""
    d = x.shape[-1]
    return x.unsqueeze(-2).expand(*x.shape, d).masked_fill(torch.eye(d).bool(), 0.0).sum(dim=-1)


def _multiplier(v: Tensor, total: Any, low: Any, high: Any) -> tuple[Tensor, Tensor]:
    """Return two parts of tau, (..., 1), up to rounding errors; the second one is the small one."""
    low, high = (torch.zeros_like(v) + bound for bound in (low, high))
    # Large v round v - low and v - high onto one place. So an entry near tau is the origin.
    left, right, excess = _piece(v, v, total, low, high)
    upper = left.isinf() | (right.isfinite() & (excess(0.5 * left + 0.5 * right) > 0.0))
    origin = right.where(upper, left)
    v = v - origin

    inner, outer = v - low, v - high
    left, right, _ = _piece(v, torch.cat([outer, inner], dim=-1), total, low, high)
    free = (inner > left) & (outer < right)
    n_free = row_sum(free.to(v.dtype))
    near = left.where(right.isinf() | (n_free > 0.0), 0.5 * (left + right))
    near = right.where(left.isinf(), near).masked_fill(left.isinf() & right.isinf(), 0.0)
    at_bound = high.where(outer >= right, low)
    off = row_sum((v - near).where(free, at_bound)) - total
    return origin, near + (off / n_free.clamp_min(1.0)).where(n_free > 0.0, 0.0)


def _piece(
    v: Tensor, places: Tensor, total: Any, low: Tensor, high: Tensor
) -> tuple[Tensor, Tensor, Callable[[Tensor], Tensor]]:
    """Return the two neighbours among places between which the sum is the total.

    With them comes by how much the sum at a tau is above the total.
    """
    places = places.sort(dim=-1).values
    places = torch.nn.functional.pad(places, (1, 0), value=-torch.inf)
    places = torch.nn.functional.pad(places, (0, 1), value=torch.inf)
    last = places.shape[-1] - 1
    # Of a sum, less than this is no difference to the total.
    sizes = [bound.abs().masked_fill(bound.isinf(), 0.0) for bound in (low, high)]
    rounding = 8.0 * torch.finfo(v.dtype).eps * row_sum(torch.maximum(*sizes))

    def excess(tau: Tensor) -> Tensor:
        return row_sum(_clip(v - tau, low, high)) - total

    def excess_at(i: Tensor) -> Tensor:
        return excess(places.gather(-1, i.clamp_max(last)))

    # The last place at which the sum is above the total.
    i = torch.zeros_like(places[..., :1], dtype=torch.long)
    for bit in reversed(range(last.bit_length())):
        further = i + 2**bit
        i = further.where((further < last) & (excess_at(further) > rounding), i)
    # Where the sum is the total on a whole piece, tau lies inside it, and no entry is free.
    i = i + ((i + 1 < last) & (excess_at(i + 2) >= -rounding)).long()
    return places.gather(-1, i), places.gather(-1, i + 1), excess
