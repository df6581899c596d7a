"""Train denoisers: from patches and settings to a trained net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning._support.training_context import training_context
from sklearn_reasoning.training import ModelNet, ModelSettings, build_net, train

from ._denoising_model import DenoisingModel
from ._patches import PatchSteps
from ._settings import DenoiserArchitecture


def train_denoisers(
    architecture: DenoiserArchitecture,
    models: Sequence[ModelSettings],
    draw: Callable[[], tuple[Tensor, Tensor]],
    *,
    device: Any = "cpu",
    callbacks: Any = None,
    verbose: int = 0,
    watch: Any = None,
) -> ModelNet:
    """Train models side by side; each gets, up to rounding, the weights that it would get alone.

    They may differ in their seeds. ``draw`` returns the noisy and the clean patches of a step, of
    shape (n, n_models, height, width). The other arguments are those of
    :func:`~sklearn_reasoning.training.build_net`; ``watch`` is told of every hundred steps. A model
    that left the finite numbers, which leaves the others alone, is marked in
    ``progress_.diverged``.
    """
    # Gradients of weights are sums over patches, which threads would cut and round differently.
    with training_context():
        net = build_net(
            DenoisingModel, architecture, models, torch.float32, device, callbacks, verbose
        )
        for number, model in enumerate(models):
            net.module_.draw_weights(number, model.seed)
        (max_steps,) = {model.max_steps for model in models}
        assert max_steps is not None
        train(net, PatchSteps(draw, max_steps), watch=watch)
    return net
