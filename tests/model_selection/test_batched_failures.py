"""Fits that fail in a batched search: the others go on, and it is told as by scikit-learn."""

import numpy as np
import pytest
from model_selection._both_searches import GRID, X, Y, assert_equal_searches, make_model, two_scores
from scipy import sparse
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.model_selection import BatchedGridSearchCV


@pytest.mark.parametrize("error_score", [np.nan, -7.5])
@pytest.mark.parametrize("scoring", [None, ["r2", "neg_mean_absolute_error"], two_scores])
def test_a_candidate_out_of_its_domain(scoring, error_score):
    refit = False if callable(scoring) else "r2" if scoring else True
    searches = []
    for kind in (BatchedGridSearchCV, GridSearchCV):
        search = kind(
            make_model(),
            {"k": [2, -1, 5]},
            cv=2,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=True,
        )
        with pytest.warns() as warned:
            searches.append(search.fit(X, Y))
        messages = [str(w.message) for w in warned if w.category is FitFailedWarning]
        assert len(messages) == 1
        assert "2 fits failed out of a total of 6" in messages[0]
        assert "The 'k' parameter" in messages[0]

    assert_equal_searches(*searches)


def test_all_fits_failed():
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with pytest.raises(ValueError, match="All the 4 fits failed"):
            kind(make_model(), {"k": [-1, -2]}, cv=2).fit(X, Y)


DIVERGING = [{"k": [2, 5]}, {"k": [2], "lr": [1e200], "loss": ["squared"], "optimizer": ["sgd"]}]


@pytest.mark.parametrize("error_score", [np.nan, -100.0])
def test_a_candidate_that_diverges_disturbs_no_other(error_score):
    model = make_model(optimizer="sgd", loss="squared", max_epochs=8)
    options = {"cv": 2, "error_score": error_score, "return_train_score": True}
    with pytest.warns() as warned:
        ours = BatchedGridSearchCV(model, DIVERGING, **options).fit(X, Y)
    with pytest.warns():
        reference = GridSearchCV(model, DIVERGING, **options).fit(X, Y)

    assert_equal_searches(ours, reference)
    np.testing.assert_array_equal(ours.cv_results_["split0_test_score"][2], error_score)
    named = [str(w.message) for w in warned if "left the finite numbers" in str(w.message)]
    assert len(named) == 1
    assert "'lr': 1e+200" in named[0]
    assert "in 2 of 2 fits" in named[0]
    assert f"error_score={error_score}" in named[0]
    assert warned[0].filename == __file__


def test_a_divergence_is_raised_where_that_is_wanted():
    model = make_model(optimizer="sgd", loss="squared", max_epochs=8)
    search = BatchedGridSearchCV(model, DIVERGING, cv=2, error_score="raise")

    with pytest.raises(DivergenceError, match="not finite") as raised:
        search.fit(X, Y)

    assert any("1e+200" in note for note in raised.value.__notes__)


def test_an_error_is_raised_where_that_is_wanted():
    with pytest.raises(ValueError, match="The 'k' parameter"):
        BatchedGridSearchCV(make_model(), {"k": [2, -1]}, cv=2, error_score="raise").fit(X, Y)


def test_sparse_data_are_refused_as_by_the_estimator():
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with pytest.raises(ValueError, match=r"(?i)sparse"):
            kind(make_model(), GRID, cv=2).fit(sparse.csr_array(X), Y)
