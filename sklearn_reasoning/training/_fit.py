"""Fit a stack: from rows and settings to a trained net."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
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
    set_statistics(net, statistics)


@torch.no_grad()
def set_statistics(net: ModelNet, statistics: Sequence[TargetStatistics]) -> None:
    """Store what is known of the targets of each model."""
    for name in STATISTICS:
        buffer = getattr(net.module_, name)
        values = np.stack([np.asarray(getattr(known, name)) for known in statistics])
        buffer.copy_(torch.as_tensor(values, dtype=buffer.dtype))


def statistics_of(net: ModelNet) -> TargetStatistics:
    """Return what a single model knows of its targets."""
    module = net.module_
    known = {name: getattr(module, name)[0].double().cpu().numpy() for name in STATISTICS}
    return TargetStatistics(
        **known | {"unit": float(known["unit"]), "decay": float(known["decay"])}
    )


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
    if known and decouples(a.algorithm, a.penalty):
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
    goes_on: bool = False,
    epochs: int | None = None,
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
        A net of the same shapes, of a single model, to start from instead of random weights; it is
        not changed.
    goes_on : bool, default=False
        Whether the training of ``initial`` goes on: with its history and the moments of its
        optimiser, in its dtype.
    epochs : int or None, default=None
        Number of epochs; None is the largest ``max_epochs`` of the models.
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
        if goes_on and initial is not None:
            dtype = initial.module_.weights.dtype
        if initial is None:
            statistics = _statistics(architecture, models, rows)
        else:
            statistics = [_statistics_going_on(initial, architecture, models, rows)]
        models = [
            _with_decay(each, known.decay) for each, known in zip(models, statistics, strict=True)
        ]
        net = build_net(RegressionModel, architecture, models, dtype, device, callbacks, verbose)
        if initial is None:
            set_initial_state(net, models, statistics)
        else:
            if goes_on:
                net.go_on_from(initial)
            else:
                net.module_.load_state_dict(initial.module_.state_dict())
                net.module_.clamp_step_sizes()
            set_statistics(net, statistics)
        train_rows = stack_rows(net, rows, [model.batch_size for model in models])
        valid_rows = None if validation is None else stack_rows(net, validation)
        compact = len(models) > 1 and not callbacks and not verbose and watch is None
        train(net, train_rows, valid_rows, epochs=epochs, watch=watch, compact=compact)
    _LOGGER.debug(
        "%d models of %s trained for %s epochs",
        len(models),
        architecture.algorithm.name,
        net.progress_.n_iter.tolist(),
    )
    return net


def _statistics_going_on(
    initial: ModelNet,
    architecture: Architecture,
    models: Sequence[ModelSettings],
    rows: Sequence[Rows],
) -> TargetStatistics:
    """Return what a single model knows; columns that were constant so far have the new scale."""
    known = statistics_of(initial)
    if (known.scale == 0.0).any():
        known = known.completed_by(_statistics(architecture, models, rows)[0])
    return known


def _with_decay(model: ModelSettings, decay: float) -> ModelSettings:
    if model.weight_decay is not None:
        return model
    if model.optimizer == "sgd":
        decay = min(decay, 1.0 / model.lr)  # a plain step by more overshoots zero
    return replace(model, weight_decay=decay)


def _statistics(
    architecture: Architecture, models: Sequence[ModelSettings], rows: Sequence[Rows]
) -> list[TargetStatistics]:
    """Return what each model knows of its targets; models that are alike share it."""
    unlike = {id(own): own for own in rows}
    of_rows = {name: target_statistics(architecture, own) for name, own in unlike.items()}
    known: dict[Any, TargetStatistics] = {}
    found = []
    for model, own in zip(models, rows, strict=True):
        # Step sizes of each iteration begin near this one.
        step_size = model.step_size[0] if model.step_size else None
        key = id(own), model.k, step_size
        if key not in known:
            known[key] = of_rows[id(own)].as_linear_term(architecture, model.k, step_size)
        found.append(known[key])
    return found
