"""BatchedGridSearchCV against GridSearchCV: the same bits, and how much sooner.

The paper's synthetic problem (n = 100, d = 5, b and R given), 200 epochs, 5 folds, train and test
scores, two workers each, all of them started before. The grid of GridSearchCV is cut into parts
that take turns with whole batched searches. rivals.py has the same against a module written by
hand.

Run: python benchmarks/search.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from _grid_parts import parts_of
from sklearn.model_selection import GridSearchCV, ParameterGrid

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import BatchedGridSearchCV, l2_loss_scorer

EPOCHS, N_JOBS, CV = 200, 2, 5
FOUR = {"algo": ["gd", "nag"], "q_hidden": [16, 32], "k": [1, 2, 3, 5, 8, 12, 20, 30]}
TWO = {
    "algo": ["gd", "nag"],
    "k": [1, 2, 3, 4, 5, 8, 10, 15, 20, 30],
    "lr": np.logspace(-3, -1, 5).tolist(),
    "weight_decay": [0.0, 1e-4],
}
SEARCH = {"cv": CV, "n_jobs": N_JOBS, "return_train_score": True, "refit": False}


def seconds_of(search, X, y):
    began = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - began


def compare(name, grid, dtype, n_parts):
    X, y = make_quadratic_reasoning(n_samples=100, random_state=0)
    X, y = X.astype(dtype), y.astype(dtype)
    model = HybridReasoningRegressor(
        linear_term="given", rotation="given", max_epochs=EPOCHS, random_state=0
    )
    options = {**SEARCH, "scoring": l2_loss_scorer}
    n_fits = len(ParameterGrid(grid)) * CV
    batched, single, same = [], 0.0, True
    for part in parts_of(grid, n_parts):
        search = BatchedGridSearchCV(model, grid, **options)
        batched.append(seconds_of(search, X, y))
        reference = GridSearchCV(model, part, **options)
        single += seconds_of(reference, X, y)
        same &= equal_scores(search.cv_results_, reference.cv_results_)
    median = statistics.median(batched)
    print(
        f"| {name} | {np.dtype(dtype).name} | {n_fits} | {single:.1f} s | {median:.2f} s "
        f"| {single / median:.1f} | {'yes' if same else 'NO'} |",
        flush=True,
    )


def equal_scores(all_results, some_results):
    """Say whether every train and test score of some candidates is that of the whole search."""
    place = {str(sorted(c.items())): i for i, c in enumerate(all_results["params"])}
    rows = [place[str(sorted(c.items()))] for c in some_results["params"]]
    return all(
        np.array_equal(all_results[key][rows], some_results[key])
        for key in some_results
        if key.startswith("split")
    )


def warm_up():
    """Start the workers and import in them what both searches need."""
    X, y = make_quadratic_reasoning(n_samples=100, random_state=0)
    model = HybridReasoningRegressor(linear_term="given", rotation="given", max_epochs=2)
    for kind in (GridSearchCV, BatchedGridSearchCV):
        kind(model, {"k": [1, 2]}, **SEARCH).fit(X, y)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the smallest comparison only")
    quick = parser.parse_args().quick
    warm_up()
    print("| grid | dtype | fits | GridSearchCV | BatchedGridSearchCV | ratio | equal bits |")
    print("|---|---|---|---|---|---|---|")
    compare("four architectures", FOUR, np.float64, n_parts=4)
    if not quick:
        compare("four architectures", FOUR, np.float32, n_parts=4)
        compare("two architectures", TWO, np.float64, n_parts=4)
        compare("two architectures", TWO, np.float32, n_parts=4)


if __name__ == "__main__":
    main()
