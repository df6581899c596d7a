"""The bounds as functions of numbers: against plain arithmetic, and how they move."""

import math

import numpy as np
import pytest

from sklearn_reasoning.bounds import (
    CoveringTerms,
    approximation_bound,
    covering_number_bound,
    local_rademacher_bound,
    loss_difference_bound,
    rademacher_transfer_bound,
    representation_bound,
    representation_level,
    step_size_log_covering_number,
)

LOCAL = {
    "n_samples": 50,
    "d": 4,
    "convergence": 0.3,
    "stability": 7.0,
    "sensitivity": 2.0,
    "level": 0.09,
    "M": 5.0,
    "step_size_radius": 0.25,
    "t": 1.5,
}


def theorem(log_N, n, d, cvg, stab, sens, r, M, radius, t):
    """Eq. 15 and 16, written down once more."""
    c3 = log_N / n**0.5 + log_N**0.5 / math.exp(t)
    c2 = t * log_N / n + (c3 + 1) * log_N / n**0.5
    root = ((cvg * M + r**0.5) ** 2 * log_N + c2) ** 0.5
    return 2**0.5 * d / n**0.5 * stab * (root + c3 + 4) + sens * radius


def test_single_numbers():
    assert approximation_bound(0.5, 0.2, sigma_b=3.0, mu=0.5, M=4.0) == pytest.approx(6.8)
    expected = (0.3 + 4.0 * 0.2) ** 2 * 16 / 9
    assert representation_bound(0.09, 0.2, sigma_b=3.0, L=2.0, M=4.0) == pytest.approx(expected)
    assert representation_level(0.09, 0.2, sigma_b=3.0, L=2.0, M=4.0) == pytest.approx(expected)
    assert loss_difference_bound(0.1, 0.3, stability=2.0, sensitivity=5.0) == pytest.approx(1.7)
    transferred = rademacher_transfer_bound(
        0.1, d=3, stability=2.0, sensitivity=5.0, step_size_radius=0.3
    )
    assert transferred == pytest.approx(0.6 * math.sqrt(2) + 1.5)
    expected = theorem(20.0, 50, 4, 0.3, 7.0, 2.0, 0.09, 5.0, 0.25, 1.5)
    assert local_rademacher_bound(20.0, **LOCAL) == pytest.approx(expected)
    assert isinstance(transferred, float)


def test_from_a_start_the_first_distance_is_what_the_minimiser_was():
    far = {"first_distance": 4.0}
    case = {"sigma_b": 3.0, "mu": 0.5}
    assert approximation_bound(0.5, 0.2, **case, **far) == approximation_bound(
        0.5, 0.2, **case, M=4.0
    )
    case = {"sigma_b": 3.0, "L": 2.0}
    for bound in (representation_bound, representation_level):
        assert bound(0.09, 0.2, **case, **far) == bound(0.09, 0.2, **case, M=4.0)
    local = {**LOCAL, "M": None, "first_distance": LOCAL["M"]}
    assert local_rademacher_bound(20.0, **local) == local_rademacher_bound(20.0, **LOCAL)
    # At the minimiser nothing is left, though Cvg is not known.
    assert approximation_bound(0.0, math.inf, sigma_b=1.0, mu=0.5, first_distance=0.0) == 0.0


def test_starts_that_are_trained():
    start = {"start_radius": 2.0, "start_stability": 0.25}
    case = {"d": 3, "stability": 2.0, "sensitivity": 5.0, "step_size_radius": 0.3}
    moved = rademacher_transfer_bound(0.1, **case, **start)
    assert moved == pytest.approx(rademacher_transfer_bound(0.1, **case) + 0.5)
    moved = local_rademacher_bound(20.0, **LOCAL, **start)
    assert moved == pytest.approx(local_rademacher_bound(20.0, **LOCAL) + 0.5)
    apart = {"start_distance": [0.0, 2.0], "start_stability": [[0.25], [math.inf]]}
    moved = loss_difference_bound(0.1, 0.3, stability=2.0, sensitivity=5.0, **apart)
    np.testing.assert_allclose(moved, [[1.7, 2.2], [1.7, math.inf]])
    # How far the output moves with the start is not known unless it is said.
    assert loss_difference_bound(0.1, stability=2.0, start_distance=1.0) == math.inf
    assert rademacher_transfer_bound(0.1, d=3, stability=2.0, start_radius=1.0) == math.inf
    assert local_rademacher_bound(20.0, **LOCAL, start_radius=1.0) == math.inf


@pytest.mark.parametrize("given", [{}, {"M": 1.0, "first_distance": 1.0}])
def test_one_of_M_and_first_distance(given):
    message = r"M=.* first_distance=.*pass one of them"
    for function, case in (
        (approximation_bound, {"sigma_b": 1.0, "mu": 1.0}),
        (representation_bound, {"sigma_b": 1.0, "L": 1.0}),
        (representation_level, {"sigma_b": 1.0, "L": 1.0}),
    ):
        with pytest.raises(ValueError, match=message):
            function(0.1, 0.1, **case, **given)
    local = {name: value for name, value in LOCAL.items() if name != "M"}
    with pytest.raises(ValueError, match=message):
        local_rademacher_bound(20.0, **local, **given)


def test_arrays_over_k_broadcast():
    cvg, stab, sens = (
        np.array([0.9, 0.5, 0.1]),
        np.array([1.0, 4.0, 6.0]),
        np.array([1.0, 2.0, 3.0]),
    )
    levels = np.array([[0.01], [0.04]])
    case = {**LOCAL, "convergence": cvg, "stability": stab, "sensitivity": sens, "level": levels}
    bound = local_rademacher_bound(20.0, **case)
    assert bound.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        expected = theorem(20.0, 50, 4, cvg[j], stab[j], sens[j], levels[i, 0], 5.0, 0.25, 1.5)
        assert bound[i, j] == pytest.approx(expected)
    assert approximation_bound(0.1, cvg, sigma_b=1.0, mu=0.5, M=2.0).shape == (3,)
    assert representation_bound(levels, cvg, sigma_b=1.0, L=1.0, M=2.0).shape == (2, 3)


@pytest.mark.parametrize(
    "name", ["d", "convergence", "stability", "sensitivity", "level", "M", "step_size_radius"]
)
def test_local_bound_grows_with(name):
    values = LOCAL[name] * np.arange(1, 6)
    assert (np.diff(local_rademacher_bound(20.0, **{**LOCAL, name: values})) > 0).all()


def test_local_bound_falls_with_n_and_grows_with_the_covering():
    case = {name: value for name, value in LOCAL.items() if name not in ("n_samples", "t")}
    n = np.array([10, 100, 1000, 10_000])
    bound = local_rademacher_bound(20.0, n_samples=n, **case)
    assert (np.diff(bound) < 0).all()
    assert bound[-1] > LOCAL["sensitivity"] * LOCAL["step_size_radius"]
    assert (np.diff(local_rademacher_bound(np.arange(1.0, 5.0), **LOCAL)) > 0).all()


def test_parts_of_the_local_bound_are_replaceable():
    seen = []

    def log_covering(eps):
        seen.append(float(eps))
        return 20.0

    assert local_rademacher_bound(log_covering, **LOCAL) == local_rademacher_bound(20.0, **LOCAL)
    assert seen == [pytest.approx(50**-0.5)]

    class Nothing:
        def c1(self, log_covering, n_samples):
            return 0.0 * log_covering

        def c2(self, log_covering, n_samples, t):
            return 0.0 * log_covering

        c3 = c2

    bare = local_rademacher_bound(20.0, **LOCAL, terms=Nothing())
    assert bare == pytest.approx(2**0.5 * 4 / 50**0.5 * 7 * 4 + 0.5)
    for name in ("constant_1", "constant_2", "constant_3"):
        terms = CoveringTerms(**{name: 2.0})
        assert local_rademacher_bound(20.0, **LOCAL, terms=terms) > local_rademacher_bound(
            20.0, **LOCAL
        )
    # t = log(n) / 2 by default
    default = {**LOCAL, "t": None}
    assert local_rademacher_bound(20.0, **default) == pytest.approx(
        local_rademacher_bound(20.0, **{**LOCAL, "t": 0.5 * math.log(50)})
    )


def test_what_is_not_proven_is_infinite_and_nothing_is_nan():
    inf = math.inf
    assert representation_bound(0.1, inf, sigma_b=1.0, L=1.0, M=2.0) == inf
    assert approximation_bound(0.1, inf, sigma_b=1.0, mu=1.0, M=0.0) == pytest.approx(0.1)
    assert loss_difference_bound(0.1, stability=inf) == inf
    assert loss_difference_bound([0.0, 0.1], stability=inf).tolist() == [0.0, inf]
    assert local_rademacher_bound(20.0, **{**LOCAL, "stability": inf}) == inf
    assert rademacher_transfer_bound(0.1, d=2, stability=inf) == inf


def test_covering_number_of_the_losses():
    def log_Q(eps):
        return 3.0 * np.log1p(1.0 / eps)

    def log_phi(eps):
        return step_size_log_covering_number(eps, 0.5)

    eps, stab, sens = np.array([0.5, 0.1]), np.array([[1.0], [4.0]]), 2.0
    bound = covering_number_bound(
        eps,
        stability=stab,
        log_covering_Q=log_Q,
        sensitivity=sens,
        log_covering_step_size=log_phi,
    )
    for i, j in np.ndindex(2, 2):
        expected = 3 * math.log(1 + 2 * stab[i, 0] / eps[j]) + math.log(
            math.ceil(0.5 / (eps[j] / 4) - 1e-9)
        )
        assert bound[i, j] == pytest.approx(expected)
    # Nothing moves with Q at k = 0: a single ball.
    assert covering_number_bound(0.1, stability=0.0, log_covering_Q=log_Q) == 0.0
    with np.errstate(divide="ignore"):
        assert covering_number_bound(0.1, stability=math.inf, log_covering_Q=log_Q) == math.inf
    # Of a number that would overflow, the logarithm does not.
    assert covering_number_bound(1.0, stability=1.0, log_covering_Q=lambda eps: 1e6) == 1e6


@pytest.mark.parametrize("p", [1, 2, 3])
def test_grid_of_step_sizes_covers(p):
    rng = np.random.default_rng(p)
    half_width, eps = 0.7, 0.22
    radius = math.sqrt(p) * half_width
    per_axis = round(math.exp(step_size_log_covering_number(eps, radius, p) / p))
    centres = half_width * (2 * np.arange(per_axis) + 1 - per_axis) / per_axis
    points = rng.uniform(-half_width, half_width, size=(2000, p))
    nearest = np.abs(points[..., None] - centres).min(axis=-1)
    assert np.linalg.norm(nearest, axis=1).max() <= eps
    # One less would not do along an axis of a single step size.
    assert p > 1 or half_width / (per_axis - 1) > eps


def test_step_sizes_that_do_not_vary():
    assert step_size_log_covering_number(0.0, 0.0) == 0.0
    assert step_size_log_covering_number(0.0, 0.1) == math.inf
    assert step_size_log_covering_number(math.inf, 0.1, 5) == 0.0


NUMBERS = {"sigma_b": 1.0, "mu": 1.0, "M": 1.0}
LEVELS = {"sigma_b": 1.0, "L": 1.0, "M": 1.0}
ONE = {"stability": 1.0, "log_covering_Q": abs}
BAD = [
    (approximation_bound, (-1.0, 0.1), NUMBERS, ValueError, "representation_error=-1.0"),
    (approximation_bound, ("a", 0.1), NUMBERS, TypeError, "representation_error='a'"),
    (approximation_bound, (1.0, np.nan), NUMBERS, ValueError, "convergence=nan"),
    (approximation_bound, (1.0, 0.1), {**NUMBERS, "mu": 0}, ValueError, "mu=0 must be positive"),
    (representation_bound, (1.0, 0.1), {**LEVELS, "sigma_b": 0}, ValueError, "sigma_b=0"),
    (representation_level, (-1.0, 0.1), LEVELS, ValueError, "level=-1.0"),
    (loss_difference_bound, (1.0,), {"stability": -2}, ValueError, "stability=-2"),
    (rademacher_transfer_bound, (1.0,), {"d": 0, "stability": 2}, ValueError, "d=0"),
    (rademacher_transfer_bound, (1.0,), {"d": 1.5, "stability": 2}, ValueError, "d=1.5"),
    (local_rademacher_bound, (-1.0,), LOCAL, ValueError, "log_covering_number=-1.0"),
    (local_rademacher_bound, (1.0,), {**LOCAL, "n_samples": 0}, ValueError, "n_samples=0"),
    (local_rademacher_bound, (1.0,), {**LOCAL, "t": -1}, ValueError, "t=-1"),
    (approximation_bound, (1, 0.1), {**NUMBERS, "M": -1}, ValueError, "M=-1"),
    (loss_difference_bound, (1.0,), {"stability": 2, "start_distance": -1}, ValueError, "start_d"),
    (CoveringTerms, (), {"constant_2": 0}, ValueError, "constant_2=0"),
    (covering_number_bound, (0.0,), ONE, ValueError, "eps=0.0"),
    (covering_number_bound, (1,), {**ONE, "log_covering_Q": 3}, TypeError, "log_covering_Q=3"),
    (covering_number_bound, (1,), {**ONE, "log_covering_Q": np.log}, ValueError, "log_covering_Q"),
    (step_size_log_covering_number, (0.1, math.inf), {}, ValueError, "step_size_radius=inf"),
    (step_size_log_covering_number, (0.1, 1.0, 0), {}, ValueError, "n_step_sizes=0"),
]


@pytest.mark.parametrize(("function", "arguments", "keywords", "error", "message"), BAD)
def test_bad_input(function, arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        function(*arguments, **keywords)
