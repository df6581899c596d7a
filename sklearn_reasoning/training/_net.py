"""The skorch net that trains models of every kind."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from skorch import NeuralNet
from skorch.history import History
from torch import Tensor, nn

from ._callbacks import BestSoFar, copies, epoch_log
from ._checkpoints import own_folders
from ._compaction import Compaction
from ._history import history_from_columns, history_to_columns
from ._interrupts import interrupts
from ._model import Model
from ._optimizers import OPTIMIZERS, StackAdam, StackOptimizer
from ._progress import Progress
from ._settings import ModelSettings

_Array = np.ndarray[Any, Any]


class ModelNet(NeuralNet):
    """A skorch net whose module is a stack of models, trained side by side.

    The loop keeps skorch's events and history and leaves out what makes small models slow:
    data loaders, per-batch history, default callbacks.

    Parameters
    ----------
    module, criterion, optimizer
        As for skorch; the module is a :class:`Model`.
    models : tuple of ModelSettings
        The settings of each model.
    **kwargs
        skorch's parameters.
    """

    # What else holds tensors: skorch moves it to the device that a pickle is loaded on.
    cuda_dependent_attributes_: ClassVar[list[str]] = ["optimizer_"]

    def __init__(
        self,
        module: type[nn.Module],
        criterion: type[nn.Module] | nn.Module,
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
        per_iteration = vars(self).get("module__n_sizes", 1) != 1
        return epoch_log(["step_size"] if per_iteration else None) if self.verbose else []

    def initialize_module(self) -> ModelNet:
        """Make the module, with the step sizes of the settings."""
        super().initialize_module()
        self.module_.set_step_sizes(self.models)
        return self

    def initialize_optimizer(self, *args: Any, **kwargs: Any) -> ModelNet:
        """Give every model its own rate and decay; step sizes do not decay."""
        step_size = self.module_.step_size
        kept = self.module_.never_decaying()
        apart = [step_size, *kept]
        weights = [p for p in self.module_.parameters() if all(p is not other for other in apart)]
        groups = []
        if kept:
            rate = _column([model.lr for model in self.models], kept[0].new_zeros(()))
            groups.append({"params": kept, "lr": rate, "weight_decay": None})
        if weights:
            # Parameters that have a row for each model can have a rate for each.
            like = weights[0] if len(weights) == 1 else weights[0].new_zeros(())
            decays = [model.weight_decay or 0.0 for model in self.models]
            groups.append(
                {
                    "params": weights,
                    "lr": _column([model.lr for model in self.models], like),
                    "weight_decay": self.module_.decaying() * _column(decays, like)
                    if any(decays)
                    else None,
                }
            )
        if step_size is not None:
            learned = [model.lr * model.learn_step_size for model in self.models]
            step_size.requires_grad_(any(learned))
            groups.append(
                {"params": [step_size], "lr": _column(learned, step_size), "weight_decay": None}
            )
        self.optimizer_ = self.optimizer(groups)
        return self

    def go_on_from(self, before: ModelNet) -> None:
        """Take over copies of weights, history and the moments of the optimiser of a net.

        Its own rates, ranges, numbers of steps, losses and callbacks stay.
        """
        self.module_.load_state_dict(before.module_.state_dict())
        self.module_.clamp_step_sizes()
        self.optimizer_.state = copy.deepcopy(before.optimizer_.state)
        self.history_: History = copy.copy(before.history)

    # ------------------------------------------------------------------ training

    def fit_loop(
        self,
        X: Any,
        y: Any = None,
        epochs: int | None = None,
        watch: Any = None,
        compact: bool = False,
        **fit_params: Any,
    ) -> ModelNet:
        """Train for some epochs.

        Parameters
        ----------
        X : Dataset
            Training rows: ``epoch(number)`` yields the batches of an epoch, each with a ``count``,
            ``counts(number)`` is their sum for each model.
        y : Dataset or None
            Validation rows; they must be given where a model stops early.
        epochs : int or None
            Number of epochs; None is the largest ``max_epochs`` of the models.
        watch : object or None
            Its ``begin_epoch()`` and ``end_epoch(net)`` are called; the latter returns whether
            to stop.
        compact : bool, default=False
            Whether regression models that are done leave the stack. Their history then holds
            NaN. Without callbacks and ``watch``.

        Notes
        -----
        A model whose loss becomes infinite or NaN is marked in ``progress_.diverged``.
        """
        progress = self.progress_ = Progress(self.models, self.module_)
        adjoint = self.module_.adjoint(self.criterion_)
        self.n_steps_, first = 0, len(self.history)
        # Where the models stand in the history, and among how many; None once and for all.
        self.places_: tuple[_Array, int] | None = None
        best = BestSoFar(self.history) if self.callbacks else None
        if epochs is None:
            epochs = max(model.max_epochs for model in self.models)
        data = {"dataset_train": X, "dataset_valid": y}
        compaction = Compaction(self) if compact else None
        with interrupts(bool(self.callbacks_)) as interrupted:
            for epoch in range(first, first + epochs):
                if watch is not None:
                    watch.begin_epoch()
                self.notify("on_epoch_begin", **data)
                began = time.perf_counter()
                if not progress.rates_fall_by_step:
                    self.rates_ = progress.set_rates(self.optimizer_, epoch - first)
                # The loss of a single batch is that of the parameters before its step.
                measured = self._copy() if X.n_batches == 1 and y is None else None
                losses = self._train_epoch(X, epoch, adjoint)
                validation = None if y is None else self._evaluate(y)
                progress.record(self.module_, losses, validation, measured)
                self._record(losses, validation, time.perf_counter() - began)
                if compaction is not None:
                    X, y = compaction.after_epoch(X, y)
                    if self.progress_ is not progress:
                        progress = self.progress_
                        adjoint = self.module_.adjoint(self.criterion_)
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
        if compaction is not None:
            compaction.restore()
        self.progress_.restore(self.module_)
        return self

    def _copy(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.module_.parameters()]

    def _train_epoch(self, rows: Any, epoch: int, adjoint: Any) -> _Array:
        total: Tensor | float = 0.0
        for batch in rows.epoch(epoch):
            if self.progress_.rates_fall_by_step:
                self.rates_ = self.progress_.set_rates(self.optimizer_, self.n_steps_)
            self._notify_step("on_batch_begin", batch=batch, training=True)
            losses, predictions = self._step(batch, adjoint)
            self.n_steps_ += 1
            total = total + losses * batch.count
            if self.callbacks_:
                step = {"loss": losses.sum(), "losses": losses, "y_pred": predictions()}
                self.notify("on_batch_end", batch=batch, training=True, **step)
        return _mean(total, rows.counts(epoch))

    def _notify_step(self, event: str, **details: Any) -> None:
        if self.callbacks_:  # skorch's notify costs as much as a small operation
            self.notify(event, **details)

    def _step(self, batch: Any, adjoint: Any) -> tuple[Tensor, Callable[[], Tensor]]:
        """Take one step of the optimiser, and put the step sizes back into their range.

        Returns the losses before it, and a function that returns the predictions.
        """
        self.optimizer_.zero_grad()
        if adjoint is not None:
            losses, predictions = adjoint.step(batch)
        else:
            prediction = self.module_(batch)
            losses, predictions = self.criterion_(prediction, batch), prediction.detach
            if not losses.requires_grad:  # k = 0 from a fixed start: nothing to learn
                return losses, predictions
            # Not with ones for the gradient: checking their shapes makes torch import its compiler.
            losses.sum().backward()
        self._notify_step("on_grad_computed", named_parameters=self.module_.named_parameters())
        self.optimizer_.step()
        self.module_.clamp_step_sizes()
        return losses.detach(), predictions

    def _evaluate(self, rows: Any) -> _Array:
        total: Tensor | float = 0.0
        with torch.no_grad():
            for batch in rows.epoch(0):
                total = total + self.criterion_(self.module_(batch), batch) * batch.count
        return _mean(total, rows.counts(0))

    # ------------------------------------------------------------------ history

    def _record(self, losses: _Array, validation: _Array | None, seconds: float) -> None:
        module = self.module_
        # Losses are in units, squared for the squared loss.
        units = module.loss_units() ** np.where(self.criterion_.is_squared, 2, 1)
        if self.progress_.rates_fall_by_step:
            self.history.record("steps", self.n_steps_)
        self._record_each("train_loss", losses * units)
        if validation is not None:
            self._record_each("valid_loss", validation * units)
        self._record_each("lr", self.rates_)
        if module.step_size is not None:
            self._record_each("step_size", module.step_size.detach().cpu().numpy())
        self.history.record("dur", seconds)

    def _record_each(self, key: str, values: _Array) -> None:
        """Record a value for each model, NaN for those that have left the stack."""
        if self.places_ is not None:
            places, n_models = self.places_
            present, values = values, np.full((n_models, *values.shape[1:]), np.nan)
            values[places] = present
        self.history.record(key, _scalar(values))

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
        for transient in ("progress_", "rates_", "places_"):
            state.pop(transient, None)
        # Callbacks may hold what they saw of the data; the estimator has its own.
        state |= {"callbacks": None, "callbacks_": []}
        return {**state, "_history": self.history_columns()}


def build_net(
    kind: type[Model],
    architecture: Any,
    models: Sequence[ModelSettings],
    dtype: torch.dtype,
    device: Any = "cpu",
    callbacks: Any = None,
    verbose: int = 0,
    *,
    criterion: nn.Module | None = None,
) -> ModelNet:
    """Return an initialised net whose weights are all zero.

    Parameters
    ----------
    kind : type
        The kind of model.
    architecture : object
        What the kind is made of.
    models : sequence of ModelSettings
        All with the same optimiser.
    dtype : torch.dtype
    device : str or torch.device
    callbacks : list or None
        skorch callbacks.
    verbose : int
    criterion : nn.Module or None, default=None
        What gives each model's loss; None is the models' own.
    """
    # skorch hands the settings of a criterion to a class only.
    losses = {"criterion__losses": tuple(model.loss for model in models)}
    net = ModelNet(
        module=kind,
        criterion=kind.criterion if criterion is None else criterion,
        **(losses if criterion is None else {}),
        module__architecture=architecture,
        module__k=tuple(model.k for model in models),
        module__n_sizes=len(models[0].step_size),
        module__dtype=dtype,
        optimizer=OPTIMIZERS[models[0].optimizer],
        models=tuple(models),
        callbacks=copies(callbacks),
        device=device,
        verbose=verbose,
    )
    return net.initialize()


def train(net: ModelNet, rows: Any, validation: Any = None, **options: Any) -> None:
    """Train a net that was built, with skorch's events around it.

    Parameters
    ----------
    net : ModelNet
    rows, validation, **options
        As for :meth:`ModelNet.fit_loop`.
    """
    with own_folders(net, [callback for _, callback in net.callbacks_]):
        net.notify("on_train_begin", X=rows, y=validation)
        net.fit_loop(rows, validation, **options)
        net.notify("on_train_end", X=rows, y=validation)


def _column(values: list[float], like: Tensor) -> Tensor:
    """Return one value for each model, to broadcast against a parameter; or one for all."""
    if like.ndim == 0:
        (value,) = set(values)
        return like.new_tensor(value)
    return like.new_tensor(values).reshape(-1, *[1] * (like.ndim - 1))


def _mean(total: Any, counts: _Array) -> _Array:
    mean: _Array = total.to(torch.float64).cpu().numpy() / counts
    return mean


def _scalar(values: _Array) -> Any:
    """Return a number or an array for a stack of one, and one for each model otherwise."""
    if values.size == 1:
        return values.item()
    return values[0].copy() if len(values) == 1 else values.copy()
