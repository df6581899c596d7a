"""A trained stack, taken apart into its models."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ._net import ModelNet, build_net
from ._settings import ModelSettings


@dataclass(frozen=True)
class TrainedModel:
    """One trained model.

    Parameters
    ----------
    net : ModelNet
        A stack of one.
    n_iter : int
        Number of epochs that the model was trained for.
    diverged : bool
        Whether its loss became infinite or NaN after them.
    """

    net: ModelNet
    n_iter: int
    diverged: bool


class TrainedStack:
    """A trained stack, taken apart into its models where one is asked for.

    Parameters
    ----------
    net : ModelNet
        Trained. A stack of one is handed on as it is.
    """

    def __init__(self, net: ModelNet) -> None:
        self.net = net
        self._columns: dict[str, Any] | None = None

    def __len__(self) -> int:
        """Return the number of models."""
        return int(self.net.module_.n_models)

    def __getitem__(self, i: int) -> TrainedModel:
        """Return a model as a net of its own."""
        net, progress = self.net, self.net.progress_
        n_iter, diverged = int(progress.n_iter[i]), bool(progress.diverged[i])
        if len(self) == 1:
            return TrainedModel(net, n_iter, diverged)
        if self._columns is None:
            self._columns = net.history_columns()
        single = _of_same_kind(net, [net.models[i]])
        # A tensor has one row, or as many as the next model's, of each model.
        single.module_.load_state_dict(
            {
                name: value.unflatten(0, (len(self), -1))[i]
                for name, value in net.module_.state_dict().items()
            }
        )
        n_epochs = n_iter + diverged
        single.history_ = {
            key: values[:n_epochs] if key in _COMMON else values[:n_epochs, i].copy()
            for key, values in self._columns.items()
        }
        return TrainedModel(single, n_iter, diverged)


def trained_models(net: ModelNet) -> Iterator[TrainedModel]:
    """Yield each model of a trained stack as a net of its own.

    Parameters
    ----------
    net : ModelNet
        Trained. A stack of one is handed on as it is.

    Yields
    ------
    TrainedModel
    """
    stack = TrainedStack(net)
    return (stack[i] for i in range(len(stack)))


def as_if_stopped(net: ModelNet) -> ModelNet:
    """Return a copy of a net in training, with the parameters that it would keep now.

    Parameters
    ----------
    net : ModelNet
        Inside its ``fit_loop``.

    Returns
    -------
    ModelNet
    """
    stopped = _of_same_kind(net, net.models)
    stopped.module_.load_state_dict(net.module_.state_dict())
    net.progress_.restore(stopped.module_)
    stopped.history_, stopped.n_steps_ = copy.copy(net.history), net.n_steps_
    return stopped


def _of_same_kind(net: ModelNet, models: Sequence[ModelSettings]) -> ModelNet:
    module = net.module_
    weights = next(p for p in module.parameters() if p is not module.step_size)
    return build_net(type(module), module.architecture, models, weights.dtype, net.device)


# What the history holds once for all models of a stack.
_COMMON = ("epoch", "dur", "steps")
