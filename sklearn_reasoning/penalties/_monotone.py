"""Outputs in order: dose and response, cumulative quantities, term structures."""

from __future__ import annotations

import torch
from torch import Tensor

from ._base import Penalty
from ._rows import indicator


class Monotone(Penalty):
    r"""The set :math:`\{y : y_1 \le \dots \le y_d\}` of curves that do not fall.

    Parameters
    ----------
    increasing : bool, default=True
        Whether curves do not fall; else they do not rise.

    Raises
    ------
    TypeError
        If ``increasing`` is no bool.

    Notes
    -----
    The projection is isotonic regression. With :math:`m_{ab}` the mean of
    :math:`v_a, \dots, v_b` it is (Robertson, Wright and Dykstra 1988)

    .. math:: y_i = \max_{a \le i} \min_{b \ge i} m_{ab} ,

    a mean over a block, by which it is differentiated. Outputs are in order to the last bit. Memory
    grows with d^2 for each row. The set is a cone: it is the same in every unit.

    Examples
    --------
    >>> import torch
    >>> v = torch.tensor([[1.0, 4.0, 2.0, 5.0]])
    >>> Monotone().prox(v, 0.1)
    tensor([[1., 3., 3., 5.]])
    >>> Monotone(increasing=False).prox(v, 0.1)
    tensor([[3., 3., 3., 3.]])
    """

    is_set = True

    def __init__(self, increasing: bool = True) -> None:
        if not isinstance(increasing, bool):
            raise TypeError(f"increasing={increasing!r} must be True or False.")
        self.increasing = increasing

    def value(self, y: Tensor) -> Tensor:
        """Return 0 for rows in order, inf for others."""
        rises = y.diff(dim=-1)
        return indicator((rises < 0.0 if self.increasing else rises > 0.0).any(dim=-1), y)

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return the means over blocks of v that are out of order."""
        return _isotonic(v) if self.increasing else -_isotonic(-v)

    def in_units(self, unit: float) -> Monotone:
        """Return the set itself."""
        return self


def _isotonic(v: Tensor) -> Tensor:
    d = v.shape[-1]
    v = v.contiguous()
    centre = v.detach().mean(dim=-1, keepdim=True)  # sums of what is near 0 have more digits
    sums = torch.nn.functional.pad((v - centre).cumsum(dim=-1), (1, 0))
    place = torch.arange(d, device=v.device)
    a, b = place.unsqueeze(-1), place

    # m[a, b] where a <= b; the largest over a <= i of the smallest over b >= i.
    fixed = sums.detach()
    means = (fixed[..., None, 1:] - fixed[..., :-1, None]) / (b - a + 1).clamp_min(1)
    means = means.masked_fill(a > b, torch.inf)
    smallest = means.flip(-1).cummin(dim=-1)
    lowest, last = smallest.values.flip(-1), d - 1 - smallest.indices.flip(-1)
    first = lowest.masked_fill(a > b, -torch.inf).argmax(dim=-2)
    last = last.gather(-2, first.unsqueeze(-2)).squeeze(-2)
    return centre + (sums.gather(-1, last + 1) - sums.gather(-1, first)) / (last + 1 - first)
