"""Algorithms that a user registered, by name in worker processes."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import Algorithm, _registry, register_algorithm
from sklearn_reasoning.model_selection import BatchedGridSearchCV, decompose_gap

X = np.random.default_rng(0).standard_normal((12, 3))
Y = np.tanh(X @ np.random.default_rng(1).standard_normal((3, 2)))


def register_slow(factor):
    """Register an algorithm that no import finds; return its name."""

    class Slow(Algorithm):
        name = "slow"

        def step(self, state, problem, phi):
            (y,) = state
            return (problem.descend(y, factor * phi),)

        def stable_region(self, mu, L):
            return 0.02 / (factor * L), 2.0 / (factor * L)

    return register_algorithm(Slow).name


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(_registry, "_ALGORITHMS", dict(_registry._ALGORITHMS))
    return register_slow(0.1)


@pytest.mark.hard
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


def test_a_checkpoint_is_of_one_version_of_them(slow, tmp_path):
    model = HybridReasoningRegressor("gd", k=2, q_hidden=None, max_epochs=1, random_state=0)
    search = BatchedGridSearchCV(
        model, {"algo": [slow]}, cv=2, n_jobs=1, checkpoint_dir=str(tmp_path / "folder")
    )
    scores = search.fit(X, Y).cv_results_["mean_test_score"]
    register_slow(0.1)  # a notebook's cell is run again
    np.testing.assert_array_equal(search.fit(X, Y).cv_results_["mean_test_score"], scores)
    register_slow(0.2)
    with pytest.raises(ValueError, match=r"another search, .* the registered algorithms"):
        search.fit(X, Y)
