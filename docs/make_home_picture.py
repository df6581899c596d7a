"""Draw the picture of the home page, docs/figures/home.png: python docs/make_home_picture.py.

The data, the models and their numbers are those of the code on that page. Needs the extra "docs".
"""

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import mean_l2_loss

OUT = Path(__file__).parent / "figures" / "home.png"
K = 30
# Two rows that were not trained on, and the two outputs that are drawn.
ROWS, OUTPUTS = (5, 14), [0, 1]
ALPHAS = np.logspace(-3, 6, 19)


def in_eigenbasis(X, d=5):
    """Return what a linear model needs for a constant spectrum: the parts of Q^-1 b."""
    b, rotation = X[:, -d - d * d : -d * d], X[:, -d * d :].reshape(-1, d, d)
    parts = np.einsum("nij,ni->nj", rotation, b)[:, None, :] * rotation
    return parts.reshape(len(X), -1)


def draw_energy(ax, model, x, y_true, title):
    """Draw the predicted energy of a row, cut through its minimiser, and the steps on it."""
    (Q,), (b,) = model.predict_energy(x)
    minimiser = -np.linalg.solve(Q, b)
    steps = np.concatenate([model.predict(x, k=k) for k in range(K + 1)])[:, OUTPUTS]
    low, high = steps.min(axis=0), steps.max(axis=0)
    centre, half = (low + high) / 2, 0.75 * (high - low).max()
    first, second = (np.linspace(c - half, c + half, 200) for c in centre)
    off = np.stack(np.meshgrid(first, second), axis=-1) - minimiser[OUTPUTS]
    above = np.einsum("...i,ij,...j", off, Q[np.ix_(OUTPUTS, OUTPUTS)], off)
    ax.contour(first, second, np.sqrt(above), levels=9, colors="0.75", linewidths=0.8)
    ax.plot(*steps.T, "o-", color="C0", markersize=3.5, linewidth=1.2, label=f"{K} steps of nag")
    ax.plot(*y_true[OUTPUTS], "x", color="C3", markersize=11, markeredgewidth=2.5, label="true y")
    ax.set(title=title, xlabel="$y_1$", ylabel="$y_2$", aspect="equal")


def main():
    X, y, problem = make_quadratic_reasoning(noise=1.0, return_problem=True, random_state=0)
    unseen = np.delete(np.arange(len(problem.X)), problem.train_indices)
    X_test, y_test = problem.X[unseen], problem.y[unseen]
    model = HybridReasoningRegressor(
        "nag", k=K, linear_term="given", rotation="given", random_state=0
    ).fit(X, y)
    ridge = make_pipeline(StandardScaler(), RidgeCV(ALPHAS)).fit(X, y)
    interactions = make_pipeline(StandardScaler(), PolynomialFeatures(2), RidgeCV(ALPHAS)).fit(X, y)
    by_hand = make_pipeline(StandardScaler(), RidgeCV(ALPHAS)).fit(in_eigenbasis(X), y)
    error = {
        "RidgeCV with\ninteractions": mean_l2_loss(y_test, interactions.predict(X_test)),
        "RidgeCV": mean_l2_loss(y_test, ridge.predict(X_test)),
        "RidgeCV, b in\neigenbasis": mean_l2_loss(y_test, by_hand.predict(in_eigenbasis(X_test))),
        "30 steps\non Q(x)": model.loss(X_test, y_test),
    }
    for name, value in error.items():
        print(f"{name.replace(chr(10), ' '):<28}{value:6.2f}")

    figure, axes = plt.subplots(
        1, 3, figsize=(11, 3.7), layout="constrained", width_ratios=[1.15, 1, 1]
    )
    bars, *energies = axes
    for ax, row, name in zip(energies, ROWS, ("one row", "another row"), strict=True):
        draw_energy(ax, model, X_test[row : row + 1], y_test[row], f"The energy of {name}")
    energies[0].legend(loc="best", fontsize=9)
    drawn = bars.barh(list(error), list(error.values()), color=["0.7"] * 3 + ["C0"])
    bars.bar_label(drawn, fmt="%.1f", padding=3)
    bars.set(title="Mean error on unseen rows", xlim=(0, 1.15 * max(error.values())))
    bars.spines[["top", "right"]].set_visible(False)
    figure.savefig(OUT, dpi=120)


if __name__ == "__main__":
    main()
