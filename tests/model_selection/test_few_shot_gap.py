"""Gaps of models that adapt to groups, ours and a simple one, against a plain loop."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, KFold

from sklearn_reasoning import FewShotReasoningRegressor
from sklearn_reasoning.datasets import make_few_shot
from sklearn_reasoning.model_selection import (
    GeneralizationGapDisplay,
    few_shot_gap_table,
    mean_l2_loss,
)


class ShrunkenMeans(RegressorMixin, BaseEstimator):
    """Means of groups, each shrunken towards that of all by k rows' worth; shots are not needed."""

    def __init__(self, k=1, shots=None):
        self.k = k
        self.shots = shots

    def fit(self, X, y, groups):
        self.mean_ = np.mean(y, axis=0)
        self.means_ = self._means(y, groups)
        return self

    def adapt(self, X, y, groups):
        other = clone(self)
        other.mean_, other.means_ = self.mean_, self.means_ | self._means(y, groups)
        return other

    def predict(self, X, groups):
        return np.array([self.means_.get(g, self.mean_) for g in groups])

    def _means(self, y, groups):
        def shrunken(mine):
            return (mine.sum(axis=0) + self.k * self.mean_) / (len(mine) + self.k)

        return {g: shrunken(y[groups == g]) for g in np.unique(groups)}


OURS = FewShotReasoningRegressor(basis_hidden=8, n_basis=4, max_epochs=2, random_state=0)


@pytest.fixture(scope="module")
def data():
    """Twelve tasks of 4 to 9 rows, in mixed order."""
    X, y, groups = make_few_shot(12, 9, noise=0.1, random_state=0)
    rng = np.random.default_rng(0)
    kept = np.tile(np.arange(9), 12) < np.repeat(rng.integers(4, 10, size=12), 9)
    order = rng.permutation(np.flatnonzero(kept))
    return X[order], y[order], groups[order]


def by_hand(estimator, data, k, shots, cv, metric):
    """Losses on support, query and unseen rows, each of shape (splits,), row by row."""
    X, y, groups = data
    parts = {"support": [], "query": [], "unseen": []}
    for train, test in cv.split(X, y, groups):
        rows = {part: [] for part in parts} | {"known": []}
        for side, first, rest in ((train, "support", "query"), (test, "known", "unseen")):
            seen = {}
            for row in side:
                seen[groups[row]] = seen.get(groups[row], 0) + 1
                rows[first if seen[groups[row]] <= shots else rest].append(row)
        model = clone(estimator).set_params(k=k, shots=shots)
        model.fit(X[train], y[train], groups=groups[train])
        for part in ("support", "known"):
            model = model.adapt(X[rows[part]], y[rows[part]], groups=groups[rows[part]])
        for part, losses in parts.items():
            predicted = model.predict(X[rows[part]], groups=groups[rows[part]])
            losses.append(metric(y[rows[part]], predicted))
    return [np.array(losses) for losses in parts.values()]


@pytest.mark.parametrize(
    ("estimator", "metric"), [(ShrunkenMeans(), mean_squared_error), (OURS, mean_l2_loss)]
)
@pytest.mark.parametrize("cv", [GroupKFold(3), GroupShuffleSplit(2, test_size=0.4, random_state=0)])
def test_losses_and_gaps_are_those_of_a_plain_loop(estimator, metric, cv, data):
    table = few_shot_gap_table(estimator, *data, shots=[2, 3], k=[1, 4], cv=cv, metric=metric)

    assert table["param_k"].tolist() == [1, 1, 4, 4]
    assert table["param_shots"].tolist() == [2, 3, 2, 3]
    for row, (k, shots) in enumerate([(1, 2), (1, 3), (4, 2), (4, 3)]):
        support, query, unseen = by_hand(estimator, data, k, shots, cv, metric)
        for name, values in [
            ("support_loss", support),
            ("empirical_loss", query),
            ("held_out_loss", unseen),
            ("adaptation_gap", query - support),
            ("gap", unseen - query),
        ]:
            np.testing.assert_allclose(table[name][row], values.mean(), rtol=1e-10)
            np.testing.assert_allclose(table[f"{name}_std"][row], values.std(), rtol=1e-8)
            for split, value in enumerate(values):
                np.testing.assert_allclose(table[f"split{split}_{name}"][row], value, rtol=1e-10)
    assert len(table) == 2 + 10 + 5 * cv.get_n_splits()


def test_k_is_the_estimators_where_none_is_given_and_it_is_left_as_it_is(data):
    estimator = clone(OURS).set_params(k=4)
    before = estimator.get_params()
    table = few_shot_gap_table(estimator, *data, shots=3, cv=2)
    asked = few_shot_gap_table(estimator, *data, shots=3, k=4, cv=GroupKFold(2))

    pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame(asked))
    assert estimator.get_params() == before
    assert not hasattr(estimator, "net_")


def test_workers_change_nothing(data):
    options = {"shots": [2, 3], "k": 2, "cv": 2}
    alone = few_shot_gap_table(ShrunkenMeans(), *data, **options)
    with joblib.parallel_config("threading"):
        beside = few_shot_gap_table(ShrunkenMeans(), *data, **options, n_jobs=2)

    pd.testing.assert_frame_equal(pd.DataFrame(alone), pd.DataFrame(beside))


def test_several_targets_and_frames(data):
    X, y, groups = data
    both = np.column_stack([y, -2 * y])
    arrays = few_shot_gap_table(OURS, X, both, groups, shots=2, cv=2)
    frames = few_shot_gap_table(
        OURS, pd.DataFrame(X, columns=["x"]), pd.DataFrame(both), pd.Series(groups), shots=2, cv=2
    )

    np.testing.assert_array_equal(arrays["gap"], frames["gap"])


def test_the_display_draws_it(data):
    table = few_shot_gap_table(ShrunkenMeans(), *data, shots=[2, 3], k=[1, 2, 8], cv=2)
    display = GeneralizationGapDisplay.from_table(table, line="shots")

    assert [curve.line for curve in display.curves] == [2, 3]
    assert display.curves[1].x.tolist() == [1, 2, 8]
    np.testing.assert_allclose(display.curves[1].gap, table["gap"][1::2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shots": 0}, "shots=0"),
        ({"shots": [2, 2.5]}, "shots="),
        ({"shots": []}, "shots="),
        ({"shots": True}, "shots=True"),
        ({"k": [1, -1]}, "k="),
        ({"shots": 40}, "shots=40 leaves no row to predict: no training group of fold 0"),
        ({"cv": [(range(40), range(40, 60))]}, "on both sides.*GroupKFold"),
        ({"groups": [0, 1]}, "inconsistent numbers of samples"),
        ({"groups": None}, "groups=None"),
        ({"cv": []}, "no folds"),
        ({"cv": [(range(40), [])]}, "Fold 0 of cv has no held-out rows"),
    ],
)
def test_bad_values_are_named(change, message, data):
    X, y, groups = data
    arguments = {"groups": groups, "shots": 2, "cv": 2} | change
    with pytest.raises(ValueError, match=message):
        few_shot_gap_table(ShrunkenMeans(), X, y, **arguments)


@pytest.mark.parametrize("name", [lambda group: ("a", group), lambda group: group or None])
def test_names_that_have_no_order_are_refused(name, data):
    X, y, groups = data
    with pytest.raises(ValueError, match="groups must hold one name for each row, none of them"):
        few_shot_gap_table(ShrunkenMeans(), X, y, [name(g) for g in groups], shots=2, cv=2)


def test_a_metric_is_a_function(data):
    with pytest.raises(TypeError, match="metric='r2' must be callable"):
        few_shot_gap_table(ShrunkenMeans(), *data, shots=2, cv=2, metric="r2")


def test_no_cv_is_five_folds_of_groups(data):
    X, y, groups = data
    order = np.random.default_rng(0).permutation(len(y))
    shuffled = X[order], y[order], groups[order]
    tables = [few_shot_gap_table(ShrunkenMeans(), *shuffled, shots=2, cv=cv) for cv in (None, 5)]
    assert (tables[0]["gap"] == tables[1]["gap"]).all()


@pytest.mark.parametrize("estimator", [FewShotReasoningRegressor, KFold(2)])
def test_what_does_not_adapt_is_refused(estimator, data):
    with pytest.raises(TypeError, match="FewShotReasoningRegressor"):
        few_shot_gap_table(estimator, *data, shots=2)
