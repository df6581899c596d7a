"""Fit a stack: from rows and settings to a trained net."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from sklearn_reasoning._training_context import training_context

from ._batches import StackRows
from ._callbacks import copies
from ._loss import StackLoss
from ._net import StackNet
from ._optimizers import OPTIMIZERS
from ._settings import Architecture, ModelSettings, Rows
from ._stack import ReasoningStack
from ._targets import TargetStatistics, target_statistics

_LOGGER = logging.getLogger("sklearn_reasoning.training")


def build_net(
    architecture: Architecture,
    models: Sequence[ModelSettings],
    dtype: torch.dtype,
    device: str = "cpu",
    callbacks: Any = None,
    verbose: int = 0,
    *,
    module: type[ReasoningStack] = ReasoningStack,
    criterion: nn.Module | None = None,
) -> StackNet:
    """Return an initialised net whose weights are all zero.

    Parameters
    ----------
    architecture : Architecture
    models : sequence of ModelSettings
        All with the same optimiser.
    dtype : torch.dtype
    device : str
    callbacks : list or None
        skorch callbacks.
    verbose : int
    module : type, default=ReasoningStack
        The class of the stack.
    criterion : nn.Module or None, default=None
        What gives each model's loss, as ``StackLoss`` does; None is the models' own.
    """
    # skorch hands the settings of a criterion to a class only.
    losses = {"criterion__losses": tuple(model.loss for model in models)}
    net = StackNet(
        module=module,
        criterion=StackLoss if criterion is None else criterion,
        **(losses if criterion is None else {}),
        module__architecture=architecture,
        module__k=tuple(model.k for model in models),
        module__step_size_per_iteration=len(models[0].step_size) != 1
        and architecture.algorithm.has_step_size,
        module__dtype=dtype,
        optimizer=OPTIMIZERS[models[0].optimizer],
        models=tuple(models),
        callbacks=copies(callbacks),
        device=device,
        verbose=verbose,
    )
    return net.initialize()


@torch.no_grad()
def set_initial_state(
    net: StackNet, models: Sequence[ModelSettings], statistics: Sequence[TargetStatistics]
) -> None:
    """Draw the weights, set the step sizes, and store what is known of the targets."""
    module = net.module_
    for i, (model, known) in enumerate(zip(models, statistics, strict=True)):
        module.draw_weights(i, model.seed)
        if module.step_size is not None:
            module.step_size[i] = torch.tensor(model.step_size, dtype=torch.float64).reshape(
                module.step_size[i].shape
            )
        for name in ("axes", "offset", "scale", "unit"):
            buffer = getattr(module, name)
            buffer[i] = torch.as_tensor(np.asarray(getattr(known, name)), dtype=buffer.dtype)


def stack_rows(
    net: StackNet, rows: Sequence[Rows], batch_sizes: Sequence[int] | None = None
) -> StackRows:
    """Return rows ready for a net: in the eigenbasis where that decouples the outputs.

    Parameters
    ----------
    net : StackNet
    rows : sequence of Rows
    batch_sizes : sequence of int or None
        None makes one batch of all rows.
    """
    module = net.module_
    a: Architecture = module.architecture
    if a.rotation == "given" and a.b_hidden is None and a.algorithm.commutes_with_rotations:
        # ||R u - y|| = ||u - R'y||: with R and b known, no product with R is left to do.
        rows = [r.in_eigenbasis() for r in rows]
    return StackRows(
        a,
        rows,
        units=module.unit.tolist(),
        batch_sizes=[max(len(r.y), 1) for r in rows] if batch_sizes is None else batch_sizes,
        seeds=[model.seed for model in net.models],
        dtype=module.weights.dtype,
        device=module.weights.device,
    )


def fit_stack(
    architecture: Architecture,
    models: Sequence[ModelSettings],
    rows: Sequence[Rows],
    *,
    validation: Sequence[Rows] | None = None,
    initial: StackNet | None = None,
    dtype: torch.dtype = torch.float64,
    device: str = "cpu",
    callbacks: Any = None,
    verbose: int = 0,
    watch: Any = None,
) -> StackNet:
    """Train the models of a stack.

    Parameters
    ----------
    architecture : Architecture
        Shared by all models.
    models : sequence of ModelSettings
    rows : sequence of Rows
        The training rows of each model.
    validation : sequence of Rows or None
        The validation rows of each model, where models stop early.
    initial : StackNet or None
        A net of the same shapes to start from instead of random weights.
    dtype : torch.dtype
    device : str
    callbacks : list or None
        skorch callbacks.
    verbose : int
    watch : object or None
        Is told of every epoch, as by :meth:`StackNet.fit_loop`.

    Returns
    -------
    StackNet
        Trained, with the parameters to be kept in its module; ``progress_`` holds the number
        of epochs of each model and whether it diverged.
    """
    with training_context():
        net = build_net(architecture, models, dtype, device, callbacks, verbose)
        if initial is None:
            set_initial_state(net, models, [target_statistics(architecture, r) for r in rows])
        else:
            net.module_.load_state_dict(initial.module_.state_dict())
            net.clamp_step_sizes()
        train_rows = stack_rows(net, rows, [model.batch_size for model in models])
        valid_rows = None if validation is None else stack_rows(net, validation)
        net.notify("on_train_begin", X=train_rows, y=valid_rows)
        net.fit_loop(train_rows, valid_rows, watch=watch)
        net.notify("on_train_end", X=train_rows, y=valid_rows)
    _LOGGER.debug(
        "%d models of %s trained for %s epochs",
        len(models),
        architecture.algorithm.name,
        net.progress_.n_iter.tolist(),
    )
    return net


def train_one_epoch(
    architecture: Architecture,
    model: ModelSettings,
    rows: Rows,
    *,
    net: StackNet | None,
    dtype: torch.dtype = torch.float64,
    device: str = "cpu",
    callbacks: Any = None,
    verbose: int = 0,
) -> StackNet:
    """Train a single model for one epoch more.

    Parameters
    ----------
    architecture : Architecture
    model : ModelSettings
    rows : Rows
    net : StackNet or None
        The net to go on from, with its history and the moments of its optimiser; it is not
        changed. None begins anew.
    dtype : torch.dtype
        Of a new net; one that goes on keeps its own.
    device, callbacks, verbose
        As for :func:`fit_stack`.

    Returns
    -------
    StackNet
    """
    with training_context():
        before = net
        if before is not None:
            dtype = before.module_.weights.dtype
        net = build_net(architecture, [model], dtype, device, callbacks, verbose)
        if before is None:
            set_initial_state(net, [model], [target_statistics(architecture, rows)])
        else:
            net.go_on_from(before)
        train_rows = stack_rows(net, [rows], [model.batch_size])
        net.notify("on_train_begin", X=train_rows, y=None)
        net.fit_loop(train_rows, epochs=1)
        net.notify("on_train_end", X=train_rows, y=None)
    return net
