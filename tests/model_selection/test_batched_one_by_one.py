"""What a batched search cannot stack is fitted one by one, with scikit-learn's results."""

import numpy as np
import pytest
from model_selection._both_searches import GRID, X, Y, assert_equal_searches, both, make_model
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import BaggingRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV


class Shrunk(HybridReasoningRegressor):
    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.shrinkage_ = 0.5 if np.mean(self.predict(X)) > 0.0 else 0.25
        return self

    def predict(self, X, k=None):
        return getattr(self, "shrinkage_", 1.0) * super().predict(X, k)


class OfHalf(HybridReasoningRegressor):
    """What follows prediction may change without a fit of its own."""

    def predict(self, X, k=None):
        return 0.5 * super().predict(X, k)


class CalibratedPipeline(Pipeline):
    def fit(self, X, y=None, **params):
        super().fit(X, y, **params)
        self.bias_ = np.mean(y - super().predict(X), axis=0)
        return self

    def predict(self, X, **params):
        return super().predict(X, **params) + self.bias_


class Denoised(TransformerMixin, BaseEstimator):
    """A model of ours out of sight."""

    def fit(self, X, y=None):
        self.model_ = make_model().fit(X, X)
        return self

    def transform(self, X):
        return self.model_.predict(X)


class Quiet(Callback):
    """Any callback: it watches one net at a time."""


def one_by_one():
    ours = make_model()
    yield "Ridge", Ridge(), {"alpha": [0.1, 1.0]}, "Ridge is none of ours"
    yield (
        "MultiOutputRegressor",
        MultiOutputRegressor(ours),
        {"estimator__k": [1, 4]},
        "MultiOutputRegressor is no",
    )
    yield (
        "BaggingRegressor",
        BaggingRegressor(ours, n_estimators=2, random_state=0),
        {"estimator__k": [1, 4]},
        "BaggingRegressor is no",
    )
    yield "own fit", Shrunk("gd", max_epochs=2, random_state=0), GRID, "Shrunk has a fit of its own"
    yield (
        "own pipeline",
        CalibratedPipeline([("m", ours)]),
        {"m__k": [1, 4]},
        "CalibratedPipeline has a fit of its own",
    )
    yield "callbacks", make_model(callbacks=[Quiet()]), GRID, "callbacks watch one model"
    yield (
        "two models",
        Pipeline([("bag", BaggedFeatures(make_model())), ("m", ours)]),
        {"m__k": [1, 4], "bag__model__k": [2]},
        "more than one regressor of ours",
    )


class BaggedFeatures(TransformerMixin, BaseEstimator):
    def __init__(self, model):
        self.model = model

    def fit(self, X, y=None):
        self.model_ = clone(self.model).fit(X, y)
        return self

    def transform(self, X):
        return np.hstack([X, self.model_.predict(X)])


@pytest.mark.parametrize(
    ("estimator", "grid", "reason"), [pytest.param(*case[1:], id=case[0]) for case in one_by_one()]
)
def test_what_cannot_be_stacked_is_fitted_one_by_one(estimator, grid, reason, capsys):
    ours, reference = both(estimator, grid)
    assert_equal_searches(ours, reference)
    assert capsys.readouterr() == ("", "")

    clone(ours).set_params(verbose=1).fit(X, Y)

    printed = capsys.readouterr().out
    n_fits = 2 * len(ours.cv_results_["params"])
    assert f"totalling {n_fits} fits: 0 in 0 stacks" in printed
    assert f"{n_fits} fits are trained one by one: " in printed
    assert reason in printed


def test_a_voting_regressor():
    # It takes 1-D targets.
    model = VotingRegressor([("a", make_model()), ("b", make_model(algo="opt"))])
    assert_equal_searches_1d(*both(model, {"a__k": [1, 4]}, y=Y[:, 0]))


def assert_equal_searches_1d(ours, reference):
    for key in (key for key in reference.cv_results_ if key.startswith("split")):
        np.testing.assert_array_equal(ours.cv_results_[key], reference.cv_results_[key])
    np.testing.assert_array_equal(ours.predict(X), reference.predict(X))


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (OfHalf("gd", max_epochs=2, random_state=0), GRID),
        (make_pipeline(Denoised(), make_model()), {"hybridreasoningregressor__k": [1, 4]}),
        (
            Pipeline([("m", make_model())]),
            {"m": [Ridge(), make_model(), LinearRegression(), make_model(algo="opt")]},
        ),
        (Pipeline([("s", StandardScaler()), ("m", "passthrough")]), {"m": [make_model(), Ridge()]}),
    ],
)
def test_what_can_be_stacked_only_in_part(estimator, grid):
    assert_equal_searches(*both(estimator, grid, scoring="r2"))


def test_models_that_print_are_fitted_one_by_one(capsys):
    BatchedGridSearchCV(make_model(verbose=1), GRID, cv=2, verbose=1).fit(X, Y)

    printed = capsys.readouterr().out
    assert "4 fits are trained one by one: verbose prints" in printed
    assert printed.count("train_loss") == 5  # the refit prints too


def test_an_estimator_without_targets():
    class Centre(BaseEstimator):
        def __init__(self, shift=0.0):
            self.shift = shift

        def fit(self, X):
            self.mean_ = X.mean(axis=0) + self.shift
            return self

        def score(self, X):
            return -np.square(X - self.mean_).mean()

    searches = [
        kind(Centre(), {"shift": [0.0, 1.0]}, cv=3).fit(X)
        for kind in (BatchedGridSearchCV, GridSearchCV)
    ]
    for key in ("mean_test_score", "rank_test_score"):
        np.testing.assert_array_equal(*(search.cv_results_[key] for search in searches))
