"""A batched search gives the bits of ``GridSearchCV``, however it is cut into stacks.

300 epochs, folds of unequal size, every algorithm and both precisions; the grid mixes all that
may differ inside a stack. Each split's train and test score and the refitted predictions are
compared, for stacks of up to 200 models in one process and of up to 16 and 3 in two workers.
Run: python benchmarks/search_bits.py [--epochs 300] [ALGORITHM ...]
"""

import argparse
import itertools
import time

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import list_algorithms
from sklearn_reasoning.model_selection import BatchedGridSearchCV
from sklearn_reasoning.model_selection.search import _fits

# (largest stack, workers)
CUTS = [(200, None), (16, 2), (3, 2)]
# 51 and 52 rows to train on.
ROWS, FOLDS = 103, 2

# The last dicts are stacks of their own: they change shapes, or the code path.
GRID = [
    {"k": [1, 30], "lr": [1e-2, 3e-3]},
    {"k": [0, 7], "loss": ["squared"], "weight_decay": [0.0]},
    {"k": [5], "step_size": [0.7], "learn_step_size": [False], "lr_schedule": ["constant"]},
    {"k": [12], "step_size_range": [(0.3, 0.9)], "keep": ["last"], "random_state": [3]},
    {"k": [4], "max_epochs": [0.6]},
    {"k": [1, 6], "batch_size": [30]},
    {"k": [9], "early_stopping": [True], "n_iter_no_change": [5, 20], "tol": [1e-3]},
    {"k": [3], "optimizer": ["sgd"], "q_hidden": [None]},
    {"k": [3], "step_size_per_iteration": [True]},
]


def data(dtype):
    rng = np.random.default_rng(0)
    X = 3.0 * rng.normal(size=(ROWS, 6)) + 1.0
    y = np.tanh(X @ rng.normal(size=(6, 4)) / 3.0) + 0.1 * rng.normal(size=(ROWS, 4))
    return X.astype(dtype), (5.0 * y).astype(dtype), rng.uniform(0.5, 1.5, size=ROWS)


def grid_of(epochs):
    """Return the grid for the pipeline, fractions of epochs made whole."""
    grid = []
    for part in GRID:
        values = dict(part)
        if "max_epochs" in values:
            values["max_epochs"] = [int(fraction * epochs) for fraction in values["max_epochs"]]
        grid.append({f"hybridreasoningregressor__{name}": v for name, v in values.items()})
    return grid


def numbers(search, X):
    """Return every number that must agree: of the splits, then of the refit."""
    splits = [v for key, v in search.cv_results_.items() if key.startswith("split")]
    return np.concatenate([*splits, search.predict(X).ravel()])


def compare(algo, dtype, epochs):
    """Print the row of one algorithm and precision; return whether all bits are equal."""
    X, y, weight = data(dtype)
    model = make_pipeline(
        StandardScaler(), HybridReasoningRegressor(algo, max_epochs=epochs, random_state=0)
    )
    options = {"cv": FOLDS, "return_train_score": True, "scoring": "r2"}
    fit = {"hybridreasoningregressor__sample_weight": weight}
    began = time.perf_counter()
    reference = GridSearchCV(model, grid_of(epochs), n_jobs=2, **options).fit(X, y, **fit)
    seconds = time.perf_counter() - began
    expected = numbers(reference, X)
    cells, equal = [], True
    for largest, n_jobs in CUTS:
        _fits.LARGEST_STACK = largest
        search = BatchedGridSearchCV(model, grid_of(epochs), n_jobs=n_jobs, **options)
        found = numbers(search.fit(X, y, **fit), X)
        same = np.array_equal(found, expected, equal_nan=True)
        n_unequal = int((~((found == expected) | np.isnan(found) & np.isnan(expected))).sum())
        difference = np.nanmax(np.abs(found - expected))
        cells.append("yes" if same else f"no: {n_unequal} numbers, up to {difference:.1e}")
        equal &= same
    n_fits = len(reference.cv_results_["params"]) * FOLDS
    row = [algo, np.dtype(dtype).name, f"{n_fits}", *cells, f"{seconds:.0f} s"]
    print("| " + " | ".join(row) + " |", flush=True)
    return equal


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("algorithms", nargs="*", default=list_algorithms(), metavar="ALGORITHM")
    parser.add_argument("--epochs", type=int, default=300)
    arguments = parser.parse_args()
    cuts = [f"stacks of {largest}, {jobs or 1} worker(s)" for largest, jobs in CUTS]
    head = ["algorithm", "dtype", "fits", *cuts, "GridSearchCV took"]
    print("Equal bits?\n\n| " + " | ".join(head) + " |\n|" + "---|" * len(head), flush=True)
    every = itertools.product(arguments.algorithms, (np.float64, np.float32))
    equal = [compare(algo, dtype, arguments.epochs) for algo, dtype in every]
    if not all(equal):
        raise SystemExit("Some bits differ.")


if __name__ == "__main__":
    main()
