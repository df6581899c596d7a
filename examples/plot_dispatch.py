"""
Dispatch: bounds of each row
============================

Six stations share the supply. Each hour an operator sets their outputs y to minimise
1/2 y'Q(x)y - price'y: the prices are known, and so is what each station can give in that hour. The
costs Q(x) are not: wear, and losses in shared lines, which grow with the heat x. From past hours we
learn to dispatch as the operator does, within limits that are never the same.
"""

# %%
# X holds ``[x | b | limit]``: the heat, minus the prices, and the limits of the hour. Some stations
# are nearly off. The operator's outputs are the exact minimisers, seen with an error of 0.05 and
# cut off at the limits.
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.penalties import Box, Columns

wear = np.diag([0.5, 0.7, 0.9, 0.6, 1.1, 0.8])
lines = 0.6 * np.array([[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0], [1, 0, 1, 0, 0, 1]])
b_columns, limit_columns = list(range(1, 7)), list(range(7, 13))


def draw(rng, n=750):
    """Return X, the operator's outputs, and the costs, a row an hour."""
    x = rng.random(n)
    Q = wear + (0.5 + 2.0 * x)[:, None, None] * (lines.T @ lines)
    prices = 1.0 + 0.5 * rng.random((n, 1)) + 0.4 * rng.standard_normal((n, 6))
    limits = np.where(rng.random((n, 6)) < 0.15, 0.1, rng.uniform(0.3, 1.2, (n, 6)))
    operator = ReasoningLayer("opt", k=1, mu=0.5, L=8.0, penalty=Box(0.0, torch.tensor(limits)))
    with torch.no_grad():
        y = operator(DenseQuadratic(torch.tensor(Q), torch.tensor(-prices))).numpy()
    return np.column_stack([x, -prices, limits]), y, Q


# %%
# With ``Columns`` the bounds are read from X, and such columns are then no part of x: no network
# sees them. The rivals see all of X as features, their products too, or without limits; their
# outputs are clipped to the limits afterwards.
layer = {
    "k": 15,
    "linear_term": b_columns,
    "mu": 0.4,
    "L": 8.0,
    "lr": 0.03,
    "max_epochs": 80,
    "random_state": 0,
}
alphas = np.logspace(-6, 3, 30)
models = {
    "RidgeCV": RidgeCV(alphas),
    "RidgeCV, products": make_pipeline(
        StandardScaler(), PolynomialFeatures(2, include_bias=False), RidgeCV(np.logspace(-2, 5, 30))
    ),
    "ExtraTreesRegressor": ExtraTreesRegressor(200, random_state=0),
    "MLPRegressor": TransformedTargetRegressor(
        make_pipeline(
            StandardScaler(),
            MLPRegressor(hidden_layer_sizes=(32,), alpha=1.0, max_iter=2000, random_state=0),
        ),
        transformer=StandardScaler(),
    ),
    "layer, free, limits in x": HybridReasoningRegressor(**layer),
    "layer, free, no limits": make_pipeline(
        FunctionTransformer(lambda X: X[:, :7]), HybridReasoningRegressor(**layer)
    ),
    "layer, last step": HybridReasoningRegressor(
        constraint=Box(0.0, Columns(limit_columns)), project="last_step", **layer
    ),
    "layer, each step": HybridReasoningRegressor(
        constraint=Box(0.0, Columns(limit_columns)), **layer
    ),
    "layer, each step, R(x)": HybridReasoningRegressor(
        constraint=Box(0.0, Columns(limit_columns)), rotation="predicted", **layer
    ),
}

# %%
# A hundred and fifty hours to learn from, three draws of them; errors are those of an output in 600
# other hours, from the operator's without noise.
errors, clipped_errors, outside, excess = ({name: [] for name in models} for _ in range(4))
for seed in range(3):
    rng = np.random.default_rng(seed)
    X, y, Q = draw(rng)
    seen = np.clip(y + 0.05 * rng.standard_normal(y.shape), 0.0, X[:, 7:])
    X_test, y_test, limits = X[150:], y[150:], X[150:, 7:]
    for name, model in models.items():
        raw = model.fit(X[:150], seen[:150]).predict(X_test)
        clipped = np.clip(raw, 0.0, limits)
        errors[name].append(np.sqrt(np.mean((raw - y_test) ** 2)))
        clipped_errors[name].append(np.sqrt(np.mean((clipped - y_test) ** 2)))
        beyond = np.maximum(raw - limits, -raw)
        outside[name].append((beyond > 0.0).any(axis=1).mean())
        excess[name].append(beyond.max())

print(f"At their limits: {(y == X[:, 7:]).mean():.0%} of the outputs, off: {(y == 0.0).mean():.0%}")
print("three draws, 600 other hours  error     clipped +- s.e.   hours outside   farthest")
for name, found in clipped_errors.items():
    after = f"{np.mean(found):.4f} +- {np.std(found, ddof=1) / 3**0.5:.4f}"
    before = f"{np.mean(errors[name]):.4f}"
    share = f"{np.mean(outside[name]):.0%}"
    print(f"{name:26}{before:>9}{after:>20}{share:>14}{max(0.0, *excess[name]):13.3f}")

# %%
# Half of the outputs are at their limits, and what a station cannot give the others make up for. A
# rival has to learn that from examples, in thirteen columns; clipping mends the station itself and
# not the others. The free layers fail for the same reason. Trained through one projection at the
# end the layer is ahead of all rivals, and trained through each step it has a fifth of the error of
# the best: it minimises within the limits, as the operator does. The lines heat up together, which
# turns the eigenvectors of Q, so those that move with x (``rotation="predicted"``) are nearer
# still.
#
# The costs can be read from what was learned. Nobody showed them to the model, and where outputs
# are at their limits they leave no trace.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name, style in (("RidgeCV, products", "C0."), ("layer, each step, R(x)", "C1.")):
    clipped = np.clip(models[name].predict(X_test), 0.0, limits)
    left.plot(y_test.ravel(), clipped.ravel(), style, markersize=2, label=name)
left.axline((0, 0), slope=1, color="k", linewidth=0.8)
left.set(xlabel="the operator's output", ylabel="predicted, clipped", title="Other hours")
left.legend()
hybrid = models["layer, each step, R(x)"]
learned, _ = hybrid.predict_energy(X_test)
heat, order = X_test[:, 0], np.argsort(X_test[:, 0])
for (i, j), color in (((0, 0), "C0"), ((0, 1), "C1"), ((1, 4), "C2")):
    right.plot(heat[order], Q[150:][order, i, j], color, label=f"stations {i + 1} and {j + 1}")
    right.plot(heat[order], learned[order, i, j], color + ".", markersize=2)
right.set(xlabel="heat x", ylabel="entry of Q", title="Costs: true (lines) and learned (dots)")
right.legend()
plt.show()
