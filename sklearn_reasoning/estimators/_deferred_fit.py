"""Fits that stop before training, so that many models can be trained side by side.

Whatever stands around a regressor (a Pipeline, a TransformedTargetRegressor) runs its own
``fit``; only the training inside is put off. It is trained with others of its kind later, and
the regressor is then completed in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sklearn_reasoning.training import TrainedModel


@dataclass(frozen=True)
class DeferredFit:
    """A regressor whose data and parameters are checked, and the training that it waits for."""

    estimator: Any
    task: Any

    def complete(self, trained: TrainedModel) -> None:
        """Make the regressor what ``fit`` would have made it, with the same DivergenceError."""
        self.estimator._finish_fit(self.task, trained)


# Of this thread alone: a fit in another thread trains as ever.
_collected: ContextVar[list[DeferredFit] | None] = ContextVar("collected", default=None)


@contextmanager
def deferred_fits() -> Iterator[list[DeferredFit]]:
    """Put off the training of every regressor whose ``fit`` is called in this context.

    Every ``fit`` adds to the list.
    """
    collected: list[DeferredFit] = []
    token = _collected.set(collected)
    try:
        yield collected
    finally:
        _collected.reset(token)


def defer(estimator: Any, task: Any) -> bool:
    """Put off a training, if that is wanted here, and say whether it was."""
    collected = _collected.get()
    if collected is None:
        return False
    collected.append(DeferredFit(estimator, task))
    return True
