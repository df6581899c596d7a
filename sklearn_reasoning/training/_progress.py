"""How far each model of a stack is: rates, best parameters, early stopping, divergence."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._model import Model
from ._optimizers import StackOptimizer
from ._settings import ModelSettings

_Array = np.ndarray[Any, Any]


# The share of a training in which the rate of "one_cycle" rises.
_RISE = 0.3


def _cosine(done: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * done))


def _one_cycle(done: float) -> float:
    """Return a rate that rises and falls as cosines do (Smith and Topin 2019)."""
    return _cosine(1.0 - done / _RISE) if done < _RISE else _cosine((done - _RISE) / (1.0 - _RISE))


# The rate of each schedule, over the first one, by the share of a training that is done.
_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": _cosine,
    "one_cycle": _one_cycle,
}


class Progress:
    """The state of training of each model, in arrays of length n_models.

    A model that has stopped or diverged may go on being computed, since it shares its tensors
    with the others; what is kept of it no longer changes. ``n_iter`` counts the epochs that each
    was trained for; ``rates_fall_by_step`` is whether rates change from one step of the optimiser
    to the next, and not by epochs.
    """

    def __init__(self, models: tuple[ModelSettings, ...], module: Model) -> None:
        n_models = len(models)
        self._n_models = n_models
        schedules = [(m.lr_schedule, m.max_steps or m.max_epochs) for m in models]
        self._schedules = list(dict.fromkeys(schedules))
        self._schedule_of = np.array([self._schedules.index(each) for each in schedules])
        self._rates = np.array([model.lr for model in models])
        self.rates_fall_by_step = models[0].max_steps is not None
        self._max_epochs = np.array([model.max_epochs for model in models])
        self._keeps_last = np.array([model.keep == "last" for model in models])
        self._patience = np.array(
            [math.inf if model.patience is None else model.patience for model in models]
        )
        self._enough = np.array([max(1.0 - model.tol, 0.0) for model in models])
        self._best = np.full(n_models, math.inf)
        # Finite, because infinity times 0 is NaN where tol is 1.
        self._reference = np.full(n_models, np.finfo(np.float64).max)
        self._waited = np.zeros(n_models, dtype=np.int64)
        self.active = np.ones(n_models, dtype=bool)
        self._kept = [parameter.detach().clone() for parameter in module.parameters()]
        self.n_iter = np.zeros(n_models, dtype=np.int64)
        self.diverged = np.zeros(n_models, dtype=bool)

    def set_rates(self, optimizer: StackOptimizer, number: int) -> _Array:
        """Set the learning rates of an epoch, or of a step, counted from 0, and return them."""
        # Few schedules, many models.
        of_each = {
            (kind, last): _SCHEDULES[kind](min(number / last, 1.0))
            for kind, last in self._schedules
        }
        factors = np.array(list(of_each.values()))[self._schedule_of]
        if not (factors == 1.0).all():
            for group in optimizer.param_groups:
                initial = group["initial_lr"]
                factor = torch.as_tensor(factors, dtype=initial.dtype, device=initial.device)
                # One rate for all models has no axes, and one factor for all.
                shape = (-1, *[1] * (initial.ndim - 1)) if initial.ndim else ()
                group["lr"] = initial * factor[: None if shape else 1].reshape(shape)
        return factors * self._rates

    def record(
        self,
        module: Model,
        losses: _Array,
        validation: _Array | None,
        measured: Sequence[Tensor] | None = None,
    ) -> None:
        """Take note of an epoch's losses and keep the parameters that are to be kept.

        The losses are of shape (n_models,) and the module has the parameters after the epoch;
        ``measured`` are those that the losses belong to, where they are not the module's.
        """
        watched = losses if validation is None else validation
        finite = np.isfinite(watched) & np.isfinite(losses)
        self.diverged |= self.active & ~finite
        self.active &= finite
        self.n_iter += self.active
        improved = self.active & (watched < self._best)
        self._best = np.where(improved, watched, self._best)
        self._keep(improved & ~self._keeps_last, measured or module.parameters())
        self._keep(self.active & self._keeps_last, module.parameters())
        progressed = watched < self._reference * self._enough
        self._reference = np.where(progressed, watched, self._reference)
        self._waited = np.where(progressed, 0, self._waited + 1)
        self.active &= (self._waited < self._patience) & (self.n_iter < self._max_epochs)

    @torch.no_grad()
    def _keep(self, which: _Array, parameters: Iterable[Tensor]) -> None:
        if not which.any():
            return
        for kept, parameter in zip(self._kept, parameters, strict=True):
            if which.all():
                kept.copy_(parameter)
            else:
                rows = torch.from_numpy(which).to(kept.device).unsqueeze(-1)
                old, new = (values.reshape(self._n_models, -1) for values in (kept, parameter))
                kept.copy_(torch.where(rows, new, old).reshape(kept.shape))

    @property
    def finished(self) -> bool:
        """Whether no model is left to train."""
        return not self.active.any()

    def taken(self, models: _Array) -> Progress:
        """Return the progress of some of the models."""
        some = copy.copy(self)
        some._n_models = len(models)
        some._kept = [kept[torch.from_numpy(models).to(kept.device)] for kept in self._kept]
        vars(some).update({name: values[models] for name, values in self._arrays()})
        return some

    def put_back(self, some: Progress, models: _Array) -> None:
        """Take over what was noted of some of the models."""
        for kept, part in zip(self._kept, some._kept, strict=True):
            kept[torch.from_numpy(models).to(kept.device)] = part
        for name, values in some._arrays():
            vars(self)[name][models] = values

    def _arrays(self) -> list[tuple[str, _Array]]:
        return [item for item in vars(self).items() if isinstance(item[1], np.ndarray)]

    @torch.no_grad()
    def restore(self, module: Model) -> None:
        """Put the kept parameters into the module."""
        for kept, parameter in zip(self._kept, module.parameters(), strict=True):
            parameter.copy_(kept)
