"""From sequences with known pairs to a trained net."""

from __future__ import annotations

from typing import Any

import torch

from sklearn_reasoning._support.training_context import training_context
from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.training import ModelNet, build_net, train

from ._batches import FoldBatches, FoldRows
from ._model import FoldingModel
from ._parameters import settings_of
from ._settings import FolderArchitecture


def trained_net(
    estimator: Any,
    architecture: FolderArchitecture,
    rows: FoldRows,
    held_out: FoldRows | None,
    seed: int,
    watch: Any,
) -> ModelNet:
    """Return a net, trained as the parameters of an estimator ask; DivergenceError if it fails."""
    e = estimator
    batches = FoldBatches(rows, int(e.batch_size), int(e.bucket), seed, e.device)
    valid = None
    if held_out is not None:
        valid = FoldBatches(held_out, int(e.batch_size), int(e.bucket), None, e.device)
    with training_context():
        net = build_net(
            FoldingModel,
            architecture,
            [settings_of(e, batches.n_batches, seed)],
            torch.float32,
            e.device,
            e.callbacks,
            e.verbose,
        )
        net.module_.draw_weights(0, seed)
        train(net, batches, valid, watch=watch)
    finite = all(bool(torch.isfinite(p).all()) for p in net.module_.parameters())
    if net.progress_.diverged.any() or not finite:
        raise DivergenceError("Training left the finite numbers. Lower lr.")
    # Moments of the optimiser are two thirds of a saved model, and fit begins anew.
    net.optimizer_.forget()
    return net
