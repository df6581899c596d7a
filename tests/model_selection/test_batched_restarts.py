"""The restarts of a batched search, n_repeats, are further splits with known seeds."""

import numpy as np
import pytest
from model_selection._both_searches import GRID, X, Y, make_model
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning.model_selection import BatchedGridSearchCV, gap_table


class WithoutSeed(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "2", None])
def test_n_repeats_is_a_positive_whole_number(value):
    with pytest.raises(ValueError, match=r"n_repeats=.* must be a whole number"):
        BatchedGridSearchCV(make_model(), GRID, n_repeats=value).fit(X, Y)


def test_restarts_need_a_seed_to_change():
    with pytest.raises(ValueError, match=r"n_repeats=2 .* random_state"):
        BatchedGridSearchCV(WithoutSeed(), {}, n_repeats=2).fit(X, Y)


@pytest.mark.parametrize("value", [3, True, ["folder"]])
def test_checkpoint_dir_is_a_path(value):
    with pytest.raises(ValueError, match="checkpoint_dir"):
        BatchedGridSearchCV(make_model(), GRID, checkpoint_dir=value).fit(X, Y)


def split_scores(search, part="test"):
    columns = [f"split{i}_{part}_score" for i in range(search.n_splits_)]
    return np.column_stack([search.cv_results_[column] for column in columns])


@pytest.mark.parametrize("random_state", [7, np.random.RandomState(7)])
def test_restarts_are_further_splits(random_state):
    model = make_model(random_state=random_state)
    options = {"cv": 2, "return_train_score": True}
    single = BatchedGridSearchCV(model, GRID, **options).fit(X, Y)

    search = BatchedGridSearchCV(model, GRID, n_repeats=3, **options).fit(X, Y)

    scores = split_scores(search)
    assert search.n_splits_ == 6
    assert scores.shape == (2, 6)
    np.testing.assert_array_equal(scores[:, :2], split_scores(single))
    assert np.unique(scores).size == scores.size
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], scores.mean(axis=1))
    again = BatchedGridSearchCV(model, GRID, n_repeats=3, **options).fit(X, Y)
    np.testing.assert_array_equal(split_scores(again), scores)
    table = gap_table(search)
    assert len(table["gap"]) == 2
    np.testing.assert_allclose(table["split5_held_out_score"], scores[:, 5])


def test_the_seed_of_a_restart_is_known():
    model = make_pipeline(StandardScaler(), make_model(random_state=5))
    grid = {"hybridreasoningregressor__k": [1, 4]}
    search = BatchedGridSearchCV(model, grid, cv=2, n_repeats=3).fit(X, Y)

    folds = list(KFold(2).split(X))
    for restart in (1, 2):
        seed = int(np.random.SeedSequence([5, restart]).generate_state(1)[0] >> 1)
        for i, parameters in enumerate(search.cv_results_["params"]):
            for fold, (train, test) in enumerate(folds):
                one = clone(model).set_params(
                    **parameters, hybridreasoningregressor__random_state=seed
                )
                score = one.fit(X[train], Y[train]).score(X[test], Y[test])
                column = f"split{2 * restart + fold}_test_score"
                assert search.cv_results_[column][i] == score
    # The refit has the estimator's own seed.
    assert search.best_estimator_[-1].random_state == 5


def test_restarts_without_a_seed_are_all_fresh():
    search = BatchedGridSearchCV(make_model(random_state=None), {"k": [2]}, cv=2, n_repeats=3)

    scores = split_scores(search.fit(X, Y))

    assert np.unique(scores).size == 6
    assert not np.intersect1d(scores, split_scores(clone(search).fit(X, Y))).size


def test_what_is_no_seed_is_refused_by_fit():
    search = BatchedGridSearchCV(make_model(), {"random_state": [0, -3, "seed"]}, cv=2, n_repeats=2)
    with pytest.warns() as warned:
        search.fit(X, Y)

    failures = [str(w.message) for w in warned if w.category is FitFailedWarning]
    assert len(failures) == 1
    assert "8 fits failed out of a total of 12" in failures[0]
    assert "The 'random_state' parameter" in failures[0]
    assert np.isnan(split_scores(search)).all(axis=1).tolist() == [False, True, True]


def test_restarts_of_other_estimators():
    model = BaggingRegressor(n_estimators=2, random_state=0)
    search = BatchedGridSearchCV(model, {"max_samples": [6]}, cv=2, n_repeats=2).fit(X, Y)

    assert np.unique(split_scores(search)).size == 4


def test_restarts_of_models_that_only_candidates_have():
    search = BatchedGridSearchCV(
        Pipeline([("m", LinearRegression())]), {"m": [make_model()]}, cv=2, n_repeats=2
    )

    assert np.unique(split_scores(search.fit(X, Y))).size == 4
