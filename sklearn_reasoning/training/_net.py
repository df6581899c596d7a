"""The skorch net that trains a stack."""

from __future__ import annotations

import copy
import time
from typing import Any, ClassVar

import numpy as np
import torch
from skorch import NeuralNet
from skorch.history import History
from torch import Tensor, nn

from ._batches import Batch, StackRows
from ._callbacks import BestSoFar, epoch_log
from ._history import history_from_columns, history_to_columns
from ._interrupts import interrupts
from ._loss import StackLoss
from ._optimizers import StackAdam, StackOptimizer
from ._progress import Progress
from ._settings import ModelSettings
from ._stack import ReasoningStack

_Array = np.ndarray[Any, Any]


class StackNet(NeuralNet):
    """A skorch net whose module is a stack of models, trained side by side.

    The loop keeps skorch's events and history and leaves out what makes small models slow:
    data loaders, per-batch history, default callbacks.

    Parameters
    ----------
    module, criterion, optimizer
        As for skorch; defaults are the stack's own.
    models : tuple of ModelSettings
        The settings of each model.
    **kwargs
        skorch's parameters.
    """

    # What else holds tensors: skorch moves these to the device that a pickle is loaded on.
    cuda_dependent_attributes_: ClassVar[list[str]] = ["optimizer_", "_low", "_high"]

    def __init__(
        self,
        module: type[nn.Module] = ReasoningStack,
        criterion: type[nn.Module] | nn.Module = StackLoss,
        optimizer: type[StackOptimizer] = StackAdam,
        *,
        models: tuple[ModelSettings, ...] = (),
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("train_split", None)
        super().__init__(module, criterion, optimizer=optimizer, **kwargs)
        self.models = models

    @property
    def _default_callbacks(self) -> list[Any]:
        # An array for each epoch would break the table's lines.
        per_iteration = vars(self).get("module__step_size_per_iteration", False)
        return epoch_log(["step_size"] if per_iteration else None) if self.verbose else []

    def initialize_optimizer(self, *args: Any, **kwargs: Any) -> StackNet:
        """Give every model its own rate and decay; step sizes do not decay."""
        weights, step_size = self.module_.weights, self.module_.step_size

        def column(values: list[float], like: Tensor) -> Tensor:
            return like.new_tensor(values).reshape(-1, *[1] * (like.ndim - 1))

        rates = [model.lr for model in self.models]
        decays = [model.weight_decay for model in self.models]
        groups = [
            {
                "params": [weights],
                "lr": column(rates, weights),
                "weight_decay": column(decays, weights) if any(decays) else None,
            }
        ]
        if step_size is not None:
            learned = [model.lr * model.learn_step_size for model in self.models]
            step_size.requires_grad_(any(learned))
            groups.append(
                {"params": [step_size], "lr": column(learned, step_size), "weight_decay": None}
            )
            ends = [model.step_size_range for model in self.models]
            self._low = column([low for low, _ in ends], step_size)
            self._high = column([high for _, high in ends], step_size)
        self.optimizer_ = self.optimizer(groups)
        return self

    def go_on_from(self, before: StackNet) -> None:
        """Take over copies of weights, history and the moments of the optimiser of a net.

        Its own rates, ranges, numbers of steps, losses and callbacks stay.
        """
        self.module_.load_state_dict(before.module_.state_dict())
        self.clamp_step_sizes()
        self.optimizer_.state = copy.deepcopy(before.optimizer_.state)
        self.history_: History = copy.copy(before.history)

    # ------------------------------------------------------------------ training

    def fit_loop(
        self,
        X: StackRows,
        y: StackRows | None = None,
        epochs: int | None = None,
        watch: Any = None,
        **fit_params: Any,
    ) -> StackNet:
        """Train for some epochs.

        Parameters
        ----------
        X : StackRows
            Training rows.
        y : StackRows or None
            Validation rows; they must be given where a model stops early.
        epochs : int or None
            Number of epochs; None is the largest ``max_epochs`` of the models.
        watch : object or None
            Its ``begin_epoch()`` and ``end_epoch(net)`` are called; the latter returns whether
            to stop.

        Notes
        -----
        A model whose loss becomes infinite or NaN is marked in ``progress_.diverged``.
        """
        progress = self.progress_ = Progress(self.models, self.module_)
        first = len(self.history)
        best = BestSoFar(self.history) if self.callbacks else None
        if epochs is None:
            epochs = max(model.max_epochs for model in self.models)
        data = {"dataset_train": X, "dataset_valid": y}
        with interrupts(bool(self.callbacks_)) as interrupted:
            for epoch in range(first, first + epochs):
                if watch is not None:
                    watch.begin_epoch()
                self.notify("on_epoch_begin", **data)
                began = time.perf_counter()
                self.rates_ = progress.set_rates(self.optimizer_, epoch - first)
                # The loss of a single batch is that of the parameters before its step.
                measured = self._copy() if X.n_batches == 1 and y is None else None
                losses = self._train_epoch(X, epoch)
                validation = None if y is None else self._evaluate(y)
                progress.record(self.module_, losses, validation, measured)
                self._record(losses, validation, time.perf_counter() - began)
                if best is not None:
                    best.record(self.history)
                stopped = False
                try:
                    self.notify("on_epoch_end", **data)
                except KeyboardInterrupt:
                    # skorch's callbacks end training this way; so does a user who wants out.
                    if interrupted():
                        raise
                    stopped = True
                if watch is not None:
                    stopped |= watch.end_epoch(self)
                if stopped or progress.finished:
                    break
        progress.restore(self.module_)
        return self

    def _copy(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.module_.parameters()]

    def _train_epoch(self, rows: StackRows, epoch: int) -> _Array:
        total: Tensor | float = 0.0
        for batch in rows.epoch(epoch):
            self._notify_step("on_batch_begin", batch=batch, training=True)
            step = self.train_step(batch)
            total = total + step["losses"] * batch.count
            self._notify_step("on_batch_end", batch=batch, training=True, **step)
        return _mean(total, rows)

    def _notify_step(self, event: str, **details: Any) -> None:
        if self.callbacks_:  # skorch's notify costs as much as a small operation
            self.notify(event, **details)

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Tensor]:
        """Take one step of the optimiser, and put the step sizes back into their range."""
        self.optimizer_.zero_grad(set_to_none=True)
        prediction = self.module_(batch.x, batch.b, batch.rotation)
        losses = self.criterion_(prediction, batch)
        if losses.requires_grad:  # not for k = 0 with b given: nothing to learn
            # Not with ones for the gradient: checking their shapes makes torch import its compiler.
            losses.sum().backward()
            self._notify_step("on_grad_computed", named_parameters=self.module_.named_parameters())
            self.optimizer_.step()
            self.clamp_step_sizes()
        losses = losses.detach()
        return {"loss": losses.sum(), "losses": losses, "y_pred": prediction.detach()}

    @torch.no_grad()
    def clamp_step_sizes(self) -> None:
        """Put the step sizes back into their ranges."""
        if self.module_.step_size is not None:
            self.module_.step_size.clamp_(self._low, self._high)

    def _evaluate(self, rows: StackRows) -> _Array:
        total: Tensor | float = 0.0
        with torch.no_grad():
            for batch in rows.epoch(0):
                prediction = self.module_(batch.x, batch.b, batch.rotation)
                total = total + self.criterion_(prediction, batch) * batch.count
        return _mean(total, rows)

    # ------------------------------------------------------------------ history

    def _record(self, losses: _Array, validation: _Array | None, seconds: float) -> None:
        module = self.module_
        # Losses are in units, squared for the squared loss.
        units = module.unit.cpu().numpy() ** np.where(self.criterion_.is_squared, 2, 1)
        self.history.record("train_loss", _scalar(losses * units))
        if validation is not None:
            self.history.record("valid_loss", _scalar(validation * units))
        self.history.record("lr", _scalar(self.rates_))
        if module.step_size is not None:
            self.history.record("step_size", _scalar(module.step_size.detach().cpu().numpy()))
        self.history.record("dur", seconds)

    @property
    def history_(self) -> Any:
        """The history; one that was stored is made of its columns when first asked for."""
        held = self.__dict__["_history"]
        if isinstance(held, dict):
            held = self.__dict__["_history"] = history_from_columns(held)
        return held

    @history_.setter
    def history_(self, history: History | dict[str, _Array] | None) -> None:
        self.__dict__["_history"] = history

    def history_columns(self) -> dict[str, _Array]:
        """Return the history as arrays over the epochs, one a key."""
        held = self.__dict__["_history"]
        return held if isinstance(held, dict) else history_to_columns(held or ())

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        for transient in ("progress_", "rates_"):
            state.pop(transient, None)
        # Callbacks may hold what they saw of the data; the estimator has its own.
        state |= {"callbacks": None, "callbacks_": []}
        return {**state, "_history": self.history_columns()}


def _mean(total: Any, rows: StackRows) -> _Array:
    mean: _Array = total.to(torch.float64).cpu().numpy() / np.array(rows.counts)
    return mean


def _scalar(values: _Array) -> Any:
    """Return a number or an array for a stack of one, and one for each model otherwise."""
    if values.size == 1:
        return values.item()
    return values[0].copy() if len(values) == 1 else values.copy()
