"""Training, for benchmarks/rivals.py: a skorch module written by hand, and a bare torch loop."""

from __future__ import annotations

from itertools import count

import numpy as np
import torch
from _bare_loop import bare_loop
from _grid_parts import parts_of
from _rival_table import timed_row
from _timing import interleaved_seconds
from _unrolled import column_product, unroll
from sklearn.model_selection import GridSearchCV, ParameterGrid
from skorch import NeuralNetRegressor
from skorch.callbacks import LRScheduler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import BatchedGridSearchCV, l2_loss_scorer

MU, L, EPOCHS, N_PARTS = 0.1, 1.0, 200, 4
GRID = {"algo": ["gd", "nag"], "q_hidden": [16, 32], "k": [1, 2, 3, 5, 8, 12, 20, 30]}
SEARCH = {"cv": 5, "scoring": l2_loss_scorer, "return_train_score": True, "refit": False}


class Unrolled(torch.nn.Module):
    """What one writes by hand for skorch: a network and k unrolled steps of nag or gd."""

    def __init__(self, algo="nag", k=10, q_hidden=16):
        super().__init__()
        self.algo, self.k = algo, k
        self.net = torch.nn.Sequential(
            torch.nn.Linear(10, q_hidden), torch.nn.ReLU(), torch.nn.Linear(q_hidden, 3)
        )
        self.phi = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self, X):
        x, b, rotation = X[:, :10], X[:, 10:15], X[:, 15:].reshape(-1, 5, 5)
        inner = MU + (L - MU) * torch.softmax(self.net(x), dim=1)
        end = torch.ones_like(inner[:, :1])
        eigenvalues = torch.cat([L * end, inner, MU * end], dim=1)
        Q = rotation @ (eigenvalues.unsqueeze(-1) * rotation.mT)
        return unroll(self.algo, self.k, lambda y: column_product(Q, y), b, self.phi, MU)


class MeanNorm(torch.nn.Module):
    """The paper's loss, which the estimator minimises too."""

    def forward(self, predicted, target):
        return torch.linalg.vector_norm(predicted - target, dim=1).mean()


def search_rows():
    """Compare GridSearchCV over the module above with a batched search of the same grid.

    Both train on whole folds, for as many epochs, by Adam at one rate that falls by a cosine. The
    initial weights are each side's own, and only ours keeps the step size in the stable range. The
    rival's grid is cut into parts that take turns with whole batched searches.
    """
    X, y = (a.astype(np.float32) for a in make_quadratic_reasoning(n_samples=100, random_state=0))
    net = NeuralNetRegressor(
        Unrolled,
        criterion=MeanNorm,
        optimizer=torch.optim.Adam,
        optimizer__weight_decay=1e-4,
        lr=1e-2,
        max_epochs=EPOCHS,
        batch_size=-1,
        train_split=None,
        callbacks=[LRScheduler("CosineAnnealingLR", T_max=EPOCHS)],
        verbose=0,
    )
    parts = iter(parts_of({f"module__{name}": values for name, values in GRID.items()}, N_PARTS))
    held_out = {"rival": [], "ours": []}

    def by_hand():
        torch.manual_seed(0)
        # The turn that is not counted warms up on a single candidate.
        part = next(parts) if warm else [{"module__k": [1]}]
        scores = GridSearchCV(net, part, **SEARCH).fit(X, y).cv_results_["mean_test_score"]
        held_out["rival"].extend(-scores if warm else ())
        warm.append(True)

    def batched():
        model = HybridReasoningRegressor(
            linear_term="given", rotation="given", max_epochs=EPOCHS, random_state=0
        )
        search = BatchedGridSearchCV(model, GRID, **SEARCH).fit(X, y)
        held_out["ours"] = -search.cv_results_["mean_test_score"]

    warm = []
    seconds = interleaved_seconds({"rival": by_hand, "ours": batched}, repeats=N_PARTS)
    seconds["rival"] = [N_PARTS * part for part in seconds["rival"]]
    n_fits = len(ParameterGrid(GRID)) * SEARCH["cv"]
    best, mean = ({k: f(v) for k, v in held_out.items()} for f in (np.min, np.mean))
    agreement = (
        f"held-out loss of the best candidate {best['rival']:.3f} and {best['ours']:.3f}, "
        f"mean of all {mean['rival']:.3f} and {mean['ours']:.3f}"
    )
    setting = f"a fit of {n_fits}: 32 candidates, 5 folds, {EPOCHS} epochs, float32"
    rival = "GridSearchCV over a skorch module"
    yield timed_row("search", setting, rival, seconds, agreement, scale=n_fits)


def loop_rows(repeats=9):
    """Compare a fit with a bare torch loop of the same steps, seed by seed."""
    X, y = make_quadratic_reasoning(n_samples=5_100, population_size=10_000, random_state=0)
    X, rest, y, kept = X[:100], X[100:], y[:100], y[100:]
    for algo, k in (("gd", 10), ("nag", 10), ("nag", 30)):
        losses = {"rival": [], "ours": []}
        seeds = {name: count() for name in losses}

        def by_hand(algo=algo, k=k, losses=losses, seeds=seeds):
            _, loss_of = bare_loop(
                algo, k, X, y, use_layer=False, epochs=400, seed=next(seeds["rival"])
            )
            losses["rival"].append((loss_of(X, y), loss_of(rest, kept)))

        def fit(algo=algo, k=k, losses=losses, seeds=seeds):
            model = HybridReasoningRegressor(
                algo,
                k,
                linear_term="given",
                rotation="given",
                batch_size=50,
                max_epochs=400,
                random_state=next(seeds["ours"]),
            )
            model.fit(X, y)
            losses["ours"].append((model.loss(X, y), model.loss(rest, kept)))

        seconds = interleaved_seconds({"rival": by_hand, "ours": fit}, repeats)
        agreement = ", ".join(
            f"{what} "
            + " and ".join(
                f"{np.mean(values):.3f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"
                for values in (np.array(both)[:, column] for both in losses.values())
            )
            for column, what in enumerate(("loss", "of 5,000 other rows"))
        )
        setting = f"{algo}, k = {k}, 400 epochs of 2 steps, float64"
        yield timed_row("one model", setting, "bare torch loop", seconds, agreement)
