"""A fit with a set takes at most about twice the CPU time of one without.

gd and nag, k = 10, 10 features; labels are drawn from a simplex. The fits take turns, and the least
of five CPU times counts: other work on the machine makes them longer, never shorter.

Run: python benchmarks/constrained_fit.py
"""

from __future__ import annotations

import itertools
import time

import numpy as np

from sklearn_reasoning import HybridReasoningRegressor

REPEATS = 5
ALGORITHMS = ("nag", "gd")
CASES = (
    (None, "each_step"),
    ("nonnegative", "each_step"),
    ("simplex", "each_step"),
    ("simplex", "last_step"),
)
SIZES = ((200, 5, 20), (1000, 20, 15))  # rows, outputs, epochs


def seconds(X, y, epochs, algo, constraint, project):
    """Return the CPU seconds of a fit."""
    model = HybridReasoningRegressor(
        algo=algo,
        k=10,
        constraint=constraint,
        project=project,
        max_epochs=epochs,
        random_state=0,
    )
    began = time.process_time()
    model.fit(X, y)
    return time.process_time() - began


def main():
    rng = np.random.default_rng(0)
    print("| algorithm | rows, outputs | constraint | project | CPU seconds | times |")
    print("|---|---|---|---|---|---|")
    for algo, (n, d, epochs) in itertools.product(ALGORITHMS, SIZES):
        X, y = rng.normal(size=(n, 10)), rng.dirichlet(np.ones(d), size=n)
        turns = [[seconds(X, y, epochs, algo, *case) for case in CASES] for _ in range(REPEATS)]
        least = np.min(turns, axis=0)
        for (constraint, project), taken in zip(CASES, least, strict=True):
            where = "" if constraint is None else project
            ratio = taken / least[0]
            print(f"| {algo} | {n:,}, {d} | {constraint} | {where} | {taken:.2f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
