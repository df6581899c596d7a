"""Importing sklearn_reasoning takes under 0.3 s beyond torch, scikit-learn and skorch.

Fresh interpreters take turns: one imports the three packages alone, one imports ours after them
and times that by itself. CPU time, medians and quartiles.

Run: python benchmarks/import_time.py
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

REPEATS = 9
THREE = "import time, torch, sklearn, skorch; before = time.process_time(); "
OURS = "import sklearn_reasoning; "
REPORT = "print(before, time.process_time())"


def import_times(code):
    """Return the CPU seconds of a fresh interpreter, before our import and after it."""
    # An installed package has its bytecode; a checkout gets it from the first run, if it may.
    answer = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
    )
    return tuple(float(seconds) for seconds in answer.stdout.split())


def main():
    import_times(THREE + OURS + REPORT)  # writes what bytecode is missing
    alone, together, ours = [], [], []
    for _ in range(REPEATS):
        alone.append(import_times(THREE + REPORT)[1])
        before, after = import_times(THREE + OURS + REPORT)
        together.append(after)
        ours.append(after - before)
    print("| import | CPU seconds | quartiles |")
    print("|---|---|---|")
    for name, seconds in (
        ("torch, scikit-learn, skorch", alone),
        ("the same and sklearn_reasoning", together),
        ("sklearn_reasoning after them", ours),
    ):
        low, middle, high = np.quantile(seconds, [0.25, 0.5, 0.75])
        print(f"| {name} | {middle:.3f} | {low:.3f} to {high:.3f} |")


if __name__ == "__main__":
    main()
