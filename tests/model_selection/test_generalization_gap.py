"""The gap of one estimator, against fits by hand over the same folds."""

import copy

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, RepeatedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import (
    gap_table,
    generalization_gap,
    l2_loss_scorer,
    mean_l2_loss,
)

OURS = HybridReasoningRegressor(k=3, max_epochs=5, random_state=0)
SEARCH = GridSearchCV(Ridge(), {"alpha": [0.1, 100.0]}, scoring=l2_loss_scorer, cv=2)


@pytest.fixture(scope="module")
def data():
    return make_regression(40, 5, n_targets=2, noise=20.0, random_state=0)


def by_hand(estimator, data, metric=mean_l2_loss, folds=None):
    """Empirical and held-out metric, each of shape (splits,), by a plain loop."""
    X, y = data
    empirical, held_out = [], []
    for train, test in folds or KFold(5).split(X):
        model = clone(estimator).fit(X[train], y[train])
        empirical.append(metric(y[train], model.predict(X[train])))
        held_out.append(metric(y[test], model.predict(X[test])))
    return np.array(empirical), np.array(held_out)


def assert_measures(measured, empirical, held_out, kind="loss"):
    gap = held_out - empirical if kind == "loss" else empirical - held_out
    for name, values in [
        (f"empirical_{kind}", empirical),
        (f"held_out_{kind}", held_out),
        ("gap", gap),
    ]:
        np.testing.assert_allclose(measured[name], [values.mean()])
        np.testing.assert_allclose(measured[f"{name}_std"], [values.std()])
        for split, value in enumerate(values):
            np.testing.assert_allclose(measured[f"split{split}_{name}"], [value])


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(),
        OURS,
        make_pipeline(StandardScaler(), OURS),
        SEARCH,
        make_pipeline(StandardScaler(), SEARCH),
        pytest.param(GridSearchCV(OURS, {"k": [1, 3]}, cv=2), marks=pytest.mark.hard),
    ],
    ids=["ridge", "ours", "pipeline", "search", "search in a pipeline", "search over ours"],
)
def test_any_estimator_by_its_mean_l2_loss_over_five_folds(data, estimator):
    measured = generalization_gap(estimator, *data)

    assert_measures(measured, *by_hand(estimator, data))
    assert not hasattr(estimator, "n_features_in_")


def test_cv_is_the_fourth_argument(data):
    X, y = data
    folds = list(KFold(2, shuffle=True, random_state=3).split(X))

    for cv in (folds, KFold(2, shuffle=True, random_state=3)):
        assert_measures(generalization_gap(Ridge(), X, y, cv), *by_hand(Ridge(), data, folds=folds))


def test_columns_are_those_of_the_table_of_a_search(data):
    search = GridSearchCV(
        Ridge(), {"alpha": [1.0]}, scoring=l2_loss_scorer, cv=3, return_train_score=True
    )
    table = gap_table(search.fit(*data))
    measured = generalization_gap(Ridge(), *data, 3)

    assert list(table) == ["param_alpha", *measured]
    for name, values in measured.items():
        np.testing.assert_array_equal(values, table[name])
    assert pd.DataFrame(measured).shape == (1, 15)


def test_each_repetition_of_the_folds_is_a_split(data):
    cv = RepeatedKFold(n_splits=2, n_repeats=3, random_state=0)

    measured = generalization_gap(Ridge(), *data, cv=cv)

    assert_measures(measured, *by_hand(Ridge(), data, folds=list(cv.split(data[0]))))
    assert sum(name.endswith("_gap") for name in measured) == 6


@pytest.mark.parametrize(
    ("scoring", "metric", "kind"),
    [
        ("neg_mean_absolute_error", mean_absolute_error, "loss"),
        ("r2", r2_score, "score"),
        (lambda model, X, y: r2_score(y, model.predict(X)), r2_score, "score"),
    ],
    ids=["loss", "score", "callable"],
)
def test_scorers_decide_between_losses_and_scores(data, scoring, metric, kind):
    measured = generalization_gap(Ridge(), *data, scoring=scoring)

    assert_measures(measured, *by_hand(Ridge(), data, metric), kind)
    assert measured["gap"][0] > 0


def test_one_of_several_scorers(data):
    several = {"l2": l2_loss_scorer, "r2": "r2"}

    assert_measures(
        generalization_gap(Ridge(), *data, scoring=several, metric="r2"),
        *by_hand(Ridge(), data, r2_score),
        "score",
    )
    assert_measures(
        generalization_gap(Ridge(), *data, scoring={"l2": l2_loss_scorer}),
        *by_hand(Ridge(), data),
    )


@pytest.mark.parametrize("metric", [None, "mae"])
def test_the_scorers_are_listed_before_anything_is_fitted(data, metric):
    class Unfittable(Ridge):
        def fit(self, X, y):
            raise AssertionError("fitted")

    with pytest.raises(ValueError, match=rf"metric={metric!r} .* \['r2', 'max_error'\]"):
        generalization_gap(Unfittable(), *data, scoring=["r2", "max_error"], metric=metric)


def test_groups_reach_the_splitter(data):
    X, y = data
    groups = np.arange(len(X)) % 4
    cv = GroupKFold(4)

    measured = generalization_gap(Ridge(), X, y, cv, groups=groups)

    assert_measures(measured, *by_hand(Ridge(), data, folds=list(cv.split(X, y, groups))))


def weighted_by_hand(data, weights):
    X, y = data
    losses = np.empty((2, 5))
    for i, (train, test) in enumerate(KFold(5).split(X)):
        model = Ridge().fit(X[train], y[train], sample_weight=weights[train])
        for part, rows in enumerate((train, test)):
            losses[part, i] = mean_l2_loss(
                y[rows], model.predict(X[rows]), sample_weight=weights[rows]
            )
    return losses


def test_sample_weights_reach_fit_and_loss_as_in_a_grid_search(data):
    weights = np.random.default_rng(0).uniform(0.1, 2.0, len(data[0]))
    expected = weighted_by_hand(data, weights)

    measured = generalization_gap(Ridge(), *data, params={"sample_weight": weights})

    assert_measures(measured, *expected)


def test_metadata_goes_where_it_is_requested(data):
    weights = np.random.default_rng(0).uniform(0.1, 2.0, len(data[0]))
    groups = np.arange(len(data[0])) // 8  # the folds of KFold(5)
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = copy.deepcopy(l2_loss_scorer).set_score_request(sample_weight=True)
        measured = generalization_gap(
            Ridge().set_fit_request(sample_weight=True),
            *data,
            GroupKFold(5),
            scoring=scorer,
            groups=groups,
            params={"sample_weight": weights},
        )

    empirical, held_out = weighted_by_hand(data, weights)
    np.testing.assert_allclose(measured["empirical_loss"], empirical.mean())
    np.testing.assert_allclose(measured["held_out_loss"], held_out.mean())


def test_a_classifier_needs_a_scorer_and_then_works():
    X, y = make_classification(60, random_state=0)

    with pytest.raises(ValueError, match=r"scoring=None .* scoring='accuracy'"):
        generalization_gap(LogisticRegression(), X, y)
    assert generalization_gap(LogisticRegression(), X, y, scoring="accuracy")["gap"][0] > 0


class FailsWithoutTheFirstRow(Ridge):
    def fit(self, X, y):
        if X[0, 0] != self.first:
            raise FloatingPointError("diverged")
        return super().fit(X, y)


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the .* non-finite"
)
def test_a_fold_that_fails_is_nan_or_raises(data):
    FailsWithoutTheFirstRow.first = data[0][0, 0]

    measured = generalization_gap(FailsWithoutTheFirstRow(), *data)
    assert np.isnan(measured["gap"][0])
    assert np.isnan(measured["split0_gap"][0])
    assert np.isfinite(measured["split1_gap"][0])
    with pytest.raises(FloatingPointError, match="diverged"):
        generalization_gap(FailsWithoutTheFirstRow(), *data, error_score="raise")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cv": 1}, "'cv' parameter"),
        ({"scoring": "l2"}, "'scoring' parameter"),
        ({"error_score": "nan"}, "'error_score' parameter"),
        ({"cv": GroupKFold(2)}, "'groups' parameter"),
    ],
)
def test_bad_options_are_named(data, options, message):
    with pytest.raises(ValueError, match=message):
        generalization_gap(Ridge(), *data, **options)


def test_what_is_no_estimator_is_refused(data):
    with pytest.raises(TypeError, match=r"estimator must be .* got None"):
        generalization_gap(None, *data)
    with pytest.raises(TypeError, match="instance"):
        generalization_gap(Ridge, *data)


def test_folds_are_fitted_in_parallel_to_the_same_numbers(data):
    one = generalization_gap(OURS, *data, cv=2)
    with joblib.parallel_config("threading"):
        two = generalization_gap(OURS, *data, cv=2, n_jobs=2)

    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])
