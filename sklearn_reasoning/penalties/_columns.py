"""Bounds of each sample: a placeholder for numbers that stand among the columns of X."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral

import torch
from torch import Tensor

from sklearn_reasoning._support.value import Value


class Columns(Value):
    """Numbers of each sample, which stand in columns of X: its own bounds, totals or weights.

    It takes the place of a number where a set or a term is made, and is no penalty itself.
    :meth:`Penalty.columns` says which columns a penalty asks for, and
    :meth:`Penalty.with_columns` puts their values in. Until then it has no value and no proximal
    step.

    Parameters
    ----------
    names : iterable of str or of int
        Names of the columns, or their indices: one, or one for each output (each group, where the
        option is a number a group).

    Attributes
    ----------
    names : tuple of str or of int
        The columns in their order.

    Raises
    ------
    TypeError
        If ``names`` is a single name, or holds anything but names or but indices.
    ValueError
        If it holds nothing.

    Notes
    -----
    Such columns say what is allowed, and leave x: a network does not see them.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.penalties import Budget
    >>> dispatch = Budget(Columns(["load"]), low=0.0, high=Columns(["cap_1", "cap_2"]))
    >>> dispatch.columns()
    ('load', 'cap_1', 'cap_2')
    >>> of_two_hours = torch.tensor([[3.0, 1.0, 5.0], [2.0, 4.0, 4.0]])
    >>> dispatch.with_columns(of_two_hours).prox(torch.zeros(2, 2), 1.0)
    tensor([[1., 2.],
            [1., 1.]])
    """

    def __init__(self, names: Iterable[str] | Iterable[int]) -> None:
        if isinstance(names, str | Integral) or not isinstance(names, Iterable):
            raise TypeError(f"names={names!r} must list columns; write Columns([{names!r}]).")
        listed = [
            int(name) if isinstance(name, Integral) and not isinstance(name, bool) else name
            for name in names
        ]
        if not listed:
            raise ValueError("names=[] lists no column.")
        if not (
            all(isinstance(name, str) for name in listed)
            or all(type(name) is int for name in listed)
        ):
            raise TypeError(f"names={listed!r} must hold names of columns alone, or indices alone.")
        self.names = tuple(listed)

    def _of(self, values: Mapping[str | int, Tensor]) -> Tensor:
        """Return the values of these columns, of shape (..., n, n_names)."""
        return torch.stack([values[name] for name in self.names], dim=-1)
