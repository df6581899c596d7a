"""Batched searches take the splits, groups, weights and routed metadata of scikit-learn's."""

import numpy as np
import pytest
from model_selection._both_searches import GRID, X, Y, assert_equal_searches, both, mae, make_model
from sklearn import config_context
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, PredefinedSplit, ShuffleSplit

from sklearn_reasoning.model_selection import BatchedGridSearchCV

GROUPS = np.arange(len(X)) % 5
WEIGHTS = 1.0 + np.arange(len(X)) % 3


@pytest.mark.parametrize(
    "cv",
    [
        lambda: KFold(3, shuffle=True, random_state=0),
        lambda: KFold(3, shuffle=True, random_state=np.random.RandomState(0)),
        lambda: ShuffleSplit(3, test_size=0.3, random_state=1),
        lambda: PredefinedSplit(np.arange(len(X)) % 3 - 1),
        lambda: (split for split in KFold(3).split(X)),
        lambda: [(list(range(12)), list(range(12, 24)))],
        lambda: [(np.arange(24) < 12, np.arange(24) >= 12)],
        lambda: [(np.arange(24), np.arange(24))] * 2,
    ],
)
def test_splits(cv):
    searches = [
        kind(make_model(), GRID, cv=cv()).fit(X, Y) for kind in (BatchedGridSearchCV, GridSearchCV)
    ]
    assert_equal_searches(*searches)


def test_groups():
    ours, reference = both(cv=GroupKFold(3), fit_params={"groups": GROUPS})

    assert_equal_searches(ours, reference)


def test_a_scorer_without_weights_is_warned_of():
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with pytest.warns(UserWarning, match="does not support sample_weight"):
            kind(make_model(), GRID, cv=2, scoring=mae).fit(X, Y, sample_weight=WEIGHTS)


@pytest.mark.parametrize("to_scorer", [False, True])
@pytest.mark.parametrize("to_fit", [False, True])
def test_metadata_routing(to_fit, to_scorer):
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(r2_score).set_score_request(sample_weight=to_scorer)
        model = make_model().set_fit_request(sample_weight=to_fit)
        metadata = {"groups": GROUPS}
        if to_fit or to_scorer:
            metadata["sample_weight"] = WEIGHTS
        searches = [
            kind(model, GRID, cv=GroupKFold(3), scoring=scorer).fit(X, Y, **metadata)
            for kind in (BatchedGridSearchCV, GridSearchCV)
        ]
        plain = BatchedGridSearchCV(model, GRID, cv=GroupKFold(3), scoring=make_scorer(r2_score))
        plain.fit(X, Y, groups=GROUPS)

    assert_equal_searches(*searches)
    assert (plain.best_score_ == searches[0].best_score_) == (not to_fit and not to_scorer)


def test_routing_refuses_what_nobody_asked_for():
    with config_context(enable_metadata_routing=True):
        for kind in (BatchedGridSearchCV, GridSearchCV):
            with pytest.raises(ValueError, match="sample_weight"):
                kind(make_model(), GRID, cv=2).fit(X, Y, sample_weight=WEIGHTS)
