"""The parts of the gap, against closed forms, plain loops and repeated draws."""

import pickle
import random
from dataclasses import astuple

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import make_regression
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.datasets import QuadraticReasoningProblem, make_quadratic_reasoning
from sklearn_reasoning.model_selection import (
    GapDecomposition,
    decompose_gap,
    generalization_gap,
    mean_l2_loss,
)

LEARNED = HybridReasoningRegressor(k=3, max_epochs=5, random_state=0)
GIVEN = HybridReasoningRegressor(
    "gd", k=4, linear_term="given", rotation="given", max_epochs=10, random_state=0
)
COLUMNS = ("empirical", "held_out", "gap")


@pytest.fixture(scope="module")
def rows():
    """Training and test rows of a regression: X, y, X_test, y_test."""
    X, y = make_regression(70, 4, n_targets=3, noise=20.0, random_state=0)
    y += [5.0, -3.0, 40.0]
    return X[:40], y[:40], X[40:], y[40:]


@pytest.fixture(scope="module")
def drawn():
    return make_quadratic_reasoning(60, population_size=600, return_problem=True, random_state=0)


@pytest.fixture(scope="module")
def noisy():
    return make_quadratic_reasoning(
        60, population_size=600, noise=2.0, return_problem=True, random_state=0
    )


def parts_of(decomposition):
    names = ("algorithm_bias", "representation_error", "label_noise")
    return [part for name in names if (part := getattr(decomposition, name)) is not None]


def assert_adds_up(decomposition):
    for column in COLUMNS:
        parts = sum(getattr(part, column) for part in parts_of(decomposition))
        scale = sum(abs(getattr(part, column)) for part in parts_of(decomposition))
        assert abs(parts - getattr(decomposition.total, column)) <= 1e-12 * scale
        # An error of a sum is at most the sum of errors, however the parts hang together.
        errors = [getattr(part, f"{column}_se") for part in parts_of(decomposition)]
        assert getattr(decomposition.total, f"{column}_se") <= sum(errors) * (1 + 1e-9)


def minimisers(model, X):
    """-Q^{-1} b, a row at a time."""
    return np.array([-np.linalg.inv(Q) @ b for Q, b in zip(*model.predict_energy(X), strict=True)])


def mean_and_error(values):
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


def assert_part(part, training, test):
    """Compare a part with row values."""
    (a, error), (b, test_error) = mean_and_error(training), mean_and_error(test)
    expected = a, error, b, test_error, b - a, np.sqrt(error**2 + test_error**2)
    # Losses are of the order of 100, and so differences of losses are rounded at 1e-14.
    np.testing.assert_allclose(astuple(part), expected, rtol=1e-9, atol=1e-11)


# ---------------------------------------------------------------------- what the parts are


@pytest.mark.parametrize("k", [0, 3])
@pytest.mark.parametrize("algo", list_algorithms())
def test_parts_are_those_of_the_definition_and_add_up(rows, algo, k):
    X, y, X_test, y_test = rows
    model = clone(LEARNED).set_params(algo=algo, k=k, max_epochs=3).fit(X, y)

    measured = decompose_gap(model, *rows)

    assert_adds_up(measured)
    losses, of_minimisers, distances = [], [], []
    for X_, y_ in [(X, y), (X_test, y_test)]:
        output, minimiser = model.predict(X_), minimisers(model, X_)
        losses.append(np.sqrt(((output - y_) ** 2).sum(axis=1)))
        of_minimisers.append(np.sqrt(((minimiser - y_) ** 2).sum(axis=1)))
        distances.append(np.sqrt(((output - minimiser) ** 2).sum(axis=1)))
    bias = [a - b for a, b in zip(losses, of_minimisers, strict=True)]
    assert_part(measured.total, *losses)
    assert_part(measured.representation_error, *of_minimisers)
    assert_part(measured.algorithm_bias, *bias)
    assert_part(measured.distance_to_minimiser, *distances)
    assert measured.held_out_loss == pytest.approx(mean_l2_loss(y_test, model.predict(X_test)))
    assert measured.empirical_loss == pytest.approx(model.empirical_loss_)
    assert measured.label_noise is measured.Q_distance_spectral is None
    assert (measured.n_train, measured.n_held_out, measured.n_folds) == (40, 30, None)


def test_the_exact_layer_has_no_algorithm_bias_at_all(drawn):
    X, y, problem = drawn

    measured = decompose_gap(clone(GIVEN).set_params(algo="opt"), X, y, problem=problem)

    assert astuple(measured.algorithm_bias) == (0.0,) * 6
    assert astuple(measured.distance_to_minimiser) == (0.0,) * 6
    assert measured.representation_error == measured.total


def test_without_steps_the_output_is_zero(drawn):
    X, y, problem = drawn

    measured = decompose_gap(clone(GIVEN).set_params(k=0), X, y, problem=problem)

    np.testing.assert_allclose(measured.held_out_loss, np.linalg.norm(problem.y, axis=1).mean())


@pytest.mark.parametrize("k", [1, 7])
def test_gradient_descent_on_a_constant_Q_leaves_a_power(rows, k):
    X, y, _, _ = rows
    X = np.hstack([X[:, :1], -y + 0.5])  # one column of x, and b
    model = HybridReasoningRegressor(
        "gd", k=k, q_hidden=None, linear_term="given", max_epochs=5, random_state=0
    ).fit(X, y)

    measured = decompose_gap(model, X, y, X[:20], y[:20])

    Q, b = model.predict_energy(X)[0][0], X[:, 1:]
    left = np.linalg.matrix_power(np.eye(3) - model.step_size_ * Q, k)
    minimiser = -b @ np.linalg.inv(Q)
    error = np.linalg.norm(minimiser - y, axis=1)
    bias = np.linalg.norm(minimiser - minimiser @ left - y, axis=1) - error
    distance = np.linalg.norm(minimiser @ left, axis=1)
    assert_part(measured.algorithm_bias, bias, bias[:20])
    assert_part(measured.representation_error, error, error[:20])
    assert_part(measured.distance_to_minimiser, distance, distance[:20])


# ---------------------------------------------------------------------- where Q* is known


@pytest.mark.parametrize("algo", ["gd", "nag", "heavy_ball", "chebyshev"])
def test_a_model_that_is_the_truth_has_the_bias_of_its_polynomial_alone(drawn, algo):
    _, _, given = drawn
    # Without a network all logits are equal, as those of a model with a constant Q begin.
    problem = QuadraticReasoningProblem(
        X=given.X, y=given.y, train_indices=given.train_indices, mu=0.1, L=1.0,
        weights=(np.zeros((10, 3)),),
    )  # fmt: skip
    y = problem.solution(problem.X)
    problem = QuadraticReasoningProblem(**{**vars(problem), "y": y})
    training = problem.train_indices
    model = clone(GIVEN).set_params(
        algo=algo, k=6, q_hidden=None, lr=1e-14, max_epochs=1, learn_step_size=False
    )

    measured = decompose_gap(model, problem.X[training], y[training], problem=problem)

    b, R = problem.X[:, 10:15], problem.X[:, 15:].reshape(-1, 5, 5)
    eigenvalues = np.array([1.0, 0.4, 0.4, 0.4, 0.1])
    left = get_algorithm(algo).residual(eigenvalues, 6, None if algo == "chebyshev" else 1.0)
    expected = np.linalg.norm(np.einsum("nij,ni->nj", R, b) * left / eigenvalues, axis=1)
    assert measured.representation_error.held_out < 1e-10
    assert measured.Q_distance_frobenius.held_out < 1e-10
    np.testing.assert_allclose(measured.algorithm_bias.held_out, expected.mean())
    np.testing.assert_allclose(measured.algorithm_bias.empirical, expected[training].mean())
    np.testing.assert_allclose(measured.distance_to_minimiser.held_out, expected.mean())
    np.testing.assert_allclose(measured.statistical_gap, measured.algorithm_bias.gap)


def test_training_an_exact_layer_brings_Q_to_the_truth():
    X, y, problem = make_quadratic_reasoning(
        300, 3, 3, hidden=0, population_size=600, return_problem=True, random_state=0
    )
    model = clone(GIVEN).set_params(algo="opt", q_hidden=0, max_epochs=100, weight_decay=0.0)

    measured = decompose_gap(model, X, y, problem=problem)

    scale = np.linalg.norm(problem.y, axis=1).mean()
    assert measured.representation_error.held_out < 0.01 * scale
    assert measured.Q_distance_frobenius.held_out < 0.01


def test_the_population_is_held_out_without_sampling_error(drawn):
    X, y, problem = drawn
    model = clone(GIVEN).fit(X, y)

    measured = decompose_gap(model, X, y, problem=problem)

    assert measured.held_out_rows == "population"
    assert measured.n_held_out == 600
    assert measured.held_out_loss == pytest.approx(
        mean_l2_loss(problem.y, model.predict(problem.X))
    )
    for part in parts_of(measured):
        assert part.held_out_se == 0.0
        assert part.gap_se == part.empirical_se > 0.0
    difference = model.predict_energy(problem.X)[0] - problem.energy(problem.X)[0]
    frobenius = np.sqrt((difference**2).sum(axis=(1, 2)))
    spectral = np.linalg.norm(difference, ord=2, axis=(1, 2))
    np.testing.assert_allclose(measured.Q_distance_frobenius.held_out, frobenius.mean())
    np.testing.assert_allclose(measured.Q_distance_spectral.held_out, spectral.mean())
    training = problem.train_indices
    np.testing.assert_allclose(
        astuple(measured.Q_distance_frobenius)[:2], mean_and_error(frobenius[training])
    )


def test_noise_is_a_part_and_the_others_are_against_the_truth(noisy):
    X, y, problem = noisy
    model = clone(GIVEN).fit(X, y)

    measured = decompose_gap(model, X, y, problem=problem)

    assert_adds_up(measured)
    truth = problem.y[problem.train_indices]
    clean, loss = mean_l2_loss(truth, model.predict(X)), mean_l2_loss(y, model.predict(X))
    error = mean_l2_loss(truth, minimisers(model, X))
    np.testing.assert_allclose(measured.label_noise.empirical, loss - clean)
    np.testing.assert_allclose(measured.representation_error.empirical, error)
    np.testing.assert_allclose(measured.algorithm_bias.empirical, clean - error)
    assert measured.label_noise.held_out == 0.0
    assert measured.to_dict()["part"].tolist()[2:] == ["label_noise", "total"]


def test_noisy_test_rows_have_their_own_noise(noisy):
    X, y, problem = noisy
    noise = np.random.default_rng(0).normal(size=(50, 5))
    X_test, y_test = problem.X[:50], problem.y[:50] + noise
    model = clone(GIVEN).fit(X, y)

    measured = decompose_gap(model, X, y, X_test, y_test, problem=problem)

    assert_adds_up(measured)
    clean = np.linalg.norm(model.predict(X_test) - problem.y[:50], axis=1)
    loss = np.linalg.norm(model.predict(X_test) - y_test, axis=1)
    held_out = measured.label_noise.held_out, measured.label_noise.held_out_se
    np.testing.assert_allclose(held_out, mean_and_error(loss - clean))


def test_labels_that_are_only_rounded_have_no_noise(drawn):
    X, y, problem = drawn

    measured = decompose_gap(GIVEN, X.astype(np.float32), y.astype(np.float32), problem=problem)

    assert measured.label_noise is None
    assert_adds_up(measured)


# ---------------------------------------------------------------------- standard errors


def test_errors_are_those_of_repeated_draws_of_rows(noisy):
    X, y, truth = noisy
    noise = 2.0 * np.random.default_rng(1).normal(size=truth.y.shape)
    population = truth.X, truth.y + noise
    model = clone(GIVEN).fit(X, y)
    rng = np.random.default_rng(0)
    values, errors = [], []
    for _ in range(200):
        training, test = rng.integers(600, size=40), rng.integers(600, size=25)
        measured = decompose_gap(
            model,
            *(each[training] for each in population),
            *(each[test] for each in population),
            problem=truth,
        )
        table = measured.to_dict()
        values.append([table[name] for name in COLUMNS])
        errors.append([table[f"{name}_se"] for name in COLUMNS])

    spread = np.std(values, axis=0, ddof=1)
    stated = np.sqrt(np.mean(np.square(errors), axis=0))
    assert spread.shape == (3, 4)
    # A standard deviation of 200 draws is known to 5 %.
    np.testing.assert_allclose(stated, spread, rtol=0.2)


def test_one_row_has_no_error_to_state(rows):
    X, y, X_test, y_test = rows
    model = clone(LEARNED).fit(X, y)

    measured = decompose_gap(model, X, y, X_test[:1], y_test[:1])

    assert np.isnan(measured.total.held_out_se)
    assert np.isnan(measured.total.gap_se)
    assert measured.total.empirical_se > 0.0


# ---------------------------------------------------------------------- folds


@pytest.mark.parametrize("cv", [5, KFold(3, shuffle=True, random_state=1)], ids=["5", "KFold"])
def test_folds_are_those_of_a_plain_loop(rows, cv):
    X, y, _, _ = rows
    means = {"bias": [], "error": [], "distance": [], "loss": []}
    for train, test in (KFold(cv) if isinstance(cv, int) else cv).split(X):
        model = clone(LEARNED).fit(X[train], y[train])
        for name, side in means.items():
            pair = []
            for fold in (train, test):
                output, minimiser = model.predict(X[fold]), minimisers(model, X[fold])
                loss, error = mean_l2_loss(y[fold], output), mean_l2_loss(y[fold], minimiser)
                distance = mean_l2_loss(output, minimiser)
                values = {"bias": loss - error, "error": error, "distance": distance, "loss": loss}
                pair.append(values[name])
            side.append(pair)

    measured = decompose_gap(LEARNED, X, y, cv=cv)

    assert_adds_up(measured)
    assert measured.n_folds == len(means["loss"])
    for part, name in [
        (measured.algorithm_bias, "bias"),
        (measured.representation_error, "error"),
        (measured.distance_to_minimiser, "distance"),
        (measured.total, "loss"),
    ]:
        a, b = np.array(means[name]).T
        expected = [*mean_and_error(a), *mean_and_error(b), *mean_and_error(b - a)]
        np.testing.assert_allclose(astuple(part), expected, rtol=1e-9, atol=1e-9)


def test_folds_have_the_gap_of_generalization_gap(rows):
    X, y, _, _ = rows
    whole = generalization_gap(LEARNED, X, y, cv=4)

    with joblib.parallel_config("threading"):
        measured = decompose_gap(LEARNED, X, y, cv=4, n_jobs=2)

    np.testing.assert_allclose(measured.empirical_loss, whole["empirical_loss"][0])
    np.testing.assert_allclose(measured.held_out_loss, whole["held_out_loss"][0])
    np.testing.assert_allclose(measured.statistical_gap, whole["gap"][0])
    assert measured == decompose_gap(LEARNED, X, y, cv=4)


def test_a_single_split_has_no_error_to_state(rows):
    X, y, _, _ = rows

    measured = decompose_gap(LEARNED, X, y, cv=ShuffleSplit(1, random_state=0))

    assert np.isnan(measured.total.gap_se)
    assert measured.n_held_out == 4


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
