"""What a user of HybridReasoningRegressor relies on."""

import os
import pickle
import random
import signal

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from skorch.callbacks import Callback, EarlyStopping

from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer
from sklearn_reasoning.algorithms import Algorithm, HeavyBall, get_algorithm, list_algorithms
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.exceptions import DivergenceError

# The rnn has weights in place of an algorithm that ReasoningLayer could be told of.
EXPLICIT = [algo for algo in list_algorithms() if algo != "rnn"]
WITH_STEP_SIZE = [algo for algo in list_algorithms() if get_algorithm(algo).has_step_size]
MU, L = 0.2, 1.5


def regressor(**parameters):
    return HybridReasoningRegressor(
        **{"max_epochs": 4, "q_hidden": (4,), "b_hidden": (8,), "random_state": 0} | parameters
    )


def make_data(n=40, m=3, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, m))
    return X, np.tanh(X @ rng.normal(size=(m, d))) + 0.1 * rng.normal(size=(n, d))


@pytest.fixture(scope="module")
def data():
    return make_data()


def with_columns(X, d, linear_term, rotation, seed=1):
    """Append what is given: X becomes [x | b | R row by row]."""
    rng = np.random.default_rng(seed)
    parts = [X]
    if linear_term == "given":
        parts.append(rng.normal(size=(len(X), d)))
    if rotation == "given":
        parts.append(np.linalg.qr(rng.normal(size=(len(X), d, d)))[0].reshape(len(X), -1))
    return np.hstack(parts)


def layer_output(model, X, k):
    """What ReasoningLayer makes of the energies that the model predicts."""
    Q, b = model.predict_energy(X)
    layer = ReasoningLayer(
        model.algo,
        k,
        model.mu,
        model.L,
        step_size=model.step_size_,
        step_size_range=model.step_size_range,
    )
    start = torch.tensor(model.predict_start(X))
    with torch.no_grad():
        return layer(DenseQuadratic(torch.tensor(Q), torch.tensor(b)), start=start).numpy()


def same_bits(first, second):
    """Whether two fitted models are the same to the last bit."""
    tensors = [model.module_.state_dict() for model in (first, second)]
    return (
        all(torch.equal(tensors[0][key], tensors[1][key]) for key in tensors[0])
        and first.history_[:, "train_loss"] == second.history_[:, "train_loss"]
        and first.empirical_loss_ == second.empirical_loss_
    )


# ---------------------------------------------------------------------- the model


@pytest.mark.parametrize("rotation", ["identity", "shared", "predicted", "given"])
@pytest.mark.parametrize("linear_term", ["learned", "given"])
@pytest.mark.parametrize("algo", EXPLICIT)
def test_predictions_are_the_layers_on_the_predicted_energies(data, algo, linear_term, rotation):
    X, y = data
    X = with_columns(X, 3, linear_term, rotation)
    model = regressor(
        algo=algo, k=6, mu=MU, L=L, linear_term=linear_term, rotation=rotation, max_epochs=1
    ).fit(X, y)
    assert_allclose(model.predict(X), layer_output(model, X, 6), rtol=1e-9, atol=1e-10)
    # Another depth is another layer on the same energies.
    for k in (1, 9):
        assert_allclose(model.predict(X, k=k), layer_output(model, X, k), rtol=1e-9, atol=1e-10)
    # Without a step it is the start, of the exact minimiser too.
    assert np.array_equal(model.predict(X, k=0), model.predict_start(X))
    mean = y.mean(axis=0) if linear_term == "learned" else np.zeros(3)
    assert_allclose(model.predict_start(X), np.tile(mean, (40, 1)), rtol=1e-14)

    Q, b = model.predict_energy(X)
    assert Q.shape == (40, 3, 3)
    assert b.shape == (40, 3)
    assert_allclose(Q, Q.swapaxes(1, 2), atol=1e-12)
    spectrum = np.linalg.eigvalsh(Q)
    assert spectrum.min() >= MU - 1e-12
    assert spectrum.max() <= L + 1e-12
    if rotation == "given":  # "auto" is then the paper's anchored spectrum
        assert_allclose(spectrum[:, [0, -1]], np.tile([MU, L], (40, 1)), atol=1e-12)
        R = X[:, -9:].reshape(-1, 3, 3)
        assert_allclose(
            R.swapaxes(1, 2) @ Q @ R,
            np.eye(3) * np.diagonal(R.swapaxes(1, 2) @ Q @ R, 0, 1, 2)[:, None],
            atol=1e-12,
        )
    else:
        assert np.ptp(spectrum[:, 0]) > 0.0
    if linear_term == "given":
        assert np.array_equal(b, X[:, 3:6])


@pytest.mark.parametrize("rotation", ["identity", "shared", "predicted", "given"])
@pytest.mark.parametrize("algo", list_algorithms())
def test_targets_with_a_huge_mean_cost_nothing(data, algo, rotation):
    X, y = data
    X = with_columns(X, 3, "learned", rotation)
    options = {"algo": algo, "rotation": rotation, "k": 2, "spectrum": "free"}
    model = regressor(**options).fit(X, y + 1e4)
    centred = regressor(**options).fit(X, y - y.mean(axis=0))
    assert model.empirical_loss_ == pytest.approx(centred.empirical_loss_, rel=1e-6)
    if algo in EXPLICIT:
        assert_allclose(model.predict(X), layer_output(model, X, 2), rtol=1e-11)


@pytest.mark.parametrize("spectrum", ["anchored", "free"])
def test_the_spectrum_asked_for(data, spectrum):
    X, y = data
    Q, _ = (
        regressor(spectrum=spectrum, mu=MU, L=L, lr=0.1, max_epochs=10).fit(X, y).predict_energy(X)
    )
    eigenvalues = np.linalg.eigvalsh(Q)
    anchored = np.allclose(eigenvalues[:, 0], MU) and np.allclose(eigenvalues[:, -1], L)
    assert anchored == (spectrum == "anchored")
    assert eigenvalues.min() >= MU - 1e-12
    assert eigenvalues.max() <= L + 1e-12


def test_rotations_are_what_they_are_called(data):
    X, y = data
    off_diagonal = ~np.eye(3, dtype=bool)
    Q, _ = regressor(rotation="identity").fit(X, y).predict_energy(X)
    assert not Q[:, off_diagonal].any()
    Q, _ = regressor(rotation="shared").fit(X, y).predict_energy(X)
    assert np.abs(Q[:, off_diagonal]).max() > 1e-3
    # Matrices that share their eigenvectors commute.
    assert_allclose(Q[0] @ Q[1], Q[1] @ Q[0], atol=1e-12)
    Q, _ = regressor(rotation="predicted").fit(X, y).predict_energy(X)
    assert np.abs(Q[0] @ Q[1] - Q[1] @ Q[0]).max() > 1e-6


def test_constant_Q_is_the_same_for_every_row(data):
    X, y = data
    Q, b = regressor(q_hidden=None).fit(X, y).predict_energy(X)
    assert np.array_equal(Q, np.broadcast_to(Q[0], Q.shape))
    assert not (b == b[0]).all()


@pytest.mark.parametrize("hidden", [0, ()])
def test_no_hidden_layer_is_a_linear_map(data, hidden):
    X, y = data
    model = regressor(q_hidden=hidden, b_hidden=hidden, k=1, algo="gd", rotation="identity")
    model.fit(X, y)
    # One step of gd is -phi b, and b is linear in x.
    rows = np.stack([X[0], X[1], 0.5 * (X[0] + X[1])])
    first, second, middle = model.predict(rows)
    assert_allclose(middle, 0.5 * (first + second), rtol=1e-10)


def test_an_int_is_one_hidden_layer(data):
    X, y = data
    assert same_bits(
        regressor(q_hidden=5, b_hidden=6).fit(X, y),
        regressor(q_hidden=(5,), b_hidden=[6]).fit(X, y),
    )


@pytest.mark.parametrize("linear_term", ["learned", "given"])
@pytest.mark.parametrize("algo", EXPLICIT)
def test_no_steps_predict_the_start(data, algo, linear_term):
    X, y = data
    X = with_columns(X, 3, linear_term, "shared")
    model = regressor(algo=algo, k=0, linear_term=linear_term).fit(X, y)
    start = y.mean(axis=0) if linear_term == "learned" else np.zeros(3)
    if algo == "opt":  # trained as the minimiser itself, whatever k
        assert np.ptp(model.predict(X), axis=0).max() > 0.0
    else:
        assert_allclose(model.predict(X), np.tile(start, (40, 1)), rtol=1e-14)
        expected = np.linalg.norm(y - start, axis=1).mean()
        assert model.empirical_loss_ == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("linear_term", ["learned", "given"])
def test_a_step_size_for_each_iteration(data, linear_term):
    X, y = data
    X = with_columns(X, 3, linear_term, "shared")
    model = regressor(
        algo="heavy_ball", k=4, lr=0.05, step_size_per_iteration=True, linear_term=linear_term
    ).fit(X, y)
    assert model.step_size_.shape == (4,)
    assert len(set(model.step_size_.tolist())) == 4
    assert np.shape(model.history_[-1, "step_size"]) == (4,)
    Q, b = model.predict_energy(X)
    iterate = before = model.predict_start(X)
    for k, size in enumerate(model.step_size_, start=1):
        momentum = (1.0 - np.sqrt(0.1 * size)) ** 2
        step = momentum * (iterate - before) - size * (np.einsum("nij,nj->ni", Q, iterate) + b)
        iterate, before = iterate + step, iterate
        assert_allclose(model.predict(X, k=k), iterate, rtol=1e-9, atol=1e-11)
    assert np.array_equal(model.predict(X, k=4), model.predict(X))
    with pytest.raises(ValueError, match=r"k=5.*4 iterations"):
        model.predict(X, k=5)


def test_attributes_after_fit(data):
    X, y = data
    model = regressor(algo="gd")
    for name in ("net_", "module_", "history_", "step_size_", "n_iter_", "empirical_loss_"):
        assert not hasattr(model, name)
    assert model.fit(X, y) is model
    assert isinstance(model.module_, torch.nn.Module)
    assert model.module_ is model.net_.module_
    assert model.algorithm_ == get_algorithm("gd")
    assert isinstance(model.step_size_, float)
    assert (model.n_features_in_, model.n_outputs_, model.n_iter_) == (3, 3, 4)
    assert not hasattr(model, "feature_names_in_")


def test_the_shape_of_y_comes_back(data):
    X, y = data
    flat = regressor().fit(X, y[:, 0])
    column = regressor().fit(X, y[:, :1])
    assert flat.predict(X).shape == (40,)
    assert column.predict(X).shape == (40, 1)
    assert np.array_equal(flat.predict(X), column.predict(X)[:, 0])
    assert regressor().fit(X, y).predict(X[:1]).shape == (1, 3)
    assert flat.n_outputs_ == 1
    assert flat.loss(X, y[:, 0]) == column.loss(X, y[:, :1])


@pytest.mark.parametrize(
    ("given", "trained"),
    [
        (np.float32, torch.float32),
        (np.float64, torch.float64),
        (np.int64, torch.float64),
        (np.float16, torch.float64),
    ],
)
def test_training_runs_in_the_dtype_of_X(data, given, trained):
    X, y = data
    X = (4 * X).astype(given)
    model = regressor().fit(X, y)
    assert model.module_.weights.dtype == trained
    assert model.predict(X).dtype == (np.float32 if given is np.float32 else np.float64)
    # Alone or among others, a row has the same prediction.
    assert_allclose(
        model.predict(X[:1]), model.predict(X)[:1], rtol=1e-12 if trained == torch.float64 else 2e-7
    )


def test_a_custom_algorithm(data):
    X, y = data
    assert same_bits(regressor(algo=HeavyBall()).fit(X, y), regressor(algo="heavy_ball").fit(X, y))

    class Damped(Algorithm):
        """Gradient descent of nine tenths of the step size."""

        name = "damped"

        def step(self, state, problem, phi):
            (y,) = state
            return (problem.descend(y, 0.9 * phi),)

        def stable_region(self, mu, L):
            return 0.01 / L, 1.9 / L

    model = regressor(algo=Damped(), k=3).fit(X, y)
    assert_allclose(model.predict(X), layer_output(model, X, 3), rtol=1e-10)
    assert 0.01 <= model.step_size_ <= 1.9


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


@pytest.mark.parametrize("per_iteration", [False, True])
@pytest.mark.parametrize("bounds", ["stable", (0.3, 0.9)])
@pytest.mark.parametrize("algo", WITH_STEP_SIZE)
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
    "options", [{}, {"algo": "rnn", "lr": 0.3}, {"step_size_per_iteration": True}]
)
def test_keep(data, options):
    X, y = data
    options = {"batch_size": 1000, "lr": 0.5, "max_epochs": 15, "lr_schedule": "constant"} | options
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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["l2", "squared"])
@pytest.mark.parametrize("algo", list_algorithms())
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


# ---------------------------------------------------------------------- going on


def test_warm_start_goes_on(data):
    X, y = data
    model = regressor(warm_start=True, max_epochs=5, batch_size=1000).fit(X, y)
    first = model.empirical_loss_
    model.fit(X, y)
    assert model.empirical_loss_ < first
    # The first loss of a refit is that of the parameters it starts from.
    assert model.history_[0, "train_loss"] == pytest.approx(first, rel=1e-12)
    assert model.n_iter_ == len(model.history_) == 5
    cold = regressor(max_epochs=5, batch_size=1000)
    assert cold.fit(X, y).empirical_loss_ == cold.fit(X, y).empirical_loss_ == first


@pytest.mark.parametrize(
    "changed",
    [
        {"X": np.ones((40, 4))},
        {"y": np.ones((40, 2))},
        {"q_hidden": (5,)},
        {"b_hidden": ()},
        {"algo": "rnn"},
        {"rotation": "identity"},
        {"step_size_per_iteration": True},
    ],
)
def test_warm_start_refuses_other_shapes(data, changed):
    X, y = data
    model = regressor(warm_start=True).fit(X, y)
    predicted = model.predict(X)
    changed = dict(changed)
    new = changed.pop("X", X), changed.pop("y", y)
    model.set_params(**changed)
    with pytest.raises(ValueError, match="warm_start"):
        model.fit(*new)
    assert np.array_equal(model.predict(X), predicted)


def test_warm_start_may_change_k_and_rates(data):
    X, y = data
    model = regressor(warm_start=True, algo="gd").fit(X, y)
    model.set_params(k=2, lr=1e-3, loss="squared", step_size_range=(0.1, 0.5)).fit(X, y)
    assert 0.1 <= model.step_size_ <= 0.5
    assert_allclose(model.predict(X), layer_output(model, X, 2), rtol=1e-9, atol=1e-10)


def test_partial_fit(data):
    X, y = data
    model = regressor()
    assert model.partial_fit(X, y) is model
    first = model.empirical_loss_
    assert (model.n_iter_, len(model.history_)) == (1, 1)
    for _ in range(9):
        model.partial_fit(X, y)
    assert model.empirical_loss_ < 0.95 * first
    assert model.n_iter_ == len(model.history_) == 10
    with pytest.raises(ValueError, match=r"4 features.*3 features"):
        model.partial_fit(np.ones((40, 4)), y)
    with pytest.raises(ValueError, match="2 columns"):
        model.partial_fit(X, y[:, :2])
    model.partial_fit(X[:5], y[:5])
    assert model.n_iter_ == 11


@pytest.mark.parametrize("options", [{}, {"batch_size": 9}, {"optimizer": "sgd"}, {"algo": "rnn"}])
def test_calls_of_partial_fit_are_epochs_of_fit(data, options):
    X, y = data
    model = regressor(**options)
    for _ in range(4):
        model.partial_fit(X, y)
    whole = regressor(lr_schedule="constant", keep="last", max_epochs=4, **options).fit(X, y)
    assert same_bits(model, whole)


def test_partial_fit_goes_on_from_fit(data):
    X, y = data
    models = [regressor().fit(X, y).partial_fit(X, y) for _ in range(2)]
    assert same_bits(*models)
    assert models[0].n_iter_ == len(models[0].history_) == 5
    assert not np.array_equal(models[0].predict(X), regressor().fit(X, y).predict(X))


def test_early_stopping_acts_only_when_asked_for(data):
    X, y = data
    plain = regressor(max_epochs=5).fit(X, y)
    others = {"validation_fraction": 0.5, "tol": 10.0, "n_iter_no_change": 1}
    assert same_bits(regressor(max_epochs=5, **others).fit(X, y), plain)


class Witness(Callback):
    """Keep the numbers of rows that training sees."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.rows = len(X), None if y is None else len(y)


@pytest.mark.parametrize(("fraction", "held_out"), [(0.1, 4), (0.25, 10), (0.001, 1)])
def test_early_stopping_holds_rows_out(data, fraction, held_out):
    X, y = data
    options = {"callbacks": [("witness", Witness())], "validation_fraction": fraction}
    model = regressor(early_stopping=True, **options).fit(X, y)
    assert dict(model.net_.callbacks_)["witness"].rows == (40 - held_out, held_out)
    assert np.isfinite(model.history_[:, "valid_loss"]).all()
    model = regressor(**options).fit(X, y)
    assert dict(model.net_.callbacks_)["witness"].rows == (40, None)


@pytest.mark.parametrize("n_counting", [2, 3, 20])
def test_early_stopping_holds_out_rows_that_count(data, n_counting):
    X, y = data
    weight = np.zeros(len(X))
    weight[-n_counting:] = 1.0
    for seed in range(4):
        model = regressor(early_stopping=True, validation_fraction=0.1, random_state=seed)
        model.fit(X, y, sample_weight=weight)
        assert np.isfinite(model.history_[:, ("train_loss", "valid_loss")]).all()


def test_early_stopping_stops_on_a_plateau(data):
    X, y = data
    options = {"max_epochs": 30, "early_stopping": True, "lr_schedule": "constant"}
    # An epoch counts if it halves the loss; none does, so the first one stays the reference.
    model = regressor(tol=0.5, n_iter_no_change=3, **options).fit(X, y)
    assert model.n_iter_ == len(model.history_) == 4
    assert regressor(tol=3.0, n_iter_no_change=3, **options).fit(X, y).n_iter_ <= 4
    patient = regressor(tol=0.0, n_iter_no_change=30, **options).fit(X, y)
    assert patient.n_iter_ == 30
    assert patient.history_[:4, "valid_loss"] == model.history_[:, "valid_loss"]


# ---------------------------------------------------------------------- interruptions


class Interrupt(Callback):
    """Ctrl-C, pressed at the end of the second epoch."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) >= 2:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_raises_and_leaves_no_half_trained_model(data):
    X, y = data
    model = regressor(callbacks=[Interrupt()])
    before = dict(vars(model))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert vars(model) == before
    assert not model.__sklearn_is_fitted__()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("warm_start", [False, True])
def test_ctrl_c_leaves_a_fitted_model_as_it_was(data, method, warm_start):
    X, y = data
    model = regressor(warm_start=warm_start).fit(X, y)
    net, predicted, history = model.net_, model.predict(X), list(model.history_)
    model.set_params(callbacks=[Interrupt()])
    if method == "partial_fit":  # callbacks are those of the net that goes on
        model = regressor(callbacks=[Interrupt()]).partial_fit(X, y)
        net, predicted, history = model.net_, model.predict(X), list(model.history_)
    with pytest.raises(KeyboardInterrupt):
        getattr(model, method)(X[:, ::-1], y)
    assert model.net_ is net
    assert list(model.history_) == history
    assert np.array_equal(model.predict(X), predicted)
    assert model.n_iter_ == len(history)


def test_a_callback_may_end_training_quietly(data):
    X, y = data
    stopping = EarlyStopping(monitor="train_loss", patience=2, threshold=0.9, sink=lambda _: None)
    model = regressor(callbacks=[stopping], max_epochs=20).fit(X, y)
    assert 1 < model.n_iter_ == len(model.history_) < 20
    assert np.isfinite(model.predict(X)).all()
    named = regressor(callbacks=[("stop", stopping)], max_epochs=20).fit(X, y)
    assert same_bits(named, model)
    pickle.loads(pickle.dumps(regressor(callbacks=[EarlyStopping("train_loss")]).fit(X, y)))


def test_callbacks_see_partial_fit(data):
    X, y = data
    stopping = EarlyStopping(monitor="train_loss", sink=lambda _: None)
    model = regressor(callbacks=[stopping]).partial_fit(X, y).partial_fit(X, y)
    assert model.n_iter_ == 2


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("rotation", ["identity", "given", "shared", "predicted"])
def test_divergence_is_an_error_that_names_the_rate(data, method, rotation):
    X, y = data
    X = with_columns(X, 3, "learned", rotation)
    options = {"optimizer": "sgd", "lr": 1e6, "loss": "squared", "batch_size": 4}
    model = regressor(rotation=rotation, **options)
    before = dict(vars(model))
    with pytest.raises(DivergenceError, match=r"\blr\b"):
        getattr(model, method)(X, y)
    assert vars(model) == before
    # A model that was fitted stays as it was.
    model = regressor(rotation=rotation).fit(X, y)
    predicted, params = model.predict(X), model.set_params(**options).get_params()
    if method == "partial_fit":
        y = 1e149 * y
    with pytest.raises(DivergenceError, match=r"\blr\b"):
        getattr(model, method)(X, y)
    assert np.array_equal(model.predict(X), predicted)
    assert model.get_params() == params


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
    model = regressor(linear_term="given", rotation="given").fit(X, b)
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
