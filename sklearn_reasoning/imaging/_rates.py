"""Which parameters of a denoiser decay, and how the rate falls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from sklearn_reasoning.training._optimizers import StackOptimizer

from ._settings import DenoiserSettings


def parameter_groups(
    module: nn.Module, step_sizes: Sequence[Tensor], settings: DenoiserSettings
) -> list[dict[str, Any]]:
    """Return the groups of an optimiser under which weights decay and step sizes do not.

    Parameters
    ----------
    module : Module
    step_sizes : sequence of Tensor
        Those of its parameters that are step sizes.
    settings : DenoiserSettings
    """
    own = {id(size) for size in step_sizes}
    weights = [p for p in module.parameters() if id(p) not in own]
    groups = []
    for parameters, decay in ((weights, settings.weight_decay), (list(step_sizes), 0.0)):
        if parameters:
            like = parameters[0]
            groups.append(
                {
                    "params": parameters,
                    "lr": like.new_tensor(settings.lr),
                    "weight_decay": like.new_tensor(decay) if decay else None,
                }
            )
    return groups


def set_rate(optimizer: StackOptimizer, settings: DenoiserSettings, step: int) -> float:
    """Set the rate for a step, and return it.

    Parameters
    ----------
    optimizer : StackOptimizer
    settings : DenoiserSettings
    step : int
        Counted from 0.
    """
    factor = 1.0
    if settings.lr_schedule == "cosine":
        factor = 0.5 * (1.0 + math.cos(math.pi * step / settings.max_steps))
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor
    return settings.lr * factor
