"""The skorch net that trains a denoiser."""

from __future__ import annotations

import copy
import math
import time
from typing import Any, ClassVar

import torch
from skorch import NeuralNet
from torch import Tensor

from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.training._callbacks import BestSoFar, copies, epoch_log
from sklearn_reasoning.training._interrupts import interrupts
from sklearn_reasoning.training._optimizers import StackAdam

from ._module import DenoisingModule, PatchLoss
from ._patches import Patches
from ._rates import parameter_groups, set_rate
from ._settings import STEPS_PER_EPOCH, DenoiserArchitecture, DenoiserSettings


class DenoiserNet(NeuralNet):
    """A skorch net that trains on random patches, a fixed number of steps.

    Parameters
    ----------
    module, criterion, optimizer
        As for skorch; defaults are the denoiser's own.
    settings : DenoiserSettings
    **kwargs
        skorch's parameters.
    """

    # It holds tensors too: skorch moves it to the device that a pickle is loaded on.
    cuda_dependent_attributes_: ClassVar[list[str]] = ["optimizer_"]

    def __init__(
        self,
        module: type[DenoisingModule] = DenoisingModule,
        criterion: type[PatchLoss] = PatchLoss,
        optimizer: type[StackAdam] = StackAdam,
        *,
        settings: DenoiserSettings,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("train_split", None)
        super().__init__(module, criterion, optimizer=optimizer, **kwargs)
        self.settings = settings

    @property
    def _default_callbacks(self) -> list[Any]:
        return epoch_log() if self.verbose else []

    def initialize_optimizer(self, *args: Any, **kwargs: Any) -> DenoiserNet:
        """Let the weights decay, not the step size."""
        sizes = list(self.module_.layer.parameters())
        groups = parameter_groups(self.module_, sizes, self.settings)
        self.optimizer_ = self.optimizer(groups)
        return self

    def fit_loop(
        self,
        X: Patches,
        y: None = None,
        epochs: int | None = None,
        watch: Any = None,
        **fit_params: Any,
    ) -> DenoiserNet:
        """Train for the number of steps that the settings have.

        Stops where the loss becomes infinite or NaN. ``n_steps_`` counts the steps.

        Parameters
        ----------
        X : Patches
        y : None
        epochs : None
            Not used: the rate is planned over all steps.
        watch : object or None
            Its ``begin_epoch()`` and ``end_epoch(net)`` are called; the latter returns whether
            to stop.
        """
        settings, self.n_steps_ = self.settings, 0
        best = BestSoFar(self.history) if self.callbacks else None
        data = {"dataset_train": X, "dataset_valid": None}
        with interrupts(bool(self.callbacks_)) as interrupted:
            while self.n_steps_ < settings.max_steps:
                if watch is not None:
                    watch.begin_epoch()
                self.notify("on_epoch_begin", **data)
                began = time.perf_counter()
                loss = self._train(X, min(STEPS_PER_EPOCH, settings.max_steps - self.n_steps_))
                self._record(loss, time.perf_counter() - began)
                if best is not None:
                    best.record(self.history)
                stopped = not math.isfinite(loss)
                try:
                    self.notify("on_epoch_end", **data)
                except KeyboardInterrupt:
                    # skorch's callbacks end training this way; so does a user who wants out.
                    if interrupted():
                        raise
                    stopped = True
                if watch is not None:
                    stopped |= watch.end_epoch(self)
                if stopped:
                    break
        return self

    def _train(self, patches: Patches, n_steps: int) -> float:
        """Take some steps and return their mean loss."""
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for _ in range(n_steps):
            batch = patches.draw()
            self.rate_ = set_rate(self.optimizer_, self.settings, self.n_steps_)
            self._notify_step("on_batch_begin", batch=batch, training=True)
            step = self.train_step(batch)
            total += step["loss"]
            self.n_steps_ += 1
            self._notify_step("on_batch_end", batch=batch, training=True, **step)
        return float(total) / n_steps

    def _notify_step(self, event: str, **details: Any) -> None:
        if self.callbacks_:
            self.notify(event, **details)

    def train_step(self, batch: tuple[Tensor, Tensor], **fit_params: Any) -> dict[str, Tensor]:
        """Take one step of the optimiser, and put the step size back into its range."""
        noisy, clean = batch
        dtype = torch.bfloat16 if self.settings.mixed_precision else torch.float32
        self.optimizer_.zero_grad(set_to_none=True)
        restored = self.module_(noisy, dtype=dtype)
        loss = self.criterion_(restored, clean)
        if loss.requires_grad:  # not for k = 0: nothing to learn
            loss.backward()
            self._notify_step("on_grad_computed", named_parameters=self.module_.named_parameters())
            self.optimizer_.step()
            self.module_.layer.clamp_step_size()
        return {"loss": loss.detach(), "y_pred": restored.detach()}

    def __getstate__(self) -> dict[str, Any]:
        # Callbacks may hold what they saw of the data; the estimator has its own.
        return {**super().__getstate__(), "callbacks": None, "callbacks_": []}

    def _record(self, loss: float, seconds: float) -> None:
        self.history.record("steps", self.n_steps_)
        self.history.record("train_loss", loss)
        self.history.record("lr", self.rate_)
        step_size = self.module_.layer.step_size
        if step_size is not None:
            self.history.record("step_size", float(step_size.detach()))
        self.history.record("dur", seconds)


def build_net(
    architecture: DenoiserArchitecture,
    settings: DenoiserSettings,
    loss: str,
    *,
    device: Any = "cpu",
    callbacks: list[Any] | None = None,
    verbose: int = 0,
) -> DenoiserNet:
    """Return an initialised net whose weights are all zero.

    Parameters
    ----------
    architecture : DenoiserArchitecture
    settings : DenoiserSettings
    loss : {"squared", "l2"}
    device : str or torch.device
    callbacks : list or None
        skorch callbacks.
    verbose : int
    """
    net = DenoiserNet(
        module__architecture=architecture,
        criterion__loss=loss,
        settings=settings,
        device=device,
        callbacks=copies(callbacks),
        verbose=verbose,
    )
    return net.initialize()


def train(net: DenoiserNet, patches: Patches, seed: int, watch: Any = None) -> None:
    """Draw the initial weights and train a net that was built.

    Parameters
    ----------
    net : DenoiserNet
    patches : Patches
    seed : int
    watch : object or None
        Is told of every hundred steps, as by :meth:`DenoiserNet.fit_loop`.

    Raises
    ------
    DivergenceError
        If the loss or a weight becomes infinite or NaN.
    """
    net.module_.draw_weights(seed)
    net.notify("on_train_begin", X=patches, y=None)
    net.fit_loop(patches, watch=watch)
    net.notify("on_train_end", X=patches, y=None)
    # The very last step may be the one that diverges; no loss shows it.
    finite = all(bool(torch.isfinite(p).all()) for p in net.module_.parameters())
    if not finite or not math.isfinite(net.history[-1, "train_loss"]):
        raise DivergenceError(
            f"Training left the finite numbers within {net.n_steps_} steps. Lower lr or step_size."
        )


def as_if_stopped(net: DenoiserNet) -> DenoiserNet:
    """Return a copy of a net in training, with its parameters of now.

    Parameters
    ----------
    net : DenoiserNet
    """
    stopped = build_net(
        net.module_.architecture, net.settings, net.criterion_.loss, device=net.device
    )
    stopped.module_.load_state_dict(net.module_.state_dict())
    stopped.history_, stopped.n_steps_ = copy.copy(net.history), net.n_steps_
    return stopped
