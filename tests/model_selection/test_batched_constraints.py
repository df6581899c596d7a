"""Searches over sets, terms and where they are projected onto: the bits of scikit-learn's."""

import warnings

import numpy as np
import pandas as pd
import pytest
from _covering import covering
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV
from sklearn_reasoning.penalties import L1, Box, Budget, Columns, Nonnegative, Penalty
from sklearn_reasoning.training import TrainingTask

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 1.0, size=(43, 4))
Y = 3.0 * RNG.dirichlet(np.ones(4), size=43)


class Halved(Penalty):
    """g(y) = |y|^2 / 2."""

    def value(self, y):
        return 0.5 * y.square().sum(dim=-1)

    def prox(self, v, step):
        return v / (1.0 + step)


GRIDS = {
    "k": {"k": [0, 1, 6], "algo": ["gd", "nag"], "constraint": ["nonnegative"]},
    "sets": {
        "k": [4],
        "constraint": [None, "nonnegative", (0.0, 1.0), Budget(3.0, high=2.0)],
        "project": ["each_step", "last_step"],
    },
    "terms": [
        {"penalty": [L1(0.1), Halved()], "k": [2, 3]},
        {"constraint": [Nonnegative()], "penalty": [L1(0.1)], "algo": ["heavy_ball"]},
    ],
    "columns": {
        "constraint": [Box(0.0, Columns([3])), Budget(3.0, high=Columns([3]))],
        "k": [5],
        "early_stopping": [False, True],
    },
}


def searches(grid, X=X, Y=Y, **options):
    model = HybridReasoningRegressor("nag", max_epochs=3, b_hidden=(8,), random_state=0, **options)
    X = X.copy()
    X[:, 3] *= 4.0  # caps, under which a total of 3 fits
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rows outside
        return X, [
            kind(model, grid, cv=2, return_train_score=True, error_score="raise").fit(X, Y)
            for kind in (BatchedGridSearchCV, GridSearchCV)
        ]


@covering("name, dtype", GRIDS, [np.float64, np.float32])
def test_the_bits_are_those_of_a_grid_search(name, dtype):
    rows, (ours, reference) = searches(GRIDS[name], X.astype(dtype), Y.astype(dtype))
    for key, expected in reference.cv_results_.items():
        if key != "params" and not key.startswith("param_") and not key.endswith("_time"):
            np.testing.assert_array_equal(ours.cv_results_[key], expected, key)
    assert ours.best_index_ == reference.best_index_
    np.testing.assert_array_equal(ours.predict(rows), reference.predict(rows))
    assert str(ours.cv_results_["params"]) == str(reference.cv_results_["params"])


def test_models_of_one_set_are_trained_in_one_stack(monkeypatch):
    sizes = []
    original = TrainingTask.train_beside

    def counted(task, tasks):
        sizes.append(len(tasks))
        return original(task, tasks)

    monkeypatch.setattr(TrainingTask, "train_beside", counted)
    BatchedGridSearchCV(
        HybridReasoningRegressor("nag", max_epochs=2, random_state=0),
        {"k": [1, 2, 3], "constraint": ["nonnegative", "simplex"]},
        cv=2,
        refit=False,
    ).fit(X[:40], (Y / 3.0)[:40])
    assert sizes == [6, 6]


def test_an_own_set_and_the_checkpoint(tmp_path):
    model = HybridReasoningRegressor("nag", max_epochs=2, random_state=0)
    grid = {"penalty": [Halved(), L1(0.1)], "k": [1, 2]}
    first, again = (
        BatchedGridSearchCV(model, grid, cv=2, checkpoint_dir=tmp_path / "search").fit(X, Y)
        for _ in range(2)
    )
    for key in ("mean_test_score", "mean_fit_time"):  # the second one trained nothing
        np.testing.assert_array_equal(first.cv_results_[key], again.cv_results_[key])


def test_warnings_name_the_rows_outside():
    model = HybridReasoningRegressor("nag", max_epochs=2, random_state=0)
    with pytest.warns(UserWarning, match=r"of 2[12] training rows of y are outside Simplex"):
        BatchedGridSearchCV(model, {"constraint": ["simplex"]}, cv=2, refit=False).fit(X, Y)


def test_columns_by_name():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "cap"])
    grid = {"constraint": [Box(0.0, Columns(["cap"]))], "k": [1, 2]}
    model = HybridReasoningRegressor("nag", max_epochs=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ours, reference = (
            kind(model, grid, cv=2).fit(frame, Y) for kind in (BatchedGridSearchCV, GridSearchCV)
        )
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], reference.cv_results_["mean_test_score"]
    )
    assert (ours.predict(frame) <= X[:, 3:]).all()
