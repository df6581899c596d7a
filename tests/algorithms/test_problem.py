"""The problem that algorithms see: its steps, its start, and what it provides."""

import numpy as np
import pytest
import torch

from sklearn_reasoning.algorithms import (
    Algorithm,
    GradientDescent,
    Problem,
    get_algorithm,
    iterates,
    last_iterate,
    list_algorithms,
)
from sklearn_reasoning.energies import (
    DenseQuadratic,
    DiagonalQuadratic,
    Energy,
    OperatorQuadratic,
    SpectralQuadratic,
)
from sklearn_reasoning.layer import minimize
from sklearn_reasoning.penalties import Nonnegative, Penalty

MU, L = 0.1, 1.0
RNG = np.random.default_rng(0)
ROOT = RNG.normal(size=(4, 3, 3))
Q, B = ROOT @ ROOT.transpose(0, 2, 1) / 8 + 0.1 * np.eye(3), RNG.normal(size=(4, 3))
Y, PUSH = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
ALL = ["gd", "nag", "heavy_ball", "chebyshev", "cg", "rnn", "opt", "fista", "admm"]
FIRST_ORDER = ["gd", "nag", "heavy_ball", "fista"]


def dense():
    return DenseQuadratic(torch.tensor(Q), torch.tensor(B))


def gradient(y):
    return np.einsum("nij,nj->ni", Q, y) + B


class Quartic(Energy):
    """The energies sum of y^4 / 4 + y^2 / 2: no Q goes with them."""

    def value(self, y):
        return (0.25 * y**4 + 0.5 * y.square()).sum(dim=-1)

    def zeros(self):
        return torch.zeros(4, 3, dtype=torch.float64)


class SumOfSquares(Penalty):
    """The term |y|^2 / 2, whose proximal step divides by 1 + step."""

    def value(self, y):
        return 0.5 * y.square().sum(dim=-1)

    def prox(self, v, step):
        return v / (1.0 + step)

    def in_units(self, unit):
        return self


# ---------------------------------------------------------------------- steps


@pytest.mark.parametrize("push", [None, PUSH])
@pytest.mark.parametrize("step", [0.3, np.array([[0.1], [0.2], [0.5], [0.9]])])
def test_descend_is_the_gradient_step_and_adds_the_push(step, push):
    problem = Problem(dense(), MU, L)
    given = None if push is None else torch.tensor(push)
    moved = problem.descend(torch.tensor(Y), torch.tensor(step, dtype=torch.float64), push=given)
    expected = Y - step * gradient(Y) + (0 if push is None else push)
    np.testing.assert_allclose(moved, expected, rtol=1e-13, atol=1e-15)


def test_descend_projects_after_the_push():
    problem = Problem(dense(), MU, L, Nonnegative())
    moved = problem.descend(torch.tensor(Y), 0.3, push=torch.tensor(PUSH))
    expected = np.maximum(Y - 0.3 * gradient(Y) + PUSH, 0)
    np.testing.assert_allclose(moved, expected, rtol=1e-13, atol=1e-15)
    assert (moved == 0).any()
    assert not np.allclose(moved, np.maximum(Y - 0.3 * gradient(Y), 0) + PUSH)


def test_descend_takes_the_proximal_step_of_the_same_size():
    problem = Problem(dense(), MU, L, SumOfSquares())
    for step in (0.3, 1.7):
        expected = (Y - step * gradient(Y)) / (1 + step)
        np.testing.assert_allclose(problem.descend(torch.tensor(Y), step), expected, rtol=1e-13)


def test_gd_with_a_quadratic_term_is_gd_on_the_sum():
    """The limit is the minimiser of E + |y|^2 / 2, that of Q + I."""
    y = last_iterate(GradientDescent(), Problem(dense(), MU, L, SumOfSquares()), 500, 1.0)
    expected = -np.linalg.solve(Q + np.eye(3), B[..., None])[..., 0]
    np.testing.assert_allclose(y, expected, rtol=1e-12)


def test_gradient_and_product_and_minimizer_are_the_energys():
    problem = Problem(dense(), MU, L)
    np.testing.assert_allclose(problem.gradient(torch.tensor(Y)), gradient(Y), rtol=1e-13)
    np.testing.assert_allclose(problem.product(torch.tensor(Y)), gradient(Y) - B, rtol=1e-12)
    expected = -np.linalg.solve(Q, B[..., None])[..., 0]
    np.testing.assert_allclose(problem.minimizer(), expected, rtol=1e-10)
    constrained = Problem(dense(), MU, L, Nonnegative())
    np.testing.assert_allclose(constrained.gradient(torch.tensor(Y)), gradient(Y), rtol=1e-13)


# ---------------------------------------------------------------------- the start


def test_it_starts_at_zero_unless_told_otherwise():
    start = Problem(dense(), MU, L).start_point()
    assert start.dtype == torch.float64
    assert torch.equal(start, torch.zeros(4, 3, dtype=torch.float64))


@pytest.mark.parametrize("start", [Y, Y[0], Y[:1], np.float64(2.0), Y.astype(np.float32)])
def test_one_start_goes_for_all_samples(start):
    problem = Problem(dense(), MU, L, start=torch.tensor(start))
    assert problem.start_point().dtype == torch.float64
    np.testing.assert_array_equal(problem.start_point(), np.broadcast_to(start, Y.shape))


def test_the_start_is_projected_onto_a_set():
    problem = Problem(dense(), MU, L, Nonnegative(), start=torch.tensor(Y))
    np.testing.assert_array_equal(problem.start_point(), np.maximum(Y, 0))
    assert torch.equal(next(iterates(GradientDescent(), problem, 0, 1.0)), problem.start_point())


def test_the_start_is_left_alone_by_a_term():
    problem = Problem(dense(), MU, L, SumOfSquares(), start=torch.tensor(Y))
    np.testing.assert_array_equal(problem.start_point(), Y)


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("opt", "rnn")])
def test_iterates_begin_at_the_start_and_are_k_and_one(name):
    algorithm = get_algorithm(name)
    problem = Problem(dense(), MU, L, start=torch.tensor(Y))
    phi = 0.9 if algorithm.has_step_size else None
    path = list(iterates(algorithm, problem, 5, phi))
    assert len(path) == 6
    np.testing.assert_array_equal(path[0], Y)
    assert torch.equal(path[-1], last_iterate(algorithm, problem, 5, phi))
    each = torch.tensor([[0], [5], [2], [3]])
    rows = last_iterate(algorithm, problem, each, phi)
    assert torch.equal(rows, torch.stack([path[int(k)][row] for row, k in enumerate(each)]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_start_of_another_dtype_does_not_change_that_of_the_output(dtype):
    other = torch.float64 if dtype == torch.float32 else torch.float32
    rotation = torch.linalg.qr(torch.tensor(ROOT[0])).Q.to(dtype)
    b = torch.tensor(B, dtype=dtype)
    spectrum = torch.tensor([[MU, 0.4, L]], dtype=dtype)
    for energy in (
        DiagonalQuadratic(spectrum, b),
        SpectralQuadratic(spectrum.expand(4, 3), rotation, b),
        DenseQuadratic(torch.tensor(Q, dtype=dtype), b),
    ):
        for start in (Y, Y[0]):
            problem = Problem(energy, MU, L, start=torch.tensor(start, dtype=other))
            same = Problem(energy, MU, L, start=torch.tensor(start, dtype=other).to(dtype))
            for name in ("gd", "cg", "opt"):
                phi = torch.tensor(1.0, dtype=dtype) if name == "gd" else None
                y = minimize(get_algorithm(name), problem, 3, phi)
                assert y.dtype == dtype
                assert torch.equal(y, minimize(get_algorithm(name), same, 3, phi))


# ---------------------------------------------------------------------- what is provided


def test_what_a_problem_provides():
    steps = {"descend", "explicit", "prox"}
    quadratic = {*steps, "gradient", "product", "minimizer", "resolvent"}
    diagonal = DiagonalQuadratic(torch.ones(4, 3), torch.ones(4, 3))
    operator = OperatorQuadratic(lambda y: y, torch.ones(4, 3))
    both = {"minimizer", "resolvent"}  # of these alone a penalty leaves something
    for energy, expected, with_penalty in (
        (dense(), quadratic, steps | both),
        (operator, quadratic, steps | both),
        (diagonal, quadratic | {"spectrum"}, steps | both),
        (Quartic(), steps | {"gradient"}, steps),
    ):
        assert Problem(energy, MU, L).provides == expected
        assert Problem(energy, MU, L, start=torch.zeros(3)).provides == expected
        for penalty in (Nonnegative(), SumOfSquares()):
            assert Problem(energy, MU, L, penalty).provides == with_penalty


def test_what_the_algorithms_need_and_provide():
    assert list_algorithms() == ALL
    needs = {name: get_algorithm(name).needs for name in ALL}
    assert needs == {
        **{key: {"descend"} for key in FIRST_ORDER},
        "admm": {"explicit", "prox", "resolvent"},
        **{key: {"gradient"} for key in ["chebyshev", "rnn"]},
        "cg": {"gradient", "product", "minimizer"},
        "opt": {"minimizer"},
    }
    provides = {name: get_algorithm(name).provides for name in ALL}
    assert provides == {
        **{
            key: {"polynomial", "rotations", "lengths"}
            for key in [*FIRST_ORDER, "admm", "chebyshev"]
        },
        "cg": {"rotations", "lengths"},
        "rnn": frozenset(),
        "opt": {"polynomial", "rotations", "exact", "lengths"},
    }


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("chebyshev", "'gradient'"),
        ("cg", "'gradient' and 'product'"),
        ("rnn", "'gradient'"),
    ],
)
@pytest.mark.parametrize("penalty", [Nonnegative(), SumOfSquares()])
def test_methods_that_leave_a_penalty_out_are_refused_by_name(name, missing, penalty):
    with pytest.raises(ValueError, match=f"^algo='{name}' needs ") as caught:
        minimize(get_algorithm(name), Problem(dense(), MU, L, penalty), 3, None)
    assert str(caught.value) == (
        f"algo='{name}' needs {missing}, which a problem with penalty={penalty!r} does not "
        "provide. Use one of ['gd', 'nag', 'heavy_ball', 'opt', 'fista', 'admm']."
    )


@pytest.mark.parametrize(
    ("name", "missing"),
    [("cg", "'minimizer' and 'product'"), ("opt", "'minimizer'"), ("admm", "'resolvent'")],
)
def test_methods_for_quadratic_energies_are_refused_by_name(name, missing):
    with pytest.raises(ValueError, match=f"^algo='{name}' needs ") as caught:
        minimize(get_algorithm(name), Problem(Quartic(), MU, L), 3, None)
    assert str(caught.value) == (
        f"algo='{name}' needs {missing}, which energies of Quartic do not provide. "
        "Use one of ['gd', 'nag', 'heavy_ball', 'chebyshev', 'rnn', 'fista']."
    )


def test_an_algorithm_of_ones_own_is_refused_like_the_others():
    class Newton(Algorithm):
        name, needs, has_step_size = "newton", frozenset({"gradient", "minimizer"}), False

        def step(self, state, problem, phi):
            return (problem.minimizer(),)

    with pytest.raises(ValueError, match=r"algo='newton' needs 'gradient', which"):
        minimize(Newton(), Problem(dense(), MU, L, Nonnegative()), 3, None)
    with pytest.raises(ValueError, match="algo='newton' needs 'minimizer', which energies of"):
        minimize(Newton(), Problem(Quartic(), MU, L), 3, None)


def test_what_is_no_penalty_is_refused():
    with pytest.raises(TypeError, match=r"penalty='positive' must be a Penalty or None"):
        minimize(GradientDescent(), Problem(dense(), MU, L, penalty="positive"), 3, 1.0)
