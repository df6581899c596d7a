"""Before its first step a model is a ridge regression; how weights begin and how they decay."""

import joblib
import numpy as np
import pytest
import torch
from _covering import covering
from numpy.testing import assert_allclose
from sklearn import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning import HybridReasoningRegressor, load_model, save_model
from sklearn_reasoning.algorithms import list_algorithms
from sklearn_reasoning.model_selection import BatchedGridSearchCV
from sklearn_reasoning.training._ridge import noise_share, ridge

N, M, D = 40, 3, 4
MEANS = np.array([5.0, -3.0, 40.0, 0.0])
ROTATIONS = ["identity", "shared", "predicted", "given"]


def regressor(algo="nag", **parameters):
    options = {"k": 6, "max_epochs": 1, "q_hidden": (4,), "b_hidden": (8,), "random_state": 0}
    return HybridReasoningRegressor(algo, **options | parameters)


def untrained(algo="nag", **parameters):
    """Return a regressor whose training changes nothing that could be seen."""
    return regressor(algo, **{"lr": 1e-14, "learn_step_size": False} | parameters)


def make_data(rotation="shared", seed=0, n=N, d=D):
    """Return [x | R row by row], as far as given, and y."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, M)) + np.array([0.0, 10.0, -2.0])
    y = MEANS[:d] + np.tanh(x @ rng.normal(size=(M, d))) + 0.1 * rng.normal(size=(n, d))
    if rotation != "given":
        return x, y
    R = np.linalg.qr(rng.normal(size=(n, d, d)))[0]
    return np.hstack([x, R.reshape(n, -1)]), y


def ridge_predictions(x, y, weight=None):
    """Return what the ridge regression predicts of its own rows."""
    weight = np.ones(len(x)) if weight is None else weight
    weight = weight / weight.sum()
    mean = weight @ y
    found = ridge(x, y - mean, weight, len(x))
    return mean + x @ found.slopes.T + found.level


# ---------------------------------------------------------------------- ridge regression


@covering("algo, rotation, spectrum, start", list_algorithms(), ROTATIONS, ["free", "anchored"],
          ["mean", "learned", "predicted"])  # fmt: skip
def test_an_untrained_model_predicts_the_ridge_regression(algo, rotation, spectrum, start):
    X, y = make_data(rotation)
    model = untrained(algo, rotation=rotation, spectrum=spectrum, start=start).fit(X, y)
    expected = ridge_predictions(X[:, :M], y)
    explained = np.abs(expected - y.mean(axis=0)).max()
    error = np.abs(model.predict(X) - expected).max()
    if algo == "rnn" or (rotation, spectrum) == ("given", "anchored"):
        # The cell is no filter of Q, and Q is another for each row.
        assert 1e-6 * explained < error
        errors, of_mean = (
            np.linalg.norm(predicted - expected) for predicted in (model.predict(X), y.mean(axis=0))
        )
        assert errors < of_mean
    else:
        assert error < 1e-9 * explained


@covering(
    "spectrum, algo, k",
    ["free", "anchored"],
    ["gd", "nag", "heavy_ball", "chebyshev", "opt"],
    [1, 2, 30],
)
def test_so_it_does_for_every_number_of_steps(algo, k, spectrum):
    X, y = make_data()
    weight = np.random.default_rng(1).uniform(0.1, 3.0, size=N)
    options = {"k": k, "spectrum": spectrum, "mu": 0.3, "L": 2.0}
    model = untrained(algo, **options).fit(X, y, sample_weight=weight)
    assert_allclose(model.predict(X), ridge_predictions(X, y, weight), rtol=1e-9)


@pytest.mark.parametrize("options", [
    {"step_size": 0.2}, {"step_size": 0.3, "step_size_range": (0.1, 5.0)}, {"start": "zero"},
])  # fmt: skip
def test_other_first_step_sizes_and_starts(options):
    X, y = make_data()
    model = untrained("gd", k=3, **options).fit(X, y)
    expected = ridge_predictions(X, y)
    if "start" in options:  # three steps from 0 fall short, all rows by as much
        short = model.predict(X) - expected
        assert np.abs(short).max() > 1e-3
        assert_allclose(short, np.tile(short[0], (N, 1)), rtol=1e-6, atol=1e-9)
    else:
        assert_allclose(model.predict(X), expected, rtol=1e-9)


@pytest.mark.parametrize("algo", list_algorithms())
def test_no_steps_have_no_ridge_regression(algo):
    X, y = make_data()
    model = untrained(algo, k=0).fit(X, y)
    assert not model.module_.slopes.any()
    assert not model.module_.level.any()
    assert_allclose(model.predict(X), np.tile(y.mean(axis=0), (N, 1)), rtol=1e-12)


def test_steps_that_move_nothing_leave_no_infinite_b():
    # (1 - 2)^2 = 1: two steps of this size come back to where they began along the first axis.
    X, y = make_data()
    options = {"step_size": 2.0, "step_size_range": (0.1, 2.0), "spectrum": "anchored"}
    model = untrained("gd", k=2, rotation="identity", **options).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert_allclose(model.predict(X)[:, 0], y[:, 0].mean(), rtol=1e-9)
    assert_allclose(model.predict(X)[:, 1:], ridge_predictions(X, y)[:, 1:], rtol=1e-6)


def test_scikit_learns_ridge_at_one_penalty():
    """By its own name: on these data a penalty next to none is best."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X @ rng.normal(size=(3, 2)) + 1e-6 * rng.normal(size=(200, 2))
    model = untrained().fit(X, y)
    assert_allclose(model.predict(X), LinearRegression().fit(X, y).predict(X), atol=1e-7)
    assert_allclose(model.predict(X), Ridge(1e-8).fit(X, y).predict(X), atol=1e-7)


def test_training_keeps_the_linear_part():
    X, y = make_data()
    before, after = untrained().fit(X, y), regressor(max_epochs=60, weight_decay=0.0).fit(X, y)
    for name in ("slopes", "level"):
        assert torch.equal(getattr(before.module_, name), getattr(after.module_, name))
    assert after.empirical_loss_ < 0.9 * before.empirical_loss_


def test_noise_alone_is_predicted_by_its_mean():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(200, 5)), rng.normal(size=(200, 2))
    model = untrained().fit(X, y)
    assert np.abs(model.predict(X) - y.mean(axis=0)).max() < 0.3
    assert model.net_.models[0].weight_decay == 200 / 200


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_files_and_pickles_carry_it(dtype, tmp_path):
    X, y = make_data()
    model = regressor(max_epochs=4).fit(X.astype(dtype), y)
    save_model(model, tmp_path / "model")
    joblib.dump(model, tmp_path / "pickle")
    assert model.module_.slopes.any()
    for again in (load_model(tmp_path / "model"), joblib.load(tmp_path / "pickle")):
        one, other = model.module_.state_dict(), again.module_.state_dict()
        assert {"slopes", "level", "spread", "decay"} <= set(other)
        for name, value in one.items():
            assert torch.equal(value, other[name]), name
        assert np.array_equal(again.predict(X), model.predict(X))
        assert again.net_.models == model.net_.models


# ---------------------------------------------------------------------- first weights


def test_networks_begin_at_constants_or_not():
    X, y = make_data()
    for rotation in ("identity", "shared", "predicted"):
        Q, _ = untrained(rotation=rotation).fit(X, y).predict_energy(X)
        assert_allclose(Q, np.broadcast_to(Q[0], Q.shape), rtol=1e-9, atol=1e-12)
        Q, _ = untrained(rotation=rotation, initial_weights="glorot").fit(X, y).predict_energy(X)
        assert (np.ptp(Q, axis=0)[np.arange(D), np.arange(D)] > 1e-3).all()


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'initial_weights' parameter"):
        regressor(initial_weights="fan_in").fit(*make_data())


# ---------------------------------------------------------------------- decay


def test_auto_is_by_rows_and_noise():
    X, y = make_data()
    b = np.random.default_rng(1).normal(size=(N, D))
    for linear_term in ("given", "corrected"):
        model = regressor(linear_term=linear_term).fit(np.hstack([X, b]), y)
        assert model.net_.models[0].weight_decay == 1 / N
    model = regressor().fit(X, y)
    # By hand: of what ridge regression leaves.
    found, even = ridge(X, y - y.mean(axis=0), np.full(N, 1 / N), N), np.full(N, 1 / N)
    residuals = y - y.mean(axis=0) - X @ found.slopes.T - found.level
    share = noise_share(X, residuals - residuals.mean(axis=0), even, N)
    assert 0.01 < share < 0.99
    decay = model.net_.models[0].weight_decay
    assert decay == pytest.approx(10 * share / (1 - share) / N, rel=1e-9)
    assert model.get_params()["weight_decay"] == "auto"
    turned = regressor(rotation="given").fit(np.hstack([X, np.tile(np.eye(D).ravel(), (N, 1))]), y)
    assert turned.net_.models[0].weight_decay == 10 / N
    same = clone(model).set_params(weight_decay=decay).fit(X, y)
    assert np.array_equal(same.predict(X), model.predict(X))


@covering("n, lr", [2, 3, 5, 20], [1.0, 0.3, 0.01])
def test_auto_never_takes_a_plain_step_beyond_zero(n, lr):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    options = {"optimizer": "sgd", "lr_schedule": "constant", "keep": "last", "max_epochs": 60}
    for initial_weights in ("small", "glorot"):
        model = regressor(lr=lr, initial_weights=initial_weights, **options).fit(X, y)
        assert model.net_.models[0].weight_decay <= 1 / lr
        assert model.module_.weights.detach().abs().max() < 10.0


def test_copies_of_rows_count_once():
    X, y = make_data()
    one = regressor(batch_size=1000).fit(X, y, sample_weight=np.full(N, 2.0))
    two = regressor(batch_size=1000).fit(np.vstack([X, X]), np.vstack([y, y]))
    decays = [model.net_.models[0].weight_decay for model in (one, two)]
    assert decays[0] == pytest.approx(decays[1], rel=1e-9)
    assert_allclose(one.predict(X), two.predict(X), rtol=1e-6)
    # Of rows of weight zero there is nothing to count.
    weight = np.r_[np.ones(N), np.zeros(N)]
    with_zeros = regressor().fit(np.vstack([X, X + 1]), np.vstack([y, y]), sample_weight=weight)
    assert with_zeros.net_.models[0].weight_decay == pytest.approx(decays[0], rel=1e-9)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("algo", ["gd", "rnn"])
def test_only_matrices_of_networks_decay(algo, optimizer):
    """Where the loss has no gradient, weights move by their decay alone."""
    X = make_data()[0]
    y = np.full((N, D), 3.0)  # a scale of 0: nothing is learned of a constant
    options = {"optimizer": optimizer, "max_epochs": 3, "start": "learned", "lr": 0.1}
    options |= {"lr_schedule": "constant", "keep": "last", "initial_weights": "glorot"}
    kept, decayed = (
        regressor(algo, weight_decay=decay, **options).fit(X, y).module_.named_weights()
        for decay in (0.0, 0.1)
    )
    for name, value in decayed.items():
        if name.endswith("matrix") and kept[name].any():
            assert value.norm() < kept[name].norm(), name
        else:
            assert torch.equal(value, kept[name]), name
    if optimizer == "sgd":
        assert_allclose(decayed["Q.0.matrix"], 0.99**3 * kept["Q.0.matrix"], rtol=1e-12)


def test_partial_fit_keeps_the_decay_of_its_first_rows():
    X, y = make_data()
    model = regressor().partial_fit(X, y)
    decay = model.net_.models[0].weight_decay
    assert model.partial_fit(X[:10], y[:10]).net_.models[0].weight_decay == decay
    warm = regressor(warm_start=True).fit(X, y).fit(X[:10], y[:10])
    assert warm.net_.models[0].weight_decay == decay
    # After a single row nothing is known: it is that of the rows that follow.
    late = regressor().partial_fit(X[:1], y[:1]).partial_fit(X, y)
    assert late.net_.models[0].weight_decay == decay


@pytest.mark.parametrize("decay", [-1.0, np.inf, "large"])
def test_another_decay_is_refused(decay):
    with pytest.raises(ValueError, match="'weight_decay' parameter"):
        regressor(weight_decay=decay).fit(*make_data())


# ---------------------------------------------------------------------- rotations


def test_axes_are_those_of_what_ridge_regression_leaves():
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    X = rng.normal(size=(200, 2))
    noise = rng.normal(size=(200, 3)) * [8.0, 2.0, 0.5] @ rotation
    y = X @ rng.normal(size=(2, 3)) * 20.0 + noise
    module = regressor().fit(X, y).module_
    left = y - untrained().fit(X, y).predict(X)
    variances, axes = np.linalg.eigh(np.cov(left.T, bias=True))
    assert_allclose(np.abs((axes[:, ::-1] * module.axes[0].numpy()).sum(axis=0)), 1.0, rtol=1e-9)
    assert variances[2] > 10 * variances[1]


def test_axes_turn_by_the_ratio_of_their_variances():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(200, 3)) * [8.0, 2.0, 0.5] @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    X = rng.normal(size=(200, 2))
    module = regressor().fit(X, y).module_
    variances = ((y - y.mean(axis=0)) @ module.axes[0].numpy()) ** 2
    spread = np.sqrt(variances.mean(axis=0))
    assert_allclose(module.spread[0] * module.unit, spread, rtol=1e-9)
    i, j = np.triu_indices(3, 1)
    assert_allclose(module.turns()[0], (spread[j] / spread[i]) ** 2, rtol=1e-9)


def test_a_column_that_varies_later_can_turn_again():
    X, y = make_data(d=3)
    first = y[:20].copy()
    first[:, 1] = 7.0
    model = regressor().partial_fit(X[:20], first)
    assert int((model.module_.turns() == 0.0).sum()) == 2
    model.partial_fit(X, y)
    assert (model.module_.turns() > 1e-3).all()


def test_axes_without_any_spread_turn_freely():
    X, y = make_data(d=3)
    model = regressor().fit(X, y[:, [0, 0, 0]])
    turns = model.module_.turns()[0].tolist()
    assert turns == [0.0, 0.0, 1.0]
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("options", [{"constraint": "simplex"}, {"linear_term": "given"}])
def test_shares_of_a_total_do_not_fix_an_axis(options):
    X, y = make_data(d=3)
    shares = np.exp((y - y.mean(axis=0)) / y.std(axis=0))
    shares /= shares.sum(axis=1, keepdims=True)
    model = regressor(**options).fit(np.hstack([X, -shares]), shares)
    assert (model.module_.turns() > 1e-3).all()


# ---------------------------------------------------------------------- stacks


def test_a_batched_search_gives_the_same_bits():
    X, y = make_data()
    grid = {
        "weight_decay": ["auto", 1e-3],
        "k": [0, 1, 5],
        "initial_weights": ["small", "glorot"],
        "step_size": [None, 0.3],
    }
    searches = [
        search(regressor(max_epochs=3), grid, cv=2, return_train_score=True).fit(X, y)
        for search in (GridSearchCV, BatchedGridSearchCV)
    ]
    one, other = (search.cv_results_ for search in searches)
    for name in one:
        if "score" in name and "time" not in name:
            assert np.array_equal(one[name], other[name]), name
    assert np.array_equal(*(search.predict(X) for search in searches))
