"""A trained stack, taken apart into its models."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    progress = net.progress_
    if net.module_.n_models == 1:
        yield TrainedModel(net, int(progress.n_iter[0]), bool(progress.diverged[0]))
        return
    columns = net.history_columns()
    module = net.module_
    # A tensor has one row, or as many as the next model's, of each model.
    state = {
        name: value.unflatten(0, (module.n_models, -1))
        for name, value in module.state_dict().items()
    }
    for i, settings in enumerate(net.models):
        n_iter, diverged = int(progress.n_iter[i]), bool(progress.diverged[i])
        single = _of_same_kind(net, [settings])
        single.module_.load_state_dict({name: rows[i] for name, rows in state.items()})
        n_epochs = n_iter + diverged
        single.history_ = {
            key: values[:n_epochs] if key in _COMMON else values[:n_epochs, i].copy()
            for key, values in columns.items()
        }
        yield TrainedModel(single, n_iter, diverged)


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
