"""Small pieces of work with our estimators, and their results as bits to compare."""

import os
import tempfile

import numpy as np

from sklearn_reasoning import (
    HybridReasoningDenoiser,
    HybridReasoningRegressor,
    load_model,
    save_model,
)
from sklearn_reasoning.model_selection import BatchedGridSearchCV


def regression(dtype="float64", n=40, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    y = np.tanh(X @ rng.normal(size=(4, d))) + 0.1 * rng.normal(size=(n, d))
    return X.astype(dtype), y.astype(dtype)


def images(n=2, size=16):
    rng = np.random.default_rng(0)
    clean = np.kron(rng.random((n, size // 4, size // 4)), np.ones((4, 4)))
    return clean + 0.1 * rng.standard_normal(clean.shape), clean


def regressor(algo="nag", random_state=0, **options):
    options = {"max_epochs": 5, "b_hidden": (12,), **options}
    return HybridReasoningRegressor(algo, random_state=random_state, **options)


def denoiser(algo="gd", random_state=0, **options):
    options = {"max_steps": 3, "f_channels": 4, "g_channels": 4, "g_layers": 2, **options}
    return HybridReasoningDenoiser(
        algo, random_state=random_state, patch_size=8, batch_size=4, **options
    )


def fit_regressor(algo="nag", dtype="float64", random_state=0, **options):
    """Fit, and return the predictions."""
    X, y = regression(dtype)
    return regressor(algo, random_state, **options).fit(X, y).predict(X)


def fit_denoiser(algo="gd", dtype="float64", random_state=0):
    noisy, clean = (part.astype(dtype) for part in images())
    return denoiser(algo, random_state).fit(noisy, clean).predict(noisy)


def search(algo="nag", dtype="float64", random_state=0):
    """Search over two values of k, and return the predictions of the best."""
    X, y = regression(dtype)
    grid = {"k": [1, 4]}
    return BatchedGridSearchCV(regressor(algo, random_state), grid, cv=2).fit(X, y).predict(X)


KINDS = {"regressor": fit_regressor, "denoiser": fit_denoiser, "search": search}


def tasks(n):
    """Return n pieces of work that differ in algorithm, dtype and seed, as (kind, options)."""
    algorithms = {
        "regressor": ["nag", "gd", "cg", "rnn", "heavy_ball", "chebyshev", "opt"],
        "denoiser": ["gd", "nag", "opt"],
        "search": ["nag", "gd", "opt"],
    }
    kinds = ["regressor", "denoiser", "regressor", "search", "regressor"]
    return [
        (
            kind := kinds[i % len(kinds)],
            {
                "algo": algorithms[kind][i % len(algorithms[kind])],
                "dtype": ["float64", "float32"][i // 2 % 2],
                "random_state": i % 3,
            },
        )
        for i in range(n)
    ]


def run(task):
    """Do one of :func:`tasks`."""
    kind, options = task
    return KINDS[kind](**options)


def save_and_load(model, X):
    """Return what a model predicts after it has been in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        save_model(model, path)
        return load_model(path).predict(X)
