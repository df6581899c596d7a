"""The demo's task: digits whose noise differs from image to image, and what else restores them."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPRegressor
from sklearn.utils import Bunch

from sklearn_reasoning.datasets import load_digits_restoration

#: Standard deviations of the noise, in units of the pixels' range.
LEAST_NOISE, MOST_NOISE = 0.05, 0.6


def load_task(n_train: int, seed: int) -> Bunch:
    """Return the digits with rows ``[level | b]``, b being minus the noisy image.

    The best linear restoration of an image whose noise has the level s is the minimiser of
    1/2 y'Qy + b'y with Q = I + s^2 C^{-1}, C being the covariance of clean images: Q moves with s.
    """
    data = load_digits_restoration(n_train=n_train, noise=0.0, random_state=seed)
    rng = np.random.default_rng(seed)
    for rows in ("train", "test"):
        clean = data[f"y_{rows}"]
        level = rng.uniform(LEAST_NOISE, MOST_NOISE, (len(clean), 1))
        noisy = clean + level * rng.standard_normal(clean.shape)
        data[f"X_{rows}"] = np.hstack([level, -noisy])
    return data


def restored_by_rivals(data: Bunch, seed: int) -> dict[str, Any]:
    """Return what others make of the test images; all of them are told the level, too."""
    plain = data.X_train, data.X_test
    products = _with_products(data.X_train), _with_products(data.X_test)
    ridge = RidgeCV(alphas=np.logspace(-2, 3, 20))
    mlp = MLPRegressor(alpha=1.0, max_iter=1000, random_state=seed)
    rivals = {
        "RidgeCV": (ridge, plain),
        "RidgeCV, products": (ridge, products),
        "MLPRegressor": (mlp, plain),  # all columns have the unit of pixels
    }
    predictions = {}
    for name, (rival, (X_train, X_test)) in rivals.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            predictions[name] = rival.fit(X_train, data.y_train).predict(X_test)
    return predictions


def _with_products(X: Any) -> Any:
    """Append the pixels times the level, and times its square."""
    level, pixels = X[:, :1], X[:, 1:]
    return np.hstack([X, level * pixels, level**2 * pixels])
