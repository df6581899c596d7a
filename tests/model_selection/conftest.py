"""The rows whose gap is taken apart; and no figure stays open."""

import sys

import pytest
from sklearn.datasets import make_regression

from sklearn_reasoning.datasets import make_quadratic_reasoning


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="module")
def rows():
    """Training and test rows of a regression: X, y, X_test, y_test."""
    X, y = make_regression(70, 4, n_targets=3, noise=20.0, random_state=0)
    y += [5.0, -3.0, 40.0]
    return X[:40], y[:40], X[40:], y[40:]


@pytest.fixture(scope="module")
def drawn():
    return make_quadratic_reasoning(60, population_size=600, return_problem=True, random_state=0)


@pytest.fixture(scope="module")
def noisy():
    return make_quadratic_reasoning(
        60, population_size=600, noise=2.0, return_problem=True, random_state=0
    )
