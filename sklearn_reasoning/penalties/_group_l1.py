"""Groups of outputs that are 0 together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ._base import Penalty
from ._groups import groups_option
from ._known import Known
from ._options import divided, option, resolve
from ._rows import row_sum, scale_of


class GroupL1(Penalty):
    r"""The term :math:`\sum_g weight_g \|y_g\|`, which makes whole groups of outputs 0.

    Parameters
    ----------
    weight : float, array-like of shape (n_groups,) or (n, n_groups), Tensor, or Columns
        What a unit of a group's length costs, in units of the energy: one number, one for each
        group, or those of each sample. At least 0; derivatives reach tensors.
    groups : sequence of int
        Sizes that split y.

    Raises
    ------
    TypeError
        If ``weight`` is neither a number, an array of numbers nor Columns, or ``groups`` are no
        whole numbers.
    ValueError
        If a weight is negative or not finite, or a group is empty.

    Notes
    -----
    The proximal step shortens every group by :math:`\phi\, weight_g`, down to 0 (Yuan and Lin
    2006, the group lasso). With groups of one output each it is :class:`L1`.

    Examples
    --------
    >>> import torch
    >>> GroupL1(2.0, groups=(2, 1)).prox(torch.tensor([[3.0, 4.0, -0.5]]), 0.5)
    tensor([[2.4000, 3.2000, 0.0000]])
    >>> GroupL1(2.0, groups=(2, 1)).value(torch.tensor([[3.0, 4.0, -0.5]]))
    tensor([11.])
    """

    def __init__(self, weight: Any, groups: Sequence[int]) -> None:
        self.weight = option("weight", weight)
        self.groups = groups_option(groups)
        self._rules(Known(self, None, tensors=False))

    def value(self, y: Tensor) -> Tensor:
        """Return the weighted sum of the lengths of the groups."""
        lengths = self.groups.split(y, 0.0).norm(dim=-1)
        return (resolve(self, "weight", y) * lengths).sum(dim=-1)

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return v with groups that are shorter by the step times the weight."""
        parts = self.groups.split(v, 0.0)
        scale = scale_of(parts)
        size = _of_groups(resolve(self, "weight", v)) * _of_groups(step) / scale
        squared = row_sum((parts / scale).square())
        longer = (squared >= size * size) & (squared > 0.0)
        # Lengths are differentiated only where they are used: at 0 they have no derivative.
        length = squared.where(longer, 1.0).sqrt()
        shorter = parts * ((length - size) / length)
        return self.groups.join(shorter.where(longer, 0.0 * parts.abs()))

    def in_units(self, unit: float) -> GroupL1:
        """Return the term with its weights divided by the unit."""
        return GroupL1(divided(self, "weight", unit), self.groups)

    def _rules(self, known: Known) -> None:
        if known.d is not None:
            self.groups.check(known.d)
        known.width("weight", len(self.groups), "groups")
        known.no_nan("weight")
        weight = known.rows("weight")
        known.refuse(weight < 0.0, "weight={weight} must not be negative", weight=weight)


def _of_groups(value: Any) -> Any:
    """Return numbers of groups, (..., n, n_groups), with an axis for the outputs of each."""
    return value.unsqueeze(-1) if isinstance(value, Tensor) and value.ndim else value
