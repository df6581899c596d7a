"""The reasoning layer as a torch module."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_reasoning._polynomials import check_steps, under_transform
from sklearn_reasoning.algorithms import (
    Algorithm,
    PerIteration,
    Problem,
    check_spectrum,
    check_takes_penalty,
    get_algorithm,
)
from sklearn_reasoning.energies import Energy, broadcasts_to
from sklearn_reasoning.penalties import Penalty

from ._plan import minimize
from ._step_size import ClampKeepingGradient, clamp_step_size_, initial_sizes, resolve_step_size


class ReasoningLayer(nn.Module):
    r"""A layer that takes k steps of an algorithm to minimise an energy (Eq. 3).

    Maps an energy, such as a quadratic one with matrix Q and linear term b, to
    :math:`Alg^k_\phi(Q, b)`, started at 0 or where it is told to, differentiable in the energy,
    the start and the step size or weights :math:`\phi`. Where the spectrum of Q is known, the
    layer of a polynomial method is a scalar function of each eigenvalue; for gd, nag, chebyshev and
    heavy_ball its cost grows with log k, and its memory likewise.

    Parameters
    ----------
    algo : str or Algorithm, default="nag"
        A name of :func:`~sklearn_reasoning.algorithms.list_algorithms` or an instance.
    k : int or Tensor of int, of shape (n,) or (n, 1), default=10
        Number of steps; a tensor gives each sample its own.
    mu, L : float, default=0.1 and 1.0
        Bounds of the spectrum of Q. They choose the momentum and the stable region; they are
        not enforced on the energy.
    step_size : float or None, default=None
        The initial step size, in 1/curvature; None is 1/L, for "admm" 1/sqrt(mu L). Ignored by
        algorithms without one.
    step_size_range : "stable" or (float, float), default="stable"
        The step size stays in this range, in 1/curvature; "stable" is the algorithm's stable
        region.
    learn_step_size : bool, default=True
        Whether the step size is a parameter.
    step_size_per_iteration : bool, default=False
        Whether every iteration has a step size of its own (k of them). Learned ones begin
        evenly spread over the tenth below ``step_size``, since equal ones could stay equal.
    penalty : Penalty or None, default=None
        The set that outputs obey at every k, or a term that is added to the energy. Its steps are
        taken one by one.
    d : int or None, default=None
        Dimension of y. Needed only for algorithms with weights (rnn), and there only to have
        the weights before the first call, as for torch's lazy modules.

    Attributes
    ----------
    step_size : Tensor of shape () or (k,), or None
        The step size(s) in use, in 1/curvature, inside their range, in float64 whatever the dtype
        of the rest.
    weights : ParameterDict
        The learned weights of algorithms that have them.

    Raises
    ------
    TypeError
        If ``algo`` is neither a name nor an Algorithm, ``k`` holds anything but whole numbers,
        ``mu``, ``L`` or ``step_size`` is no number, or ``penalty`` is no Penalty.
    ValueError
        If the name is unknown, ``k`` is negative, ``mu`` and ``L`` are no bounds, the step size is
        not in its range, step sizes for each iteration are asked for with a tensor k, or the
        algorithm takes no penalty.

    Examples
    --------
    >>> import torch
    >>> from sklearn_reasoning.energies import DiagonalQuadratic
    >>> layer = ReasoningLayer("gd", k=2, mu=0.5, L=1.0, step_size=1.0)
    >>> layer(DiagonalQuadratic(torch.tensor([[0.5, 1.0]]), torch.tensor([[1.0, 1.0]])))
    tensor([[-1.5000, -1.0000]], grad_fn=<...>)
    """

    def __init__(
        self,
        algo: str | Algorithm = "nag",
        k: int | Tensor = 10,
        mu: float = 0.1,
        L: float = 1.0,
        *,
        step_size: float | None = None,
        step_size_range: str | Sequence[float] = "stable",
        learn_step_size: bool = True,
        step_size_per_iteration: bool = False,
        penalty: Penalty | None = None,
        d: int | None = None,
    ) -> None:
        super().__init__()
        self.algorithm = get_algorithm(algo)
        self.mu, self.L = check_spectrum(mu, L)
        self.k = check_steps(k)
        self.penalty = penalty
        check_takes_penalty(self.algorithm, penalty)
        self._checked: tuple[Penalty, int] | None = None
        resolved = resolve_step_size(self.algorithm, step_size, step_size_range, self.mu, self.L)
        self.per_iteration = bool(step_size_per_iteration) and resolved is not None
        n_sizes: int | None = None
        if self.per_iteration:
            if isinstance(self.k, Tensor):
                raise ValueError("step_size_per_iteration=True needs k to be an int.")
            n_sizes = self.k
        if resolved is None:
            self._step_size = None
        else:
            initial, self.low, self.high = resolved
            value = torch.tensor(initial, dtype=torch.float64)
            if n_sizes is not None:
                sizes = initial_sizes(initial, self.low, n_sizes, learned=learn_step_size)
                value = torch.tensor(sizes, dtype=torch.float64)
            if learn_step_size:
                self._step_size = nn.Parameter(value)
            else:
                self.register_buffer("_step_size", value)
        self.weights = nn.ParameterDict()
        if d is not None:
            self._make_weights(d, None)

    @property
    def step_size(self) -> Tensor | None:
        """The step size(s) in use, in 1/curvature, inside their range."""
        if self._step_size is None:
            return None
        apply: Any = ClampKeepingGradient.apply
        clamped: Tensor = apply(self._step_size, self.low, self.high)
        return clamped

    def clamp_step_size(self) -> None:
        """Put the parameter behind ``step_size`` back into its range, after an optimiser's step.

        The layer never uses a step size outside; this keeps the parameter itself from
        drifting away from the end that it sits at.

        Examples
        --------
        >>> layer = ReasoningLayer("gd", k=2, step_size=1.0, step_size_range=(0.5, 1.5))
        >>> (parameter,) = layer.parameters()
        >>> parameter.data += 10.0  # an optimiser's step
        >>> layer.clamp_step_size()
        >>> parameter.data
        tensor(1.5000, dtype=torch.float64)
        """
        if self._step_size is not None:
            clamp_step_size_(self._step_size, self.low, self.high)

    def forward(
        self, energy: Energy, k: int | Tensor | None = None, start: Tensor | None = None
    ) -> Tensor:
        """Return y_k.

        Parameters
        ----------
        energy : Energy
            Energies of n samples in d dimensions.
        k : int, Tensor of int of shape (n,) or (n, 1), or None, default=None
            Another number of steps than the layer's own.
        start : Tensor of shape (n, d) or (d,), or None, default=None
            Where the steps begin, in the units of y; None is 0. It is differentiated too. With a
            set as penalty it is projected onto it.

        Returns
        -------
        Tensor of shape (n, d)
            In the dtype of the energy and the units of y.

        Raises
        ------
        TypeError
            If ``k`` holds anything but whole numbers, or ``start`` is no floating point tensor.
        ValueError
            If the penalty does not go with the number of outputs, or its set is empty; if ``k``
            is negative, of a shape that does not go with the samples, or above the step
            sizes where each iteration has its own; if ``start`` does not broadcast against y; if
            the energy does not provide what the algorithm needs.

        Examples
        --------
        >>> from sklearn_reasoning.energies import DiagonalQuadratic
        >>> layer = ReasoningLayer("gd", k=1, mu=0.5, step_size=1.0, learn_step_size=False)
        >>> energy = DiagonalQuadratic(torch.full((2, 1), 0.5), torch.ones(2, 1))
        >>> layer(energy, k=torch.tensor([1, 2]))
        tensor([[-1.0000],
                [-1.5000]])
        >>> layer(energy, start=energy.minimizer())
        tensor([[-2.],
                [-2.]])
        """
        steps, zeros = self.k if k is None else check_steps(k), energy.zeros()
        if isinstance(steps, Tensor):
            steps = _per_sample(steps, zeros)
        if start is not None:
            start = _checked_start(start, zeros)
        self._check_penalty(zeros.shape[-1])
        problem = Problem(energy, self.mu, self.L, self.penalty, start)
        return minimize(self.algorithm, problem, steps, self._phi(zeros))

    def _check_penalty(self, d: int) -> None:
        """Refuse a penalty that does not go with d outputs, once: it reads tensors."""
        penalty, checked = self.penalty, self._checked
        if penalty is None or (checked is not None and checked[0] is penalty and checked[1] == d):
            return
        if not under_transform():
            penalty.check(d)
            self._checked = penalty, d

    def _phi(self, like: Tensor) -> Any:
        if self._step_size is not None:
            step_size = self.step_size
            assert step_size is not None
            step_size = step_size.to(like.dtype)
            return PerIteration(tuple(step_size)) if self.per_iteration else step_size
        if not self.weights:
            self._make_weights(like.shape[-1], like)
        # The layer computes in the dtype of the energy, whatever the weights are kept in.
        return {name: weight.to(like.dtype) for name, weight in self.weights.items()} or None

    def _make_weights(self, d: int, like: Tensor | None) -> None:
        for name, value in self.algorithm.initial_weights(d, self.mu, self.L).items():
            if like is not None:
                value = value.to(like)
            self.weights[name] = nn.Parameter(value)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "ReasoningLayer":
        # layer.float() must not round the step size: it is compared with its range.
        exact = None if self._step_size is None else self._step_size.detach().clone()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if exact is not None and self._step_size is not None:
            grad = self._step_size.grad
            self._step_size.grad = None
            self._step_size.data = exact.to(self._step_size.device)
            if grad is not None:
                self._step_size.grad = grad.to(exact.dtype)
        return self

    def extra_repr(self) -> str:
        """Return what ``repr`` shows.

        Returns
        -------
        str
            The algorithm, k and the bounds of the spectrum.

        Examples
        --------
        >>> ReasoningLayer("cg", k=3)
        ReasoningLayer(
          ConjugateGradient(), k=3, mu=0.1, L=1.0
          (weights): ParameterDict()
        )
        """
        return f"{self.algorithm!r}, k={self.k}, mu={self.mu}, L={self.L}"


def _per_sample(k: Tensor, like: Tensor) -> Tensor:
    """Return k with an axis for the d outputs, or say that it does not fit the samples."""
    samples = like.shape[:-1]
    if k.ndim == like.ndim and k.shape[-1] == 1:
        k = k.squeeze(-1)  # the axis is there already
    if not broadcasts_to(k.shape, samples):
        raise ValueError(
            f"k of shape {tuple(k.shape)} does not go with energies of shape {tuple(samples)}; "
            "it has one entry a sample."
        )
    return k.to(like.device).unsqueeze(-1)


def _checked_start(start: Tensor, like: Tensor) -> Tensor:
    """Return the start in the dtype of the energy, or say that it does not fit the samples."""
    if not isinstance(start, Tensor):
        raise TypeError(f"start must be a torch.Tensor, got {type(start).__name__}.")
    if not start.is_floating_point():
        raise TypeError(f"start must have a floating point dtype, got {start.dtype}.")
    if not broadcasts_to(start.shape, like.shape):
        raise ValueError(
            f"start of shape {tuple(start.shape)} does not go with energies of shape "
            f"{tuple(like.shape)}."
        )
    return start.to(like)
