"""BatchedGridSearchCV against GridSearchCV: the same bits, and how much sooner.

The paper's synthetic problem (n = 100, d = 5, b and R given), 200 epochs, 5 folds, train and test
scores, two workers each, all of them started before. GridSearchCV runs over the same estimator,
and over a module that one would write by hand for skorch. The grid of GridSearchCV is cut into
parts that take turns with whole batched searches.

Run: python benchmarks/search.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ParameterGrid
from skorch import NeuralNetRegressor

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import BatchedGridSearchCV, l2_loss_scorer

MU, L, EPOCHS, N_JOBS, CV = 0.1, 1.0, 200, 2, 5
FOUR = {"algo": ["gd", "nag"], "q_hidden": [16, 32], "k": [1, 2, 3, 5, 8, 12, 20, 30]}
TWO = {
    "algo": ["gd", "nag"],
    "k": [1, 2, 3, 4, 5, 8, 10, 15, 20, 30],
    "lr": np.logspace(-3, -1, 5).tolist(),
    "weight_decay": [0.0, 1e-4],
}
SEARCH = {"cv": CV, "n_jobs": N_JOBS, "return_train_score": True, "refit": False}


class Unrolled(torch.nn.Module):
    """What one writes by hand for skorch: a network and k unrolled steps of nag or gd."""

    def __init__(self, algo="nag", k=10, q_hidden=16):
        super().__init__()
        self.algo, self.k = algo, k
        self.net = torch.nn.Sequential(
            torch.nn.Linear(10, q_hidden), torch.nn.ReLU(), torch.nn.Linear(q_hidden, 3)
        )
        self.phi = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self, X):  # noqa: D102
        x, b, rotation = X[:, :10], X[:, 10:15], X[:, 15:].reshape(-1, 5, 5)
        inner = MU + (L - MU) * torch.softmax(self.net(x), dim=1)
        end = torch.ones_like(inner[:, :1])
        eigenvalues = torch.cat([L * end, inner, MU * end], dim=1)
        Q = rotation @ (eigenvalues.unsqueeze(-1) * rotation.mT)
        y = z = torch.zeros_like(b)
        root = torch.sqrt(MU * self.phi)
        beta = (1 - root) / (1 + root) if self.algo == "nag" else 0.0
        for _ in range(self.k):
            y_next = z - self.phi * ((Q @ z.unsqueeze(-1)).squeeze(-1) + b)
            z = y_next + beta * (y_next - y)
            y = y_next
        return y


def seconds_of(search, X, y):
    began = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - began


def parts_of(grid, n_parts):
    """Cut a grid into lists of single candidates that each hold a bit of everything."""
    candidates = [{name: [value] for name, value in c.items()} for c in ParameterGrid(grid)]
    return [candidates[i::n_parts] for i in range(n_parts)]


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
    return median / n_fits


def equal_scores(all_results, some_results):
    """Say whether every train and test score of some candidates is that of the whole search."""
    place = {str(sorted(c.items())): i for i, c in enumerate(all_results["params"])}
    rows = [place[str(sorted(c.items()))] for c in some_results["params"]]
    return all(
        np.array_equal(all_results[key][rows], some_results[key])
        for key in some_results
        if key.startswith("split")
    )


def compare_with_hand_written(seconds_a_fit, n_candidates):
    """Time GridSearchCV over the module above, with skorch's defaults, on a part of the grid."""
    X, y = make_quadratic_reasoning(n_samples=100, random_state=0)
    X, y = X.astype(np.float32), y.astype(np.float32)
    net = NeuralNetRegressor(
        Unrolled, max_epochs=EPOCHS, lr=0.01, optimizer=torch.optim.Adam, verbose=0
    )
    grid = {f"module__{name}": values for name, values in FOUR.items()}
    (part, *_) = parts_of(grid, len(ParameterGrid(grid)) // n_candidates)
    options = {**SEARCH, "scoring": l2_loss_scorer}
    GridSearchCV(clone(net).set_params(max_epochs=1), part[:1], **options).fit(X, y)
    n_fits = len(part) * CV
    each = seconds_of(GridSearchCV(net, part, **options), X, y) / n_fits
    print(
        f"\nGridSearchCV over a hand-written skorch module, skorch's defaults, float32: "
        f"{1e3 * each:.0f} ms a fit ({n_fits} fits), against {1e3 * seconds_a_fit:.1f} ms: "
        f"{each / seconds_a_fit:.0f} times."
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
        seconds32 = compare("four architectures", FOUR, np.float32, n_parts=4)
        compare("two architectures", TWO, np.float64, n_parts=4)
        compare("two architectures", TWO, np.float32, n_parts=4)
        compare_with_hand_written(seconds32, n_candidates=8)


if __name__ == "__main__":
    main()
