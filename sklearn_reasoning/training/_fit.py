"""Fit a stack: from rows and settings to a trained net."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sklearn_reasoning._support.training_context import training_context
from sklearn_reasoning.layer import decouples

from ._batches import StackRows
from ._net import ModelNet, build_net, train
from ._regression_model import RegressionModel
from ._settings import Architecture, ModelSettings, Rows
from ._targets import STATISTICS, TargetStatistics, target_statistics

_LOGGER = logging.getLogger("sklearn_reasoning.training")


@torch.no_grad()
def set_initial_state(
    net: ModelNet, models: Sequence[ModelSettings], statistics: Sequence[TargetStatistics]
) -> None:
    """Draw the weights of regression models, and store what is known of their targets."""
    module, drawn = net.module_, dict[int, int]()
    for i, model in enumerate(models):
        first = drawn.setdefault(model.seed, i)
        if first == i:
            module.draw_weights(i, model.seed)
        else:
            module.weights[i] = module.weights[first]
    for name in STATISTICS:
        buffer = getattr(module, name)
        values = np.stack([np.asarray(getattr(known, name)) for known in statistics])
        buffer.copy_(torch.as_tensor(values, dtype=buffer.dtype))


@torch.no_grad()
def set_statistics(net: ModelNet, model: int, known: TargetStatistics) -> None:
    """Store what is known of the targets of one model."""
    for name in STATISTICS:
        buffer = getattr(net.module_, name)
        buffer[model] = torch.as_tensor(np.asarray(getattr(known, name)), dtype=buffer.dtype)


def statistics_of(net: ModelNet) -> TargetStatistics:
    """Return what a single model knows of its targets."""
    module = net.module_
    unit, *arrays = (getattr(module, name)[0].double().cpu().numpy() for name in STATISTICS)
    return TargetStatistics(float(unit), *arrays)


def stack_rows(
    net: ModelNet, rows: Sequence[Rows], batch_sizes: Sequence[int] | None = None
) -> StackRows:
    """Return rows ready for a net: in the eigenbasis where that decouples the outputs.

    Parameters
    ----------
    net : ModelNet
    rows : sequence of Rows
    batch_sizes : sequence of int or None
        None makes one batch of all rows.
    """
    module = net.module_
    a: Architecture = module.architecture
    known = a.rotation == "given" and a.b_hidden is None and a.starts_at_origin
    if known and decouples(a.algorithm):
        # ||R u - y|| = ||u - R'y||: with R and b known, no product with R is left to do.
        unlike = {id(r): r for r in rows}
        turned = {name: r.in_eigenbasis() for name, r in unlike.items()}
        rows = [turned[id(r)] for r in rows]
    return StackRows(
        a,
        rows,
        units=module.unit.tolist(),
        offsets=list(module.offset.cpu().numpy()),
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
    initial: ModelNet | None = None,
    dtype: torch.dtype = torch.float64,
    device: str = "cpu",
    callbacks: Any = None,
    verbose: int = 0,
    watch: Any = None,
) -> ModelNet:
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
    initial : ModelNet or None
        A net of the same shapes to start from instead of random weights.
    dtype : torch.dtype
    device : str
    callbacks : list or None
        skorch callbacks.
    verbose : int
    watch : object or None
        Is told of every epoch, as by :meth:`ModelNet.fit_loop`.

    Returns
    -------
    ModelNet
        Trained, with the parameters to be kept in its module; ``progress_`` holds the number
        of epochs of each model and whether it diverged.
    """
    with training_context():
        net = build_net(RegressionModel, architecture, models, dtype, device, callbacks, verbose)
        if initial is None:
            unlike = {id(r): r for r in rows}
            known = {name: target_statistics(architecture, r) for name, r in unlike.items()}
            set_initial_state(net, models, [known[id(r)] for r in rows])
        else:
            net.module_.load_state_dict(initial.module_.state_dict())
            net.module_.clamp_step_sizes()
            _complete_statistics(net, architecture, rows[0])
        train_rows = stack_rows(net, rows, [model.batch_size for model in models])
        valid_rows = None if validation is None else stack_rows(net, validation)
        compact = len(models) > 1 and not callbacks and not verbose and watch is None
        train(net, train_rows, valid_rows, watch=watch, compact=compact)
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
    net: ModelNet | None,
    dtype: torch.dtype = torch.float64,
    device: str = "cpu",
    callbacks: Any = None,
    verbose: int = 0,
) -> ModelNet:
    """Train a single model for one epoch more.

    Parameters
    ----------
    architecture : Architecture
    model : ModelSettings
    rows : Rows
    net : ModelNet or None
        The net to go on from, with its history and the moments of its optimiser; it is not
        changed. None begins anew.
    dtype : torch.dtype
        Of a new net; one that goes on keeps its own.
    device, callbacks, verbose
        As for :func:`fit_stack`.

    Returns
    -------
    ModelNet
    """
    with training_context():
        before = net
        if before is not None:
            dtype = before.module_.weights.dtype
        net = build_net(RegressionModel, architecture, [model], dtype, device, callbacks, verbose)
        if before is None:
            set_initial_state(net, [model], [target_statistics(architecture, rows)])
        else:
            net.go_on_from(before)
            _complete_statistics(net, architecture, rows)
        train(net, stack_rows(net, [rows], [model.batch_size]), epochs=1)
    return net


def _complete_statistics(net: ModelNet, architecture: Architecture, rows: Rows) -> None:
    """Give columns that were constant so far the scale of the rows that training goes on with."""
    known = statistics_of(net)
    if (known.scale == 0.0).any():
        set_statistics(net, 0, known.completed_by(target_statistics(architecture, rows)))
