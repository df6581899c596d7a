"""What an algorithm is: a recurrence, and all that follows from it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor

from sklearn_reasoning._polynomials import (
    Elementwise,
    PerIteration,
    Phi,
    Points,
    Steps,
    derivative,
    points_of,
    values_and_slopes,
)
from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.value import Value, overrides
from sklearn_reasoning.energies import ScalarQuadratic

from ._momentum import Momentum
from ._problem import Problem
from ._unroll import last_iterate

State = tuple[Any, ...]

Pullback = Callable[[Tensor], tuple[Tensor, Tensor | None]]


class Algorithm(Value, ABC):
    r"""An iterative method for :math:`\min_y E(y)`, as an immutable value.

    A subclass writes :meth:`step`, :meth:`stable_region` and, if its state is more than the
    iterate, :meth:`start`. What is learned (the step size, the weights of a cell) is handed
    in as ``phi`` and lives elsewhere, so that algorithms compare with ``==`` and can be shared.

    For a *polynomial* method the iterates started at 0 are :math:`y_k = -q_k(Q) b`, and the
    error is multiplied by the residual polynomial :math:`r_k(t) = 1 - t q_k(t)`. Both follow
    from :meth:`step`, run on the scalar energy: with Q = t and b = -1 from 0 it is
    :math:`q_k(t)`; with b = 0 from 1 it is :math:`r_k(t)`, to full relative precision.

    Attributes
    ----------
    name : str
        The key by which :func:`~sklearn_reasoning.algorithms.get_algorithm` finds it.
    also_called : tuple of str
        What others call it: whoever asks for one of these is told the name.
    needs : frozenset of str
        The operations of the :class:`Problem` that ``start`` and ``step`` use: "descend";
        "explicit", "resolvent" and "prox"; "gradient", "product", "minimizer". A method that needs
        "descend" alone, or the three in the middle, takes every penalty.
    has_step_size : bool
        Whether ``phi`` is a step size.
    is_polynomial : bool
        Whether q_k depends on neither b nor the starting point.
    commutes_with_rotations : bool
        Whether it may be run in the eigenbasis of Q.
    is_exact : bool
        Whether it returns the minimiser itself, whatever k.

    Notes
    -----
    :math:`Alg^k_\phi` of the paper's Eq. 3; its own methods are those of Eq. 9 and 20.
    :func:`~sklearn_reasoning.testing.check_algorithm` tells whether a new one keeps the contract.
    The last four attributes are how an author describes a method; all other code asks
    ``needs``, :attr:`provides` and :meth:`initial_step_size`.

    Examples
    --------
    >>> class Richardson(Algorithm):
    ...     name, has_step_size = "richardson", False
    ...
    ...     def step(self, state, problem, phi):
    ...         (y,) = state
    ...         return (problem.descend(y, 2.0 / (problem.mu + problem.L)),)
    >>> richardson = Richardson()
    >>> richardson.residual([0.5, 1.0], k=2, mu=0.5, L=1.5)
    array([0.25, 0.  ])
    >>> richardson.residual_derivative([0.5, 1.0], k=2, mu=0.5, L=1.5)
    array([-1.,  0.])
    >>> richardson.filter([0.5, 1.0], k=2, mu=0.5, L=1.5)
    array([1.5, 1. ])
    >>> richardson.filter_derivative([0.5, 1.0], k=2, mu=0.5, L=1.5)
    array([-1., -1.])

    The recurrence itself, on an energy:

    >>> import torch
    >>> from sklearn_reasoning.algorithms import Problem
    >>> from sklearn_reasoning.energies import DiagonalQuadratic
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.ones(1, 2))
    >>> problem = Problem(energy, mu=0.5, L=1.5)
    >>> state = richardson.start(problem.start_point(), problem)
    >>> richardson.step(state, problem, None)
    (tensor([[-1., -1.]]),)
    """

    _filter_is_closed: ClassVar[bool] = False  # whether _closed_filter is that of _filter

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_filter" in vars(cls):
            cls._filter_is_closed = "_closed_filter" in vars(cls)
        if overrides(cls, "_momentum", "start", "step"):
            cls._momentum = Algorithm._momentum  # type: ignore[method-assign]

    name: ClassVar[str]
    also_called: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[frozenset[str]] = frozenset({"descend"})
    has_step_size: ClassVar[bool] = True
    is_polynomial: ClassVar[bool] = True
    commutes_with_rotations: ClassVar[bool] = True
    is_exact: ClassVar[bool] = False

    @property
    def provides(self) -> frozenset[str]:
        """What follows from the steps.

        "polynomial": :meth:`residual` and :meth:`filter`; "rotations": steps may be taken in the
        eigenbasis of Q; "exact": the minimiser itself, which is solved for; "lengths": rows of
        every length d, there being no weights of a fixed one.
        """
        kinds = {
            "polynomial": self.is_polynomial,
            "rotations": self.commutes_with_rotations,
            "exact": self.is_exact,
            "lengths": next(self.weight_shapes(1), None) is None,
        }
        return frozenset(kind for kind, holds in kinds.items() if holds)

    def start(self, y: Tensor, problem: Problem) -> State:
        """Return the state before the first step; its first entry is the iterate y.

        Parameters
        ----------
        y : Tensor of shape (..., n, d)
            The starting point.
        problem : Problem
            What is minimised.

        Returns
        -------
        tuple
            The state: y and whatever else the recurrence remembers.
        """
        return (y,)

    @abstractmethod
    def step(self, state: State, problem: Problem, phi: Phi) -> State:
        """Return the state after one more step.

        Parameters
        ----------
        state : tuple
            As :meth:`start` or the last step left it; the first entry is the iterate,
            of shape (..., n, d).
        problem : Problem
            What is minimised: ``descend(y, phi)`` is the gradient step, and the proximal one
            where there is a penalty; ``gradient(y)``, ``product(v)``, and the bounds ``mu`` and
            ``L`` of the curvature.
        phi : Tensor, float, mapping or None
            The step size of this iteration, in 1/curvature, which broadcasts against y, or the
            learned weights.

        Returns
        -------
        tuple
            The new state.
        """

    def initial_step_size(self, mu: float, L: float) -> float | None:
        """Return where the step size begins; None for a method without one.

        Parameters
        ----------
        mu, L : float
            Bounds of the spectrum of Q.

        Returns
        -------
        float or None
            1/L, or the end of the stable region next to it.

        Examples
        --------
        >>> from sklearn_reasoning.algorithms import ConjugateGradient, GradientDescent
        >>> GradientDescent().initial_step_size(mu=0.25, L=2.0)
        0.5
        >>> ConjugateGradient().initial_step_size(mu=0.25, L=2.0) is None
        True
        """
        if not self.has_step_size:
            return None
        low, high = self.stable_region(mu, L)
        return min(max(1.0 / L, low), high)

    def stable_region(self, mu: float, L: float) -> tuple[float, float]:
        """Return the range of step sizes for which the iterates stay bounded.

        Without a step size there is nothing to restrict: (0, inf).

        Parameters
        ----------
        mu, L : float
            Bounds of the spectrum of Q.

        Returns
        -------
        low, high : float
            The ends of the range, in the units of a step size, 1/curvature.

        Examples
        --------
        >>> from sklearn_reasoning.algorithms import ChebyshevIteration
        >>> ChebyshevIteration().stable_region(mu=0.25, L=1.0)
        (0.0, inf)
        """
        return 0.0, math.inf

    def sensitivity_rate(self, step_size: Any, mu: float, L: float) -> Any:
        r"""Return the rate at which the sensitivity to the step size falls with k.

        A method that has a proof for it overrides this; ``sensitivity`` over a range of step
        sizes rests on it.

        Parameters
        ----------
        step_size : float or ndarray of any shape
            Step sizes :math:`\phi`, in 1/curvature.
        mu, L : float
            Bounds of the spectrum of Q.

        Returns
        -------
        float, ndarray or None
            :math:`\rho(\phi)`, in the shape of ``step_size``: a convex or monotone function such
            that :math:`\rho(\phi)^{1-k} \sup_{t \in [\mu, L]} |\partial q_k(t) / \partial\phi|`
            does not fall as :math:`\phi` rises, whatever k, and is constant where mu = L; NaN for
            a step size at which that is not proven. None: nothing is proven.

        Examples
        --------
        >>> from sklearn_reasoning.algorithms import ConjugateGradient, GradientDescent
        >>> float(GradientDescent().sensitivity_rate(1.0, mu=0.25, L=1.0))
        0.75
        >>> ConjugateGradient().sensitivity_rate(None, mu=0.25, L=1.0) is None
        True
        """
        return None

    def initial_weights(self, d: int, mu: float, L: float) -> dict[str, Tensor]:
        """Return the learned weights of the method before training; most have none.

        They are made without random numbers.

        Parameters
        ----------
        d : int
            Dimension of y.
        mu, L : float
            Bounds of the spectrum of Q.

        Returns
        -------
        dict of str to Tensor
            The weights by name, float64, in shapes that the method chooses; maybe none.

        Examples
        --------
        >>> from sklearn_reasoning.algorithms import GradientDescent
        >>> GradientDescent().initial_weights(3, mu=0.25, L=1.0)
        {}
        """
        return {}

    def weight_shapes(self, d: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield names and shapes of the :meth:`initial_weights`, in their order.

        A method whose options set how many weights there are yields them without making them:
        a model file is then found not to hold them before any memory is taken.

        Parameters
        ----------
        d : int
            Dimension of y.

        Yields
        ------
        name : str
            The key in :meth:`initial_weights`.
        shape : tuple of int
            The shape of that tensor.

        Examples
        --------
        >>> from sklearn_reasoning.algorithms import RecurrentCell
        >>> dict(RecurrentCell().weight_shapes(3))
        {'W1_state': (6, 3), 'W1_gradient': (6, 3), 'V': (3, 6)}
        """
        for name, value in self.initial_weights(d, 0.1, 1.0).items():
            yield name, tuple(value.shape)

    # ------------------------------------------------------------------ polynomials

    def residual(
        self, t: Any, k: Any, step_size: Any = None, mu: float = 0.1, L: float = 1.0
    ) -> Any:
        """Return the residual polynomial r_k(t).

        Parameters
        ----------
        t : Tensor or array-like of any shape
            Points, usually eigenvalues in [mu, L].
        k : int, Tensor of int or array-like of int
            Number of steps; an array broadcasts against t.
        step_size : float, Tensor, array-like, PerIteration or None, default=None
            The step size, in 1/curvature; an array broadcasts against t. None is
            :meth:`initial_step_size`; ignored by methods without one.
        mu, L : float, default=0.1 and 1.0
            Bounds of the spectrum of Q.

        Returns
        -------
        Tensor or ndarray
            Of the shape that t, k and the step size broadcast to: a tensor (differentiable in ``t``
            and ``step_size``) if ``t`` is one, a float64 array otherwise.

        Raises
        ------
        TypeError
            If the method is not polynomial, or ``k`` holds anything but whole numbers.
        ValueError
            If ``k`` is negative, or above the number of step sizes of a :class:`PerIteration`.
        """
        return self._polynomial("_residual", t, k, step_size, mu, L)

    @documented_like(residual)
    def filter(self, t: Any, k: Any, step_size: Any = None, mu: float = 0.1, L: float = 1.0) -> Any:
        """Return q_k(t) = (1 - r_k(t)) / t, finite at t = 0: the layer is :math:`-q_k(Q)b`.

        Parameters
        ----------
        t, k, step_size
        mu, L

        Returns
        -------
        Tensor or ndarray
            As from :meth:`residual`, of the broadcast shape, in units of 1/curvature.

        Raises
        ------
        TypeError, ValueError
        """
        return self._polynomial("_filter", t, k, step_size, mu, L)

    @documented_like(residual)
    def residual_derivative(
        self, t: Any, k: Any, step_size: Any = None, mu: float = 0.1, L: float = 1.0, wrt: str = "t"
    ) -> Any:
        """Return the derivative of :meth:`residual` with respect to "t" or "step_size".

        Parameters
        ----------
        t, k, step_size
        mu, L
        wrt : {"t", "step_size"}, default="t"
            The variable.

        Returns
        -------
        Tensor or ndarray
            Of the broadcast shape of t, k and the step size, without a graph. For a
            :class:`PerIteration` the derivatives with respect to each size are stacked on a new
            first axis.

        Raises
        ------
        TypeError
        ValueError
            If ``wrt`` is neither, or "step_size" for a method without one; for ``k`` as from
            :meth:`residual`.
        """
        return self._derivative("_residual", t, k, step_size, mu, L, wrt)

    @documented_like(residual_derivative)
    def filter_derivative(
        self, t: Any, k: Any, step_size: Any = None, mu: float = 0.1, L: float = 1.0, wrt: str = "t"
    ) -> Any:
        """Return the derivative of :meth:`filter` with respect to "t" or "step_size".

        Parameters
        ----------
        t, k, step_size
        mu, L
        wrt

        Returns
        -------
        Tensor or ndarray
            As from :meth:`residual_derivative`, of the broadcast shape.

        Raises
        ------
        TypeError
        ValueError
            As from :meth:`residual_derivative`.
        """
        return self._derivative("_filter", t, k, step_size, mu, L, wrt)

    def _filter(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        """Run the recurrence for q_k; override with a closed form for a constant step size."""
        return self._run(torch.zeros_like(t), t, -1.0, k, phi, mu, L)

    def _closed_filter(self, mu: float, L: float) -> Elementwise:
        """Return the function behind :meth:`_filter` where that has its slopes in closed form."""
        raise NotImplementedError

    def _filter_with_pullback(
        self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float
    ) -> tuple[Tensor, Pullback]:
        """Return :meth:`_filter`, unrecorded, and what pulls a gradient back through it.

        That maps the gradient of q_k to those of t and of phi, one step size or None.
        """
        if self._filter_is_closed:
            closed = self._closed_filter(mu, L)
            q, t_slope, phi_slope = values_and_slopes(closed, 0.0 if phi is None else phi, t, k)
            return q, lambda q_: (
                t_slope * q_,
                None if phi is None else (phi_slope * q_).sum_to_size(phi.shape),
            )
        leaves = [x.detach().requires_grad_() for x in (t, phi) if x is not None]
        with torch.enable_grad():
            q = self._filter(leaves[0], k, leaves[1] if phi is not None else None, mu, L)

        def pull(q_: Tensor) -> tuple[Tensor, Tensor | None]:
            if not q.requires_grad:  # of k = 0 steps
                return torch.zeros_like(t), None
            t_, *phi_ = torch.autograd.grad(q, leaves, q_, materialize_grads=True)
            return t_, phi_[0] if phi_ else None

        return q.detach(), pull

    def _momentum(self, phi: Phi, mu: float) -> Momentum | None:
        """Return the momentum of :meth:`step` where it is of that form: it is then not unrolled."""
        return None

    def _residual(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        """Run the recurrence for r_k; override with a closed form for a constant step size."""
        return self._run(torch.ones_like(t), t, 0.0, k, phi, mu, L)

    def _run(
        self, y: Tensor, t: Tensor, b: float, k: Steps, phi: Phi, mu: float, L: float
    ) -> Tensor:
        return last_iterate(self, Problem(ScalarQuadratic(t, b), mu, L, start=y), k, phi)

    def _points(self, t: Any, k: Any, step_size: Any, mu: float, L: float) -> Points:
        if not self.is_polynomial:
            raise TypeError(f"{self.name!r} is not a polynomial method: it has no r_k and no q_k.")
        if not self.has_step_size:
            step_size = None
        elif step_size is None:
            step_size = self.initial_step_size(mu, L)
        return points_of(t, k, step_size)

    def _polynomial(self, name: str, t: Any, k: Any, step_size: Any, mu: float, L: float) -> Any:
        points = self._points(t, k, step_size, mu, L)
        values = getattr(self._owner_of_formulas(points.step_size), name)(self, *points, mu, L)
        return values if isinstance(t, Tensor) else values.numpy()

    def _derivative(
        self, name: str, t: Any, k: Any, step_size: Any, mu: float, L: float, wrt: str
    ) -> Any:
        if wrt not in ("t", "step_size"):
            raise ValueError(f"wrt must be 't' or 'step_size', got {wrt!r}.")
        if wrt == "step_size" and not self.has_step_size:
            raise ValueError(f"{self.name!r} has no step size.")
        # A caller's no_grad or inference_mode would make every derivative 0.
        with torch.inference_mode(mode=False), torch.enable_grad():
            points = self._points(t, k, step_size, mu, L)
            formula = getattr(self._owner_of_formulas(points.step_size), name)
            slopes = derivative(
                lambda t, k, phi: formula(self, t, k, phi, mu, L),
                points,
                wrt,
                keeps_each_step=formula in (Algorithm._filter, Algorithm._residual),
            )
        return slopes if isinstance(t, Tensor) else slopes.numpy()

    def _owner_of_formulas(self, phi: Phi) -> type[Algorithm]:
        """Return the class whose formulas hold; closed forms are for one step size only."""
        return Algorithm if isinstance(phi, PerIteration) else type(self)
