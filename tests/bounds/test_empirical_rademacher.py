"""The estimate against classes whose supremum is known, and its promises."""

from itertools import product

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.bounds import _signed_training, empirical_rademacher
from sklearn_reasoning.bounds._signed_class import signed_energies, signed_losses
from sklearn_reasoning.datasets import make_quadratic_reasoning

MU, L = 0.2, 1.0
QUICK = {"n_draws": 8, "max_epochs": 25, "random_state": 0}


def scalar_class(n=4, k=3, **parameters):
    """A constant Q in one dimension: a class with one parameter, q in (mu, L)."""
    rng = np.random.default_rng(1)
    b = rng.uniform(-3, 3, size=n)
    y = rng.uniform(-3, 3, size=n)
    model = HybridReasoningRegressor(
        "gd",
        k=k,
        q_hidden=None,
        step_size=1.0,
        learn_step_size=False,
        mu=MU,
        L=L,
        linear_term="given",
        max_epochs=50,
        random_state=0,
        **parameters,
    )
    return model.fit(b[:, None], y), b[:, None], y


def scalar_losses(b, y, k):
    """Losses of a fine grid of q, of shape (q, n)."""
    q = np.linspace(MU, L, 20_001)[:, None]
    return np.abs(-(1 - (1 - q) ** k) / q * b.ravel() - y)


def signs_of_losses(n, n_draws, seed):
    """The signs that a seed draws, of shape (n_draws, n)."""
    drawn = signed_losses(n, 1.0, n_draws, np.random.RandomState(seed))
    return np.sign(drawn.signs[:, :n, 0].numpy())


def test_without_steps_the_class_is_one_function():
    model, X, y = scalar_class(n=3, k=0)
    result = empirical_rademacher(model, X, y, **QUICK)
    possible = np.array(list(product([-1, 1], repeat=3))) @ np.abs(y) / 3
    assert np.abs(result.per_draw[:, None] - possible).min(axis=1).max() < 1e-12
    assert len(set(result.per_draw.round(9))) > 1


def test_known_supremum_of_the_whole_class():
    model, X, y = scalar_class()
    result = empirical_rademacher(model, X, y, n_draws=30, lr=0.3, max_epochs=200, random_state=5)
    supremum = (signs_of_losses(4, 30, 5) @ scalar_losses(X, y, 3).T).max(axis=1) / 4
    assert (result.per_draw <= supremum + 1e-6).all()
    assert (result.per_draw >= supremum - 0.01).all()
    assert result.estimate == pytest.approx(result.per_draw.mean())
    assert result.standard_error == pytest.approx(result.per_draw.std(ddof=1) / 30**0.5)


def test_known_supremum_at_a_level():
    model, X, y = scalar_class()
    losses = scalar_losses(X, y, 3)
    square = (losses**2).mean(axis=1)
    estimates = []
    for factor in (1.01, 1.2, 2.0):
        level = factor * square.min()
        members = losses[square <= level]
        assert 0 < len(members) < len(losses) or factor == 2.0
        result = empirical_rademacher(
            model, X, y, n_draws=16, level=level, lr=0.1, max_epochs=200, random_state=5
        )
        supremum = (signs_of_losses(4, 16, 5) @ members.T).max(axis=1) / 4
        assert (result.per_draw <= supremum + 1e-4).all()
        assert result.estimate >= supremum.mean() - 0.02
        assert result.level == level
        estimates.append(result.estimate)
    assert estimates == sorted(estimates)


def test_known_supremum_of_shared_matrices():
    # For one row, the largest <S, Q> has L where the symmetric part of S is positive, mu elsewhere.
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((1, 2)), rng.standard_normal((1, 2))
    model = HybridReasoningRegressor(
        q_hidden=None, linear_term="given", rotation="shared", mu=MU, L=L, max_epochs=1
    ).fit(X, y)
    Q_true = np.array([[[0.6, 0.1], [0.1, 0.5]]])
    result = empirical_rademacher(
        model,
        X,
        y,
        target="Q",
        Q_true=Q_true,
        n_draws=20,
        lr=0.3,
        n_restarts=3,
        max_epochs=150,
        random_state=2,
    )
    rows = model._validated_rows(X, y, None, reset=False)[0]
    drawn = signed_energies(model.module_.architecture, rows, Q_true, 20, np.random.RandomState(2))
    S = drawn.signs[:, 0].numpy().reshape(-1, 2, 2)
    values = np.linalg.eigvalsh((S + S.swapaxes(1, 2)) / 2)
    supremum = np.where(values > 0, L * values, MU * values).sum(axis=1)
    supremum -= (S * Q_true).sum(axis=(1, 2))
    assert (result.per_draw <= supremum + 1e-12).all()
    assert (result.per_draw >= supremum - 0.02).all()


def test_given_rotations_lose_nothing_of_Q():
    # An anchored spectrum of three is one matrix; Q* is none of those with its eigenvectors.
    rng = np.random.default_rng(3)
    R = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    X, y = np.hstack([rng.standard_normal(5), R.ravel()])[None], rng.standard_normal((1, 3))
    model = HybridReasoningRegressor(
        linear_term="given", rotation="given", mu=MU, L=L, max_epochs=1
    ).fit(X, y)
    A = rng.standard_normal((3, 3))
    Q_true = (0.5 * np.eye(3) + 0.1 * (A + A.T))[None]
    difference = model.predict_energy(X)[0] - Q_true
    result = empirical_rademacher(model, X, y, target="Q", Q_true=Q_true, **QUICK)
    possible = np.array(list(product([-1, 1], repeat=9))) @ difference.ravel() / 3
    assert np.abs(result.per_draw[:, None] - possible).min(axis=1).max() < 1e-12
    square = (difference**2).sum()
    options = {"target": "Q", "Q_true": Q_true, **QUICK}
    at = empirical_rademacher(model, X, y, level=square * (1 + 1e-9), **options)
    assert (at.per_draw == result.per_draw).all()
    with pytest.raises(ValueError, match="no model with a mean square of at most level"):
        empirical_rademacher(model, X, y, level=square * (1 - 1e-9), **options)


def paper_model(algo="nag", **parameters):
    X, y, problem = make_quadratic_reasoning(n_samples=30, return_problem=True, random_state=0)
    options = {"k": 4, "linear_term": "given", "rotation": "given", "max_epochs": 60, **parameters}
    model = HybridReasoningRegressor(algo, random_state=0, **options).fit(X, y)
    return model, X, y, problem.energy(X)[0]


@pytest.fixture(scope="module")
def fitted():
    return paper_model()


@pytest.mark.parametrize("target", ["loss", "Q"])
def test_local_is_bounded_by_the_root_of_the_level_and_reaches_the_fitted_model(target, fitted):
    model, X, y, Q_true = fitted
    losses = np.linalg.norm(model.predict(X) - y, axis=1)
    values, options = losses**2, {}
    if target == "Q":
        difference = model.predict_energy(X)[0] - Q_true
        values, options = (difference**2).sum(axis=(1, 2)), {"target": "Q", "Q_true": Q_true}
    level = 1.5 * values.mean()
    result = empirical_rademacher(model, X, y, level=level, **options, **QUICK)
    assert (result.per_draw <= level**0.5).all()
    if target == "loss":
        own = signs_of_losses(30, 8, 0) @ losses / 30
        assert (result.per_draw >= own - 1e-12).all()
    assert result.estimate > 0.0


@pytest.mark.parametrize(
    ("algo", "parameters"),
    [
        ("gd", {"linear_term": "learned", "rotation": "shared", "k": 5}),
        ("rnn", {"k": 2}),
        ("cg", {"k": 2}),
        ("nag", {"step_size_per_iteration": True}),
    ],
)
def test_every_kind_of_model_at_a_level(algo, parameters):
    model, X, y, _ = paper_model(algo, **parameters)
    level = 1.2 * (np.linalg.norm(model.predict(X) - y, axis=1) ** 2).mean()
    result = empirical_rademacher(model, X, y, level=level, **QUICK)
    assert (result.per_draw <= level**0.5).all()


def test_same_seed_same_bits_and_nothing_else_moves(monkeypatch):
    model, X, y, _ = paper_model()
    before = {name: value.clone() for name, value in model.module_.state_dict().items()}
    model.set_params(algo="gd")  # asks for another class, once it is fitted again
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    one = empirical_rademacher(model, X, y, **QUICK)
    other = empirical_rademacher(model, X, y, **QUICK)
    assert one.per_draw.tobytes() == other.per_draw.tobytes()
    # However the draws are cut into stacks.
    monkeypatch.setattr(_signed_training, "LARGEST_STACK", 6)
    cut = empirical_rademacher(model, X, y, **QUICK)
    assert one.per_draw.tobytes() == cut.per_draw.tobytes()
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert all(
        torch.equal(value, before[name]) for name, value in model.module_.state_dict().items()
    )
    assert model.algorithm_.name == "nag"
    another = empirical_rademacher(model, X, y, **{**QUICK, "random_state": 1})
    assert (one.per_draw != another.per_draw).any()
    empirical_rademacher(model, X, y, **{**QUICK, "random_state": None})


def test_float32_models_are_measured_in_float64():
    X, y = make_quadratic_reasoning(n_samples=30, random_state=0)
    model = HybridReasoningRegressor(linear_term="given", rotation="given", max_epochs=5, k=3)
    model.fit(X.astype(np.float32), y)
    result = empirical_rademacher(model, X, y, **QUICK)
    assert result.per_draw.dtype == np.float64


def test_it_says_from_below(fitted):
    model, X, y, _ = fitted
    result = empirical_rademacher(model, X, y, **QUICK)
    assert result.side == "below"
    assert "an estimate from below (8 draws of signs, 30 rows)" in str(result)
    assert "from below" in empirical_rademacher.__doc__
    assert (result.n_draws, result.n_samples, result.level) == (8, 30, None)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_draws": 1}, ValueError, "n_draws=1 must be a whole number, at least 2"),
        ({"n_restarts": 0}, ValueError, "n_restarts=0"),
        ({"max_epochs": 0.5}, ValueError, "max_epochs=0.5"),
        ({"lr": 0.0}, ValueError, "lr=0.0"),
        ({"level": -1.0}, ValueError, "level=-1.0"),
        ({"level": "all"}, TypeError, "level='all'"),
        ({"target": "q"}, ValueError, "target='q' must be 'loss' or 'Q'"),
        ({"target": "Q"}, ValueError, "pass Q_true"),
        ({"target": "Q", "Q_true": np.eye(5)}, ValueError, r"Q_true has shape \(5, 5\)"),
        (
            {"target": "Q", "Q_true": np.triu(np.ones((30, 5, 5)))},
            ValueError,
            "finite symmetric matrices",
        ),
        ({"Q_true": np.eye(5)}, ValueError, "Q_true is for target='Q'"),
        ({"level": 1e-9}, ValueError, "no model with a mean square of at most level=1e-09"),
    ],
)
def test_bad_input(options, error, message, fitted):
    model, X, y, _ = fitted
    with pytest.raises(error, match=message):
        empirical_rademacher(model, X, y, **{**QUICK, **options})


def test_bad_estimators():
    model, X, y, _ = paper_model(linear_term="learned", rotation="shared")
    with pytest.raises(ValueError, match="linear_term='learned' has outputs without bound"):
        empirical_rademacher(model, X, y, **QUICK)
    model, X, y, _ = paper_model("rnn", k=1)
    with pytest.raises(ValueError, match="algo='rnn' has outputs without bound"):
        empirical_rademacher(model, X, y, **QUICK)
    with pytest.raises(NotFittedError):
        empirical_rademacher(HybridReasoningRegressor(), X, y)
    with pytest.raises(TypeError, match="must be a HybridReasoningRegressor"):
        empirical_rademacher("gd", X, y)
    with pytest.raises(ValueError, match="features"):
        empirical_rademacher(model, X[:, :3], y, level=1.0, **QUICK)
    with pytest.raises(ValueError, match=r"y has shape \(30, 2\); X and the estimator ask for"):
        empirical_rademacher(model, X, y[:, :2], level=1.0, **QUICK)
    with pytest.raises(ValueError, match="NaN"):
        empirical_rademacher(model, X, np.full_like(y, np.nan), level=1.0, **QUICK)
