"""
Spectral unmixing: fractions on the simplex
===========================================

The spectrum s of a powder is a mixture of the spectra of its compounds, the columns of E, which are
known. The fractions a are wanted; they are not negative and their sum is 1. Least squares on that
simplex is an energy with Q = E'E and b = -E's. But the darker the powder, the more of the light
it swallows on the blue side, and how much is not known: Q has to be learned from the darkness x.
"""

# %%
# Five compounds with three peaks each, seen in eighty bands. In each band the light is weakened to
# the share g(x), so s = diag(g) E a, and the right energy for b = -E's is that with
# Q(x) = E' diag(g) E. Fractions below 0.05 do not occur.
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.penalties import Simplex

rng = np.random.default_rng(0)
bands = np.linspace(0.0, 1.0, 80)
peaks, heights = rng.random((3, 1, 5)), rng.uniform(0.2, 0.5, (3, 1, 5))
E = (heights * np.exp(-(((bands[:, None] - peaks) / 0.05) ** 2))).sum(axis=0)
Q_of_white = E.T @ E


def light(x):
    """Return g(x), the share of light that is left in each band."""
    return np.exp(-x[:, None] * (0.3 + 1.5 * (1.0 - bands)))


def draw(rng, n=800):
    """Return X, which is [x | b], the fractions, and the spectra."""
    x, fractions = rng.random(n), rng.dirichlet(np.full(5, 0.4), n)
    fractions[fractions < 0.05] = 0.0
    fractions /= fractions.sum(axis=1, keepdims=True)
    spectra = light(x) * (fractions @ E.T) + 0.05 * rng.standard_normal((n, 80))
    return np.column_stack([x, -spectra @ E]), fractions, spectra


# %%
# First what needs no learning. The layer minimises exactly (``"opt"``): with the Q of white powder,
# and, which nobody could, with the true light.
def least_squares(Q, b):
    """Return the minimisers of 1/2 a'Qa + b'a on the simplex."""
    spectrum = np.linalg.eigvalsh(Q)
    layer = ReasoningLayer(
        "opt", k=1, mu=float(spectrum.min()), L=float(spectrum.max()), penalty=Simplex()
    )
    with torch.no_grad():
        return layer(DenseQuadratic(torch.tensor(Q), torch.tensor(b))).numpy()


def projected(a):
    """Return the nearest points of the simplex."""
    return Simplex().project(torch.tensor(a)).numpy()


# %%
# Then what learns from 200 powders. The layer takes b as it is, ``linear_term="given"``, or
# corrects it by what a network learns from x. All rivals see x and b, and are projected
# afterwards; ridge regression is also given b, x b, x^2 b and x^3 b.
def powers(X):
    """Return (x, b), times 1, x, x^2 and x^3, side by side."""
    return np.hstack([X * X[:, :1] ** power for power in range(4)])


alphas = np.logspace(-6, 3, 30)
low, high = np.linalg.eigvalsh(Q_of_white)[[0, -1]]
layer = {"k": 10, "mu": low / 3, "L": 1.2 * high, "lr": 0.03, "max_epochs": 60, "random_state": 0}
models = {
    "RidgeCV": RidgeCV(alphas),
    "RidgeCV, powers of x": make_pipeline(
        FunctionTransformer(powers), StandardScaler(), RidgeCV(alphas)
    ),
    "MLPRegressor": TransformedTargetRegressor(
        make_pipeline(
            StandardScaler(),
            MLPRegressor(hidden_layer_sizes=(32,), alpha=1.0, max_iter=2000, random_state=0),
        ),
        transformer=StandardScaler(),
    ),
    "layer, free": HybridReasoningRegressor(linear_term="corrected", **layer),
    "layer, last step": HybridReasoningRegressor(
        linear_term="corrected", constraint="simplex", project="last_step", **layer
    ),
    "layer, each step": HybridReasoningRegressor(
        linear_term="corrected", constraint="simplex", **layer
    ),
    "layer, each step, b given": HybridReasoningRegressor(
        linear_term="given", constraint="simplex", **layer
    ),
}
exact = ("least squares, white", "least squares, true light")
errors = {name: [] for name in (*exact, *models)}
raw_errors = {name: [] for name in models}
lowest, off = dict.fromkeys(models, 0.0), dict.fromkeys(models, 0.0)
for seed in range(3):
    X, a, spectra = draw(np.random.default_rng(1 + seed))
    g, b, truth = light(X[200:, 0]), X[200:, 1:], a[200:]

    def root_mean_square(predicted, truth=truth):
        """Return the error of a fraction on powders that were not seen."""
        return np.sqrt(np.mean((predicted - truth) ** 2))

    white = np.broadcast_to(Q_of_white, (len(b), 5, 5))
    errors[exact[0]].append(root_mean_square(least_squares(white, b)))
    seen = np.einsum("bi,nb,bj->nij", E, g**2, E)
    errors[exact[1]].append(root_mean_square(least_squares(seen, -(g * spectra[200:]) @ E)))
    for name, model in models.items():
        raw = model.fit(X[:200], a[:200]).predict(X[200:])
        raw_errors[name].append(root_mean_square(raw))
        errors[name].append(root_mean_square(projected(raw)))
        lowest[name] = min(lowest[name], raw.min())
        off[name] = max(off[name], abs(raw.sum(axis=1) - 1.0).max())

print("three draws, 600 new powders    error     projected +- s.e.    lowest   sum off 1 by")
for name, found in errors.items():
    after = f"{np.mean(found):.4f} +- {np.std(found, ddof=1) / 3**0.5:.4f}"
    if name in models:
        before = f"{np.mean(raw_errors[name]):.4f}"
        print(f"{name:28}{before:>9}{after:>22}{lowest[name]:10.3f}{off[name]:15.1e}")
    else:
        print(f"{name:28}{'':>9}{after:>22}")
ahead = np.subtract(errors["RidgeCV, powers of x"], errors["layer, each step"])
spread = np.std(ahead, ddof=1) / 3**0.5
print(f"RidgeCV, powers of x, minus layer, each step: {ahead.mean():.4f} +- {spread:.4f}")

# %%
# The wrong light costs most: least squares with it is worse than anything that learned from 200
# powders. Learned through the simplex, in each step or in the last, the layer comes nearest to
# least squares with the true light. Of its free form less is left after the projection: that was
# trained to keep its sum by itself. RidgeCV on powers of x, projected, is next. Whether b is
# corrected makes no difference here.
#
# All of them that were not trained on the simplex predict fractions below zero. (The sums of ridge
# regression are 1 by themselves, since those of its targets are.)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(bands, E)
left.plot(bands, spectra[200:][np.argmax(X[200:, 0])], "k.", markersize=3, label="darkest powder")
left.set(xlabel="band", ylabel="light", title="Five compounds and a mixture")
left.legend()
order = np.argsort(X[200:, 0])
bins = np.array_split(order, 8)
for name in ("RidgeCV, powers of x", "layer, free", "layer, each step"):
    predicted = projected(models[name].predict(X[200:]))
    right.plot(
        [X[200:][rows, 0].mean() for rows in bins],
        [np.sqrt(np.mean((predicted[rows] - truth[rows]) ** 2)) for rows in bins],
        "o-",
        label=name,
    )
right.set(xlabel="darkness x", ylabel="error of a fraction", title="On new powders, projected")
right.set_ylim(0.0)
right.legend()
plt.show()
