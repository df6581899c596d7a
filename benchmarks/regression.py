"""Plain regression with the defaults, beside Ridge and MLPRegressor with theirs.

5-fold R^2 behind a StandardScaler, y as it comes: the mean over outputs (what ``score``
returns), and in brackets outputs weighted by their variance, which is what the training losses
of MLPRegressor and of this package see. Run: python benchmarks/regression.py
"""

import warnings

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_linnerud,
    load_wine,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import KFold, cross_validate
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor


def friedman(n=300):
    """Return three nonlinear functions of eight uniform features, with unit noise."""
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(n, 8))
    y = np.column_stack(
        [
            10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3],
            8 * np.cos(np.pi * X[:, 1] * X[:, 5]) + 5 * X[:, 6],
            6 * X[:, 0] * X[:, 7] - 4 * X[:, 2],
        ]
    )
    return X, y + rng.normal(size=y.shape)


def data_sets():
    """Return (X, y) by name; all of them come with scikit-learn."""
    wine = load_wine().data
    cancer = load_breast_cancer().data
    digits = load_digits().data / 16.0
    return {
        "diabetes, 442 x 10 to 1": load_diabetes(return_X_y=True),
        "linnerud, 20 x 3 to 3": load_linnerud(return_X_y=True),
        "digits, upper to lower half, 1797 x 32 to 32": (digits[:, :32], digits[:, 32:]),
        "wine, 6 measurements to the other 7, 178": (wine[:, :6], wine[:, 6:]),
        "breast cancer, mean and error to worst, 569 x 20 to 10": (cancer[:, :20], cancer[:, 20:]),
        "three Friedman-like functions, 300 x 8 to 3": friedman(),
    }


def score(X, y, model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        folds = KFold(5, shuffle=True, random_state=0)
        scoring = {
            "uniform": "r2",
            "weighted": make_scorer(r2_score, multioutput="variance_weighted"),
        }
        pipeline = make_pipeline(StandardScaler(), model)
        result = cross_validate(pipeline, X, y, cv=folds, scoring=scoring)
        return result["test_uniform"].mean(), result["test_weighted"].mean()


def main():
    models = {
        "Ridge": Ridge(),
        "MLPRegressor": MLPRegressor(random_state=0),
        "HybridReasoningRegressor": HybridReasoningRegressor(random_state=0),
    }
    sets = data_sets()
    scores = Parallel(n_jobs=2)(
        delayed(score)(X, y, model) for X, y in sets.values() for model in models.values()
    )
    print("| data | " + " | ".join(models) + " |")
    print("|---|" + "---|" * len(models))
    for row, name in enumerate(sets):
        values = scores[row * len(models) : (row + 1) * len(models)]
        print(f"| {name} | " + " | ".join(f"{u:.2f} ({w:.2f})" for u, w in values) + " |")


if __name__ == "__main__":
    main()
