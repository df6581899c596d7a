"""The parts of the gap, against their definitions, the truth and plain loops."""

from dataclasses import astuple

import joblib
import numpy as np
import pytest
from model_selection._gap_parts import (
    COLUMNS,
    GIVEN,
    LEARNED,
    assert_adds_up,
    assert_part,
    mean_and_error,
    minimisers,
    parts_of,
)
from sklearn.base import clone
from sklearn.model_selection import KFold, ShuffleSplit

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.datasets import QuadraticReasoningProblem, make_quadratic_reasoning
from sklearn_reasoning.model_selection import decompose_gap, generalization_gap, mean_l2_loss

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
    for _ in range(100):
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
    # A standard deviation of 100 draws is known to 7 %.
    np.testing.assert_allclose(stated, spread, rtol=0.25)


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
