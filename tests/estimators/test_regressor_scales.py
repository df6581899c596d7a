"""HybridReasoningRegressor with weights, in other units, and on odd data."""

import numpy as np
import pytest
from _covering import covering
from estimators._small_regressors import regressor, same_bits, with_columns
from numpy.testing import assert_allclose

from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.exceptions import DivergenceError

# ---------------------------------------------------------------------- weights and scales


def test_integer_weights_are_repeated_rows(data):
    X, y = data
    weight = np.random.default_rng(3).integers(1, 4, size=len(X))
    options = {"batch_size": 1000, "max_epochs": 8}
    weighted = regressor(**options).fit(X, y, sample_weight=weight)
    repeated = regressor(**options).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0))
    assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-8, atol=1e-9)
    assert weighted.empirical_loss_ == pytest.approx(repeated.empirical_loss_, rel=1e-9)
    plain = regressor(**options).fit(X, y)
    assert np.abs(plain.predict(X) - weighted.predict(X)).max() > 1e-4


@pytest.mark.parametrize("algo", ["nag", "cg", "rnn"])
def test_rows_of_weight_zero_are_absent_rows(data, algo):
    X, y = data
    weight = np.ones(len(X))
    weight[::3] = 0.0
    y = np.where(weight[:, None] == 0.0, 1e6, y)
    options = {"batch_size": 1000, "max_epochs": 8, "algo": algo}
    weighted = regressor(**options).fit(X, y, sample_weight=weight)
    absent = regressor(**options).fit(X[weight > 0.0], y[weight > 0.0])
    assert_allclose(weighted.predict(X), absent.predict(X), rtol=1e-8, atol=1e-9)


def test_a_batch_of_zero_weights_is_harmless(data):
    X, y = data
    weight = np.zeros(len(X))
    weight[:2] = 1.0
    model = regressor(batch_size=2).fit(X, y, sample_weight=weight)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("batch_size", [7, 1000])
def test_only_ratios_of_weights_count(data, batch_size):
    X, y = data
    weight = np.random.default_rng(4).uniform(0.5, 2.0, size=len(X))
    model = regressor(batch_size=batch_size).fit(X, y, sample_weight=weight)
    doubled = regressor(batch_size=batch_size).fit(X, y, sample_weight=2.0**-30 * weight)
    assert same_bits(model, doubled)
    tripled = regressor(batch_size=batch_size).fit(X, y, sample_weight=3.0 * weight)
    assert_allclose(tripled.predict(X), model.predict(X), rtol=1e-9, atol=1e-10)
    ones = regressor(batch_size=batch_size).fit(X, y, sample_weight=np.full(len(X), 4.0))
    assert same_bits(ones, regressor(batch_size=batch_size).fit(X, y))


@covering("algo, loss, dtype", list_algorithms(), ["l2", "squared"], [np.float32, np.float64])
def test_scaling_y_by_a_power_of_two_scales_the_predictions_exactly(data, algo, loss, dtype):
    X, y = data
    X = X.astype(dtype)
    model = regressor(algo=algo, loss=loss, k=3).fit(X, y + 1.0)
    scaled = regressor(algo=algo, loss=loss, k=3).fit(X, 1024.0 * (y + 1.0))
    assert np.array_equal(scaled.predict(X), 1024.0 * model.predict(X))
    assert scaled.step_size_ == model.step_size_


@pytest.mark.parametrize("rotation", ["shared", "given"])
def test_scaling_y_and_b_scales_the_predictions_exactly(data, rotation):
    X, y = data
    X = with_columns(X, 3, "given", rotation)
    options = {"linear_term": "given", "rotation": rotation}
    predicted = regressor(**options).fit(X, y).predict(X)
    scaled_X = X.copy()
    scaled_X[:, 3:6] *= 0.25
    scaled = regressor(**options).fit(scaled_X, 0.25 * y).predict(scaled_X)
    assert np.array_equal(scaled, 0.25 * predicted)


# ---------------------------------------------------------------------- odd data


@pytest.mark.parametrize("value", [0.0, 3.0, 0.1, 1e6])
@pytest.mark.parametrize("algo", ["nag", "opt"])
def test_constant_targets(data, algo, value):
    X, _ = data
    y = np.full((len(X), 2), value)
    y[:, 1] *= -2.0
    model = regressor(algo=algo, max_epochs=2).fit(X, y)
    assert_allclose(model.predict(X), y, rtol=1e-9, atol=1e-12)


def test_one_constant_column(data):
    X, y = data
    y = np.column_stack([y[:, 0], np.full(len(X), 5.0)])
    predicted = regressor(max_epochs=2, rotation="identity").fit(X, y).predict(X)
    assert_allclose(predicted[:, 1], 5.0, rtol=1e-9)
    assert np.ptp(predicted[:, 0]) > 0.0


@pytest.mark.parametrize("algo", list_algorithms())
def test_one_sample(data, algo):
    X, y = data
    model = regressor(algo=algo).fit(X[:1], y[:1])
    assert model.predict(X[:1]).shape == (1, 3)
    if get_algorithm(algo).is_polynomial:
        assert_allclose(model.predict(X[:1]), y[:1], rtol=1e-9)


def test_only_b_among_the_columns(data):
    _, y = data
    rng = np.random.default_rng(5)
    b = rng.normal(size=(40, 3))
    y = -b @ np.linalg.inv(np.diag([0.3, 0.5, 0.9]))
    options = {"linear_term": "given", "rotation": "identity", "algo": "opt", "lr": 0.1}
    model = regressor(max_epochs=150, batch_size=1000, **options).fit(b, y)
    Q, found = model.predict_energy(b)
    assert np.array_equal(Q, np.broadcast_to(Q[0], Q.shape))
    assert np.array_equal(found, b)
    assert_allclose(Q[0], np.diag([0.3, 0.5, 0.9]), atol=0.02)


def test_a_float32_rotation_that_fit_takes_is_taken_by_predict():
    rng = np.random.default_rng(0)
    d, n = 20, 8
    R = np.broadcast_to(np.eye(d, dtype=np.float32), (n, d, d))
    for _ in range(6):
        R = R @ np.linalg.qr(rng.normal(size=(n, d, d)).astype(np.float32))[0]
    x, b = rng.normal(size=(n, 2)), rng.normal(size=(n, d))
    X = np.hstack([x, b, R.reshape(n, -1)]).astype(np.float32)
    model = regressor(linear_term="given", rotation="given").fit(X, -b)
    assert model.predict(X).shape == (n, d)


def test_divergence_in_the_very_last_step_is_an_error(data):
    X, y = data
    model = regressor(optimizer="sgd", lr=1e200, loss="squared", max_epochs=1, keep="last")
    with pytest.raises(DivergenceError, match=r"\blr\b"):
        model.fit(X, y)
    assert not hasattr(model, "net_")


@pytest.mark.parametrize("per_iteration", [False, True])
def test_verbose_prints_a_line_an_epoch(data, capsys, per_iteration):
    X, y = data
    regressor(verbose=1, max_epochs=3, k=12, step_size_per_iteration=per_iteration).fit(X, y)
    lines = capsys.readouterr().out.strip().splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3"]
    assert "train_loss" in lines[0]


def test_nothing_is_printed_unless_asked_for(data, capsys):
    X, y = data
    regressor(max_epochs=2).fit(X, y).predict(X)
    assert capsys.readouterr() == ("", "")
