"""What an algorithm minimises: an energy, bounds of its curvature, a penalty, and the start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast

from torch import Tensor

from sklearn_reasoning.energies import Energy, QuadraticEnergy
from sklearn_reasoning.penalties import Penalty

from ._constrained import constrained_minimizer


@dataclass(frozen=True, eq=False)
class Problem:
    r"""Minimise E(y) + g(y) over y, for each of n samples, from a starting point.

    Parameters
    ----------
    energy : Energy
        The smooth part E.
    mu, L : float
        Bounds of its curvature, :math:`\mu I \preceq \nabla^2 E \preceq L I`. They choose momenta
        and stable regions; they are not enforced.
    penalty : Penalty or None, default=None
        The set that y must lie in, or a term g that is added.
    start : Tensor or None, default=None
        The starting point, of a shape that broadcasts against y, (..., n, d); None is 0. With a
        set as penalty it is projected onto it.

    Notes
    -----
    The problem of the paper's Eq. 1 for given x. An algorithm's ``step`` sees the problem and
    nothing else, so a penalty changes no algorithm whose gradient step is :meth:`descend`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.energies import DiagonalQuadratic
    >>> from sklearn_reasoning.penalties import Nonnegative
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.tensor([[-1.0, 1.0]]))
    >>> problem = Problem(energy, mu=0.5, L=1.0, penalty=Nonnegative())
    >>> problem.descend(problem.start_point(), 1.0)
    tensor([[1., 0.]])
    >>> sorted(problem.provides)
    ['descend', 'explicit', 'minimizer', 'prox', 'resolvent']

    Without a penalty there is all that the energy provides:

    >>> free = Problem(energy, mu=0.5, L=1.0)
    >>> free.gradient(free.start_point()), free.product(torch.ones(1, 2)), free.minimizer()
    (tensor([[-1.,  1.]]), tensor([[0.5000, 1.0000]]), tensor([[ 2., -1.]]))
    """

    energy: Energy
    mu: float
    L: float
    penalty: Penalty | None = None
    start: Tensor | None = None

    @property
    def provides(self) -> frozenset[str]:
        """What algorithms may ask for: "descend", the parts of splittings, and the energy's own.

        The parts are "explicit", "resolvent" and "prox". With a penalty, "minimizer" is the
        minimiser with it, and of what else the energy provides nothing is left: it would leave the
        penalty out.
        """
        ours = frozenset({"descend", "explicit", "prox"})
        theirs = self.energy.provides
        return ours | (theirs if self.penalty is None else theirs & {"resolvent", "minimizer"})

    def start_point(self) -> Tensor:
        """Return where the iterates begin.

        Returns
        -------
        Tensor of shape (..., n, d)
            ``start`` for every sample, inside the set where there is one.
        """
        y = self.energy.zeros()
        if self.start is not None:
            y = y + self.start.to(y)
        return y if self.penalty is None else self.penalty.project(y)

    def descend(self, y: Tensor, step: Tensor | float, push: Tensor | None = None) -> Tensor:
        r"""Return the gradient step, proximal where there is a penalty.

        .. math:: prox_{\phi g}(y - \phi \nabla E(y) + push)

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            Where the gradient is taken.
        step : Tensor or float
            The step size :math:`\phi`, in 1/curvature, which broadcasts against y.
        push : Tensor of shape (..., n, d) or None, default=None
            What is added to the step before the proximal map: a momentum.

        Returns
        -------
        Tensor of shape (..., n, d)
            The next point.
        """
        moved = self.explicit(y, step)
        if push is not None:
            moved = moved + push
        return self.prox(moved, step)

    def explicit(self, y: Tensor, step: Tensor | float) -> Tensor:
        r"""Return the gradient step of the energy alone, :math:`y - \phi \nabla E(y)`.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            Where the gradient is taken.
        step : Tensor or float
            The step size :math:`\phi`, in 1/curvature, which broadcasts against y.

        Returns
        -------
        Tensor of shape (..., n, d)
            The next point; it need not obey a set.

        Examples
        --------
        >>> import torch
        >>> from sklearn_reasoning.energies import DiagonalQuadratic
        >>> from sklearn_reasoning.penalties import Nonnegative
        >>> energy = DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.tensor([[-1.0, 1.0]]))
        >>> Problem(energy, 0.5, 1.0, Nonnegative()).explicit(torch.zeros(1, 2), 1.0)
        tensor([[ 1., -1.]])
        """
        return y - step * self.energy.gradient(y)

    def resolvent(self, v: Tensor, step: Tensor | float) -> Tensor:
        r"""Return the implicit gradient step of the energy alone, of one that provides it.

        .. math:: \mathrm{argmin}_y \; E(y) + \tfrac{1}{2\phi} \|y - v\|^2

        Parameters
        ----------
        v : Tensor of shape (..., n, d)
            The points to start from.
        step : Tensor or float
            The step size :math:`\phi`, in 1/curvature, which broadcasts against v: the same for all
            outputs of a sample.

        Returns
        -------
        Tensor of shape (..., n, d)
            The next point; it need not obey a set.

        Examples
        --------
        >>> import torch
        >>> from sklearn_reasoning.energies import DiagonalQuadratic
        >>> energy = DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.tensor([[-1.5, 1.0]]))
        >>> Problem(energy, 0.5, 1.0).resolvent(torch.zeros(1, 2), 1.0)  # -b / (1 + Q)
        tensor([[ 1.0000, -0.5000]])
        """
        return cast(QuadraticEnergy, self.energy).resolvent(v, step)

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return the proximal step of the penalty; v itself where there is none.

        Parameters
        ----------
        v : Tensor of shape (..., n, d)
            The points to start from.
        step : Tensor or float
            The step size, in 1/curvature, which broadcasts against v.

        Returns
        -------
        Tensor of shape (..., n, d)
            Inside the set, where the penalty is one.

        Examples
        --------
        >>> import torch
        >>> from sklearn_reasoning.energies import DiagonalQuadratic
        >>> from sklearn_reasoning.penalties import Nonnegative
        >>> energy = DiagonalQuadratic(torch.ones(1, 2), torch.ones(1, 2))
        >>> Problem(energy, 1.0, 1.0, Nonnegative()).prox(torch.tensor([[2.0, -3.0]]), 1.0)
        tensor([[2., 0.]])
        """
        return v if self.penalty is None else self.penalty.prox(v, step)

    def gradient(self, y: Tensor) -> Tensor:
        """Return the gradient of the energy at y, the penalty left out.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            A point for each sample.

        Returns
        -------
        Tensor of shape (..., n, d)
            The gradients.
        """
        return self.energy.gradient(y)

    def product(self, v: Tensor) -> Tensor:
        """Return Q v, of an energy that provides products.

        Parameters
        ----------
        v : Tensor of shape (..., n, d)
            A vector for each sample.

        Returns
        -------
        Tensor of shape (..., n, d)
            The products.
        """
        return cast(QuadraticEnergy, self.energy).product(v)

    def minimizer(self) -> Tensor:
        """Return the exact minimiser, of an energy that provides it; it is solved for once.

        With a penalty it is iterated for, until a proximal gradient step of size 1/L moves each row
        by at most 1e-10 of its length (in float32 4e-6), and then refined to rounding level. Its
        derivatives are those of the implicit function theorem, and cost d products and a linear
        solve.

        Returns
        -------
        Tensor of shape (..., n, d)
            In the units of y.

        Warns
        -----
        ConvergenceWarning
            If 4,000 iterations are not enough, with what is left.
        """
        return self._minimizer

    @cached_property
    def _minimizer(self) -> Tensor:
        if self.penalty is not None:
            return constrained_minimizer(self)
        return cast(QuadraticEnergy, self.energy).minimizer()
