"""The case with which README.md begins, on five seeds, beside what one would use instead.

Held-out error: the mean over 1,000 further runs of the norm of the error of the eight
temperatures, in K, against thermometers that err by 1 K like those of the training rows (an exact
model has 2.74); mean and standard error over seeds. Ridge regression chooses its penalty for
itself, the MLP its sizes, decay and solver by cross-validation, with y scaled. Seconds are CPU
time of a fit, with the search where there is one.
Run: python benchmarks/first_case.py
With --figure FILE it draws the picture of README.md, from seed 0.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.energies import suggest_spectrum
from sklearn_reasoning.model_selection import mean_l2_loss

N_TRAIN, N_TEST, SEEDS = 200, 1000, range(5)
SHOWN = {
    "RidgeCV, products and squares": ("RidgeCV with interactions", "C1"),
    "HybridReasoningRegressor": ("HybridReasoningRegressor", "C0"),
}


def oven(n, rng):
    x = rng.random((n, 4))  # settings, from 0 to 1
    fan, door, load, mixing = x.T
    power = rng.uniform(0.5, 3.0, (n, 8))  # kW, of eight zones in a row
    lost = 0.02 + 0.05 * fan**0.8 + 0.02 * fan * door + 0.01 * load  # kW/K, to the outside
    passed = 0.005 + 0.05 * mixing**2  # kW/K, between neighbours
    chain = np.diag([1.0, 2, 2, 2, 2, 2, 2, 1]) - np.eye(8, k=1) - np.eye(8, k=-1)
    Q = lost[:, None, None] * np.eye(8) + passed[:, None, None] * chain
    y = np.linalg.solve(Q, power[..., None])[..., 0]  # K above the room
    return np.hstack([x, -power]), y + rng.normal(size=y.shape)  # thermometers err by 1 K


def ridge(*steps):
    return make_pipeline(*steps, StandardScaler(), RidgeCV(np.logspace(-4, 4, 33)))


def scaled(model):
    return TransformedTargetRegressor(
        make_pipeline(StandardScaler(), model), transformer=StandardScaler()
    )


def network(seed):
    grid = {
        "hidden_layer_sizes": [(32,), (64, 64)],
        "alpha": [1e-3, 1e-1, 1.0],
        "solver": ["adam", "lbfgs"],
    }
    mlp = MLPRegressor(max_iter=3000, random_state=seed)
    return scaled(GridSearchCV(mlp, grid, cv=3))


def gaussian_process():
    kernel = ConstantKernel(10.0, (1e-2, 1e5)) * RBF(np.full(12, 3.0), (1e-1, 1e3))
    return scaled(GaussianProcessRegressor(kernel + WhiteKernel(1e-2, (1e-6, 1.0))))


def models(X, y, seed):
    """Return the models by name; mu and L are of the training rows."""
    mu, L = suggest_spectrum(X[:, 4:], y)
    given = {"linear_term": "given", "mu": mu, "L": L, "random_state": seed}
    boosting = GradientBoostingRegressor(n_estimators=300, random_state=seed)
    return {
        "HybridReasoningRegressor": HybridReasoningRegressor(**given),
        "the same, one Q for all runs": HybridReasoningRegressor(q_hidden=None, **given),
        "the same, b not known": scaled(HybridReasoningRegressor(random_state=seed)),
        "RidgeCV": ridge(),
        "RidgeCV, products": ridge(PolynomialFeatures(2, interaction_only=True)),
        "RidgeCV, products and squares": ridge(PolynomialFeatures(2)),
        "RidgeCV, cubes too": ridge(PolynomialFeatures(3)),
        "MLPRegressor, searched": network(seed),
        "Gaussian process": gaussian_process(),
        "gradient boosting": MultiOutputRegressor(boosting),
    }


def measure(seed):
    """Return error and seconds by name."""
    rng = np.random.default_rng(seed)
    (X, y), (X_test, y_test) = oven(N_TRAIN, rng), oven(N_TEST, rng)
    errors, seconds = {}, {}
    for name, model in models(X, y, seed).items():
        began = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y)
        seconds[name] = time.process_time() - began
        errors[name] = mean_l2_loss(y_test, model.predict(X_test))
    return errors, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", metavar="FILE", help="draw the picture into FILE, and end")
    figure = parser.parse_args().figure
    if figure:
        draw(figure)
        return
    runs = [measure(seed) for seed in SEEDS]
    errors = {name: [error[name] for error, _ in runs] for name in runs[0][0]}
    seconds = {name: np.mean([second[name] for _, second in runs]) for name in errors}
    print("| model | held-out error, K | against products and squares | seconds |")
    print("|---|---|---|---|")
    baseline = np.array(errors["RidgeCV, products and squares"])
    for name, values in errors.items():
        spread = np.std(values, ddof=1) / np.sqrt(len(values))
        change = 100 * np.mean(values / baseline - 1)
        print(
            f"| {name} | {np.mean(values):.2f} ± {spread:.2f} | {change:+.0f} % "
            f"| {seconds[name]:.1f} |"
        )


def draw(path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(0)
    (X, y), (X_test, y_test) = oven(N_TRAIN, rng), oven(N_TEST, rng)
    fitted = {name: model.fit(X, y) for name, model in models(X, y, 0).items() if name in SHOWN}
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.5), layout="constrained")
    for ax, (name, (title, color)) in zip(axes, SHOWN.items(), strict=False):
        predicted = fitted[name].predict(X_test)
        ax.plot(y_test.ravel(), predicted.ravel(), ".", color=color, markersize=2, alpha=0.5)
        ax.set_title(f"{title}: error {mean_l2_loss(y_test, predicted):.1f} K", fontsize=10)
        ax.set(xlabel="measured, K above the room", ylabel="predicted", xlim=(0, 80), ylim=(0, 80))
    axes[0].sharey(axes[1])
    Q, _ = fitted["HybridReasoningRegressor"].predict_energy(X_test)
    fan, door, load, _ = X_test[:, :4].T
    # Rows of the exchange between neighbours add up to 0, so what is left is the heat lost.
    true = 0.02 + 0.05 * fan**0.8 + 0.02 * fan * door + 0.01 * load
    axes[2].plot(1000 * true, 1000 * Q.sum(axis=2).mean(axis=1), ".", color="C2", markersize=2)
    axes[2].set_title("Heat lost by a zone, read from Q(x)", fontsize=10)
    axes[2].set(xlabel="true, W/K", ylabel="learned")
    for ax in axes:
        ax.axline((20, 20), slope=1, color="k", linewidth=0.8)
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
