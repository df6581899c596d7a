"""What a set or a term offers to algorithms: its value, and its proximal step."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning._support.value import Value, overrides

from ._columns import Columns
from ._known import Known
from ._options import Constant
from ._points import check_points, check_projected

Pullback = Callable[[Tensor], tuple[Tensor, Tensor | None]]


class Penalty(Value, ABC):
    r"""A closed convex function g that is added to an energy, or the set that outputs obey.

    Algorithms then minimise E + g, by replacing the gradient step with the proximal one,

    .. math:: y_{k+1} = prox_{\phi g}(y_k - \phi \nabla E(y_k)), \qquad
        prox_{\phi g}(v) = \mathrm{argmin}_y \; g(y) + \tfrac{1}{2\phi} \|y - v\|^2 .

    Of a set, g is 0 inside and inf outside, and the proximal step is the projection, whatever
    :math:`\phi`: every iterate obeys the rule. A subclass writes :meth:`value` and :meth:`prox`;
    the rest follows from them. It is an immutable value: its attributes are its options, by which
    it is compared, hashed and printed.

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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if overrides(cls, "_prox_with_pullback", "prox"):
            cls._prox_with_pullback = Penalty._prox_with_pullback  # type: ignore[method-assign]

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

    def _prox_with_pullback(self, v: Tensor, step: Tensor | float) -> tuple[Tensor, Pullback]:
        """Return :meth:`prox`, unrecorded, and what pulls a gradient back through it.

        That maps the gradient of the points to those of v and of the step, None where this is a
        number or not looked at. Options are constants here. Override it for speed; a row may be
        rounded otherwise than by :meth:`prox`, in the same way in every batch of its length.
        """
        sizes = [] if self.is_set or not isinstance(step, Tensor) else [step]
        leaves = [x.detach().requires_grad_() for x in (v, *sizes)]
        with torch.enable_grad():
            y = self.prox(leaves[0], leaves[1] if sizes else step)

        def pull(y_: Tensor) -> tuple[Tensor, Tensor | None]:
            if not y.requires_grad:  # a set of one point
                return torch.zeros_like(v), None
            v_, *step_ = torch.autograd.grad(y, leaves, y_, materialize_grads=True)
            return v_, step_[0] if step_ else None

        return y.detach(), pull

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

    def project(self, y: Tensor) -> Tensor:
        """Return the nearest points at which g is finite.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            A point for each sample.

        Returns
        -------
        Tensor of shape (..., n, d)
            The projections onto a set; y itself where all is allowed.

        Raises
        ------
        TypeError
            If y is no tensor of floating point numbers.
        ValueError
            If y has no outputs, or other rows or outputs than the options; if a row that is not
            finite has no projection.

        Examples
        --------
        >>> import torch
        >>> from sklearn_reasoning.penalties import Ball, L1
        >>> y = torch.tensor([[3.0, 4.0]])
        >>> Ball(1.0).project(y), L1(1.0).project(y)
        (tensor([[0.6000, 0.8000]]), tensor([[3., 4.]]))
        """
        check_points(self, y)
        return check_projected(self, y, self.prox(y, 1.0)) if self.is_set else y

    def distance(self, y: Tensor) -> Tensor:
        """Return how far each row of y is from where g is finite.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            A point for each sample.

        Returns
        -------
        Tensor of shape (..., n)
            The distances, in the units of y; 0 everywhere where all is allowed.

        Examples
        --------
        >>> import torch
        >>> from sklearn_reasoning.penalties import Ball
        >>> Ball(1.0).distance(torch.tensor([[3.0, 4.0], [0.1, 0.2]]))
        tensor([4., 0.])
        """
        return (y - self.project(y)).norm(dim=-1)

    def largest_norm(self, d: int) -> float:
        """Return the largest norm of a point at which g is finite, or a number above it.

        Parameters
        ----------
        d : int
            The number of outputs.

        Returns
        -------
        float
            In the units of y, over all samples; inf where there is no bound.

        Notes
        -----
        R_Y of the certificates (docs/theory.md): iterates in a bounded set cannot grow.

        Examples
        --------
        >>> from sklearn_reasoning.penalties import Box, L1, Simplex
        >>> Simplex(groups=(2, 3)).largest_norm(5), Box(-3.0, 1.0).largest_norm(4)
        (1.4142135623730951, 6.0)
        >>> L1(1.0).largest_norm(4)
        inf
        """
        return math.inf

    def check(self, d: int) -> None:
        """Refuse options that do not go with d outputs, and sets that are empty.

        What is known when a penalty is made is checked then. This checks the rest: what depends on
        the number of outputs, tensors, and the numbers that :meth:`with_columns` put in.

        Parameters
        ----------
        d : int
            The number of outputs.

        Raises
        ------
        ValueError
            If something does not go together; of numbers of each sample, with the first row.

        Examples
        --------
        >>> import torch
        >>> from sklearn_reasoning.penalties import Budget, Columns
        >>> dispatch = Budget(Columns(["load"]), high=1.0)
        >>> dispatch.with_columns(torch.tensor([[2.0], [3.5]])).check(3)
        Traceback (most recent call last):
        ...
        ValueError: Budget: total=3.5 is above the sum of high, 3: the set is empty, in row 1.
        """
        self._rules(Known(self, d, tensors=True))
        for value in vars(self).values():
            if isinstance(value, Penalty):
                value.check(d)

    def _rules(self, known: Known) -> None:
        """Raise where the known options break a rule; those that ship also do so when made."""

    def columns(self) -> tuple[str | int, ...]:
        """Return the columns of X that it asks for.

        Returns
        -------
        tuple of str or of int
            Each once, in the order in which :meth:`with_columns` takes their values.

        Examples
        --------
        >>> import torch
        >>> from sklearn_reasoning.penalties import Box, Columns
        >>> Box(Columns(["low"]), Columns(["high_1", "high_2"])).columns()
        ('low', 'high_1', 'high_2')
        >>> Box(0.0, 1.0).columns()
        ()
        """
        found: dict[str | int, None] = {}
        for value in vars(self).values():
            if isinstance(value, Columns):
                found |= dict.fromkeys(value.names)
            elif isinstance(value, Penalty):
                found |= dict.fromkeys(value.columns())
        return tuple(found)

    def with_columns(self, values: Tensor) -> Penalty:
        """Return the penalty of n samples, with the numbers that it takes from columns of X.

        Parameters
        ----------
        values : Tensor of shape (n, n_columns)
            The values of the columns that :meth:`columns` names; further leading axes are allowed.
            Derivatives reach them.

        Returns
        -------
        Penalty
            Of the same kind, for outputs of shape (..., n, d). Nothing is checked: see
            :meth:`check`.

        Raises
        ------
        ValueError
            If there are more or fewer columns than it asks for.

        Examples
        --------
        >>> import torch
        >>> from sklearn_reasoning.penalties import Box, Columns
        >>> of_two = Box(0.0, Columns(["cap"])).with_columns(torch.tensor([[1.0], [2.0]]))
        >>> of_two.prox(torch.tensor([[9.0, -9.0], [9.0, 1.5]]), 1.0)
        tensor([[1.0000, 0.0000],
                [2.0000, 1.5000]])
        """
        names = self.columns()
        if values.shape[-1:] != (len(names),):
            raise ValueError(
                f"values of shape {tuple(values.shape)} do not go with the {len(names)} columns "
                f"{list(names)}; they are (n, {len(names)})."
            )
        return self._filled(dict(zip(names, values.unbind(-1), strict=True)))

    def _filled(self, values: Mapping[str | int, Tensor]) -> Penalty:
        filled = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Columns):
                setattr(filled, name, value._of(values))
            elif isinstance(value, Penalty):
                setattr(filled, name, value._filled(values))
        return filled

    def to(self, like: Tensor) -> Penalty:
        """Return an equal penalty whose numbers lie on a device already, in a dtype.

        Parameters
        ----------
        like : Tensor
            What it will be applied to, of any shape.

        Returns
        -------
        Penalty
            The same one. It works without this, too; k steps on a GPU then copy numbers k times.

        Examples
        --------
        >>> import torch
        >>> from sklearn_reasoning.penalties import Box
        >>> box = Box([0.0, 1.0], [1.0, 2.0])
        >>> box.to(torch.ones(3, 2)) == box
        True
        """
        moved = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Constant | Penalty | Tensor):
                setattr(moved, name, value.to(like))
        return moved

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _plain(other) == _plain(self)

    def __hash__(self) -> int:
        return hash((type(self), _plain(self)))

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={_shown(v)}" for name, v in sorted(vars(self).items()))
        return f"{type(self).__name__}({options})"


def _plain(penalty: Any) -> tuple[tuple[str, Any], ...]:
    """Return the options of a penalty as plain values; tensors by what they hold."""
    return tuple(
        (name, (tuple(v.shape), str(v.dtype), _entries(v)) if isinstance(v, Tensor) else v)
        for name, v in sorted(vars(penalty).items())
    )


def _entries(value: Tensor) -> tuple[float, ...]:
    return tuple(value.detach().cpu().flatten().tolist())


def _shown(value: Any) -> str:
    return f"<tensor of shape {tuple(value.shape)}>" if isinstance(value, Tensor) else repr(value)


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
