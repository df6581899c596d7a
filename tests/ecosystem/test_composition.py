"""Metadata, output containers and workers: what scikit-learn hands around, reaches the models."""

import joblib
import numpy as np
import pytest
from sklearn import config_context
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.tanh(X[:, :2] - X[:, 1:])
WEIGHT = RNG.uniform(size=40)
SEARCHES = [GridSearchCV, BatchedGridSearchCV]


def regressor(**parameters):
    options = {"max_epochs": 2, "q_hidden": (4,), "b_hidden": (4,), "random_state": 0}
    return HybridReasoningRegressor(**options | parameters)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


WEIGHTED = {
    "alone": lambda: regressor().set_fit_request(sample_weight=True),
    "by another name": lambda: regressor().set_fit_request(sample_weight="importance"),
    "pipeline": lambda: make_pipeline(
        StandardScaler().set_fit_request(sample_weight=True),
        regressor().set_fit_request(sample_weight=True),
    ),
    "transformed target": lambda: TransformedTargetRegressor(
        regressor().set_fit_request(sample_weight=True), transformer=StandardScaler()
    ),
}


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_reach_the_models_of_a_search(kind, name):
    model = WEIGHTED[name]()
    key = "importance" if name == "by another name" else "sample_weight"
    scorer = get_scorer("r2").set_score_request(sample_weight=False)
    search = kind(model, {}, cv=KFold(2), scoring=scorer).fit(X, Y, **{key: WEIGHT})
    scores = []
    for train, test in KFold(2).split(X):
        fitted = WEIGHTED[name]().fit(X[train], Y[train], sample_weight=WEIGHT[train])
        scores.append(fitted.score(X[test], Y[test]))
    assert [search.cv_results_[f"split{i}_test_score"][0] for i in range(2)] == scores
    weighted = WEIGHTED[name]().fit(X, Y, sample_weight=WEIGHT)
    assert np.array_equal(search.predict(X), weighted.predict(X))
    assert not np.array_equal(search.predict(X), WEIGHTED[name]().fit(X, Y).predict(X))


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("kind", SEARCHES)
def test_weights_that_nobody_asked_for_are_refused(kind):
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        kind(regressor(), {"k": [1]}, cv=2).fit(X, Y, sample_weight=WEIGHT)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("kind", SEARCHES)
def test_groups_reach_the_splitter(kind):
    groups = np.arange(40) % 4
    search = kind(regressor(), {"k": [1, 3]}, cv=GroupKFold(2)).fit(X, Y, groups=groups)
    train, test = next(iter(GroupKFold(2).split(X, Y, groups)))
    expected = regressor(k=1).fit(X[train], Y[train]).score(X[test], Y[test])
    assert search.cv_results_["split0_test_score"][0] == expected


@pytest.mark.usefixtures("routing")
def test_weights_through_other_meta_estimators():
    model = regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
    columns = MultiOutputRegressor(model).fit(X, Y, sample_weight=WEIGHT)
    alone = regressor().fit(X, Y[:, 1], WEIGHT)
    assert np.array_equal(columns.predict(X)[:, 1], alone.predict(X))
    scores = cross_validate(model, X, Y, cv=KFold(2), params={"sample_weight": WEIGHT})
    train, test = next(iter(KFold(2).split(X)))
    alone = regressor().fit(X[train], Y[train], WEIGHT[train])
    assert scores["test_score"][0] == alone.score(X[test], Y[test])


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_columns_keep_their_names_behind_set_output(container):
    frame = pytest.importorskip(container).DataFrame(
        {name: X[:, i] for i, name in enumerate(["age", "dose", "mass"])}
    )
    scaler = StandardScaler().set_output(transform=container)
    pipeline = make_pipeline(scaler, regressor(linear_term=["dose", "age"])).fit(frame, Y)
    assert pipeline[-1].feature_names_in_.tolist() == ["age", "dose", "mass"]
    scaled = StandardScaler().fit_transform(frame)
    alone = regressor(linear_term=[1, 0]).fit(scaled, Y)
    assert np.array_equal(pipeline.predict(frame), alone.predict(scaled))
    with pytest.raises(ValueError, match="feature names"):
        pipeline.predict(frame[["mass", "dose", "age"]])


@pytest.mark.parametrize("kind", SEARCHES)
def test_workers_are_those_of_the_context(kind):
    expected = kind(regressor(), {"k": [1, 3]}, cv=2).fit(X, Y)
    with joblib.parallel_config("threading", n_jobs=2):
        search = kind(regressor(), {"k": [1, 3]}, cv=2).fit(X, Y)
    for key in ("split0_test_score", "split1_test_score"):
        assert np.array_equal(search.cv_results_[key], expected.cv_results_[key])


def test_the_estimators_have_no_n_jobs():
    assert "n_jobs" not in regressor().get_params()
