"""Imitate a long-only mean-variance optimiser on 20 shares of the S&P 500, with rivals.

Every two weeks a fund holds the weights y on the simplex that minimise risk / 2 - gain / 10: its
risk is the covariance of 252 days, shrunk by Ledoit and Wolf, its gain the mean of these days,
which it publishes. The imitator has past weights, that gain, and statistics of the last 63 days:
the eigenvalues and eigenvectors of their covariance for a layer, volatilities and the mean
correlation for rivals. Both sides count in units of the mean variance of the 63 days, which moves
no weights.

Each of seven models is trained on 200 decisions, eight years, and predicts those of the next three
years. A purge of 252 days lies between, so that no day is behind labels of both. Printed is the
mean squared error over the variance of the weights to be predicted, projected where a model does
not obey by itself: mean and standard error over the seven, and how far "each_step" is ahead.

Needs the prices that ship with skfolio: pip install --no-deps skfolio==1.12.2
Run: python benchmarks/imitation.py
"""

from __future__ import annotations

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.compose import TransformedTargetRegressor
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import RidgeCV
from sklearn.metrics import make_scorer
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.model_selection import BatchedGridSearchCV
from sklearn_reasoning.penalties import Simplex

LONG, SHORT, STEP, AVERSION = 252, 63, 10, 10.0
N_TRAIN, N_TEST, PURGE = 200, 75, -(-252 // 10)
PLACEMENTS = ("projected afterwards", "last_step", "each_step")
LAYER = {"mu": 0.05, "L": 10.0, "random_state": 0}


def returns():
    """Return the daily returns of 20 shares, 1990 to 2022, without importing the package."""
    spec = importlib.util.find_spec("skfolio")
    if spec is None:
        sys.exit("The prices ship with skfolio: pip install --no-deps skfolio==1.12.2")
    path = Path(spec.submodule_search_locations[0], "datasets", "data", "sp500_dataset.csv.gz")
    return pd.read_csv(path, index_col=0).pct_change().to_numpy()[1:]


def decisions(daily):
    """Return the parts of all decisions, by name, each with a row a decision."""
    rows = []
    for day in range(LONG, len(daily) + 1, STEP):
        long, short = daily[day - LONG : day], daily[day - SHORT : day]
        covariance = np.cov(short.T)
        unit, volatility = np.diag(covariance).mean(), np.sqrt(np.diag(covariance))
        eigenvalues, R = np.linalg.eigh(covariance / unit)
        d = len(covariance)
        correlation = (covariance / np.outer(volatility, volatility)).sum() - d
        rows.append(
            {
                "eigenvalues": np.log(eigenvalues),
                "R": R.ravel(),
                "b": -long.mean(axis=0) / (AVERSION * unit),
                "statistics": [*np.log(volatility / np.sqrt(unit)), correlation / (d * d - d)],
                "risk": ledoit_wolf(long)[0] / unit,
                "sample": covariance / unit,
                "shrunk": ledoit_wolf(short)[0] / unit,
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def minima(Q, b):
    """Return the minimisers on the simplex."""
    spectrum = np.linalg.eigvalsh(Q)
    layer = ReasoningLayer(
        "opt", k=1, mu=float(spectrum.min()), L=float(spectrum.max()), penalty=Simplex()
    )
    with torch.no_grad():
        return layer(DenseQuadratic(torch.tensor(Q), torch.tensor(b))).numpy()


def error(y, predicted):
    """Return the squared error over the variance of y, of the projected predictions."""
    inside = Simplex().project(torch.from_numpy(np.array(predicted))).numpy()
    return ((inside - y) ** 2).sum() / ((y - y.mean(axis=0)) ** 2).sum()


def of_layers(X, y, splits, **parameters):
    """Return errors of shape (3, n_splits): free and projected, last_step, each_step."""
    search = BatchedGridSearchCV(
        HybridReasoningRegressor(**LAYER, **parameters),
        [
            {"constraint": [None]},
            {"constraint": ["simplex"], "project": ["last_step", "each_step"]},
        ],
        scoring=make_scorer(error, greater_is_better=False),
        refit=False,
        cv=splits,
    ).fit(X, y)
    return -np.array([search.cv_results_[f"split{i}_test_score"] for i in range(len(splits))]).T


class SoftmaxNetwork:
    """A network whose outputs are made shares by a softmax, trained on the squared error."""

    def fit(self, X, y):
        """Train on all rows at once."""
        generator = torch.Generator().manual_seed(0)
        self.scaler = StandardScaler().fit(X)
        x, y = torch.from_numpy(self.scaler.transform(X)), torch.from_numpy(y)
        sizes = (x.shape[1], 32, y.shape[1])
        self.weights = [
            (torch.randn(a, b, dtype=torch.float64, generator=generator) / a**0.5).requires_grad_()
            for a, b in pairwise(sizes)
        ]
        self.biases = [torch.zeros(b, dtype=torch.float64, requires_grad=True) for b in sizes[1:]]
        groups = [{"params": self.weights, "weight_decay": 1e-3}, {"params": self.biases}]
        optimizer = torch.optim.Adam(groups, lr=1e-2)
        for _ in range(500):
            optimizer.zero_grad()
            (self.outputs(x) - y).square().sum(dim=1).mean().backward()
            optimizer.step()
        return self

    def outputs(self, x):
        """Return the shares."""
        hidden = torch.relu(x @ self.weights[0] + self.biases[0])
        return torch.softmax(hidden @ self.weights[1] + self.biases[1], dim=1)

    def predict(self, X):
        """Return the shares, as an array."""
        with torch.no_grad():
            return self.outputs(torch.from_numpy(self.scaler.transform(X))).numpy()


def rivals():
    """Return what learns from the statistics and b."""
    network = MLPRegressor(hidden_layer_sizes=(32,), alpha=1.0, max_iter=2000, random_state=0)
    return {
        "RidgeCV, projected": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 6, 40))),
        "MLPRegressor, projected": TransformedTargetRegressor(
            make_pipeline(StandardScaler(), network), transformer=StandardScaler()
        ),
        "network, softmax": SoftmaxNetwork(),
    }


def shown(values):
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) / len(values) ** 0.5:.3f}"


def main():
    parts = decisions(returns())
    y = minima(parts["risk"], parts["b"])
    firsts = range(0, len(y) - N_TRAIN - PURGE - N_TEST + 1, N_TEST)
    splits = [(i + np.arange(N_TRAIN), i + N_TRAIN + PURGE + np.arange(N_TEST)) for i in firsts]
    print(f"{len(y)} decisions, {len(splits)} splits, {np.mean(y == 0.0):.0%} of weights are 0\n")
    print("| model | error |\n|---|---|")
    held = [test for _, test in splits]
    exact = {
        "the mean of the training rows": [
            error(y[test], np.tile(y[train].mean(axis=0), (len(test), 1))) for train, test in splits
        ],
        "solved with the covariance of 63 days": [
            error(y[rows], minima(parts["sample"][rows], parts["b"][rows])) for rows in held
        ],
        "the same, shrunk by Ledoit and Wolf": [
            error(y[rows], minima(parts["shrunk"][rows], parts["b"][rows])) for rows in held
        ],
    }
    table = np.hstack([parts["statistics"], parts["b"]])
    for name, model in rivals().items():
        exact[name] = [
            error(y[test], model.fit(table[train], y[train]).predict(table[test]))
            for train, test in splits
        ]
    for name, found in exact.items():
        print(f"| {name} | {shown(found)} |", flush=True)
    given = np.hstack([parts["eigenvalues"], parts["b"], parts["R"]])
    axes = {"rotation": "given", "spectrum": "free"}
    layers = {
        "layer, b given, R given": (given, {"linear_term": "given", **axes}),
        "layer, b corrected, R given": (given, {"linear_term": "corrected", **axes}),
        "layer, b learned": (table, {}),
    }
    ahead = []
    for name, (X, parameters) in layers.items():
        errors = of_layers(X, y, splits, **parameters)
        for placement, found in zip(PLACEMENTS, errors, strict=True):
            print(f"| {name}, {placement} | {shown(found)} |", flush=True)
        ahead += [f"| {name} | {PLACEMENTS[i]} | {shown(errors[i] - errors[2])} |" for i in (0, 1)]
    print("\n| model | placement | less the error of each_step |\n|---|---|---|")
    print("\n".join(ahead))


if __name__ == "__main__":
    torch.set_num_threads(1)
    with threadpool_limits(1):
        main()
