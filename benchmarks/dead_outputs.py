"""How many of 50 trainings on simplices stick, with an output that is 0 in all rows.

An output that every row projects to 0 gets no gradient. Labels are minimisers on the simplex, most
of whose entries are 0, or shares of which the later ones are rare. All else is at its default. An
output is dead if a fitted model predicts it 0 on all training rows though a label of at least 0.01
has it; a training sticks if one of its outputs is dead, or if its error is not below that of a
constant. With "squared", the 15 trainings on rare shares with a learned b, by loss="squared".

Run: python benchmarks/dead_outputs.py [squared]
"""

from __future__ import annotations

import sys
from itertools import product

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.penalties import Simplex

N, M, SEEDS = 120, 6, 5


def minima(rng, d):
    """Return [x | b] and the minimisers of energies with a Q of x, most of whose entries are 0."""
    x = rng.normal(size=(N, M))
    R = np.linalg.qr(rng.normal(size=(d, d)))[0]
    eigenvalues = 0.1 + 0.9 / (1.0 + np.exp(-x @ rng.normal(size=(M, d)) / 2.0))
    Q = torch.from_numpy((R * eigenvalues[:, None]) @ R.T)
    b = torch.from_numpy(0.3 * x @ rng.normal(size=(M, d)) / np.sqrt(M))
    y = torch.full_like(b, 1.0 / d)
    for _ in range(500):
        y = Simplex().project(y - (Q @ y[..., None])[..., 0] - b)
    return x, b.numpy(), y.numpy()


def rare_shares(rng, d):
    """Return [x | b] and shares of which the last are 0 but for a few rows."""
    x = rng.normal(size=(N, M))
    scores = x @ rng.normal(size=(M, d)) - np.linspace(0.0, 4.0, d)
    y = Simplex().project(torch.from_numpy(scores)).numpy()
    return x, -scores + 0.5 * rng.normal(size=scores.shape), y


LABELS = {"minima": minima, "rare shares": rare_shares}


def main(loss):
    stuck, trainings = 0, 0
    print("| labels | outputs | b | trainings | dead outputs | stuck | worst error / constant |")
    print("|---|---|---|---|---|---|---|")
    cases = [*product(LABELS, (4, 10), ("given", "learned")), ("rare shares", 10, "corrected")]
    cases.append(("rare shares", 20, "learned"))
    if loss == "squared":
        cases = [case for case in cases if case[0] == "rare shares" and case[2] == "learned"]
    for labels, d, linear_term in cases:
        dead, worst, bad = 0, 0.0, 0
        for seed in range(SEEDS):
            x, b, y = LABELS[labels](np.random.default_rng(seed), d)
            X = x if linear_term == "learned" else np.hstack([x, b])
            model = HybridReasoningRegressor(
                constraint="simplex", linear_term=linear_term, loss=loss, random_state=seed
            )
            predicted = model.fit(X, y).predict(X)
            gone = int(((predicted.max(axis=0) == 0.0) & (y.max(axis=0) >= 0.01)).sum())
            error = ((predicted - y) ** 2).sum() / ((y - y.mean(axis=0)) ** 2).sum()
            dead, worst, bad = dead + gone, max(worst, error), bad + (gone > 0 or error >= 1.0)
        stuck, trainings = stuck + bad, trainings + SEEDS
        print(
            f"| {labels} | {d} | {linear_term} | {SEEDS} | {dead} | {bad} | {worst:.3f} |",
            flush=True,
        )
    print(f"\n{stuck} of {trainings} trainings stuck.")


if __name__ == "__main__":
    torch.set_num_threads(1)
    with threadpool_limits(1):
        main("squared" if "squared" in sys.argv[1:] else "l2")
