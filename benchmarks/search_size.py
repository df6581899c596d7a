"""A search of 10,000 fits: its memory, and how time grows from 100 fits on.

The paper's synthetic problem, 20 epochs, two workers. Memory is the sum over this process and its
workers, each at its own peak: an upper bound of the peak of the sum. Run:
python benchmarks/search_size.py
"""

import os
import time
from pathlib import Path

import numpy as np

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import BatchedGridSearchCV, l2_loss_scorer

K = [1, 2, 3, 5, 8, 10, 15, 20, 25, 30]


def peak_gib():
    """Return the peaks of this process and of all below it, summed."""
    parents, peaks = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = dict(
                line.split(":", 1) for line in (folder / "status").read_text().splitlines()
            )
        except OSError:  # ended meanwhile
            continue
        pid = int(status["Pid"])
        parents[pid] = int(status["PPid"])
        peaks[pid] = int(status.get("VmHWM", "0 kB").split()[0]) / 2**20

    def is_ours(pid):
        while pid > 1:
            if pid == os.getpid():
                return True
            pid = parents.get(pid, 0)
        return False

    ours = [pid for pid in peaks if is_ours(pid)]
    return sum(peaks[pid] for pid in ours), len(ours)


def main():
    X, y = make_quadratic_reasoning(n_samples=100, random_state=0)
    model = HybridReasoningRegressor(
        linear_term="given", rotation="given", max_epochs=20, random_state=0
    )
    options = {"scoring": l2_loss_scorer, "cv": 5, "n_jobs": 2, "return_train_score": True}
    BatchedGridSearchCV(model, {"k": [1, 2], "algo": ["gd", "nag"]}, **options).fit(X, y)
    print("| fits | time | a fit | peak memory, all processes |")
    print("|---|---|---|---|")
    for n_rates in (1, 10, 100):
        grid = {"algo": ["gd", "nag"], "k": K, "lr": np.logspace(-4, -1, n_rates).tolist()}
        began = time.perf_counter()
        search = BatchedGridSearchCV(model, grid, refit=False, **options).fit(X, y)
        seconds = time.perf_counter() - began
        n_fits = len(search.cv_results_["params"]) * search.n_splits_
        memory, n_processes = peak_gib()
        print(
            f"| {n_fits} | {seconds:.1f} s | {1e3 * seconds / n_fits:.1f} ms "
            f"| {memory:.2f} GiB in {n_processes} processes |",
            flush=True,
        )


if __name__ == "__main__":
    main()
