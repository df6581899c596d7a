"""Outputs of limited length."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ._base import Penalty
from ._known import Known
from ._options import divided, option, resolve
from ._rows import indicator, row_sum, scale_of, slack


class Ball(Penalty):
    r"""The set :math:`\{y : \|y\| \le radius\}` of limited power or effort.

    Parameters
    ----------
    radius : float, array-like of shape (n,) or (n, 1), Tensor, or Columns
        The largest norm, in the units of y: one number, or one for each sample. At least 0;
        derivatives reach tensors.

    Raises
    ------
    TypeError
        If ``radius`` is neither a number, an array of numbers nor Columns.
    ValueError
        If it is negative or not finite.

    Notes
    -----
    The projection is :math:`v \min(1, radius / \|v\|)`. Norms are right to 1e-12 in float64, which
    is what :meth:`value` allows for.

    Examples
    --------
    >>> import torch
    >>> Ball(1.0).prox(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), 0.1)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """

    is_set = True

    def __init__(self, radius: Any) -> None:
        self.radius = option("radius", radius, of_samples=True)
        self._rules(Known(self, None, tensors=False))

    def value(self, y: Tensor) -> Tensor:
        """Return 0 for rows that are no longer than the radius, to 1e-12 in float64; else inf."""
        excess = row_sum(y.square()).sqrt() - resolve(self, "radius", y)
        return indicator(~(excess.squeeze(-1) <= slack(y)), y)

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return v, shortened to the radius where it is longer."""
        radius = resolve(self, "radius", v)
        scale = scale_of(v)
        scaled, limit = v / scale, radius / scale
        squared = row_sum(scaled.square())
        longer = squared > limit * limit
        # Lengths are differentiated only where they are used: at 0 they have no derivative.
        return v.where(~longer, scaled * radius / squared.where(longer, 1.0).sqrt())

    def in_units(self, unit: float) -> Ball:
        """Return the ball with its radius divided by the unit."""
        return Ball(divided(self, "radius", unit))

    def largest_norm(self, d: int) -> float:
        """Return the radius."""
        return float(Known(self, d, tensors=True).rows("radius").max())

    def _rules(self, known: Known) -> None:
        known.width("radius", 1, "radius")
        known.no_nan("radius")
        radius = known.rows("radius")
        known.refuse(radius < 0.0, "radius={radius} must not be negative", radius=radius)
