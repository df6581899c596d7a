"""skorch's callbacks around our nets: which can work, copies of the user's, the epochs' log."""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from typing import Any

from skorch.callbacks import (
    BatchScoring,
    Checkpoint,
    EpochScoring,
    EpochTimer,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    PrintLog,
    ProgressBar,
)

from ._checkpoints import template_folder

# They need data sets, batches or an optimiser of a kind that is not there.
_UNUSABLE = {
    EpochScoring: "early_stopping=True, or scikit-learn's ScoringMonitor,",
    BatchScoring: "the history's train_loss",
    InputShapeSetter: "nothing: the shapes are those of X",
    LoadInitState: "warm_start=True",
    LRScheduler: "lr_schedule",
}


def check_callbacks(
    callbacks: Sequence[Any] | None, *, has_validation: bool, n_steps: int | None = None
) -> None:
    """Raise a ValueError unless callbacks are skorch's, and of a kind that our nets can call.

    They are instances or classes, alone or as pairs (name, callback). ``has_validation`` is whether
    the history will have a ``valid_loss``, ``n_steps`` the number of steps of an epoch, where it
    cannot be told from the data.
    """
    names = []
    for given in callbacks or ():
        is_pair = isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str)
        callback = given[1] if is_pair else given
        if not hasattr(callback, "on_epoch_end"):
            raise ValueError(f"callbacks holds {given!r}, which is no skorch callback.")
        kind = callback if isinstance(callback, type) else type(callback)
        for unusable, instead in _UNUSABLE.items():
            if issubclass(kind, unusable):
                raise ValueError(f"callbacks holds a {kind.__name__}: use {instead} instead.")
        callback = callback() if isinstance(callback, type) else callback
        _check_monitor(callback, has_validation)
        if n_steps and isinstance(callback, ProgressBar) and callback.batches_per_epoch == "auto":
            raise ValueError(
                f"callbacks holds a {kind.__name__} that looks for the number of steps in the "
                f"data: set batches_per_epoch={n_steps}."
            )
        if is_pair:
            names.append(given[0])
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"callbacks holds two callbacks of the name {name!r}.")


def _check_monitor(callback: Any, has_validation: bool) -> None:
    kind, monitor = type(callback).__name__, getattr(callback, "monitor", None)
    if isinstance(monitor, str) and monitor.startswith("valid_") and not has_validation:
        watched = monitor.replace("valid_", "train_", 1)
        raise ValueError(
            f"callbacks holds a {kind} that monitors {monitor!r}, and no rows are held out to "
            f"validate on: use monitor={watched!r}, or early_stopping=True where there is such a "
            "parameter."
        )
    if isinstance(callback, Checkpoint) and callback.load_best and callback.f_optimizer is not None:
        raise ValueError(
            f"callbacks holds a {kind} with load_best=True that wants the optimiser back too, "
            "which is not saved: set f_optimizer=None."
        )
    if isinstance(callback, Checkpoint) and callback.load_best:
        template = template_folder(callback)
        if template is not None:
            raise ValueError(
                f"callbacks holds a {kind} with load_best=True whose file {template!r} lies in a "
                "folder that changes: put the braces into the name of the file."
            )


def copies(callbacks: Sequence[Any] | None) -> list[Any] | None:
    """Return copies of callbacks: ``fit`` leaves parameters as they are.

    What a callback was made with is shared with its copy, such as a list that it fills.
    """
    if callbacks is None:
        return None
    return [
        (given[0], copy.copy(given[1])) if isinstance(given, tuple) else copy.copy(given)
        for given in callbacks
    ]


def epoch_log(keys_ignored: list[str] | None = None) -> list[tuple[str, Any]]:
    """Return the callbacks that print a line an epoch."""
    return [("epoch_timer", EpochTimer()), ("print_log", _EpochLog(keys_ignored))]


class _EpochLog(PrintLog):
    """A table without colours where no terminal would show them."""

    def format_row(self, row: dict[str, Any], key: str, color: str) -> Any:
        if not sys.stdout.isatty():
            row = {**row, f"{key}_best": False}
        return super().format_row(row, key, color)


class BestSoFar:
    """Which epochs had the best losses yet, under the names that skorch's callbacks read."""

    def __init__(self, history: Any) -> None:
        self._best = {}
        for key in ("train_loss", "valid_loss"):
            values = [row[key] for row in history if key in row]
            self._best[key] = min(values, default=float("inf"))

    def record(self, history: Any) -> None:
        """Add ``train_loss_best`` and ``valid_loss_best`` to the last row of a history."""
        for key, best in self._best.items():
            value = history[-1].get(key)
            if isinstance(value, float):
                history.record(f"{key}_best", value < best)
                self._best[key] = min(value, best)
