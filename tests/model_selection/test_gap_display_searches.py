"""The display drawn from a search, and from an estimator."""

import matplotlib
import numpy as np
import pytest
from model_selection._gap_tables import band_of, pooled, rows_of, table_of
from sklearn.datasets import make_regression
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import GradientDescent
from sklearn_reasoning.model_selection import (
    GeneralizationGapDisplay,
    gap_table,
    generalization_gap,
    l2_loss_scorer,
    mean_l2_loss,
)

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(scope="module")
def data():
    return make_regression(48, 6, n_targets=2, noise=20.0, random_state=0)


def test_a_search_over_ours_in_a_pipeline(data):
    model = Pipeline(
        [("scale", StandardScaler()), ("ours", HybridReasoningRegressor(max_epochs=3))]
    )
    grid = {
        "ours__algo": ["gd", GradientDescent(), "cg"],
        "ours__k": [1, 3],
        "ours__q_hidden": [None, 2],
        "ours__random_state": [0, 1],
    }
    search = GridSearchCV(model, grid, scoring=l2_loss_scorer, cv=2, return_train_score=True)
    table = gap_table(search.fit(*data))

    display = GeneralizationGapDisplay.from_search(search)

    assert [(curve.panel, curve.line) for curve in display.curves] == [
        (None, "gd"),
        (None, "cg"),
        ((2,), "gd"),
        ((2,), "cg"),
    ]
    assert display.ax_.get_ylabel() == "generalisation gap (mean l2 loss)"
    for k, gap in zip((1, 3), display.lines_[3].get_ydata(), strict=True):
        rows = rows_of(table, ours__algo="cg", ours__k=k, ours__q_hidden=2)
        np.testing.assert_allclose(gap, pooled(table, rows, "gap").mean())


def test_one_of_several_scorers_and_a_search_in_a_pipeline(data):
    search = GridSearchCV(
        Ridge(),
        {"alpha": [1.0, 100.0]},
        scoring=["r2", "neg_mean_absolute_error"],
        refit="r2",
        cv=2,
        return_train_score=True,
    )
    model = make_pipeline(StandardScaler(), search).fit(*data)

    for metric, label in [(None, "r2"), ("neg_mean_absolute_error", "mean absolute error")]:
        display = GeneralizationGapDisplay.from_search(model, metric=metric, x="alpha")
        assert display.ax_.get_ylabel() == f"generalisation gap ({label})"
        np.testing.assert_allclose(display.lines_[0].get_ydata(), gap_table(search, metric)["gap"])


def named_loss(model, X, y):
    return -mean_absolute_error(y, model.predict(X))


@pytest.mark.parametrize(
    ("scoring", "name"),
    [(None, "score"), ("r2", "r2 score"), (named_loss, "named loss"), ({"l1": "r2"}, "l1")],
)
def test_the_metric_is_named(data, scoring, name):
    search = GridSearchCV(
        Ridge(), {"alpha": [1, 9]}, scoring=scoring, refit=False, cv=2, return_train_score=True
    )

    display = GeneralizationGapDisplay.from_search(search.fit(*data), x="alpha")

    assert display.ax_.get_ylabel() == f"generalisation gap ({name})"


def test_a_randomised_search_is_drawn_in_the_order_of_x(data):
    search = RandomizedSearchCV(
        Ridge(),
        {"alpha": np.logspace(-2, 3, 30)},
        n_iter=6,
        scoring=l2_loss_scorer,
        cv=2,
        return_train_score=True,
        random_state=0,
    ).fit(*data)
    table = gap_table(search)

    display = GeneralizationGapDisplay.from_search(search, x="alpha")

    order = np.argsort(table["param_alpha"])
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), table["param_alpha"][order])
    np.testing.assert_allclose(display.lines_[0].get_ydata(), table["gap"][order])


@pytest.mark.parametrize("resource", ["n_samples", "max_epochs"])
def test_of_a_halving_search_each_candidates_last_iteration_is_drawn(data, resource):
    search = HalvingGridSearchCV(
        HybridReasoningRegressor(max_epochs=2, random_state=0),
        {"k": [1, 2, 3, 4]},
        factor=2,
        resource=resource,
        min_resources=12 if resource == "n_samples" else 2,
        max_resources=48 if resource == "n_samples" else 8,
        scoring=l2_loss_scorer,
        cv=2,
        random_state=0,
    ).fit(*data)
    table = gap_table(search)

    (curve,) = GeneralizationGapDisplay.from_search(search).curves

    assert max(table["iter"]) == 2
    assert curve.x.tolist() == [1, 2, 3, 4]
    for k, gap in zip(curve.x, curve.gap, strict=True):
        rows = rows_of(table, k=k)
        last = max(rows, key=lambda row: table["n_resources"][row])
        np.testing.assert_allclose(gap, table["gap"][last])


def test_halving_keeps_the_seeds_apart():
    table = table_of(
        [{"k": k, "random_state": seed} for k in (1, 2) for seed in (0, 1)] * 2, n_splits=2
    )
    table = {"n_resources": np.repeat([10, 20], 4), **table}

    (curve,) = GeneralizationGapDisplay.from_table(table).curves

    for k, gap in zip((1, 2), curve.gap, strict=True):
        rows = [row for row in rows_of(table, k=k) if row >= 4]
        np.testing.assert_allclose(gap, pooled(table, rows, "gap").mean())


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the .* non-finite"
)
def test_a_failed_candidate_leaves_a_gap(data):
    search = GridSearchCV(
        Ridge(), {"alpha": [1, -1, 3]}, scoring=l2_loss_scorer, cv=2, return_train_score=True
    ).fit(*data)

    for kind in ("gap", "losses"):
        for style in ("fill_between", "errorbar", None):
            display = GeneralizationGapDisplay.from_search(
                search, x="alpha", kind=kind, std_display_style=style
            )
            display.figure_.canvas.draw()
            assert np.isnan(display.curves[0].gap).tolist() == [True, False, False]


def test_a_failed_candidate_is_not_the_best_of_others_and_spoils_its_seeds():
    table = table_of(ParameterGrid({"k": [1, 2], "lr": [0.1, 0.2]}))
    for name in table:
        if name.startswith("split1"):
            table[name][0] = np.nan
    (curve,) = GeneralizationGapDisplay.from_table(table).curves
    assert curve.others[0] == {"lr": 0.2}
    np.testing.assert_allclose(curve.gap[0], pooled(table, [1], "gap").mean())

    table["param_random_state"] = table.pop("param_lr")
    (curve,) = GeneralizationGapDisplay.from_table(table).curves
    assert np.isnan(curve.gap).tolist() == [True, False]


def test_searches_that_have_no_table_say_why(data):
    grid = {"alpha": [1.0]}
    with pytest.raises(NotFittedError, match="not fitted"):
        GeneralizationGapDisplay.from_search(GridSearchCV(Ridge(), grid, return_train_score=True))
    with pytest.raises(ValueError, match="return_train_score=True"):
        GeneralizationGapDisplay.from_search(GridSearchCV(Ridge(), grid).fit(*data))
    with pytest.raises(TypeError, match="got Ridge"):
        GeneralizationGapDisplay.from_search(Ridge())


# From an estimator


def test_an_estimator_over_k_by_a_plain_loop(data):
    X, y = data
    ours = HybridReasoningRegressor(max_epochs=3, random_state=0)

    display = GeneralizationGapDisplay.from_estimator(ours, X, y, param_range=[4, 1], cv=KFold(3))

    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [1, 4])
    low, high = band_of(display.fill_between_[0], 2)
    for point, k in enumerate((1, 4)):
        gaps = []
        for train, test in KFold(3).split(X):
            model = HybridReasoningRegressor(k=k, max_epochs=3, random_state=0)
            model.fit(X[train], y[train])
            gaps.append(
                mean_l2_loss(y[test], model.predict(X[test]))
                - mean_l2_loss(y[train], model.predict(X[train]))
            )
        np.testing.assert_allclose(display.lines_[0].get_ydata()[point], np.mean(gaps))
        np.testing.assert_allclose((high - low)[point] / 2, np.std(gaps))


def test_an_estimator_over_any_parameter_and_scorer(data):
    display = GeneralizationGapDisplay.from_estimator(
        make_pipeline(StandardScaler(), Ridge()),
        *data,
        param_name="ridge__alpha",
        param_range=np.array([1.0, 1000.0]),
        cv=2,
        scoring="neg_mean_absolute_error",
        kind="losses",
    )

    assert display.ax_.get_xlabel() == "alpha"
    assert display.ax_.get_ylabel() == "mean absolute error"
    for point, alpha in enumerate((1.0, 1000.0)):
        measured = generalization_gap(
            make_pipeline(StandardScaler(), Ridge(alpha=alpha)),
            *data,
            2,
            scoring="neg_mean_absolute_error",
        )
        for line, name in zip(display.lines_, ("held_out_loss", "empirical_loss"), strict=True):
            np.testing.assert_allclose(line.get_ydata()[[point]], measured[name])


def test_a_parameter_that_the_estimator_lacks_is_looked_for_inside(data):
    pipeline = make_pipeline(StandardScaler(), HybridReasoningRegressor())

    with pytest.raises(ValueError, match=r"param_name='k' .* \['hybridreasoningregressor__k'\]"):
        GeneralizationGapDisplay.from_estimator(pipeline, *data, param_range=[1])
    with pytest.raises(ValueError, match=r"param_name='k' is not a parameter of Ridge. .*alpha"):
        GeneralizationGapDisplay.from_estimator(Ridge(), *data, param_range=[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"param_name": "solver", "param_range": ["svd"]}, "x='solver' must be a numeric"),
        ({"param_range": [1], "kind": "loss"}, "kind='loss'"),
        ({"param_range": [1], "std_display_style": "bar"}, "std_display_style='bar'"),
    ],
)
def test_bad_options_are_found_before_the_fits(data, options, message):
    class Unfittable(Ridge):
        def fit(self, X, y):
            raise AssertionError("fitted")

    with pytest.raises(ValueError, match=message):
        GeneralizationGapDisplay.from_estimator(
            Unfittable(), *data, **{"param_name": "alpha", **options}
        )
