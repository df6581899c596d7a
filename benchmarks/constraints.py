"""When a constraint pays: trained through, projected at the end, or projected afterwards.

Labels come from an energy whose Q*(x) and b(x) are known, in three ways: its minimisers over the
set, half to three quarters of whose entries are 0; its free minimisers, projected onto the set; and
minimisers that lie inside the set, where it changes nothing. Each problem is learned with b given
and with b learned, from few and more rows, with and without noise in the training labels.

All numbers are mean squared errors over the variance of the labels. Held-out rows have no noise;
the gap is what they would lose with as much noise as the training rows have, less the empirical
loss. Three seeds a number: mean and standard error.

With "linear", a learned b that is linear in x, as it is in these problems: without hidden units.

Run: python benchmarks/constraints.py [linear]
"""

from __future__ import annotations

import sys
import warnings
from itertools import product

import numpy as np
import torch
from sklearn.metrics import make_scorer
from threadpoolctl import threadpool_limits

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV
from sklearn_reasoning.penalties import Nonnegative, Simplex

SETS = {"simplex": Simplex(), "nonnegative": Nonnegative()}
LABELS = ("minima over the set", "projected minima", "minima inside the set")
SIZES, NOISES, SEEDS = (60, 200), (0.0, 0.5), 3
M, D, MU, L, HELD_OUT = 8, 8, 0.1, 1.0, 1000
PLACEMENTS = ("projected afterwards", "last_step", "each_step")


def problem(penalty, labels, n, noise, seed):
    """Return x, b and y of n training rows and of those held out, which have no noise.

    Eigenvectors of Q* are the same for all rows, its eigenvalues follow from x by a logistic
    function, and b is linear in x.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n + HELD_OUT, M))
    R = np.linalg.qr(rng.normal(size=(D, D)))[0]
    eigenvalues = MU + (L - MU) / (1 + np.exp(-x @ rng.normal(size=(M, D)) / 2))
    Q = (R * eigenvalues[:, None]) @ R.T
    b = 0.3 * x @ rng.normal(size=(M, D)) / np.sqrt(M)
    if labels == "minima inside the set":
        y = np.exp(b)
        y /= y.sum(axis=1, keepdims=True) if penalty == Simplex() else 1.0
        b = -(Q @ y[..., None])[..., 0]
    elif labels == "projected minima":
        y = penalty.project(torch.from_numpy(-np.linalg.solve(Q, b[..., None])[..., 0])).numpy()
    else:
        y = minima(penalty, Q, b)
    scale = np.sqrt(y[n:].var(axis=0).mean())
    y[:n] += noise * scale * rng.normal(size=(n, D))
    return x, b, y


def minima(penalty, Q, b):
    """Return the minimisers over the set: 500 projected steps leave 0.9^500 of the distance."""
    Q, b = torch.from_numpy(Q), torch.from_numpy(b)
    y = torch.zeros_like(b)
    for _ in range(500):
        y = penalty.project(y - ((Q @ y[..., None])[..., 0] + b) / L)
    return y.numpy()


def measured(name, linear_term, n, labels=LABELS, **parameters):
    """Return held-out and empirical losses of shape (n_cases, n_placements, n_seeds).

    All problems of one size are rows of one table and each is a split of it, so that the search
    trains a stack for each placement. Every prediction is projected before it is scored, which
    changes that of the free model only.
    """
    penalty, rows, splits, variances, n_rows = SETS[name], [], [], [], 0
    cases = list(product(labels, NOISES))
    for (made, noise), seed in product(cases, range(SEEDS)):
        rows.append(problem(penalty, made, n, noise, seed))
        splits.append((n_rows + np.arange(n), n_rows + n + np.arange(HELD_OUT)))
        variances.append(rows[-1][2][n:].var(axis=0).sum())
        n_rows += n + HELD_OUT
    x, b, y = (np.concatenate(parts) for parts in zip(*rows, strict=True))

    def loss(y, predicted):
        inside = penalty.project(torch.from_numpy(predicted)).numpy()
        return ((inside - y) ** 2).sum(axis=1).mean()

    search = BatchedGridSearchCV(
        HybridReasoningRegressor(mu=MU, L=L, linear_term=linear_term, random_state=0, **parameters),
        [{"constraint": [None]}, {"constraint": [name], "project": ["last_step", "each_step"]}],
        scoring=make_scorer(loss, greater_is_better=False),
        refit=False,
        cv=splits,
        return_train_score=True,
    ).fit(x if linear_term == "learned" else np.hstack([x, b]), y)
    found = [
        np.array(
            [-search.cv_results_[f"split{i}_{part}_score"] / v for i, v in enumerate(variances)]
        )
        for part in ("test", "train")
    ]
    zeros = [np.mean(y[test] == 0.0) for _, test in splits]
    return (
        zip(cases, np.reshape(zeros, (-1, SEEDS)).mean(axis=1), strict=True),
        *(f.reshape(len(cases), SEEDS, -1).transpose(0, 2, 1) for f in found),
    )


def cell(held_out, empirical, noise):
    """Write the held-out loss, and in brackets the empirical one and the gap."""
    error = held_out.std(ddof=1) / np.sqrt(len(held_out))
    gap = held_out.mean() + noise**2 - empirical.mean()
    return f"{held_out.mean():.4f} ± {error:.4f} ({empirical.mean():.3f}, {gap:.3f})"


def main(linear):
    titles = ("set", "labels", "zeros", "b", "n", "noise", *PLACEMENTS, "afterwards / each")
    print(f"| {' | '.join(titles)} |")
    print("|" + 10 * "---|")
    if linear:
        runs = [(name, "learned", n, LABELS[:1], {"b_hidden": ()}) for name in SETS for n in SIZES]
    else:
        runs = [(*run, LABELS, {}) for run in product(SETS, ("given", "learned"), SIZES)]
    for name, linear_term, n, labels, parameters in runs:
        cases, held_out, empirical = measured(name, linear_term, n, labels, **parameters)
        term = f"{linear_term}, linear" if linear else linear_term
        for i, ((made, noise), zeros) in enumerate(cases):
            cells = [cell(*pair, noise) for pair in zip(held_out[i], empirical[i], strict=True)]
            ratio = held_out[i][0].mean() / held_out[i][2].mean()
            print(
                f"| {name} | {made} | {100 * zeros:.0f} % | {term} | {n} | {noise} "
                f"| {' | '.join(cells)} | {ratio:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    torch.set_num_threads(1)
    # Noise moves labels out of the set, and every fit would tell.
    warnings.filterwarnings("ignore", category=UserWarning)
    with threadpool_limits(1):
        main(linear="linear" in sys.argv[1:])
