"""Stacks of models, trained against random signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_reasoning.training import (
    LARGEST_STACK,
    ModelNet,
    ModelSettings,
    RegressionModel,
    Rows,
    build_net,
    stack_rows,
)

from ._signed_class import SignedClass
from ._signed_values import SignedValues


def trained_against_signs(
    fitted: RegressionModel,
    settings: ModelSettings,
    rows: Rows,
    signed: SignedClass,
    level: float | None,
    n_restarts: int,
    rng: np.random.RandomState,
) -> Iterator[SignedValues]:
    """Yield the criterion of every stack: what its models reached.

    ``fitted`` is a stack of one. The settings are of every model, but for seed and rate; there are
    ``n_restarts`` models for each draw.
    """
    n_draws = len(signed.signs)
    seeds = rng.randint(0, 2**31 - 1, size=(n_draws, n_restarts))
    at_once = max(LARGEST_STACK // n_restarts, 1)
    for first in range(0, n_draws, at_once):
        part = slice(first, first + at_once)
        criterion = SignedValues(
            signed.values,
            signed.signs[part].repeat_interleave(n_restarts, dim=0),
            signed.offset[part].repeat_interleave(n_restarts),
            signed.remainder,
            level,
        )
        restart = np.arange(seeds[part].size) % n_restarts
        # A small level is a narrow valley, which a large first step leaves.
        rates = settings.lr / 3.0 ** (restart if level is not None else 0 * restart)
        models = [
            replace(settings, seed=int(seed), lr=float(rate))
            for seed, rate in zip(seeds[part].ravel(), rates, strict=True)
        ]
        net = build_net(
            signed.module, fitted.architecture, models, torch.float64, criterion=criterion
        )
        _set_starts(net, fitted, at_random=(restart > 0) & (level is None))
        data = stack_rows(net, [rows] * len(models))
        net.fit_loop(data)
        with torch.no_grad():  # the parameters after the last step
            for batch in data.epoch(0):
                criterion(net.module_(batch), batch)
        yield criterion


@torch.no_grad()
def _set_starts(net: ModelNet, fitted: RegressionModel, at_random: NDArray[np.bool_]) -> None:
    """Start each model at the fitted parameters, a stack of one, or at random ones."""
    module = net.module_
    for name, value in fitted.state_dict().items():
        own = module.state_dict()[name]
        own.copy_(value.expand_as(own))
    for i in np.flatnonzero(at_random):
        settings = net.models[i]
        module.draw_weights(i, settings.seed)
        generator = torch.Generator().manual_seed(settings.seed)
        # draw_weights leaves these at 0: constants would all start at one point.
        for name, values in module.named_weights(i).items():
            if name.endswith(".bias") or name in ("skew", "start"):
                values.copy_(_uniform(values, -1.0, 1.0, generator))
        if module.step_size is not None and settings.learn_step_size:
            low, high = settings.step_size_range
            module.step_size[i] = _uniform(module.step_size[i], low, high, generator)


def _uniform(like: Tensor, low: float, high: float, generator: torch.Generator) -> Tensor:
    drawn = torch.rand(like.shape, dtype=like.dtype, generator=generator)
    return low + (high - low) * drawn


def largest_signed_means(
    signed: SignedClass, criteria: list[SignedValues]
) -> NDArray[np.float64] | None:
    """Return for each draw the largest signed mean of all models found; None without any."""
    found = torch.cat(
        [criterion.best_values[criterion.best > -torch.inf] for criterion in criteria]
    )
    if not len(found):
        return None
    means = signed.signs.flatten(1) @ found.flatten(1).T
    return (means.amax(dim=1) + signed.offset).numpy()
