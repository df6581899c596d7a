"""Whether a training learned nothing, and how to begin anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sklearn_reasoning.training import ModelNet, ModelSettings

# A training whose loss is above this share of a constant answer's has learned nothing: where labels
# are missing losses end at a quarter of it, or near all of it.
_LEARNED = 0.8

_FACTOR = 0.3
_ATTEMPTS = 2


def learned_nothing(net: ModelNet, settings: ModelSettings, n_classes: int) -> bool:
    """Tell whether the loss of a training never fell well below that of a constant answer."""
    constant = 1.0 - 1.0 / n_classes if n_classes > 1 else 0.25
    if settings.loss == "l2":
        constant = constant**0.5
    return bool(min(net.history[:, "train_loss"]) > _LEARNED * constant)


def slower_starts(settings: ModelSettings) -> Iterator[ModelSettings]:
    """Yield settings with other seeds and lower and lower rates."""
    for attempt in range(1, _ATTEMPTS + 1):
        yield replace(settings, seed=settings.seed + attempt, lr=settings.lr * _FACTOR**attempt)
