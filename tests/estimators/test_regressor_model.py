"""What HybridReasoningRegressor computes: its predictions, energies and fitted attributes."""

import numpy as np
import pytest
import torch
from _covering import covering
from estimators._small_regressors import (
    EXPLICIT,
    MU,
    L,
    layer_output,
    regressor,
    same_bits,
    with_columns,
)
from numpy.testing import assert_allclose

from sklearn_reasoning.algorithms import Algorithm, HeavyBall, get_algorithm, list_algorithms


@covering(
    "algo, linear_term, rotation",
    EXPLICIT,
    ["learned", "given"],
    ["identity", "shared", "predicted", "given"],
)
def test_predictions_are_the_layers_on_the_predicted_energies(data, algo, linear_term, rotation):
    X, y = data
    X = with_columns(X, 3, linear_term, rotation)
    model = regressor(
        algo=algo,
        k=6,
        mu=MU,
        L=L,
        linear_term=linear_term,
        rotation=rotation,
        max_epochs=1,
        initial_weights="glorot",  # eigenvalues that differ from row to row at once
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


@covering("algo, rotation", list_algorithms(), ["identity", "shared", "predicted", "given"])
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
    predicted = regressor(rotation="predicted", initial_weights="glorot").fit(X, y)
    Q, _ = predicted.predict_energy(X)
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
