"""What a set or a term offers to algorithms: its value, and its proximal step."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from sklearn_reasoning._support.value import Value


class Penalty(Value, ABC):
    r"""A closed convex function g that is added to an energy, or the set that outputs obey.

    Algorithms then minimise E + g, by replacing the gradient step with the proximal one,

    .. math:: y_{k+1} = prox_{\phi g}(y_k - \phi \nabla E(y_k)), \qquad
        prox_{\phi g}(v) = \mathrm{argmin}_y \; g(y) + \tfrac{1}{2\phi} \|y - v\|^2 .

    Of a set, g is 0 inside and inf outside, and the proximal step is the projection, whatever
    :math:`\phi`: every iterate obeys the rule. A subclass writes :meth:`value` and :meth:`prox`;
    :meth:`in_units` follows from them. It is an immutable value: its attributes are its options, by
    which it is compared, hashed and printed.

    Attributes
    ----------
    is_set : bool
        Whether it is a set: :meth:`value` is 0 or inf, and :meth:`prox` a projection.

    Notes
    -----
    The constraint Y of the paper's Eq. 1. The theory of gradient descent carries over to every
    one of them (docs/theory.md), because a proximal step is nonexpansive (Moreau 1965).
    :func:`~sklearn_reasoning.testing.check_penalty` tells whether a new one keeps the contract.

    Examples
    --------
    >>> import torch
    >>> class Halved(Penalty):  # g(y) = |y|^2 / 2
    ...     def value(self, y):
    ...         return 0.5 * y.square().sum(dim=-1)
    ...
    ...     def prox(self, v, step):
    ...         return v / (1.0 + step)
    >>> Halved().value(torch.tensor([[2.0, -4.0]]))
    tensor([10.])
    >>> Halved().prox(torch.tensor([[2.0, -4.0]]), 1.0)
    tensor([[ 1., -2.]])
    >>> Halved().in_units(10.0).value(torch.tensor([[0.2, -0.4]]))
    tensor([0.1000])
    >>> Halved() == Halved(), Halved()
    (True, Halved())
    """

    is_set: bool = False

    @abstractmethod
    def value(self, y: Tensor) -> Tensor:
        """Return g of each row of y.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            A point for each sample.

        Returns
        -------
        Tensor of shape (..., n)
            The values, at least 0 and inf outside a set; in the units of an energy.
        """

    @abstractmethod
    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return the proximal step from v.

        Parameters
        ----------
        v : Tensor of shape (..., n, d)
            The points to start from.
        step : Tensor or float
            The step size, in 1/curvature, which broadcasts against v; a set ignores it.

        Returns
        -------
        Tensor of shape (..., n, d)
            In the dtype of v, differentiable in v and in the step.
        """

    def in_units(self, unit: float) -> Penalty:
        """Return the penalty for outputs that are measured in another unit.

        Here :meth:`value` and :meth:`prox` are called in the old one; where the penalty of the new
        unit is one of its own kind, returning that saves two multiplications.

        Parameters
        ----------
        unit : float
            The new unit of y, in the old one; positive.

        Returns
        -------
        Penalty
            The function u -> g(unit u) / unit^2, as an energy with the same Q is divided.
        """
        return _InUnits(self, unit)


class _InUnits(Penalty):
    """A penalty for outputs in another unit, by way of the old one.

    With u = y / unit, the proximal step in y and the same step size is the one in u.
    """

    def __init__(self, penalty: Penalty, unit: float) -> None:
        self.penalty, self.unit = penalty, unit
        self.is_set = penalty.is_set

    def value(self, y: Tensor) -> Tensor:
        return self.penalty.value(self.unit * y) / self.unit**2

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        return self.penalty.prox(self.unit * v, step) / self.unit
