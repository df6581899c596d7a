"""Algorithms that a user registered, by name in worker processes."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import Algorithm, _registry, register_algorithm
from sklearn_reasoning.model_selection import BatchedGridSearchCV, decompose_gap

X = np.random.default_rng(0).standard_normal((12, 3))
Y = X @ np.random.default_rng(1).standard_normal((3, 2))


@pytest.fixture
def slow(monkeypatch):
    """The name of an algorithm that no import finds."""
    monkeypatch.setattr(_registry, "_ALGORITHMS", dict(_registry._ALGORITHMS))

    class Slow(Algorithm):
        name = "slow"

        def step(self, state, problem, phi):
            (y,) = state
            return (problem.descend(y, 0.1 * phi),)

        def stable_region(self, mu, L):
            return 0.2 / L, 20.0 / L

    return register_algorithm(Slow).name


def test_names_hold_in_workers(slow):
    """A worker knows the package's algorithms alone when it starts."""
    model = HybridReasoningRegressor(
        "gd", k=2, q_hidden=None, b_hidden=(), max_epochs=2, random_state=0
    )
    grid = {"algo": ["nag", slow]}
    scores = {}
    for search in (GridSearchCV, BatchedGridSearchCV):
        for n_jobs in (1, 2):
            found = search(model, grid, cv=2, n_jobs=n_jobs, error_score="raise").fit(X, Y)
            scores[search, n_jobs] = found.cv_results_["mean_test_score"]
    first, *others = scores.values()
    assert len(set(first)) == 2
    for other in others:
        np.testing.assert_array_equal(other, first)

    one, two = (
        decompose_gap(model.set_params(algo=slow), X, Y, cv=2, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    assert one.total == two.total
