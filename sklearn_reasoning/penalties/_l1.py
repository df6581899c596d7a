"""Outputs that are 0 where little speaks against it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ._base import Penalty
from ._known import Known
from ._options import divided, option, resolve


class L1(Penalty):
    r"""The term :math:`\sum_i weight_i |y_i|`, which makes outputs sparse.

    Parameters
    ----------
    weight : float, array-like of shape (d,) or (n, d), Tensor, or Columns
        What a unit of y costs, in units of the energy: one number, one for each output, or those of
        each sample. At least 0; derivatives reach tensors.

    Raises
    ------
    TypeError
        If ``weight`` is neither a number, an array of numbers nor Columns.
    ValueError
        If a weight is negative or not finite.

    Notes
    -----
    The proximal step draws every entry towards 0 by :math:`\phi\, weight_i` and stops there (soft
    thresholding). With it gradient descent is ISTA, and accelerated FISTA (Beck and Teboulle 2009).

    Examples
    --------
    >>> import torch
    >>> L1(2.0).prox(torch.tensor([[1.5, -0.75, 0.2]]), 0.25)
    tensor([[ 1.0000, -0.2500,  0.0000]])
    >>> L1([2.0, 0.0, 1.0]).value(torch.tensor([[1.5, -0.75, 0.2]]))
    tensor([3.2000])
    """

    def __init__(self, weight: Any) -> None:
        self.weight = option("weight", weight)
        self._rules(Known(self, None, tensors=False))

    def value(self, y: Tensor) -> Tensor:
        """Return the weighted sum of the absolute values."""
        return (resolve(self, "weight", y) * y.abs()).sum(dim=-1)

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return v, nearer to 0 by the step times the weight."""
        size = resolve(self, "weight", v) * step
        # Of a weight of 0, the derivative at 0 is 1: one of the two parts counts 0 as its own.
        return (v - size).clamp_min(0.0) - (-v - size).relu()

    def in_units(self, unit: float) -> L1:
        """Return the term with its weights divided by the unit."""
        return L1(divided(self, "weight", unit))

    def _rules(self, known: Known) -> None:
        known.width("weight", known.d, "outputs")
        known.no_nan("weight")
        weight = known.rows("weight")
        known.refuse(weight < 0.0, "weight={weight} must not be negative", weight=weight)
