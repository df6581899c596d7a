"""What an algorithm is: a recurrence, and all that follows from it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning._value import Value
from sklearn_reasoning.energies._scalar import ScalarQuadratic

from ._checks import check_steps
from ._problem import Problem
from ._steps import StepCounts, Steps

State = tuple[Any, ...]

# Points times states of a recurrence that derivatives are computed for at once: autograd keeps
# about four numbers for each, 130 MB in all.
_NUMBERS_AT_ONCE = 2**22


@dataclass(frozen=True)
class PerIteration:
    r"""Step sizes that differ from one iteration to the next.

    Parameters
    ----------
    sizes : tuple of Tensor or float
        The step size of each iteration, in 1/curvature as L is a curvature; each broadcasts
        against y.

    Notes
    -----
    With sizes :math:`\phi_1, \ldots, \phi_k` the residual polynomial of gradient descent is
    :math:`\prod_i (1 - \phi_i t)`: any polynomial with real zeros can be learned.

    Examples
    --------
    >>> from sklearn_reasoning.algorithms import GradientDescent, PerIteration
    >>> sizes = PerIteration((1.0, 2.0))
    >>> len(sizes), sizes[1]
    (2, 2.0)
    >>> float(GradientDescent().residual(0.5, 2, sizes, 0.1, 1.0))
    0.0
    """

    sizes: tuple[Tensor | float, ...]

    def __getitem__(self, iteration: int) -> Tensor | float:
        """Return the step size of one iteration, counted from 0."""
        return self.sizes[iteration]

    def __len__(self) -> int:
        """Return the number of iterations that there are step sizes for."""
        return len(self.sizes)


# Of q_k(t): maps a gradient of q_k to those of phi and t. The first is None where
# it is not asked for, or where there is no step size.
Pullback = Callable[..., tuple[Tensor | None, Tensor]]

Phi = Any  # a step size (float or Tensor), PerIteration, a mapping of weights, or None


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
    needs : frozenset of str
        The operations of the :class:`Problem` that ``start`` and ``step`` use: "descend",
        "gradient", "product", "minimizer". A method that needs "descend" alone takes every
        penalty.
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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "_filter_with_pullback" not in own and own.keys() & {"_filter", "step"}:
            # What is inherited is that of another filter.
            cls._filter_with_pullback = Algorithm._filter_with_pullback  # type: ignore[method-assign]

    name: ClassVar[str]
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
            The step size, in 1/curvature; an array broadcasts against t. None is 1/L; ignored by
            methods without one.
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

    def filter(self, t: Any, k: Any, step_size: Any = None, mu: float = 0.1, L: float = 1.0) -> Any:
        """Return q_k(t) = (1 - r_k(t)) / t, finite at t = 0: the layer is :math:`-q_k(Q)b`.

        Parameters
        ----------
        t : Tensor or array-like of any shape
            Points, usually eigenvalues in [mu, L].
        k : int, Tensor of int or array-like of int
            Number of steps; an array broadcasts against t.
        step_size : float, Tensor, array-like, PerIteration or None, default=None
            As for :meth:`residual`; None is 1/L.
        mu, L : float, default=0.1 and 1.0
            Bounds of the spectrum of Q.

        Returns
        -------
        Tensor or ndarray
            As from :meth:`residual`, of the broadcast shape, in units of 1/curvature.

        Raises
        ------
        TypeError
            If the method is not polynomial, or ``k`` holds anything but whole numbers.
        ValueError
            If ``k`` is negative, or above the number of step sizes of a :class:`PerIteration`.
        """
        return self._polynomial("_filter", t, k, step_size, mu, L)

    def residual_derivative(
        self, t: Any, k: Any, step_size: Any = None, mu: float = 0.1, L: float = 1.0, wrt: str = "t"
    ) -> Any:
        """Return the derivative of :meth:`residual` with respect to "t" or "step_size".

        Parameters
        ----------
        t : Tensor or array-like of any shape
            Points, usually eigenvalues in [mu, L].
        k : int, Tensor of int or array-like of int
            Number of steps; an array broadcasts against t.
        step_size : float, Tensor, array-like, PerIteration or None, default=None
            As for :meth:`residual`; None is 1/L.
        mu, L : float, default=0.1 and 1.0
            Bounds of the spectrum of Q.
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
            If the method is not polynomial, or ``k`` holds anything but whole numbers.
        ValueError
            If ``wrt`` is neither, or "step_size" for a method without one; for ``k`` as from
            :meth:`residual`.
        """
        return self._derivative("_residual", t, k, step_size, mu, L, wrt)

    def filter_derivative(
        self, t: Any, k: Any, step_size: Any = None, mu: float = 0.1, L: float = 1.0, wrt: str = "t"
    ) -> Any:
        """Return the derivative of :meth:`filter` with respect to "t" or "step_size".

        Parameters
        ----------
        t : Tensor or array-like of any shape
            Points, usually eigenvalues in [mu, L].
        k : int, Tensor of int or array-like of int
            Number of steps; an array broadcasts against t.
        step_size : float, Tensor, array-like, PerIteration or None, default=None
            As for :meth:`residual`; None is 1/L.
        mu, L : float, default=0.1 and 1.0
            Bounds of the spectrum of Q.
        wrt : {"t", "step_size"}, default="t"
            The variable.

        Returns
        -------
        Tensor or ndarray
            As from :meth:`residual_derivative`, of the broadcast shape.

        Raises
        ------
        TypeError
            If the method is not polynomial, or ``k`` holds anything but whole numbers.
        ValueError
            As from :meth:`residual_derivative`.
        """
        return self._derivative("_filter", t, k, step_size, mu, L, wrt)

    def _filter(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        """Run the recurrence for q_k; override with a closed form for a constant step size."""
        return self._run(torch.zeros_like(t), t, -1.0, k, phi, mu, L)

    def _filter_with_pullback(
        self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float
    ) -> tuple[Tensor, Pullback]:
        """Return :meth:`_filter` and its pullback; override where one is known without autograd."""
        t = t.detach().requires_grad_()
        phi = None if phi is None else phi.detach().requires_grad_()
        with torch.enable_grad():
            q = self._filter(t, k, phi, mu, L)

        def pull(q_: Tensor, *, with_phi: bool) -> tuple[Tensor | None, Tensor]:
            if not q.requires_grad:  # of k = 0 steps
                return None, torch.zeros_like(t)
            leaves = (t, phi) if with_phi and phi is not None else (t,)
            t_, *phi_ = torch.autograd.grad(q, leaves, q_, materialize_grads=True)
            return (phi_[0] if phi_ else None), t_

        return q.detach(), pull

    def _residual(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        """Run the recurrence for r_k; override with a closed form for a constant step size."""
        return self._run(torch.ones_like(t), t, 0.0, k, phi, mu, L)

    def _formula(self, name: str, phi: Phi) -> partial[Tensor]:
        """Return ``_filter`` or ``_residual``; closed forms are for one step size only."""
        owner = Algorithm if isinstance(phi, PerIteration) else type(self)
        return partial(getattr(owner, name), self)

    def _run(
        self, y: Tensor, t: Tensor, b: float, k: Steps, phi: Phi, mu: float, L: float
    ) -> Tensor:
        return last_iterate(self, Problem(ScalarQuadratic(t, b), mu, L, start=y), k, phi)

    def _coerce(self, t: Any, k: Any, step_size: Any, mu: float, L: float) -> tuple[Any, ...]:
        if not self.is_polynomial:
            raise TypeError(f"{self.name!r} is not a polynomial method: it has no r_k and no q_k.")
        if not isinstance(t, Tensor):
            t = torch.as_tensor(np.asarray(t, dtype=np.float64))
        if not isinstance(k, StepCounts):
            k = check_steps(k)
        if not self.has_step_size:
            step_size = None
        elif step_size is None:
            step_size = 1.0 / L
        elif not isinstance(step_size, float | Tensor | PerIteration):
            step_size = torch.as_tensor(np.asarray(step_size, dtype=np.float64))
        shapes = [
            x.shape
            for x in (k.k if isinstance(k, StepCounts) else k, step_size)
            if isinstance(x, Tensor) and (x.numel() != 1 or x.ndim > t.ndim)
        ]
        if shapes:
            # numpy's: torch's imports half of the compiler the first time.
            t = t.expand(np.broadcast_shapes(t.shape, *shapes))
        return t, k, step_size

    def _polynomial(self, name: str, t: Any, k: Any, step_size: Any, mu: float, L: float) -> Any:
        points, steps, phi = self._coerce(t, k, step_size, mu, L)
        values = self._formula(name, phi)(points, steps, phi, mu, L)
        return values if isinstance(t, Tensor) else values.numpy()

    def _derivative(
        self,
        name: str,
        t: Any,
        k: Any,
        step_size: Any,
        mu: float,
        L: float,
        wrt: str,
    ) -> Any:
        if wrt not in ("t", "step_size"):
            raise ValueError(f"wrt must be 't' or 'step_size', got {wrt!r}.")
        if wrt == "step_size" and not self.has_step_size:
            raise ValueError(f"{self.name!r} has no step size.")
        # A caller's no_grad or inference_mode would make every derivative 0.
        with torch.inference_mode(mode=False), torch.enable_grad():
            points, steps, phi = self._coerce(t, k, step_size, mu, L)
            result = self._slopes(self._formula(name, phi), points, steps, phi, mu, L, wrt)
        return result if isinstance(t, Tensor) else result.numpy()

    def _slopes(
        self,
        formula: partial[Tensor],
        points: Tensor,
        steps: Steps,
        phi: Phi,
        mu: float,
        L: float,
        wrt: str,
    ) -> Tensor:
        """Return the derivatives at all points, a block of them at a time."""
        counts = StepCounts(steps) if isinstance(steps, Tensor) else steps
        kept = counts if isinstance(counts, int) else counts.largest
        # Autograd keeps every state of a recurrence, and those of a closed form's doublings.
        if formula.func not in (Algorithm._filter, Algorithm._residual):
            kept = kept.bit_length()
        length = max(_NUMBERS_AT_ONCE // max(kept, 1), 1)
        if points.numel() <= length:
            return self._slopes_of_block(formula, points, counts, phi, mu, L, wrt)

        def part(value: Any, block: slice) -> Any:
            if isinstance(value, PerIteration):
                return PerIteration(tuple(part(size, block) for size in value.sizes))
            if isinstance(value, StepCounts):
                k = part(value.k, block)
                # An int spares a recurrence the choice between new states and kept ones.
                return int(k[0]) if bool((k == k[0]).all()) else StepCounts(k)
            if isinstance(value, Tensor):
                return value.expand(points.shape).reshape(-1)[block]
            return value

        parts = []
        for first in range(0, points.numel(), length):
            here = slice(first, first + length)
            t, k, size = (part(value, here) for value in (points, counts, phi))
            parts.append(self._slopes_of_block(formula, t, k, size, mu, L, wrt))
        slopes = torch.cat(parts, dim=-1)
        return slopes.reshape(*slopes.shape[:-1], *points.shape)

    def _slopes_of_block(
        self,
        formula: Callable[..., Tensor],
        points: Tensor,
        steps: Steps,
        phi: Phi,
        mu: float,
        L: float,
        wrt: str,
    ) -> Tensor:
        """Return the derivatives at some points, by one backward pass."""

        def leaf(value: Tensor | float) -> Tensor:
            # A copy for every point: then one backward pass gives all the derivatives.
            value = torch.as_tensor(value, dtype=points.dtype).detach()
            return value.expand(points.shape).clone().requires_grad_()

        points = leaf(points)
        if isinstance(phi, PerIteration):
            phi = PerIteration(tuple(leaf(size) for size in phi.sizes))
        elif phi is not None:
            phi = leaf(phi)
        stacked = wrt == "step_size" and isinstance(phi, PerIteration)
        leaves = phi.sizes if stacked else (points if wrt == "t" else phi,)
        total = formula(points, steps, phi, mu, L).sum()
        if not leaves:
            grads: tuple[Tensor, ...] = ()
        elif total.requires_grad:
            grads = torch.autograd.grad(total, leaves, materialize_grads=True)
        else:  # k = 0, or a method that t does not enter
            grads = tuple(torch.zeros_like(points) for _ in leaves)
        if not stacked:
            return grads[0].detach()
        return (torch.stack(grads) if grads else points.new_zeros(0, *points.shape)).detach()


def iterates(algorithm: Algorithm, problem: Problem, k: Steps, phi: Phi) -> Iterator[Tensor]:
    """Yield the iterates y_0, ..., y_k of an algorithm (Eq. 9).

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance; "opt" takes no steps.
    problem : Problem
        What is minimised, and the starting point.
    k : int, Tensor of int or StepCounts
        Number of steps. A tensor broadcasts against y: it runs to the largest k, and rows
        that are done keep their iterate.
    phi : Tensor, float, PerIteration, mapping or None
        Step size(s) in 1/curvature, which broadcast against y, or weights.

    Yields
    ------
    Tensor of shape (..., n, d)
        The iterates, the starting point among them: k + 1 in all.

    Raises
    ------
    ValueError
        If ``k`` is above the number of step sizes of a :class:`PerIteration`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.algorithms import GradientDescent, Problem
    >>> from sklearn_reasoning.energies import DiagonalQuadratic
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5]]), torch.tensor([[1.0]]))
    >>> steps = iterates(GradientDescent(), Problem(energy, mu=0.1, L=1.0), 3, 1.0)
    >>> [float(y) for y in steps]
    [0.0, -1.0, -1.5, -1.75]
    """
    y = problem.start_point()
    state = algorithm.start(y, problem)
    yield y
    counts = StepCounts(k) if isinstance(k, Tensor) else k
    last = counts if isinstance(counts, int) else counts.largest
    if isinstance(phi, PerIteration) and last > len(phi):
        raise ValueError(f"k={last} steps need {last} step sizes, got {len(phi)}.")
    for i in range(last):
        phi_i = phi[i] if isinstance(phi, PerIteration) else phi
        state = algorithm.step(state, problem, phi_i)
        y = state[0] if isinstance(counts, int) else torch.where(counts.k > i, state[0], y)
        yield y


def last_iterate(algorithm: Algorithm, problem: Problem, k: Steps, phi: Phi) -> Tensor:
    """Return y_k (Eq. 3), holding one iterate at a time where no gradients are recorded.

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance; "opt" takes no steps.
    problem : Problem
        What is minimised, and the starting point.
    k : int, Tensor of int or StepCounts
        Number of steps; a tensor broadcasts against y.
    phi : Tensor, float, PerIteration, mapping or None
        Step size(s) in 1/curvature, which broadcast against y, or weights.

    Returns
    -------
    Tensor of shape (..., n, d)
        The last iterate, in the units of y.

    Raises
    ------
    ValueError
        If ``k`` is above the number of step sizes of a :class:`PerIteration`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.algorithms import GradientDescent, Problem
    >>> from sklearn_reasoning.energies import DiagonalQuadratic
    >>> energy = DiagonalQuadratic(torch.tensor([[0.5]]), torch.tensor([[1.0]]))
    >>> last_iterate(GradientDescent(), Problem(energy, mu=0.1, L=1.0), 3, 1.0)
    tensor([[-1.7500]])
    """
    for y in iterates(algorithm, problem, k, phi):  # noqa: B007  (a list would hold all of them)
        pass
    return y
