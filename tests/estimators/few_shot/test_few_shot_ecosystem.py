"""Groups through scikit-learn: metadata routing, searches, splits of groups, pipelines."""

import numpy as np
import pytest
import sklearn
from estimators.few_shot._small_groups import SMALL, make_lines
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import FewShotReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV, gap_table

X, Y, GROUPS = make_lines(12, 6)
TRAINING = SMALL | {"max_epochs": 5}


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def routed(**params):
    model = FewShotReasoningRegressor(**TRAINING | params)
    return model.set_fit_request(groups=True).set_score_request(groups=True, shots=True)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("cv", [GroupKFold(3), GroupShuffleSplit(2, random_state=0)])
def test_groups_reach_fit_score_and_splits(cv):
    search = GridSearchCV(routed(), {"k": [1, 5]}, cv=cv, return_train_score=True)
    search.fit(X, Y, groups=GROUPS, shots=3)
    train, test = next(cv.split(X, Y, GROUPS))
    model = FewShotReasoningRegressor(**TRAINING | {"k": 5}).fit(X[train], Y[train], GROUPS[train])
    expected = model.score(X[test], Y[test], GROUPS[test], shots=3)
    assert search.cv_results_["split0_test_score"][1] == expected
    assert set(GROUPS) == set(search.best_estimator_.groups_)
    assert len(gap_table(search)["gap"]) == 2


@pytest.mark.usefixtures("routing")
def test_batched_searches_give_the_same_scores():
    arguments = ({"k": [1, 5], "shots": [2, 3]}, {"cv": GroupKFold(3), "refit": False})
    plain, batched = (
        kind(routed(), arguments[0], **arguments[1]).fit(X, Y, groups=GROUPS, shots=3)
        for kind in (GridSearchCV, BatchedGridSearchCV)
    )
    for name in ("split0_test_score", "split2_test_score", "mean_test_score"):
        assert (plain.cv_results_[name] == batched.cv_results_[name]).all()


@pytest.mark.usefixtures("routing")
def test_a_pipeline_hands_groups_on():
    model = make_pipeline(StandardScaler(), routed())
    scores = cross_validate(model, X, Y, cv=GroupKFold(3), params={"groups": GROUPS, "shots": 3})
    assert np.isfinite(scores["test_score"]).all()
    fitted = make_pipeline(StandardScaler(), routed().set_predict_request(groups=True))
    fitted.fit(X, Y, groups=GROUPS)
    assert (fitted.predict(X, groups=GROUPS) != fitted.predict(X)).any()


def test_callbacks_of_scikit_learn():
    pytest.importorskip("sklearn.callback")
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="r2")
    model = FewShotReasoningRegressor(**TRAINING).set_callbacks(monitor)
    model.fit(X, Y)
    assert model.n_iter_ == 5
