"""Outputs that obey a set: after every step or after the last, against plain loops in numpy."""

import math
import warnings

import numpy as np
import pytest
import torch
from _covering import covering
from estimators._small_regressors import make_data, regressor, same_bits, with_columns

from sklearn_reasoning.algorithms import Algorithm, get_algorithm, list_algorithms
from sklearn_reasoning.penalties import L1, Affine, Ball, Box, Budget, GroupL1, Monotone, Simplex
from sklearn_reasoning.training import Rows, stack_rows

N, D = 40, 4
KS = (0, 1, 2, 7, 1000)
FIRST_ORDER = ["gd", "nag", "heavy_ball"]
PROJECTS = ["each_step", "last_step"]
ROTATIONS = ["shared", "identity", "predicted", "given"]
STARTS = ["zero", "mean", "learned", "predicted"]


def to_simplex(v):
    """The projection, row by row, from the definition of the threshold."""
    u = -np.sort(-v, axis=1)
    candidates = (u.cumsum(axis=1) - 1.0) / np.arange(1, v.shape[1] + 1)
    return np.maximum(v - candidates.max(axis=1, keepdims=True), 0.0)


def to_ball(v):
    return v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True) / 0.6, 1.0)


PROJECTIONS = {
    "simplex": ("simplex", to_simplex),
    "nonnegative": ("nonnegative", lambda v: np.maximum(v, 0.0)),
    "box": ((-0.05, 0.5), lambda v: np.clip(v, -0.05, 0.5)),
    "ball": (Ball(0.6), to_ball),
}
TERMS = {
    "l1": (L1(0.1), lambda v, phi: np.sign(v) * np.maximum(np.abs(v) - 0.1 * phi, 0.0)),
}


def shares(n=N, d=D, seed=0):
    """Shares of a total that depend on x, some of them 0."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, to_simplex(0.5 * X @ rng.normal(size=(3, d)) + 0.2 * rng.normal(size=(n, d)))


def loop(model, X, k, prox):
    """k steps in numpy on the predicted energies, with ``prox(v, phi)`` after each."""
    Q, b = model.predict_energy(X)
    phi, mu = model.step_size_, model.mu
    root = math.sqrt(mu * phi)

    def descend(y, push=0.0):
        return prox(y - phi * (np.einsum("nij,nj->ni", Q, y) + b) + push, phi)

    y = z = before = model.predict_start(X)
    for _ in range(k):
        if model.algo == "gd":
            y = descend(y)
        elif model.algo == "nag":
            y, before = descend(z), y
            z = y + (1 - root) / (1 + root) * (y - before)
        else:
            y, before = descend(y, (1 - root) ** 2 * (y - before)), y
    return y


def quietly(model, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rows outside
        return model.fit(X, y)


@covering("algo, project, name, rotation, start", FIRST_ORDER, PROJECTS, list(PROJECTIONS),
          ROTATIONS, STARTS)  # fmt: skip
def test_predictions_are_those_of_a_projected_loop(algo, project, name, rotation, start):
    constraint, projection = PROJECTIONS[name]
    X, y = shares()
    given = "given" if rotation == "given" else "learned"
    X = with_columns(X, D, given, rotation)
    model = regressor(
        algo=algo, k=5, constraint=constraint, project=project, rotation=rotation, start=start,
        linear_term=given,
    )  # fmt: skip
    quietly(model, X, y)
    first = model.predict_start(X)
    np.testing.assert_allclose(projection(first), first, rtol=0, atol=1e-12)
    for k in (0, 1, 5, 30):
        if project == "each_step":
            expected = loop(model, X, k, lambda v, phi: projection(v))
        else:
            expected = projection(loop(model, X, k, lambda v, phi: v))
        np.testing.assert_allclose(model.predict(X, k=k), expected, rtol=0, atol=1e-10)
    assert np.array_equal(model.predict(X), model.predict(X, k=5))
    if start == "predicted":
        assert model.start_ is None
    else:
        np.testing.assert_allclose(first, np.tile(model.start_, (N, 1)), rtol=1e-14)


@pytest.mark.parametrize("algo", FIRST_ORDER)
@pytest.mark.parametrize("name", TERMS)
def test_a_term_is_in_every_step(algo, name):
    penalty, prox = TERMS[name]
    X, y = make_data(d=D)
    model = regressor(algo=algo, penalty=penalty).fit(X, y)
    for k in (0, 1, 10, 40):
        np.testing.assert_allclose(model.predict(X, k=k), loop(model, X, k, prox), atol=1e-10)
    assert (model.predict(X, k=40) == 0.0).any()


def test_a_set_and_a_term_go_together():
    X, y = make_data(d=D)
    model = quietly(regressor(constraint="nonnegative", penalty=L1(0.1)), X, y)
    expected = loop(model, X, 10, lambda v, phi: np.maximum(v - 0.1 * phi, 0.0))
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-10)
    assert model.predict(X, k=0).min() >= 0.0


SETS = [
    ("simplex", lambda y: np.abs(y.sum(axis=1) - 1.0), 0.0, np.inf),
    (Simplex(3.0, groups=(1, 3)), lambda y: np.abs(y[:, 1:].sum(axis=1) - 3.0), 0.0, np.inf),
    ("nonnegative", lambda y: 0.0, 0.0, np.inf),
    (Box(-0.1, [0.1, 0.2, 0.3, 0.4]), lambda y: 0.0, -0.1, [0.1, 0.2, 0.3, 0.4]),
    (Budget(1.0, high=0.4), lambda y: np.abs(y.sum(axis=1) - 1.0), 0.0, 0.4),
    (Ball(0.7), lambda y: np.maximum(np.linalg.norm(y, axis=1) - 0.7, 0.0), -np.inf, np.inf),
    (Monotone(), lambda y: np.maximum(-np.diff(y, axis=1), 0.0), -np.inf, np.inf),
    (Affine([[1, 1, 0, 0]], 0.3), lambda y: np.abs(y[:, 0] + y[:, 1] - 0.3), -np.inf, np.inf),
]


@covering("number, project, algo", range(len(SETS)), PROJECTS, FIRST_ORDER)
def test_feasible_at_every_k(number, project, algo):
    constraint, off, low, high = SETS[number]
    X, y = shares()
    # Means and units that are no powers of two.
    y = 3.7 * y - 0.9
    options = {"constraint": constraint, "project": project, "max_epochs": 2}
    model = quietly(regressor(algo=algo, **options), X, y)
    for k in KS if algo == "nag" else KS[:-1]:
        predicted = model.predict(X, k=k)
        assert np.max(off(predicted)) <= 1e-12
        assert (predicted >= low).all()
        assert (predicted <= high).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_mean_costs_nothing(dtype):
    X, y = make_data(d=D)
    X, high = X.astype(dtype), y.max(axis=0)
    one = regressor(max_epochs=30, constraint=Box(-1e6, high)).fit(X, y)
    far = regressor(max_epochs=30, constraint=Box(0.0, 1e6 + high)).fit(X, 1e6 + y)
    np.testing.assert_allclose(far.predict(X) - 1e6, one.predict(X), rtol=0, atol=1e-3)
    assert (far.predict(X) <= 1e6 + high).all()


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**30])
def test_the_unit_of_y_does_not_matter(scale):
    X, y = shares()
    one = regressor(constraint="simplex").fit(X, y).predict(X)
    other = regressor(constraint=Simplex(scale)).fit(X, scale * y).predict(X)
    np.testing.assert_array_equal(other, scale * one)


def test_training_lowers_the_loss_of_what_is_projected():
    X, y = shares(n=60)
    for project in PROJECTS:
        model = regressor(constraint="simplex", project=project, max_epochs=60).fit(X, y)
        losses = model.history_[:, "train_loss"]
        assert model.empirical_loss_ <= min(losses) * 1.01
        assert min(losses) < 0.9 * losses[0]


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("start", ["learned", "predicted"])
@pytest.mark.parametrize("name", ["simplex", "box", "ball"])
def test_gradients_against_differences(name, start, project):
    X, y = shares(n=12)
    options = {"constraint": PROJECTIONS[name][0], "project": project, "loss": "squared"}
    model = quietly(regressor(algo="nag", k=4, start=start, max_epochs=3, **options), X, y)
    net, module = model.net_, model.module_
    rows = Rows(X, y, np.ones(12))
    (batch,) = stack_rows(net, [rows]).epoch(0)

    def loss():
        return net.criterion_(module(batch), batch).sum()

    parameters = list(module.parameters())
    grads = torch.autograd.grad(loss(), parameters)
    generator = torch.Generator().manual_seed(0)
    for parameter, grad in zip(parameters, grads, strict=True):
        direction = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        ends = []
        with torch.no_grad():
            for h in (1e-6, -1e-6):
                parameter += h * direction
                ends.append(loss())
                parameter -= h * direction
        slope = float(ends[0] - ends[1]) / 2e-6
        assert slope != 0.0
        np.testing.assert_allclose(float((grad * direction).sum()), slope, rtol=1e-5)


class Own(Algorithm):
    """Gradient descent as a user would write it: no more than its step."""

    name = "own"

    def step(self, state, problem, phi):
        (y,) = state
        return (problem.descend(y, phi),)

    def stable_region(self, mu, L):
        return get_algorithm("gd").stable_region(mu, L)


@pytest.mark.parametrize("constraint", ["simplex", "nonnegative", Ball(0.6)])
def test_a_users_method_trains_as_ours_does(constraint):
    X, y = shares()
    own, ours = (quietly(regressor(algo=a, constraint=constraint), X, y) for a in (Own(), "gd"))
    np.testing.assert_allclose(own.predict(X), ours.predict(X), rtol=0, atol=1e-9)
    assert own.step_size_ == pytest.approx(ours.step_size_, rel=1e-9)


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("algo", ["cg", "chebyshev", "rnn"])
def test_methods_that_take_no_set_say_so_before_training(algo):
    X, y = shares()
    model = regressor(algo=algo, constraint="simplex", max_epochs=10**9)
    with pytest.raises(ValueError, match=rf"algo='{algo}' .*Use one of \[.*'gd'.*last_step"):
        model.fit(X, y)
    assert not hasattr(model, "net_")


@pytest.mark.parametrize("algo", list_algorithms())
def test_every_method_takes_a_set_after_the_last_step(algo):
    X, y = shares()
    model = regressor(algo=algo, constraint="simplex", project="last_step", k=3).fit(X, y)
    for k in (0, 1, 3):
        predicted = model.predict(X, k=k)
        np.testing.assert_allclose(to_simplex(predicted), predicted, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"constraint": "simplexx"}, ValueError, "Did you mean 'simplex'"),
        ({"constraint": (1.0, 0.0)}, ValueError, "low=1 must not be above high=0"),
        ({"constraint": (0.0, 1.0, 2.0)}, TypeError, "a pair of numbers"),
        ({"constraint": L1(1.0)}, ValueError, r"is no set.*penalty="),
        ({"constraint": 3}, ValueError, "'constraint' parameter"),
        ({"penalty": "l1"}, ValueError, "'penalty' parameter"),
        ({"project": "first_step"}, ValueError, "'project' parameter"),
        ({"constraint": "simplex", "penalty": L1(1.0)}, ValueError, "step is not known"),
        ({"penalty": L1(1.0), "project": "last_step"}, ValueError, "projects onto a set"),
        ({"constraint": Box([0, 0], 1.0)}, ValueError, "low holds 2 numbers.* 4 outputs"),
        ({"constraint": Budget(9.0, high=1.0)}, ValueError, "Budget.*the set is empty"),
        ({"penalty": GroupL1(1.0, (2, 1))}, ValueError, "there are 4 outputs"),
        ({"constraint": Simplex(np.ones(N))}, ValueError, r"for 40 samples.*Columns"),
        ({"constraint": Box(np.zeros((N, D)), 1.0)}, ValueError, r"for 40 samples.*Columns"),
    ],
)
def test_bad_input(options, error, words):
    X, y = shares()
    model = regressor(max_epochs=10**9, **options)
    with pytest.raises(error, match=f"(?s){words}"):
        model.fit(X, y)
    assert not hasattr(model, "net_")


def test_rows_outside_are_told_once():
    X, y = shares()
    y[3] += 1.0  # a distance of 2 from the simplex: the sum is 5
    y[7, 0] += 0.1
    with pytest.warns(UserWarning, match=r"2 of 40 training rows of y are outside Simplex") as seen:
        regressor(constraint="simplex").fit(X, y)
    assert len(seen) == 1
    assert "by up to 2." in str(seen[0].message)
    # Of weight zero they are absent.
    weight = np.ones(N)
    weight[[3, 7]] = 0.0
    regressor(constraint="simplex").fit(X, y, sample_weight=weight)


def test_rounding_is_not_told():
    X, y = shares()
    regressor(constraint="simplex").fit(X, y + 1e-9)
    regressor(constraint="simplex").fit(X.astype(np.float32), y.astype(np.float32))


def test_without_a_set_project_says_nothing():
    X, y = shares()
    assert same_bits(regressor().fit(X, y), regressor(project="last_step").fit(X, y))


def test_training_goes_on():
    X, y = shares()
    model = regressor(constraint="simplex", warm_start=True).fit(X, y).fit(X, y)
    model.partial_fit(X, y)
    assert np.abs(model.predict(X).sum(axis=1) - 1.0).max() <= 1e-12
    model.set_params(constraint="nonnegative")
    with pytest.raises(ValueError, match="needs its shapes"):
        model.partial_fit(X, y)


def test_tags():
    assert regressor(constraint="simplex").__sklearn_tags__().regressor_tags.poor_score
    assert not regressor().__sklearn_tags__().regressor_tags.poor_score


@pytest.mark.parametrize("n", [3, 16, 37])
def test_the_exact_minimiser_takes_given_rotations_of_any_number_of_rows(n):
    X, y = shares(n)
    X = with_columns(X, D, "given", "given")
    model = regressor(algo="opt", rotation="given", linear_term="given", constraint="nonnegative")
    predicted = quietly(model.set_params(spectrum="free"), X, y).predict(X)
    Q, b = model.predict_energy(X)
    gradient = np.einsum("nij,nj->ni", Q, predicted) + b
    # What is optimal: no slope where an output is positive, none below 0 elsewhere.
    assert predicted.min() >= 0.0
    np.testing.assert_allclose(gradient[predicted > 0.0], 0.0, atol=1e-9)
    assert gradient.min() >= -1e-9
