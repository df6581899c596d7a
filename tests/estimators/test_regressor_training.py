"""How HybridReasoningRegressor trains: its seeds, step sizes and history."""

import random
import signal

import numpy as np
import pytest
import torch
from _covering import covering
from estimators._small_regressors import WITH_STEP_SIZE, regressor, same_bits, with_columns
from numpy.testing import assert_allclose
from skorch.callbacks import Callback

from sklearn_reasoning.algorithms import get_algorithm, list_algorithms

# ---------------------------------------------------------------------- randomness


@pytest.mark.parametrize("options", [{}, {"early_stopping": True, "batch_size": 7}])
def test_the_same_seed_gives_the_same_bits(data, options):
    X, y = data
    first = regressor(**options).fit(X, y)
    assert same_bits(regressor(**options).fit(X, y), first)
    assert same_bits(first, first.fit(X, y))
    assert not same_bits(regressor(**options, random_state=1).fit(X, y), first)


def test_without_a_seed_fits_differ(data):
    X, y = data
    model = regressor(random_state=None)
    before = model.fit(X, y).predict(X)
    np.random.seed(0)  # noqa: NPY002  (the global state must not matter)
    first = model.fit(X, y).predict(X)
    np.random.seed(0)  # noqa: NPY002
    second = model.fit(X, y).predict(X)
    assert len({before.tobytes(), first.tobytes(), second.tobytes()}) == 3


def test_a_random_state_is_drawn_from(data):
    X, y = data
    state = np.random.RandomState(0)
    first = regressor(random_state=state).fit(X, y)
    second = regressor(random_state=state).fit(X, y)
    assert not same_bits(first, second)
    assert same_bits(first, regressor(random_state=np.random.RandomState(0)).fit(X, y))


@pytest.mark.parametrize("seed", [None, 0])
def test_global_states_are_left_alone(data, seed):
    X, y = data

    def states():
        kind, keys, *rest = np.random.get_state()  # noqa: NPY002
        return (
            random.getstate(),
            (kind, keys.tolist(), rest),
            torch.get_rng_state().tolist(),
            torch.get_num_threads(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            signal.getsignal(signal.SIGINT),
        )

    before = states()
    model = regressor(random_state=seed, early_stopping=True, batch_size=9, callbacks=[Callback()])
    model.fit(X, y)
    assert states() == before
    model.predict(X)
    model.predict_energy(X)
    model.loss(X, y)
    assert states() == before
    model.partial_fit(X, y)
    regressor(random_state=seed).partial_fit(X, y)
    assert states() == before


# ---------------------------------------------------------------------- step sizes, history


@covering("algo, bounds, per_iteration", WITH_STEP_SIZE, ["stable", (0.3, 0.9)], [False, True])
def test_step_sizes_never_leave_their_range(data, algo, bounds, per_iteration):
    X, y = data
    low, high = get_algorithm(algo).stable_region(0.1, 1.0) if bounds == "stable" else bounds
    model = regressor(
        algo=algo,
        k=3,
        lr=1.0,
        linear_term="given",
        step_size_range=bounds,
        step_size_per_iteration=per_iteration,
        max_epochs=12,
    )
    X = with_columns(X, 3, "given", "shared")
    sizes = np.array(model.fit(X, y).history_[:, "step_size"])
    assert sizes.min() >= low
    assert sizes.max() <= high
    # The rate is so high that an end is reached: the fact above is no accident.
    assert ((sizes == low) | (sizes == high)).any()
    assert low <= np.min(model.step_size_) <= np.max(model.step_size_) <= high


def test_step_sizes_of_gradient_descent_learn_apart(data):
    X, y = data
    model = regressor(algo="gd", k=3, step_size_per_iteration=True, max_epochs=20).fit(X, y)
    first, last = model.history_[0, "step_size"], model.step_size_
    # gd is symmetric in its step sizes: from equal ones it would never leave equality.
    assert len(set(last)) == 3
    assert np.ptp(last - first) > 1e-6


def test_partial_fit_takes_parameters_that_were_changed(data):
    X, y = data
    model = regressor(k=2, loss="l2").fit(X, y)
    model.set_params(k=5, loss="squared").partial_fit(X, y)
    assert_allclose(model.predict(X), model.predict(X, k=5))
    assert model.history_[-1, "train_loss"] == pytest.approx(
        np.square(model.predict(X) - y).sum(axis=1).mean(), rel=0.5
    )
    with pytest.raises(ValueError, match="partial_fit goes on"):
        model.set_params(q_hidden=(3, 3)).partial_fit(X, y)


@pytest.mark.parametrize("per_iteration", [False, True])
def test_a_step_size_that_is_not_learned_stays(data, per_iteration):
    X, y = data
    options = {"k": 3, "step_size": 0.7, "step_size_per_iteration": per_iteration}
    model = regressor(learn_step_size=False, **options).fit(X, y)
    assert (np.array(model.history_[:, "step_size"]) == 0.7).all()
    assert np.all(model.step_size_ == 0.7)
    assert np.all(regressor(**options).fit(X, y).step_size_ != 0.7)


def test_the_default_step_size_is_inside_every_range(data):
    X, y = data
    options = {"algo": "gd", "learn_step_size": False, "L": 2.0}
    assert regressor(**options).fit(X, y).step_size_ == 0.5
    assert regressor(step_size_range=(0.1, 0.2), **options).fit(X, y).step_size_ == 0.2


@pytest.mark.parametrize("algo", list_algorithms())
def test_history(data, algo):
    X, y = data
    model = regressor(algo=algo, max_epochs=3, lr=0.02).fit(X, y)
    assert model.n_iter_ == len(model.history_) == 3
    assert model.history_[:, "epoch"] == [1, 2, 3]
    for row in model.history_:
        assert ("step_size" in row) == get_algorithm(algo).has_step_size
        assert "valid_loss" not in row
        assert np.isfinite(row["train_loss"])
        assert row["dur"] > 0.0
    assert (model.step_size_ is None) != get_algorithm(algo).has_step_size
    cosine = 0.01 * (1.0 + np.cos(np.pi * np.arange(3) / 3))
    assert_allclose(model.history_[:, "lr"], cosine, rtol=1e-12)
    constant = regressor(algo=algo, max_epochs=3, lr_schedule="constant").fit(X, y)
    assert constant.history_[:, "lr"] == [0.01] * 3


@pytest.mark.parametrize("algo", list_algorithms())
@pytest.mark.parametrize("linear_term", ["learned", "given"])
def test_empirical_loss_is_the_loss_on_the_training_rows(data, algo, linear_term):
    X, y = data
    X = with_columns(X, 3, linear_term, "shared")
    model = regressor(algo=algo, linear_term=linear_term).fit(X, y)
    assert model.empirical_loss_ == pytest.approx(model.loss(X, y), rel=1e-14)
    expected = np.linalg.norm(model.predict(X) - y, axis=1).mean()
    assert model.loss(X, y) == pytest.approx(expected, rel=1e-14)
    weight = np.arange(1.0, 41.0)
    model.fit(X, y, sample_weight=weight)
    errors = np.linalg.norm(model.predict(X) - y, axis=1)
    assert model.empirical_loss_ == pytest.approx(np.average(errors, weights=weight), rel=1e-14)


@pytest.mark.parametrize("loss", ["l2", "squared"])
def test_train_loss_is_in_the_units_of_y(data, loss):
    X, y = data
    model = regressor(loss=loss, batch_size=1000, max_epochs=1, keep="best").fit(X, 100.0 * y)
    # One batch: the parameters kept are those that the loss was measured with.
    errors = np.linalg.norm(model.predict(X) - 100.0 * y, axis=1)
    expected = (errors**2).mean() if loss == "squared" else errors.mean()
    assert model.history_[0, "train_loss"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "options", [{}, {"algo": "rnn", "lr": 0.05}, {"step_size_per_iteration": True}]
)
def test_keep(data, options):
    X, y = data
    options = {"batch_size": 1000, "lr": 0.4, "max_epochs": 15, "lr_schedule": "constant"} | options
    best = regressor(keep="best", **options).fit(X, y)
    losses = np.array(best.history_[:, "train_loss"])
    assert 0 < losses.argmin() < 14  # the last is not the best, so that the two differ
    assert best.empirical_loss_ == pytest.approx(losses.min(), rel=1e-12)
    assert best.n_iter_ == 15
    last = regressor(keep="last", **options).fit(X, y)
    # One epoch more would measure the loss of what the last one left.
    longer = regressor(keep="last", **options | {"max_epochs": 16}).fit(X, y)
    assert last.empirical_loss_ == pytest.approx(longer.history_[15, "train_loss"], rel=1e-12)
    assert last.empirical_loss_ != pytest.approx(losses.min(), rel=1e-6)
