"""Regressors by themselves: folds are read once, and models are scored side by side."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import make_scorer, mean_absolute_error, r2_score
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.estimators import DeferredFit
from sklearn_reasoning.estimators.regressor import _reading
from sklearn_reasoning.model_selection import BatchedGridSearchCV, l2_loss_scorer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.tanh(X @ RNG.normal(size=(3, 3)))
GRID = {"k": [1, 4], "lr": [1e-2, 3e-2]}
N_FITS = 8


def make_model(**options):
    return HybridReasoningRegressor(
        **{"algo": "gd", "max_epochs": 3, "b_hidden": (8,), "random_state": 0, **options}
    )


def both(model, grid=GRID, fit_params=None, y=Y, data=X, **options):
    options = {"cv": 2, "return_train_score": True, "refit": False, **options}
    return [
        kind(model, grid, **options).fit(data, y, **(fit_params or {}))
        for kind in (BatchedGridSearchCV, GridSearchCV)
    ]


def assert_same_scores(ours, reference):
    keys = [key for key in reference.cv_results_ if key.startswith("split")]
    assert len(keys) >= 4
    for key in keys:
        np.testing.assert_array_equal(ours.cv_results_[key], reference.cv_results_[key], key)


@pytest.fixture
def completed(monkeypatch):
    """What fits were given an estimator of their own."""
    seen = []
    complete = DeferredFit.complete

    def counted(self, trained):
        seen.append(self.estimator)
        complete(self, trained)

    monkeypatch.setattr(DeferredFit, "complete", counted)
    return seen


def mae(estimator, X, y):
    return -mean_absolute_error(y, estimator.predict(X))


class Scorer:
    """Looks like scikit-learn's, and is none."""

    _sign, _kwargs, _response_method = 1, {}, "predict"

    def __call__(self, estimator, X, y):
        return estimator.loss(X, y)


SCORINGS = [
    None,
    "r2",
    "neg_root_mean_squared_error",
    l2_loss_scorer,
    make_scorer(r2_score, multioutput="variance_weighted"),
    make_scorer(lambda y, predicted: float(predicted.dtype.itemsize + predicted[0, 0])),
    {"a": "r2", "b": l2_loss_scorer},
]


@pytest.mark.parametrize(
    ("scoring", "dtype"),
    [
        pytest.param(scoring, dtype, marks=() if i % 2 == j else pytest.mark.hard)
        for i, scoring in enumerate(SCORINGS)
        for j, dtype in enumerate([np.float64, np.float32])
    ],
)
def test_a_scorer_of_predictions_needs_no_estimator(scoring, dtype, completed):
    ours, reference = both(
        make_model(), data=X.astype(dtype), y=(20 + Y).astype(dtype), scoring=scoring
    )

    assert_same_scores(ours, reference)
    assert completed == []


@pytest.mark.parametrize("scoring", [mae, Scorer(), {"a": "r2", "b": mae}])
def test_any_other_scorer_has_the_fitted_estimator(scoring, completed):
    ours, reference = both(make_model(), scoring=scoring)

    assert_same_scores(ours, reference)
    assert len(completed) == N_FITS


@pytest.mark.parametrize(
    "options",
    [
        {"early_stopping": True, "n_iter_no_change": 1, "validation_fraction": 0.3},
        {"random_state": np.random.RandomState(3)},
        {"keep": "last", "loss": "squared"},
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_what_is_held_out_and_what_weighs_nothing(options, weighted):
    weights = {"sample_weight": np.arange(40) % 3.0} if weighted else {}

    ours, reference = both(make_model(**options), fit_params=weights)

    assert_same_scores(ours, reference)


def test_a_frame_is_read_once_a_fold(monkeypatch):
    read = []
    validate_data = _reading.validate_data

    def counted(estimator, data, *args, **options):
        read.append(len(data))
        return validate_data(estimator, data, *args, **options)

    frame = pd.DataFrame(X, columns=list("abc"))
    reference = GridSearchCV(make_model(), GRID, cv=2, refit=False).fit(frame, Y)
    monkeypatch.setattr(_reading, "validate_data", counted)

    ours = BatchedGridSearchCV(make_model(), GRID, cv=2, refit=False).fit(frame, Y)

    assert read == [20] * 4  # two folds, training and test rows
    np.testing.assert_array_equal(
        ours.cv_results_["split1_test_score"], reference.cv_results_["split1_test_score"]
    )


def test_a_score_that_fails_is_told_as_by_scikit_learn():
    def fails(y, predicted):
        if predicted[0, 0] > -0.4:
            raise ValueError("no such score")
        return float(predicted[0, 0])

    found = []
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            search = kind(make_model(), GRID, cv=4, scoring=make_scorer(fails), refit=False)
            search.fit(X, Y)
        scores = np.array([search.cv_results_[f"split{i}_test_score"] for i in range(4)])
        n_told = sum("no such score" in str(warning.message) for warning in caught)
        found.append((scores, n_told))

    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert 0 < np.isnan(found[0][0]).sum() < 16
    assert found[0][1] == found[1][1] == np.isnan(found[0][0]).sum()


def test_a_metric_cannot_change_what_others_are_scored_by():
    def spoils(y, predicted):
        score = float(np.abs(y - predicted).sum())
        y[:], predicted[:] = 0.0, 0.0
        return score

    ours, reference = both(make_model(), scoring=make_scorer(spoils))

    assert_same_scores(ours, reference)
