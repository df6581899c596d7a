"""Bars: models done, their rate, the time left and the best score; epochs done and the loss."""

from __future__ import annotations

import sys
from collections import defaultdict
from types import TracebackType
from typing import Any, TextIO

import numpy as np

# Between two lines, where no line can be overwritten.
_SECONDS_A_LINE = 10.0


class ProgressBar:
    """Show how far a search is, on stderr; a context that is entered before the first result.

    A terminal gets a bar, a notebook a widget where ``ipywidgets`` is installed, and any other
    stream (a file, the log of a job) a line every ten seconds, without control characters.
    ``n_splits`` says how many fits, one after another, are those of a candidate, and ``metric``
    which of several scores is shown.
    """

    def __init__(self, n_fits: int, n_splits: int, metric: str, *, shown: bool) -> None:
        self._n_fits, self._n_splits, self._metric = n_fits, n_splits, metric
        self._shown = shown
        self._scores: dict[int, list[float]] = defaultdict(list)
        self._best = -np.inf

    def __enter__(self) -> ProgressBar:
        if self._shown:
            self._bar = _bar(self._n_fits, "model")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._shown:
            self._bar.close()

    def done(self, results: list[tuple[int, dict[str, Any]]], *, before: bool = False) -> None:
        """Count finished fits.

        What was done before, by a search that this one goes on from, says nothing about the rate.
        """
        if not self._shown:
            return
        for index, result in results:
            scores = result["test_scores"]
            score = scores.get(self._metric, np.nan) if isinstance(scores, dict) else scores
            of_candidate = self._scores[index // self._n_splits]
            of_candidate.append(score)
            if len(of_candidate) == self._n_splits and np.mean(of_candidate) > self._best:
                self._best = float(np.mean(of_candidate))
        if np.isfinite(self._best):
            self._bar.set_postfix_str(f"best {self._metric} {self._best:.4g}", refresh=False)
        if before:
            self._bar.initial = self._bar.n = self._bar.n + len(results)
            self._bar.refresh()
        else:
            self._bar.update(len(results))

    def write(self, message: str) -> None:
        """Print a line above the bar."""
        if self._shown:
            self._bar.write(message, file=sys.stderr)


class EpochBar:
    """Show how far one training is, on stderr, in the ways of :class:`ProgressBar`."""

    def __init__(self, n_epochs: int) -> None:
        self._bar = _bar(n_epochs, "epoch")

    def done(self, loss: float) -> None:
        """Count an epoch."""
        self._bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
        self._bar.update()

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def _bar(total: int, unit: str) -> Any:
    from tqdm.auto import tqdm

    options = {"total": total, "desc": "Training", "unit": unit, "smoothing": 0.1}
    is_widget = any(kind.__name__ == "tqdm_notebook" for kind in tqdm.__mro__)
    if is_widget or sys.stderr.isatty():
        return tqdm(**options, file=sys.stderr)
    return tqdm(
        **options,
        file=_Lines(sys.stderr),
        mininterval=_SECONDS_A_LINE,
        maxinterval=_SECONDS_A_LINE,
        bar_format="{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]",
    )


class _Lines:
    """A stream that takes what would overwrite a line, and writes a new one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        line = text.strip()
        if line:
            self._stream.write(f"{line}\n")

    def flush(self) -> None:
        self._stream.flush()
