"""The gap table of every kind of scikit-learn search, against fits by hand."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.metrics import make_scorer, mean_absolute_error, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    RandomizedSearchCV,
    RepeatedKFold,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from sklearn_reasoning.model_selection import gap_table, l2_loss_scorer, mean_l2_loss

GRID = {"alpha": [0.01, 1.0, 1000.0]}
CV = KFold(3)


@pytest.fixture(scope="module")
def data():
    return make_regression(60, 12, n_targets=2, noise=20.0, random_state=0)


def fitted(data, *, estimator=None, grid=GRID, **options):
    options = {"cv": CV, "return_train_score": True} | options
    return GridSearchCV(estimator or Ridge(), grid, **options).fit(*data)


def by_hand(data, metric, estimator=None, parameter="alpha", values=GRID["alpha"]):
    """Empirical and held-out metric, each of shape (candidates, folds), by a plain loop."""
    X, y = data
    empirical, held_out = np.empty((2, len(values), CV.get_n_splits()))
    for row, value in enumerate(values):
        for fold, (train, test) in enumerate(CV.split(X)):
            model = clone(estimator or Ridge()).set_params(**{parameter: value})
            model.fit(X[train], y[train])
            empirical[row, fold] = metric(y[train], model.predict(X[train]))
            held_out[row, fold] = metric(y[test], model.predict(X[test]))
    return empirical, held_out


def assert_table_is(table, empirical, held_out, gap, kind):
    for name, expected in [
        (f"empirical_{kind}", empirical),
        (f"held_out_{kind}", held_out),
        ("gap", gap),
    ]:
        np.testing.assert_allclose(table[name], expected.mean(axis=1))
        np.testing.assert_allclose(table[f"{name}_std"], expected.std(axis=1))
        for fold in range(expected.shape[1]):
            np.testing.assert_allclose(table[f"split{fold}_{name}"], expected[:, fold])


@pytest.mark.parametrize(
    ("scoring", "metric"),
    [
        (l2_loss_scorer, mean_l2_loss),
        ("neg_mean_absolute_error", mean_absolute_error),
        (make_scorer(mean_absolute_error, greater_is_better=False), mean_absolute_error),
    ],
)
def test_losses_have_their_own_sign(data, scoring, metric):
    table = gap_table(fitted(data, scoring=scoring))

    empirical, held_out = by_hand(data, metric)
    assert_table_is(table, empirical, held_out, held_out - empirical, "loss")
    assert (table["empirical_loss"] > 0).all()
    assert (table["gap"][:2] > 0).all()
    assert list(table)[:7] == [
        "param_alpha",
        "empirical_loss",
        "empirical_loss_std",
        "held_out_loss",
        "held_out_loss_std",
        "gap",
        "gap_std",
    ]


@pytest.mark.parametrize(
    "scoring",
    [None, "r2", make_scorer(r2_score), lambda model, X, y: r2_score(y, model.predict(X))],
    ids=["none", "name", "scorer", "callable"],
)
def test_scores_keep_theirs_and_the_gap_is_turned_round(data, scoring):
    table = gap_table(fitted(data, scoring=scoring))

    empirical, held_out = by_hand(data, r2_score)
    assert_table_is(table, empirical, held_out, empirical - held_out, "score")
    assert (table["gap"][:2] > 0).all()
    assert not any("loss" in name for name in table)


def test_any_estimator_will_do_and_a_perfect_fit_is_plain_zero(data):
    neighbours = KNeighborsRegressor()
    search = fitted(
        data, estimator=neighbours, grid={"n_neighbors": [1, 9]}, scoring=l2_loss_scorer
    )
    table = gap_table(search)

    empirical, held_out = by_hand(data, mean_l2_loss, neighbours, "n_neighbors", [1, 9])
    assert_table_is(table, empirical, held_out, held_out - empirical, "loss")
    assert table["empirical_loss"][0] == 0
    assert not np.signbit(table["empirical_loss"][0])
    assert table["gap"][0] > table["gap"][1] > 0


def test_pipeline_inside_the_search(data):
    pipeline = make_pipeline(StandardScaler(), Ridge())
    search = fitted(
        data, estimator=pipeline, grid={"ridge__alpha": GRID["alpha"]}, scoring=l2_loss_scorer
    )
    table = gap_table(search)

    empirical, held_out = by_hand(data, mean_l2_loss, pipeline, "ridge__alpha")
    assert_table_is(table, empirical, held_out, held_out - empirical, "loss")
    np.testing.assert_array_equal(table["param_ridge__alpha"], GRID["alpha"])


def test_search_inside_a_pipeline(data):
    X, y = data
    search = GridSearchCV(Ridge(), GRID, cv=CV, scoring=l2_loss_scorer, return_train_score=True)
    inner = make_pipeline(StandardScaler(), search)
    for pipeline in (inner, make_pipeline(StandardScaler(with_mean=False), inner)):
        table = gap_table(pipeline.fit(X, y))

        # The scaler has seen all rows, held-out ones too.
        empirical, held_out = by_hand((StandardScaler().fit_transform(X), y), mean_l2_loss)
        assert_table_is(table, empirical, held_out, held_out - empirical, "loss")


def test_randomised_search(data):
    search = RandomizedSearchCV(
        Ridge(),
        {"alpha": [0.1, 1.0, 10.0, 100.0]},
        n_iter=3,
        cv=CV,
        scoring=l2_loss_scorer,
        return_train_score=True,
        random_state=0,
    ).fit(*data)
    table = gap_table(search)

    empirical, held_out = by_hand(data, mean_l2_loss, values=table["param_alpha"])
    assert_table_is(table, empirical, held_out, held_out - empirical, "loss")


@pytest.mark.parametrize(
    ("kind", "options"),
    [(HalvingGridSearchCV, {}), (HalvingRandomSearchCV, {"n_candidates": 4})],
)
def test_halving_searches_keep_their_iterations(data, kind, options):
    search = kind(
        Ridge(),
        {"alpha": [0.1, 1.0, 10.0, 100.0]},
        cv=CV,
        scoring=l2_loss_scorer,
        factor=2,
        min_resources=15,
        random_state=0,
        **options,
    ).fit(*data)
    table = gap_table(search)

    np.testing.assert_array_equal(table["iter"], search.cv_results_["iter"])
    np.testing.assert_array_equal(table["n_resources"], search.cv_results_["n_resources"])
    assert set(table["iter"]) == {0, 1, 2}
    np.testing.assert_allclose(table["held_out_loss"], -search.cv_results_["mean_test_score"])
    np.testing.assert_allclose(table["empirical_loss"], -search.cv_results_["mean_train_score"])


def test_searches_over_all_rows_have_no_iterations(data):
    assert not {"iter", "n_resources"} & set(gap_table(fitted(data)))


def test_each_repetition_of_the_folds_is_a_split(data):
    table = gap_table(fitted(data, cv=RepeatedKFold(n_splits=2, n_repeats=3, random_state=0)))

    assert sum(name.endswith("_gap") for name in table) == 6
    gaps = np.stack([table[f"split{i}_gap"] for i in range(6)])
    np.testing.assert_allclose(table["gap"], gaps.mean(axis=0))
    np.testing.assert_allclose(table["gap_std"], gaps.std(axis=0))


def test_splits_beyond_those_of_cv_count(data):
    class Repeated(GridSearchCV):
        """Adds each fold's results a second time, moved by one, as a search with repeats may."""

        def _format_results(self, candidate_params, n_splits, out, more_results=None):
            results = super()._format_results(candidate_params, n_splits, out, more_results)
            for part in ("train", "test"):
                for i in range(n_splits):
                    results[f"split{n_splits + i}_{part}_score"] = (
                        results[f"split{i}_{part}_score"] - 1.0
                    )
            return results

    search = Repeated(Ridge(), GRID, cv=CV, scoring=l2_loss_scorer, return_train_score=True)
    table = gap_table(search.fit(*data))

    empirical, held_out = (
        np.concatenate([losses, losses + 1.0], axis=1) for losses in by_hand(data, mean_l2_loss)
    )
    assert_table_is(table, empirical, held_out, held_out - empirical, "loss")


SEVERAL = {"l2": l2_loss_scorer, "mae": "neg_mean_absolute_error", "r2": "r2"}


@pytest.mark.parametrize(
    ("refit", "metric", "kind", "reference"),
    [
        ("l2", None, "loss", mean_l2_loss),
        ("r2", None, "score", r2_score),
        ("r2", "mae", "loss", mean_absolute_error),
        (False, "l2", "loss", mean_l2_loss),
        (False, "r2", "score", r2_score),
    ],
)
def test_one_of_several_scorers(data, refit, metric, kind, reference):
    table = gap_table(fitted(data, scoring=SEVERAL, refit=refit), metric)

    empirical, held_out = by_hand(data, reference)
    gap = held_out - empirical if kind == "loss" else empirical - held_out
    assert_table_is(table, empirical, held_out, gap, kind)


@pytest.mark.parametrize(
    "scoring", [["r2", "neg_mean_absolute_error"], ("neg_mean_absolute_error",)]
)
def test_scorers_given_by_name(data, scoring):
    table = gap_table(fitted(data, scoring=scoring, refit="neg_mean_absolute_error"))

    empirical, held_out = by_hand(data, mean_absolute_error)
    assert_table_is(table, empirical, held_out, held_out - empirical, "loss")


def test_callable_that_returns_a_dict_holds_scores(data):
    def both(model, X, y):
        predicted = model.predict(X)
        return {"r2": r2_score(y, predicted), "minus_l2": -mean_l2_loss(y, predicted)}

    search = fitted(data, scoring=both, refit="minus_l2")

    empirical, held_out = by_hand(data, mean_l2_loss)
    assert_table_is(gap_table(search), -empirical, -held_out, held_out - empirical, "score")
    assert (gap_table(search, "r2")["held_out_score"] <= 1).all()


@pytest.mark.parametrize("refit", [False, lambda results: 0], ids=["false", "callable"])
def test_ambiguous_metric_lists_the_scorers(data, refit):
    search = fitted(data, scoring=SEVERAL, refit=refit)

    with pytest.raises(ValueError, match=r"\['l2', 'mae', 'r2'\].*refit="):
        gap_table(search)


def test_lone_scorer_needs_no_refit(data):
    for scoring in (l2_loss_scorer, {"l2": l2_loss_scorer}):
        assert "empirical_loss" in gap_table(fitted(data, scoring=scoring, refit=False))


@pytest.mark.parametrize(
    ("scoring", "known"), [(SEVERAL, r"\['l2', 'mae', 'r2'\]"), ("r2", r"\['score'\]")]
)
def test_unknown_metric_lists_the_known(data, scoring, known):
    search = fitted(data, scoring=scoring, refit=False)

    with pytest.raises(ValueError, match=f"metric='l1' is not one of .*{known}"):
        gap_table(search, metric="l1")


def test_search_without_train_scores_is_told_how_to_get_them(data):
    with pytest.raises(ValueError, match="return_train_score=True"):
        gap_table(fitted(data, return_train_score=False))


def test_unfitted_search():
    search = GridSearchCV(Ridge(), GRID, return_train_score=True)
    for unfitted in (search, make_pipeline(StandardScaler(), search)):
        with pytest.raises(NotFittedError, match="GridSearchCV is not fitted"):
            gap_table(unfitted)


def test_what_is_not_a_search_is_refused(data):
    # RidgeCV has a cv_results_ too, of another kind.
    with pytest.raises(TypeError, match="GridSearchCV, got RidgeCV"):
        gap_table(RidgeCV(store_cv_results=True).fit(*data))
    with pytest.raises(TypeError, match=r"got Ridge.*generalization_gap"):
        gap_table(make_pipeline(StandardScaler(), Ridge()).fit(*data))
    with pytest.raises(TypeError, match="got NoneType"):
        gap_table(None)


def test_parameters_a_candidate_lacks_are_nan_and_frames_take_the_table(data):
    X, y = data
    grid = [
        {"kernel": ["rbf"], "gamma": [0.1, 1.0], "C": [1.0]},
        {"kernel": ["linear"], "C": [1.0]},
    ]
    search = fitted((X, y[:, 0]), estimator=SVR(), grid=grid, scoring="neg_mean_squared_error")
    table = gap_table(search)

    assert not any(isinstance(column, np.ma.MaskedArray) for column in table.values())
    assert len({len(column) for column in table.values()}) == 1
    frame = pd.DataFrame(table)
    assert frame["param_gamma"].isna().tolist() == [False, False, True]
    assert frame["param_gamma"].tolist()[:2] == [0.1, 1.0]
    assert frame["param_kernel"].tolist() == ["rbf", "rbf", "linear"]
    assert len(frame) == 3


def test_parameters_of_any_kind_keep_their_values(data):
    values = [None, 1, (3, 4), "auto"]

    class Anything(Ridge):
        def __init__(self, thing=None):
            super().__init__()
            self.thing = thing

    table = gap_table(fitted(data, estimator=Anything(), grid={"thing": values}))

    assert table["param_thing"].tolist() == values
    assert pd.DataFrame(table)["param_thing"].tolist()[2] == (3, 4)


def test_table_is_independent_of_the_search(data):
    search = fitted(data, scoring=l2_loss_scorer)
    before = copy.deepcopy(search.cv_results_)

    for column in gap_table(search).values():
        column[:] = 0

    np.testing.assert_array_equal(search.cv_results_["param_alpha"], before["param_alpha"])
    np.testing.assert_array_equal(
        search.cv_results_["split0_test_score"], before["split0_test_score"]
    )


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the .* non-finite"
)
def test_failed_fits_are_nan(data):
    search = fitted(data, grid={"alpha": [1.0, -1.0]}, error_score=np.nan, scoring=l2_loss_scorer)
    table = gap_table(search)

    assert np.isfinite(table["gap"][0])
    assert np.isnan(table["gap"][1])
    assert np.isnan(table["gap_std"][1])
