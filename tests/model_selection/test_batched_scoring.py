"""Scorers, the refit, and mistakes in either, are those of scikit-learn's searches."""

import pytest
from model_selection._both_searches import (
    GRID,
    X,
    Y,
    assert_equal_searches,
    both,
    mae,
    make_model,
    two_scores,
)
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold

from sklearn_reasoning.model_selection import BatchedGridSearchCV, l2_loss_scorer


def last(results):
    return len(results["params"]) - 1


@pytest.mark.parametrize(
    ("scoring", "refit"),
    [
        (None, True),
        pytest.param(None, False, marks=pytest.mark.hard),
        ("neg_mean_absolute_error", True),
        pytest.param(l2_loss_scorer, True, marks=pytest.mark.hard),
        (mae, last),
        (make_scorer(r2_score, multioutput="variance_weighted"), True),
        (["r2", "neg_mean_absolute_error"], "r2"),
        pytest.param(("r2", "neg_max_error"), False, marks=pytest.mark.hard),
        ({"a": "r2", "b": mae}, "b"),
        (two_scores, "mae"),
        (two_scores, False),
        pytest.param(["r2", "neg_mean_absolute_error"], last, marks=pytest.mark.hard),
    ],
)
def test_scorers_and_refit(scoring, refit):
    y = Y if scoring != ("r2", "neg_max_error") else Y[:, 0]
    assert_equal_searches(*both(scoring=scoring, refit=refit, y=y))


@pytest.mark.parametrize("scoring", [None, two_scores])
def test_without_train_scores(scoring):
    ours, reference = both(scoring=scoring, refit=False, return_train_score=False)

    assert_equal_searches(ours, reference)
    assert not any("train" in key for key in ours.cv_results_)


def test_a_grid_of_unlike_dicts_masks_what_is_not_tried():
    grid = [{"k": [1, 2], "q_hidden": [None, (4,)]}, {"loss": ["squared"]}, {"step_size": [None]}]

    ours, reference = both(grid=grid)

    assert_equal_searches(ours, reference)
    assert ours.cv_results_["param_k"].mask.tolist() == [False] * 4 + [True] * 2


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"scoring": ["r2", "no_such_score"]}, ValueError),
        ({"scoring": ["r2", "neg_mean_absolute_error"]}, ValueError),
        ({"scoring": "no_such_score"}, ValueError),
        ({"scoring": lambda *_: "text"}, ValueError),
        ({"scoring": two_scores, "refit": "rmse"}, ValueError),
        ({"refit": lambda results: 1.5}, TypeError),
        ({"refit": lambda results: 99}, IndexError),
        ({"error_score": "ignore"}, ValueError),
        ({"cv": 1}, ValueError),
        ({"cv": 30}, ValueError),
        ({"cv": []}, ValueError),
        ({"cv": GroupKFold(2)}, ValueError),
        ({"n_jobs": 0}, ValueError),
        ({"n_jobs": "two"}, ValueError),
        ({"verbose": "loud"}, ValueError),
        ({"estimator": object()}, ValueError),
        ({"param_grid": {"depth": [1]}}, ValueError),
        ({"param_grid": {"k": 3}}, TypeError),
        ({"param_grid": {"k": []}}, ValueError),
        ({"param_grid": []}, ValueError),
    ],
)
def test_mistakes_are_told_as_scikit_learn_tells_them(options, error):
    options = {"estimator": make_model(), "param_grid": GRID, "cv": 2, **options}
    messages = []
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with pytest.raises(error) as raised:
            kind(**options).fit(X, Y)
        messages.append(str(raised.value).replace("BatchedGridSearchCV", "GridSearchCV"))
    assert messages[0] == messages[1]


def test_a_scorer_that_fails():
    def picky(estimator, X, y):
        if estimator.k == 4:
            raise RuntimeError("not this one")
        return 1.0

    searches = []
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with pytest.warns() as warned:
            searches.append(kind(make_model(), GRID, scoring=picky, cv=2, refit=False).fit(X, Y))
        assert sum("not this one" in str(w.message) for w in warned) == 2

    assert_equal_searches(*searches)
