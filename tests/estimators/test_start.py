"""Where the steps begin, and what they make of it: against plain NumPy loops and networks."""

import math

import numpy as np
import pytest
from _covering import covering
from numpy.testing import assert_allclose

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import list_algorithms

MU, L, N, D = 0.2, 1.5, 24, 3
STARTS = ["auto", "zero", "mean", "learned", "predicted"]
ROTATIONS = ["identity", "shared", "predicted", "given"]
MEANS = np.array([5.0, -3.0, 40.0])


def regressor(algo="gd", **parameters):
    options = {"k": 6, "mu": MU, "L": L, "max_epochs": 2, "q_hidden": (4,), "b_hidden": (8,)}
    return HybridReasoningRegressor(algo, **options | {"random_state": 0} | parameters)


def make_data(linear_term="learned", rotation="shared", seed=0, n=N):
    """Return [x | b | R row by row], as far as given, and y."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    y = MEANS + np.tanh(x @ rng.normal(size=(3, D))) + 0.1 * rng.normal(size=(n, D))
    parts = [x]
    if linear_term == "given":
        parts.append(rng.normal(size=(n, D)))
    if rotation == "given":
        parts.append(np.linalg.qr(rng.normal(size=(n, D, D)))[0].reshape(n, -1))
    return np.hstack(parts), y


def weights_of(model):
    """Return the weights of a single model by name, as arrays."""
    return {name: value.numpy() for name, value in model.module_.named_weights().items()}


def same_bits(first, second):
    one, other = (model.module_.state_dict() for model in (first, second))
    return all(bool((one[key] == other[key]).all()) for key in one)


# ---------------------------------------------------------------------- the loops


def product(Q, y):
    return np.einsum("nij,nj->ni", Q, y)


def gd(Q, b, y, k, phi, cell):
    for _ in range(k):
        y = y - phi * (product(Q, y) + b)
    return y


def nag(Q, b, y, k, phi, cell):
    z, root = y, math.sqrt(MU * phi)
    for _ in range(k):
        y_next = z - phi * (product(Q, z) + b)
        z = y_next + (1 - root) / (1 + root) * (y_next - y)
        y = y_next
    return y


def heavy_ball(Q, b, y, k, phi, cell):
    y_before = y
    for _ in range(k):
        move = (1 - math.sqrt(MU * phi)) ** 2 * (y - y_before)
        y, y_before = y - phi * (product(Q, y) + b) + move, y
    return y


def fista(Q, b, y, k, phi, cell):
    z = y
    for i in range(k):
        y_next = z - phi * (product(Q, z) + b)
        z = y_next + i / (i + 3) * (y_next - y)
        y = y_next
    return y


def admm(Q, b, y, k, phi, cell):
    moved, implicit = y - phi * (product(Q, y) + b), np.linalg.inv(np.eye(D) + phi * Q)
    for _ in range(k):
        moved = product(implicit, moved - phi * b)
    return moved if k else y


def chebyshev(Q, b, y, k, phi, cell):
    y_before, rho, omega = y, (L - MU) / (L + MU), 1.0
    for i in range(k):
        step = y - 2 / (MU + L) * (product(Q, y) + b)
        y, y_before = y_before + omega * (step - y_before), y
        omega = 2 / (2 - rho**2) if i == 0 else 4 / (4 - rho**2 * omega)
    return y


def cg(Q, b, y, k, phi, cell):
    """Minimise over the Krylov space that k steps span: what conjugate gradients are."""
    outputs = []
    for matrix, linear, start in zip(Q, b, y, strict=True):
        gradient = matrix @ start + linear
        basis = np.zeros((D, 0))
        for i in range(min(k, D)):
            power = np.linalg.matrix_power(matrix, i) @ gradient
            basis = np.linalg.qr(np.column_stack([basis, power]))[0]
        inner = np.linalg.solve(basis.T @ matrix @ basis, basis.T @ gradient)
        outputs.append(start - basis @ inner)
    return np.array(outputs)


def rnn(Q, b, y, k, phi, cell):
    for _ in range(k):
        pre = y @ cell["W1_state"].T + (product(Q, y) + b) @ cell["W1_gradient"].T
        y = np.maximum(pre, 0) @ cell["V"].T
    return y


def opt(Q, b, y, k, phi, cell):
    return np.linalg.solve(Q, -b[..., None])[..., 0] if k else y


LOOPS = {f.__name__: f for f in (gd, nag, heavy_ball, fista, admm, chebyshev, cg, rnn, opt)}


def by_loops(model, X, k, centre):
    """Run the recurrence from the start; a cell, which is no descent, counts y from a centre."""
    (Q, b), y = model.predict_energy(X), model.predict_start(X)
    shift = centre if model.algo == "rnn" else np.zeros(D)
    moved = b + product(Q, np.broadcast_to(shift, y.shape))
    loop = LOOPS[model.algo]
    return shift + loop(Q, moved, y - shift, k, model.step_size_, weights_of(model))


# ---------------------------------------------------------------------- predictions


@covering("algo, start, linear_term", list_algorithms(), STARTS, ["learned", "given"])
def test_the_recurrence_from_the_start_gives_the_predictions(algo, start, linear_term):
    """On the energies that are predicted in y, whatever the rotation, for any number of steps."""
    # Each algorithm and each start meet every rotation.
    turn = list_algorithms().index(algo) + STARTS.index(start) + 2 * (linear_term == "given")
    for rotation in (ROTATIONS[turn % 4], ROTATIONS[(turn + 1) % 4]):
        X, y = make_data(linear_term, rotation)
        model = regressor(
            algo, start=start, linear_term=linear_term, rotation=rotation, max_epochs=1
        )
        model.fit(X, y)
        centre = y.mean(axis=0) if linear_term == "learned" else np.zeros(D)
        for k in (1, 6, 9):
            expected = by_loops(model, X, k, centre)
            assert_allclose(model.predict(X, k=k), expected, rtol=1e-10, atol=1e-9)
        assert np.array_equal(model.predict(X), model.predict(X, k=6))
        assert np.array_equal(model.predict(X, k=0), model.predict_start(X))
        assert model.predict_start(X).dtype == np.float64


@pytest.mark.parametrize("start", ["zero", "mean", "learned", "predicted"])
@pytest.mark.parametrize("algo", ["gd", "nag", "heavy_ball"])
def test_a_step_size_for_each_iteration_takes_any_start(algo, start):
    X, y = make_data()
    model = regressor(algo, k=3, start=start, step_size_per_iteration=True, lr=0.05).fit(X, y)
    (Q, b), y_k = model.predict_energy(X), model.predict_start(X)
    z = before = y_k
    for k, phi in enumerate(model.step_size_, start=1):
        root = math.sqrt(MU * phi)
        at = z if algo == "nag" else y_k
        y_next = at - phi * (product(Q, at) + b)
        if algo == "heavy_ball":
            y_next = y_next + (1 - root) ** 2 * (y_k - before)
        z = y_next + (1 - root) / (1 + root) * (y_next - y_k)
        before, y_k = y_k, y_next
        assert_allclose(model.predict(X, k=k), y_k, rtol=1e-10, atol=1e-9)


# ---------------------------------------------------------------------- the starts themselves


@covering("algo, linear_term", list_algorithms(), ["learned", "given"])
def test_the_start_is_what_it_is_called(algo, linear_term):
    X, y = make_data(linear_term)
    weight = np.random.default_rng(5).uniform(0.1, 3.0, size=N)
    mean = np.average(y, axis=0, weights=weight)
    known = {"zero": np.zeros(D), "mean": mean}
    known["auto"] = known["mean" if linear_term == "learned" else "zero"]
    for start, expected in known.items():
        model = regressor(algo, start=start, linear_term=linear_term)
        assert not hasattr(model, "start_")
        model.fit(X, y, sample_weight=weight)
        assert model.start_.shape == (D,)
        assert_allclose(model.start_, expected, rtol=1e-14)
        assert_allclose(model.predict_start(X), np.tile(expected, (N, 1)), rtol=1e-14)


@pytest.mark.parametrize("linear_term", ["learned", "given"])
def test_auto_is_the_mean_where_b_is_learned_and_zero_where_it_is_given(linear_term):
    X, y = make_data(linear_term)
    resolved = "mean" if linear_term == "learned" else "zero"
    ways = [linear_term] if linear_term == "learned" else [linear_term, [3, 4, 5]]
    for way in ways:
        auto = regressor(linear_term=way).fit(X, y)
        assert auto.get_params()["start"] == "auto"
        assert same_bits(auto, regressor(linear_term=way, start=resolved).fit(X, y))
        other = "zero" if resolved == "mean" else "mean"
        model = regressor(linear_term=way, start=other).fit(X, y)
        assert np.abs(model.predict(X) - auto.predict(X)).max() > 1e-3


@covering("algo, linear_term", list_algorithms(), ["learned", "given"])
def test_learned_and_predicted_starts_begin_at_the_mean_and_move(algo, linear_term):
    X, y = make_data(linear_term)
    # With Q the same for all rows, one step of chebyshev is at the minimiser, whatever the start.
    options = {"linear_term": linear_term, "k": 1, "max_epochs": 3, "initial_weights": "glorot"}
    mean = y.mean(axis=0)
    for start in ("learned", "predicted"):
        still = regressor(algo, start=start, lr=1e-30, **options).fit(X, y)
        assert_allclose(still.predict_start(X), np.tile(mean, (N, 1)), rtol=1e-14)
        model = regressor(algo, start=start, **options).fit(X, y)
        moved = np.abs(model.predict_start(X) - mean).max(axis=0)
        if algo == "opt":  # the minimiser does not know where it was looked for from
            assert (moved < 1e-9).all()
        else:
            assert (moved > 1e-3).all()
        # The start of a row is a function of the row, and there is one start otherwise.
        if start == "predicted":
            assert model.start_ is None
            assert algo == "opt" or (np.ptp(model.predict_start(X), axis=0) > 1e-3).all()
        else:
            assert_allclose(model.predict_start(X), np.tile(model.start_, (N, 1)), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("linear_term", ["learned", "given"])
def test_the_exact_minimiser_is_the_same_from_every_start(linear_term, dtype):
    X, y = make_data(linear_term)
    X = X.astype(dtype)
    reference = regressor("opt", start="zero", linear_term=linear_term).fit(X, y + 1000.0)
    for start in ("mean", "learned"):
        model = regressor("opt", start=start, linear_term=linear_term).fit(X, y + 1000.0)
        assert model.history_[:, "train_loss"] == reference.history_[:, "train_loss"]
        assert np.array_equal(model.predict(X), reference.predict(X))


@pytest.mark.parametrize("start", ["learned", "predicted"])
def test_a_trained_start_lowers_the_loss_of_few_steps(start):
    """With b given, one short step from the mean is all but the mean itself."""
    X, y = make_data("given")
    options = {
        "k": 1,
        "step_size_range": (0.01, 0.02),
        "linear_term": "given",
        "max_epochs": 30,
        "lr": 0.05,
    }
    y = y + np.array([3.0, 0.0, -3.0]) * (X[:, :1] > 1.0)  # the mean is not the best point
    fixed = regressor(start="mean", **options).fit(X, y)
    trained = regressor(start=start, **options).fit(X, y)
    assert trained.empirical_loss_ < 0.97 * fixed.empirical_loss_


# ---------------------------------------------------------------------- what the networks say


def network(weights, name, x):
    """Run a network with ReLU between its layers."""
    i = 0
    while f"{name}.{i}.bias" in weights:
        x = np.maximum(x, 0.0) if i else x
        x = x @ weights[f"{name}.{i}.matrix"].T + weights[f"{name}.{i}.bias"]
        i += 1
    return x


def linear_part(model, x):
    """Return the part of b that is there before training."""
    module = model.module_
    slopes, level = module.slopes[0, :D, : x.shape[1]].numpy(), module.level[0, :D, 0].numpy()
    return module.unit.item() * (x @ slopes.T + level)


@covering("algo, start", list_algorithms(), STARTS)
def test_a_learned_b_is_ridge_regression_and_the_network_less_Q_times_the_mean(algo, start):
    X, y = make_data()
    weight = np.random.default_rng(5).uniform(0.1, 3.0, size=N)
    model = regressor(algo, start=start).fit(X, y, sample_weight=weight)
    Q, b = model.predict_energy(X)
    weights, mean = weights_of(model), np.average(y, axis=0, weights=weight)
    spread = np.sqrt(np.average((y - mean) ** 2, axis=0, weights=weight))
    expected = linear_part(model, X) + spread * network(weights, "b", X)
    assert_allclose(b + Q @ mean, expected, rtol=1e-9, atol=1e-11)
    if start == "predicted":
        expected = mean + spread * network(weights, "start", X)
        assert_allclose(model.predict_start(X), expected, rtol=1e-12)
    elif start == "learned":
        assert_allclose(model.start_, mean + spread * weights["start"], rtol=1e-12)


@covering("algo, start", list_algorithms(), STARTS)
def test_a_given_b_is_left_alone(algo, start):
    X, y = make_data("given")
    model = regressor(algo, start=start, linear_term="given").fit(X, y)
    assert np.array_equal(model.predict_energy(X)[1], X[:, 3:])


@pytest.mark.parametrize("hidden", [0, (), 5, (5, 3)])
def test_b_hidden_is_the_size_of_the_network_that_predicts_the_start(hidden):
    X, y = make_data("given")
    model = regressor(start="predicted", linear_term="given", b_hidden=hidden).fit(X, y)
    sizes = {0: (), (): ()}.get(hidden, (hidden,) if isinstance(hidden, int) else hidden)
    shapes = {name: value.shape for name, value in weights_of(model).items()}
    for i, shape in enumerate(zip((*sizes, D), (3, *sizes), strict=True)):
        assert shapes[f"start.{i}.matrix"] == shape
    assert not any(name.startswith("b.") for name in shapes)
