"""What a shift of the targets does to a model: nothing, wherever its start moves along."""

import numpy as np
import pytest
import torch
from _covering import covering
from numpy.testing import assert_allclose

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import list_algorithms

N, D = 32, 3


def regressor(algo="gd", **parameters):
    options = {"k": 4, "max_epochs": 2, "q_hidden": (4,), "b_hidden": (8,), "random_state": 0}
    return HybridReasoningRegressor(algo, **options | parameters)


@pytest.fixture(scope="module")
def data():
    """Targets of few binary digits: of 32 rows the means, and shifts by integers, are exact."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    y = np.tanh(X @ rng.normal(size=(3, D))) + 0.1 * rng.normal(size=(N, D))
    return X, np.round(y * 2**10) / 2**10


def state(model):
    """Return what was learned: all but the offset."""
    learned = dict(model.module_.state_dict())
    return {name: value for name, value in learned.items() if name not in ("offset", "start")}


def assert_learned_the_same(first, second):
    one, other = state(first), state(second)
    for name in one:
        assert torch.equal(one[name], other[name]), name
    assert first.history_[:, "train_loss"] == second.history_[:, "train_loss"]


SHIFTS = {"large": [1e6, -1e6, 999_983.0], "mixed": [0.0, 1e6, -1.0]}


@covering("algo, start, shift", list_algorithms(), ["mean", "learned", "predicted"], SHIFTS)
def test_a_shift_of_y_shifts_the_model(data, algo, start, shift):
    X, y = data
    c = np.array(SHIFTS[shift])
    model, shifted = (regressor(algo, start=start).fit(X, z) for z in (y, y + c))
    assert_learned_the_same(model, shifted)
    (Q, b), (Q_shifted, b_shifted) = (each.predict_energy(X) for each in (model, shifted))
    assert np.array_equal(Q, Q_shifted)
    largest = 1.0 + np.abs(c).max()
    assert_allclose(b_shifted, b - Q @ c, rtol=0.0, atol=1e-14 * largest)
    for k in (None, 0, 1, 9):
        expected = model.predict(X, k=k) + c
        assert_allclose(shifted.predict(X, k=k), expected, rtol=0.0, atol=1e-15 * largest)
    assert shifted.empirical_loss_ == pytest.approx(model.empirical_loss_, rel=1e-9)


@covering(
    "algo, start, dtype",
    list_algorithms(),
    ["mean", "learned", "predicted"],
    [np.float32, np.float64],
)
def test_centring_y_changes_nothing(data, algo, start, dtype):
    """Also where the gradient of every row vanishes at the first start, as cg and rnn meet it."""
    X, y = data
    X, mean = X.astype(dtype), y.mean(axis=0)
    raw, centred = (regressor(algo, start=start).fit(X, z) for z in (y + 100.0, y - mean))
    assert_learned_the_same(raw, centred)
    assert raw.empirical_loss_ == pytest.approx(centred.empirical_loss_, rel=1e-12)
    assert raw.empirical_loss_ < np.linalg.norm(y - mean, axis=1).mean()


@pytest.mark.parametrize("algo", list_algorithms())
def test_targets_of_any_digits_are_centred_to_rounding(algo):
    """Where the mean is rounded, models are alike to what rounding grows to in training."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(45, 3))
    y = 123.4567 + np.tanh(X @ rng.normal(size=(3, D)))
    raw, centred = (regressor(algo).fit(X, z) for z in (y, y - y.mean(axis=0)))
    assert_allclose(raw.predict(X) - y.mean(axis=0), centred.predict(X), atol=1e-10)
    assert raw.empirical_loss_ == pytest.approx(centred.empirical_loss_, rel=1e-10)


@pytest.mark.parametrize("algo", list_algorithms())
def test_from_zero_the_energy_shifts_all_the_same(data, algo):
    """The steps then have the mean to walk, but the energy that they begin with is moved by it."""
    X, y = data
    c = np.array(SHIFTS["large"])
    model, shifted = (regressor(algo, start="zero", lr=1e-30).fit(X, z) for z in (y, y + c))
    (Q, b), (Q_shifted, b_shifted) = (each.predict_energy(X) for each in (model, shifted))
    assert np.array_equal(Q, Q_shifted)
    assert_allclose(b_shifted, b - Q @ c, rtol=0.0, atol=1e-8)
    assert not shifted.start_.any()
    # The minimisers are apart by the shift; enough steps of a method lead there from anywhere.
    if algo not in ("rnn", "cg"):
        assert_allclose(shifted.predict(X, k=600), model.predict(X, k=600) + c, atol=1e-6)


@pytest.mark.parametrize("rotation", ["identity", "shared", "predicted", "given"])
def test_the_energy_is_shifted_whatever_the_rotation(data, rotation):
    X, y = data
    if rotation == "given":
        R = np.linalg.qr(np.random.default_rng(2).normal(size=(N, D, D)))[0]
        X = np.hstack([X, R.reshape(N, -1)])
    c = np.array(SHIFTS["large"])
    model, shifted = (regressor(rotation=rotation).fit(X, z) for z in (y, y + c))
    assert_learned_the_same(model, shifted)
    Q, b = model.predict_energy(X)
    assert_allclose(shifted.predict_energy(X)[1], b - Q @ c, rtol=0.0, atol=1e-8)
    exact = np.linalg.solve(Q, -b[..., None])[..., 0]
    assert_allclose(shifted.predict(X, k=800), exact + c, rtol=0.0, atol=1e-8)


@pytest.mark.parametrize("algo", list_algorithms())
def test_a_large_mean_is_learned_from_every_start(algo):
    """With a condition number of 2, what ten steps leave of a mean of 100 from zero is small."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 3))
    y = 100.0 + 4.0 * np.tanh(X @ rng.normal(size=(3, 2)))
    other = ("mean", "learned", "predicted")[list_algorithms().index(algo) % 3]
    for start in ("zero", other):
        model = regressor(algo, start=start, k=10, mu=0.5, max_epochs=20, lr=0.1).fit(X, y)
        assert model.score(X, y) > 0.8


def test_the_first_step_stays_where_the_targets_are():
    """From zero, one step of gradient descent would be a tenth of the way to the targets."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(64, 3))
    y = np.clip(100.0 + 2.0 * X[:, 0], 96.0, 104.0)
    for start in ("auto", "mean", "learned", "predicted"):
        model = regressor("gd", start=start, k=10, max_epochs=25).fit(X, y)
        first = model.predict(X, k=1)
        assert y.min() <= first.min() <= first.max() <= y.max()
    assert regressor("gd", start="zero", k=10, max_epochs=25).fit(X, y).predict(X, k=1).max() < 96
