"""What a net trains: models of one kind, side by side."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_reasoning._polynomials import StepCounts, Steps
from sklearn_reasoning.algorithms import Algorithm, PerIteration, Problem
from sklearn_reasoning.layer import clamp_step_size_, minimize

from ._settings import ModelSettings


class Model(nn.Module, ABC):
    """Models that differ in weights, step sizes and k, evaluated as one tensor program.

    A kind of model is a subclass: it draws its initial weights, makes a problem of a batch, and
    reads its prediction off the last iterate. All else is here and in the net, which makes it by
    ``kind(architecture=..., k=..., n_sizes=..., dtype=...)`` and finds the first again in its
    ``architecture``.

    Parameters
    ----------
    algorithm : Algorithm
    mu, L : float
        Bounds of the spectrum.
    k : tuple of int
        Number of steps of each model.
    n_sizes : int
        Number of step sizes of a model: 1, or one for each of the k iterations (all models then
        have the same k). Algorithms without a step size have none, whatever it is.

    Attributes
    ----------
    criterion : type
        What gives the loss of each model for a prediction and its batch, made of the models' kinds
        of loss; its ``is_squared`` says of each whether it is in the square of ``loss_units``.
    n_axes : int
        How many axes an energy has after that of the models.
    step_size : Parameter of shape (n_models,) or (n_models, n_sizes), float64, or None
        Kept in its range by :meth:`clamp_step_sizes`.
    """

    criterion: ClassVar[type[nn.Module]]
    n_axes: ClassVar[int] = 2

    steps: Tensor
    low: Tensor
    high: Tensor

    def __init__(
        self, algorithm: Algorithm, mu: float, L: float, k: Sequence[int], n_sizes: int
    ) -> None:
        super().__init__()
        self.algorithm, self.mu, self.L = algorithm, mu, L
        self.k = tuple(k)
        self.step_size: nn.Parameter | None = None
        initial = algorithm.initial_step_size(mu, L)
        if initial is not None:
            shape = [self.n_models] if n_sizes == 1 else [self.n_models, n_sizes]
            self.step_size = nn.Parameter(torch.full(shape, initial, dtype=torch.float64))
        # Part of no saved state: what the net's settings say.
        ends = torch.zeros(self.n_models, dtype=torch.float64)
        self.register_buffer("low", ends, persistent=False)
        self.register_buffer("high", ends + torch.inf, persistent=False)
        steps = torch.tensor(self.k).reshape(-1, *[1] * self.n_axes)
        self.register_buffer("steps", steps, persistent=False)
        self._step_counts = StepCounts(self.steps)

    @property
    def n_models(self) -> int:
        """Number of models."""
        return len(self.k)

    # ------------------------------------------------------------------ what a kind writes

    @abstractmethod
    def problem(self, batch: Any) -> tuple[Problem, Any]:
        """Return what the algorithm minimises on a batch, and its step sizes or weights.

        Parameters
        ----------
        batch : object
            Of the kind that the rows of the model yield.

        Returns
        -------
        problem : Problem
        phi : Tensor, PerIteration, dict of str to Tensor or None
        """

    @abstractmethod
    def draw_weights(self, model: int, seed: int) -> None:
        """Draw the initial weights of one model."""

    def readout(self, y: Tensor) -> Tensor:
        """Return the prediction, from the last iterate: here the iterate itself."""
        return y

    def decaying(self) -> Tensor | float:
        """Return 1 for weights that decay and 0 for others, to be multiplied with the rates."""
        return 1.0

    def never_decaying(self) -> list[Tensor]:
        """Return the parameters, beside step sizes, that no decay is for."""
        return []

    def loss_units(self) -> np.ndarray[Any, Any]:
        """Return the unit in which the loss of each model is measured."""
        return np.ones(self.n_models)

    def adjoint(self, criterion: nn.Module) -> Any:
        """Return what takes gradients without autograd for a criterion; here None.

        Its ``step(batch)`` sets the gradients of the parameters and returns the losses, of shape
        (n_models,), and a function that returns the predictions.
        """
        return None

    # ------------------------------------------------------------------ what all have

    def with_numbers(self, change: Callable[[Tensor], Tensor]) -> Self:
        """Return a module of the same structure around what a function makes of each tensor.

        ``deepcopy`` takes longer than the prediction of a small model.
        """
        twin = copy.copy(self)
        for kind in ("_parameters", "_buffers"):
            tensors = vars(self)[kind].items()
            changed = {name: None if old is None else change(old.detach()) for name, old in tensors}
            vars(twin)[kind] = changed
        return twin

    def forward(self, batch: Any, k: int | None = None) -> Tensor:
        """Return the predictions.

        Parameters
        ----------
        batch : object
            As for :meth:`problem`.
        k : int or None, default=None
            Another number of steps for all models.
        """
        return self.solve(*self.problem(batch), k)

    def solve(self, problem: Problem, phi: Any, k: int | None = None) -> Tensor:
        """Return the predictions for a problem that is made already.

        Parameters
        ----------
        problem : Problem
        phi : Tensor, PerIteration, dict of str to Tensor or None
        k : int or None, default=None
            As for :meth:`forward`.
        """
        return self.readout(minimize(self.algorithm, problem, self.number_of_steps(k), phi))

    def number_of_steps(self, k: int | None = None) -> Steps:
        """Return k, or the models' own numbers of steps."""
        if k is not None:
            return k
        if len(set(self.k)) == 1:
            return self.k[0]
        if self._step_counts.k is not self.steps:  # moved to another device
            self._step_counts = StepCounts(self.steps)
        return self._step_counts

    def set_step_sizes(self, models: Sequence[ModelSettings]) -> None:
        """Set step sizes and their ranges to those of the models' settings."""
        self.low, self.high = (
            self.low.new_tensor([model.step_size_range[end] for model in models]) for end in (0, 1)
        )
        if self.step_size is not None:
            sizes = self.step_size.new_tensor([model.step_size for model in models])
            self.step_size.data = sizes.reshape(self.step_size.shape)

    def clamp_step_sizes(self) -> None:
        """Put the step sizes back into their ranges, after a step of the optimiser."""
        if self.step_size is not None:
            clamp_step_size_(self.step_size, self.low, self.high)

    def phi(self, dtype: torch.dtype) -> Any:
        """Return the step sizes as an algorithm takes them; None without any."""
        if self.step_size is None:
            return None
        step_size = self.step_size.to(dtype)
        if step_size.ndim > 1:
            each = step_size.reshape(*step_size.shape, *[1] * self.n_axes)
            return PerIteration(tuple(each.unbind(1)))
        return step_size.reshape(-1, *[1] * self.n_axes)

    def learned(self) -> Any:
        """Return the step size, or the step sizes, of a single model; None without any."""
        if self.step_size is None:
            return None
        sizes = self.step_size.detach()[0].cpu()
        return PerIteration(tuple(sizes.tolist())) if sizes.ndim else float(sizes)
