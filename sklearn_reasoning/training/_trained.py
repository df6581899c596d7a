"""A trained stack, taken apart into its models."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

from ._fit import build_net
from ._net import StackNet


@dataclass(frozen=True)
class TrainedModel:
    """One trained model.

    Parameters
    ----------
    net : StackNet
        A stack of one.
    n_iter : int
        Number of epochs that the model was trained for.
    diverged : bool
        Whether its loss became infinite or NaN after them.
    """

    net: StackNet
    n_iter: int
    diverged: bool


def trained_models(net: StackNet) -> Iterator[TrainedModel]:
    """Yield each model of a trained stack as a net of its own.

    Parameters
    ----------
    net : StackNet
        Trained. A stack of one is handed on as it is.

    Yields
    ------
    TrainedModel
    """
    progress = net.progress_
    if net.module_.n_models == 1:
        yield TrainedModel(net, int(progress.n_iter[0]), bool(progress.diverged[0]))
        return
    columns = net.history_columns()
    state = net.module_.state_dict()
    for i, settings in enumerate(net.models):
        n_iter, diverged = int(progress.n_iter[i]), bool(progress.diverged[i])
        single = build_net(
            net.module_.architecture, [settings], net.module_.weights.dtype, net.device
        )
        single.module_.load_state_dict({name: value[i : i + 1] for name, value in state.items()})
        n_epochs = n_iter + diverged
        single.history_ = {
            key: values[:n_epochs] if key in _COMMON else values[:n_epochs, i].copy()
            for key, values in columns.items()
        }
        yield TrainedModel(single, n_iter, diverged)


def as_if_stopped(net: StackNet) -> StackNet:
    """Return a copy of a net in training, with the parameters that it would keep now.

    Parameters
    ----------
    net : StackNet
        Inside its ``fit_loop``.

    Returns
    -------
    StackNet
    """
    stopped = build_net(net.module_.architecture, net.models, net.module_.weights.dtype, net.device)
    stopped.module_.load_state_dict(net.module_.state_dict())
    net.progress_.restore(stopped.module_)
    stopped.history_ = copy.copy(net.history)
    return stopped


# What the history holds once for all models of a stack.
_COMMON = ("epoch", "dur")
