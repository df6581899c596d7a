"""Shares of a total: outputs that are not negative and add up to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ._base import Penalty, Pullback
from ._groups import groups_option
from ._known import Known
from ._options import detached, divided, option, resolve
from ._rows import indicator, row_sum, slack


class Simplex(Penalty):
    r"""The set :math:`\{y : y_i \ge 0, \sum_i y_i = total\}` of weights, shares and abundances.

    Parameters
    ----------
    total : float, array-like of shape (n,) or (n, n_groups), Tensor, or Columns, default=1.0
        What the outputs add up to, in the units of y: one number, or one for each sample (and, with
        groups, one for each of them: an array of shape (n_groups,)). At least 0; a total of 0
        leaves the single point 0. Derivatives reach tensors.
    groups : sequence of int or None, default=None
        Sizes that split y, each group on a simplex of its own; None is one group.

    Raises
    ------
    TypeError
        If ``total`` is neither a number, an array of numbers nor Columns, or ``groups`` are no
        whole numbers.
    ValueError
        If a total is negative or not finite, or a group is empty.

    Notes
    -----
    The projection is :math:`\max(v - \theta, 0)`. With :math:`u_1 \ge \dots \ge u_d` the entries of
    v in falling order, the threshold is (Held, Wolfe and Crowder 1974)

    .. math:: \theta = \max_k \tfrac{1}{k} (u_1 + \dots + u_k - total) .

    Sums are right to 1e-12 in float64, which is what :meth:`value` allows for; no entry is
    negative.

    Examples
    --------
    >>> import torch
    >>> v = torch.tensor([[0.6, 0.8, -1.0, 0.2]])
    >>> Simplex().prox(v, 0.1)
    tensor([[0.4000, 0.6000, 0.0000, 0.0000]])
    >>> Simplex(groups=(3, 1)).prox(v, 0.1)
    tensor([[0.4000, 0.6000, 0.0000, 1.0000]])
    """

    is_set = True

    def __init__(self, total: Any = 1.0, groups: Sequence[int] | None = None) -> None:
        self.total = option("total", total, of_samples=groups is None)
        self.groups = None if groups is None else groups_option(groups)
        self._rules(Known(self, None, tensors=False))

    def value(self, y: Tensor) -> Tensor:
        """Return 0 for rows that are not negative and add up, to 1e-12 in float64; else inf."""
        total = resolve(self, "total", y)
        sums = (y.unsqueeze(-2) if self.groups is None else self.groups.split(y, 0.0)).sum(dim=-1)
        off = (sums - total).abs().amax(dim=-1)
        return indicator((y < 0.0).any(dim=-1) | ~(off <= slack(y)), y)

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return v less a threshold, and 0 where v is below it."""
        total = resolve(self, "total", v)
        if self.groups is None:
            return _project(v.contiguous(), total)
        if isinstance(total, Tensor):
            total = total.unsqueeze(-1)
        return self.groups.join(_project(self.groups.split(v, -torch.inf), total))

    def _prox_with_pullback(self, v: Tensor, step: Tensor | float) -> tuple[Tensor, Pullback]:
        total = detached(resolve(self, "total", v))
        if self.groups is None:
            y, pull = _project_with_pullback(v, total)
            return y, lambda y_: (pull(y_), None)
        groups = self.groups
        if isinstance(total, Tensor):
            total = total.unsqueeze(-1)
        y, pull = _project_with_pullback(groups.split(v, -torch.inf), total)
        return groups.join(y), lambda y_: (groups.join(pull(groups.split(y_, 0.0))), None)

    def in_units(self, unit: float) -> Simplex:
        """Return the simplex with its total divided by the unit."""
        return Simplex(divided(self, "total", unit), self.groups)

    def largest_norm(self, d: int) -> float:
        """Return the norm of a corner."""
        known = Known(self, d, tensors=True)
        totals = known.rows("total").expand(-1, len(self.groups or (d,)))
        return math.sqrt(float(totals.square().sum(dim=-1).max()))

    def _rules(self, known: Known) -> None:
        if self.groups is not None and known.d is not None:
            self.groups.check(known.d)
        known.width("total", len(self.groups or (1,)), "groups")
        known.no_nan("total")
        total = known.rows("total")
        known.refuse(total < 0.0, "total={total} is negative: the set is empty", total=total)


def _project(v: Tensor, total: Any) -> Tensor:
    """Project the last axis. Which entries stay is found first, and not differentiated."""
    w = _above_threshold(v, detached(total))
    # What is left of the threshold is a rounding error; its derivatives are those of the threshold.
    left = (row_sum(w.clamp_min(0.0)) - total) / row_sum((w >= 0.0).to(v.dtype))
    return (w - left).clamp_min(0.0)


def _project_with_pullback(v: Tensor, total: Any) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Project the last axis, up to a rounding error; gradients lose their mean over what stays."""
    w = _above_threshold(v, total)
    stays = torch.heaviside(w, w.new_ones(()))
    count = stays.sum(dim=-1, keepdim=True)

    def pull(y_: Tensor) -> Tensor:
        kept = stays * y_
        return kept.addcmul_(stays, kept.sum(dim=-1, keepdim=True) / count, value=-1.0)

    return w.clamp_min(0.0), pull


def _above_threshold(v: Tensor, total: Any) -> Tensor:
    """Return v less the threshold, up to a rounding error; the threshold is a constant."""
    # Near 0 where it counts, however large v is.
    w = v - v.detach().amax(dim=-1, keepdim=True)
    u, _ = torch.sort(w.detach(), dim=-1, descending=True)
    count = torch.arange(1, v.shape[-1] + 1, dtype=v.dtype, device=v.device)
    return w - ((u.cumsum(dim=-1) - total) / count).amax(dim=-1, keepdim=True)
