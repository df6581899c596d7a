"""What decompose_gap takes, refuses and leaves alone, and what it gives back to look at."""

import pickle
import random
from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest
import torch
from model_selection._gap_parts import (
    COLUMNS,
    GIVEN,
    LEARNED,
    assert_adds_up,
    mean_and_error,
    minimisers,
)
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import GapDecomposition, decompose_gap, mean_l2_loss

# ---------------------------------------------------------------------- what is taken


def test_a_pipeline_gives_what_its_steps_give_by_hand(rows):
    X, y, X_test, y_test = rows
    scaler = StandardScaler().fit(X)
    by_hand = decompose_gap(
        clone(LEARNED).fit(scaler.transform(X), y),
        scaler.transform(X),
        y,
        scaler.transform(X_test),
        y_test,
    )
    pipeline = make_pipeline(StandardScaler(), make_pipeline("passthrough", clone(LEARNED)))

    assert decompose_gap(pipeline, *rows) == by_hand
    assert decompose_gap(pipeline.fit(X, y), *rows) == by_hand
    alone = make_pipeline(clone(LEARNED)).fit(X, y)
    assert decompose_gap(alone, *rows) == decompose_gap(LEARNED, *rows)


def test_the_population_goes_through_a_pipeline_by_column_names(drawn):
    X, y, problem = drawn
    names = [f"c{i}" for i in range(40)]
    scaling = make_column_transformer((StandardScaler(), names[:10]), remainder="passthrough")

    measured = decompose_gap(
        make_pipeline(scaling, clone(GIVEN)), pd.DataFrame(X, columns=names), y, problem=problem
    )

    scaler = StandardScaler().fit(X[:, :10])
    scaled, population = (
        np.hstack([scaler.transform(each[:, :10]), each[:, 10:]]) for each in (X, problem.X)
    )
    model = clone(GIVEN).fit(scaled, y)
    np.testing.assert_allclose(
        measured.held_out_loss, mean_l2_loss(problem.y, model.predict(population))
    )
    distance = model.predict_energy(population)[0] - problem.energy(problem.X)[0]
    expected = np.sqrt((distance**2).sum(axis=(1, 2))).mean()
    np.testing.assert_allclose(measured.Q_distance_frobenius.held_out, expected)


def test_one_output_may_have_one_dimension(rows):
    X, y, X_test, y_test = rows
    flat = decompose_gap(LEARNED, X, y[:, 0], X_test, y_test[:, 0])
    column = decompose_gap(LEARNED, X, y[:, :1], X_test, y_test[:, :1])

    assert flat == column
    output = clone(LEARNED).fit(X, y[:, 0]).predict(X_test)
    assert flat.held_out_loss == pytest.approx(np.abs(output - y_test[:, 0]).mean())


def test_a_model_in_float32_is_measured_in_float64(rows):
    rows = [each.astype(np.float32) for each in rows]
    model = clone(LEARNED).set_params(algo="opt").fit(*rows[:2])

    measured = decompose_gap(model, *rows)

    assert measured.empirical_loss == pytest.approx(model.empirical_loss_, rel=1e-12)
    assert measured.held_out_loss == pytest.approx(
        mean_l2_loss(rows[3], model.predict(rows[2])), rel=1e-6
    )
    assert measured.algorithm_bias.held_out == 0.0


def test_lists_will_do(rows):
    assert decompose_gap(LEARNED, *(each.tolist() for each in rows)) == decompose_gap(
        LEARNED, *rows
    )


def test_many_rows_of_many_outputs_are_taken_in_blocks():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(620, 2)), rng.normal(size=(620, 64))
    model = clone(LEARNED).set_params(max_epochs=1).fit(X[:20], y[:20])

    measured = decompose_gap(model, X[:20], y[:20], X[20:], y[20:])

    loss = np.linalg.norm(model.predict(X[20:]) - y[20:], axis=1)
    error = np.linalg.norm(minimisers(model, X[20:]) - y[20:], axis=1)
    for part, values in [
        (measured.total, loss),
        (measured.representation_error, error),
        (measured.algorithm_bias, loss - error),
    ]:
        expected = mean_and_error(values)
        # A first epoch of one row more changes nothing yet: the bias is rounding.
        np.testing.assert_allclose((part.held_out, part.held_out_se), expected, atol=1e-15)


# ---------------------------------------------------------------------- what is left alone


def global_states():
    return (
        random.getstate(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002
        torch.get_rng_state().tolist(),
    )


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("held_out", ["test", "folds"])
def test_estimator_and_global_states_are_left_alone(rows, fitted, held_out):
    X, y, _, _ = rows
    estimator = clone(LEARNED).set_params(random_state=np.random.RandomState(3))
    if fitted:
        estimator.fit(X, y)
    before = pickle.dumps(estimator)
    states = global_states()

    decompose_gap(estimator, *(rows if held_out == "test" else rows[:2]))

    assert pickle.dumps(estimator) == before
    assert global_states() == states


# ---------------------------------------------------------------------- what it looks like


def test_columns_are_what_a_data_frame_takes(noisy):
    X, y, problem = noisy
    measured = decompose_gap(GIVEN, X, y, problem=problem)

    frame = pd.DataFrame(measured.to_dict()).set_index("part")

    assert frame.columns.tolist() == [
        "empirical", "empirical_se", "held_out", "held_out_se", "gap", "gap_se",
    ]  # fmt: skip
    assert frame.loc["algorithm_bias"].tolist() == list(astuple(measured.algorithm_bias))
    np.testing.assert_allclose(frame[list(COLUMNS)][:-1].sum(), frame.loc["total", list(COLUMNS)])
    assert isinstance(measured, GapDecomposition)


def test_it_prints_as_a_table(noisy):
    X, y, problem = noisy
    measured = decompose_gap(GIVEN, X, y, problem=problem)

    lines = str(measured).splitlines()
    assert repr(measured) == str(measured)
    assert lines[0].endswith("60 training rows, held out 600 rows, the population")
    line = next(line for line in lines if line.startswith("representation error"))
    part = measured.representation_error
    assert f"{part.empirical:.4g} ± {part.empirical_se:.2g}" in line
    assert f"{part.held_out:.4g} ± 0" in line
    assert max(map(len, lines)) < 90
    assert str(decompose_gap(GIVEN, X, y, cv=2)).startswith(
        "The gap, taken apart: means over 2 folds of 60 rows"
    )
    shown = measured._repr_html_()
    assert shown.count("<tr>") == 1 + 4 + 3
    assert f"<td>{part.gap:.4g} ± {part.gap_se:.2g}</td>" in shown


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(),
        make_pipeline(StandardScaler(), Ridge()),
        GridSearchCV(LEARNED, {"k": [1]}),
        TransformedTargetRegressor(LEARNED),
        HybridReasoningRegressor,
        "nag",
    ],
)
def test_other_estimators_are_refused(rows, estimator):
    with pytest.raises(TypeError, match=r"estimator=.* must be a HybridReasoningRegressor"):
        decompose_gap(estimator, *rows)


def test_of_a_fitted_search_its_best_estimator_is_asked_for(rows):
    search = GridSearchCV(LEARNED, {"k": [1, 3]}, cv=2).fit(*rows[:2])

    with pytest.raises(TypeError, match="best_estimator_"):
        decompose_gap(search, *rows)
    assert_adds_up(decompose_gap(search.best_estimator_, *rows))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, "X_test is given and y_test is None"),
        ({"X_test": None}, "y_test is given and X_test is None"),
        ({"X_test": np.ones((30, 3))}, "X_test has 3 columns and X has 4"),
        ({"X_test": np.ones((29, 4))}, "X_test has 29 rows and y_test has 30"),
        ({"y_test": np.ones((30, 2))}, "y_test has 2 outputs and y has 3"),
        ({"y_test": np.ones(30)}, "y_test has 1 outputs and y has 3"),
        ({"y": np.ones((39, 3))}, "X has 40 rows and y has 39"),
        ({"y": np.ones((40, 3, 1))}, "y must have one or two dimensions"),
        ({"y": np.full((40, 3), np.nan)}, "Input y contains NaN"),
        ({"y_test": np.full((30, 3), np.inf)}, "Input y_test contains infinity"),
        ({"X_test": np.full((30, 4), np.nan)}, "Input X_test contains NaN"),
    ],
)
def test_what_does_not_match_is_named(rows, changes, message):
    arguments = {**dict(zip(("X", "y", "X_test", "y_test"), rows, strict=True)), **changes}

    with pytest.raises(ValueError, match=message):
        decompose_gap(LEARNED, **arguments)


def test_rows_that_the_model_was_not_fitted_to_are_named(rows):
    X, y, X_test, y_test = rows
    model = clone(LEARNED).fit(X[:, :3], y)

    with pytest.raises(ValueError, match="X has 4 columns and the fitted estimator has 3"):
        decompose_gap(model, *rows)
    with pytest.raises(ValueError, match="y has 2 outputs and the fitted estimator has 3"):
        decompose_gap(model, X[:, :3], y[:, :2], X_test[:, :3], y_test[:, :2])
    # Folds are of clones, which have seen nothing.
    assert_adds_up(decompose_gap(model, X, y[:, :2], cv=2))


def test_a_problem_must_be_that_of_X(drawn):
    X, y, problem = drawn

    with pytest.raises(TypeError, match=r"problem='quadratic' must be a QuadraticReasoningProblem"):
        decompose_gap(GIVEN, X, y, problem="quadratic")
    with pytest.raises(ValueError, match="X has 39 columns and problem has 40"):
        decompose_gap(GIVEN, X[:, 1:], y, problem=problem)
    with pytest.raises(ValueError, match="y has 4 outputs and problem has 5"):
        decompose_gap(GIVEN, X, y[:, 1:], problem=problem)
    with pytest.raises(ValueError, match="X has 60 rows, of 60, that are not in the population"):
        decompose_gap(GIVEN, 2 * X, y, problem=problem)
    other_X, other_y = make_quadratic_reasoning(60, population_size=600, random_state=1)
    with pytest.raises(ValueError, match="population of problem"):
        decompose_gap(GIVEN, other_X, other_y, problem=problem)


def test_folds_that_do_not_exist_are_named(rows):
    with pytest.raises(ValueError, match="n_splits=50"):
        decompose_gap(LEARNED, *rows[:2], cv=50)
    with pytest.raises(ValueError, match=r"cv=\[\] gives no folds"):
        decompose_gap(LEARNED, *rows[:2], cv=[])
