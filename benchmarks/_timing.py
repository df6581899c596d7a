"""Interleaved runs and their medians: what every benchmark measures with."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def interleaved_seconds(
    functions: Mapping[str, Callable[[], object]], repeats: int, at_least: float = 0.0
) -> dict[str, list[float]]:
    """Return the seconds of each function, turn by turn, after one turn that is not counted.

    CPU time of this process, on one thread: on a shared machine it moves less than the clock.
    A turn repeats its function for ``at_least`` so many seconds, so that a short one does not pay
    for the caches that a long one has emptied.
    """
    for function in functions.values():
        function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            calls, began, spent = 0, time.process_time(), 0.0
            while calls == 0 or spent < at_least:
                function()
                calls, spent = calls + 1, time.process_time() - began
            seconds[name].append(spent / calls)
    return seconds


def interleaved_medians(
    functions: Mapping[str, Callable[[], object]], repeats: int
) -> dict[str, float]:
    """Return each function's median time in seconds, the functions taking turns."""
    seconds = interleaved_seconds(functions, repeats)
    return {name: statistics.median(values) for name, values in seconds.items()}
