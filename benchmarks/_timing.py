"""Medians of interleaved runs: what every benchmark measures with."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def interleaved_medians(
    functions: Mapping[str, Callable[[], object]], repeats: int
) -> dict[str, float]:
    """Return each function's median time in seconds, the functions taking turns.

    CPU time of this process, on one thread: on a shared machine it moves less than the clock.
    """
    for function in functions.values():
        function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            began = time.process_time()
            function()
            seconds[name].append(time.process_time() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}
