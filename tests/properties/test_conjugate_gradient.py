"""What is claimed of conjugate gradients, against plain loops."""

import mpmath
import numpy as np
import pytest
from _covering import covering

from sklearn_reasoning.properties import convergence, sensitivity, stability, steps_needed


def chebyshev_error(k, mu, L):
    """Return 1 / T_k(x(0))."""
    return float(1 / mpmath.chebyt(k, (mpmath.mpf(L) + mu) / (mpmath.mpf(L) - mu)))


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8])
@pytest.mark.parametrize(("mu", "L"), [(0.1, 1.0), (0.5, 3.0), (0.01, 1.0)])
def test_the_attained_error_is_one_that_a_run_leaves(loops, k, mu, L):
    extrema = np.cos(np.pi * np.arange(k + 1) / k)
    eigenvalues = 0.5 * (L + mu) + 0.5 * (L - mu) * extrema
    b = np.ones(k + 1)
    b[[0, -1]] = np.sqrt(0.5)
    opt = -b / eigenvalues
    y = loops["cg"](np.diag(eigenvalues), b, [None] * k, mu, L)
    left = np.linalg.norm(y - opt) / np.linalg.norm(opt)
    found = convergence("cg", k, mu=mu, L=L)
    assert left == pytest.approx(chebyshev_error(k, mu, L), rel=1e-9)
    assert found.attained == pytest.approx(left, rel=1e-9)
    assert found.attained <= found.certified


@covering("condition, k", [1.5, 10.0, 1e4, 1e6], [0, 1, 2, 10, 100, 1000])
def test_both_bounds_are_chebyshevs(k, condition):
    mu = 1.0 / condition
    found, best = convergence("cg", k, mu=mu), chebyshev_error(k, mu, 1.0)
    assert found.attained == pytest.approx(best, rel=1e-9, abs=1e-300)
    expected = min(1.0, np.sqrt(1.0 / mu) * best)
    assert found.certified == pytest.approx(max(expected, best), rel=1e-9, abs=1e-300)


def test_random_problems_never_exceed_the_bound(loops, random_matrix):
    rng = np.random.default_rng(0)
    for _ in range(150):
        mu, d = 10 ** -rng.uniform(0.05, 3), int(rng.integers(1, 9))
        _, Q = random_matrix(rng, d, mu, 1.0)
        # Weights over many orders of magnitude: the errors are then far from alike.
        b = rng.normal(size=d) * 10.0 ** rng.uniform(-4, 0, size=d)
        opt = -np.linalg.solve(Q, b)
        for k in range(d + 1):
            y = loops["cg"](Q, b, [None] * k, mu, 1.0)
            bound = convergence("cg", k, mu=mu).certified
            left = np.linalg.norm(y - opt)
            assert left <= bound * np.linalg.norm(opt) * (1 + 1e-9) + 1e-12 / mu


def first_step(Q, b):
    return -(b @ b) / (b @ Q @ b) * b


@pytest.mark.parametrize("mu", [0.9, 0.3, 0.05])
def test_one_step_against_brute_force(mu):
    stab, h = stability("cg", 1, mu=mu), 1e-6
    Q = np.diag([mu, 1.0])
    steepest = 0.0
    for angle in np.linspace(0.0, np.pi / 2, 401):
        b = np.array([np.cos(angle), np.sin(angle)])
        columns = [
            (first_step(Q, b + h * e) - first_step(Q, b - h * e)) / (2 * h) for e in np.eye(2)
        ]
        steepest = max(steepest, np.linalg.norm(np.stack(columns), 2))
    assert steepest <= stab.in_b.certified
    assert stab.in_b.attained == pytest.approx(steepest, rel=1e-3)
    # By Kantorovich's inequality.
    kantorovich = (1 + (1 / mu - 1) * np.sqrt(mu)) / mu
    assert stab.in_b.attained <= stab.in_b.certified == pytest.approx(kantorovich, rel=1e-14)
    moved = first_step(np.diag([mu + h, 1.0]), np.eye(2)[0]) - first_step(Q, np.eye(2)[0])
    assert np.linalg.norm(moved) / h == pytest.approx(stab.in_Q.attained, rel=1e-4)
    assert stab.in_Q.attained == stab.in_Q.certified == pytest.approx(mu**-2, rel=1e-14)


def test_one_step_on_random_problems(random_matrix):
    rng = np.random.default_rng(1)
    for _ in range(200):
        mu, d = 10 ** -rng.uniform(0.05, 3), int(rng.integers(1, 6))
        stab = stability("cg", 1, mu=mu)
        _, Q = random_matrix(rng, d, mu, 1.0)
        _, other = random_matrix(rng, d, mu, 1.0)
        b, b_other = rng.normal(size=(2, d)) * 10.0 ** rng.uniform(-2, 0, size=(2, d))
        close = rng.choice([1.0, 1e-3])
        other, b_other = Q + close * (other - Q), b + close * (b_other - b)
        in_Q = np.linalg.norm(first_step(Q, b) - first_step(other, b))
        change = np.linalg.norm(Q - other, 2) * np.linalg.norm(b)
        assert in_Q <= stab.in_Q.certified * change * (1 + 1e-9) + 1e-12 / mu
        in_b = np.linalg.norm(first_step(Q, b) - first_step(Q, b_other))
        change = np.linalg.norm(b - b_other)
        assert in_b <= stab.in_b.certified * change * (1 + 1e-9) + 1e-12 / mu


@pytest.mark.parametrize("mu", [0.9, 0.3, 0.05])
def test_one_step_from_any_start_against_brute_force(loops, mu):
    stab, h = stability("cg", 1, mu=mu), 1e-6
    Q = np.diag([mu, 1.0])
    steepest = 0.0
    for angle in np.linspace(0.0, np.pi / 2, 401):
        # The error at the start; the minimiser is at 0.
        e = np.array([np.cos(angle), np.sin(angle)])
        columns = [
            (loops["cg"](Q, np.zeros(2), [None], mu, 1.0, e + h * v)
             - loops["cg"](Q, np.zeros(2), [None], mu, 1.0, e - h * v)) / (2 * h)
            for v in np.eye(2)
        ]  # fmt: skip
        steepest = max(steepest, np.linalg.norm(np.stack(columns), 2))
    assert steepest <= stab.in_start.certified
    assert steepest >= stab.in_start.attained * (1 - 1e-4)
    assert steepest > convergence("cg", 1, mu=mu).certified or mu > 0.5  # Cvg is not the bound
    assert stab.in_start.certified == pytest.approx((1 / mu - 1) * (1 + mu**-0.5), rel=1e-12)
    nothing = stability("cg", [0, 1, 4], mu=0.5, L=0.5).in_start.certified
    assert nothing.tolist() == [1.0, 0.0, 0.0]
    assert stability("cg", 2, mu=mu).in_start.certified == np.inf


@pytest.mark.parametrize("k", [2, 3, 10])
def test_beyond_one_step_nothing_is_proven_and_an_eigenvector_shows_what_it_shows(loops, k):
    mu, h = 0.2, 1e-6
    stab = stability("cg", k, mu=mu)
    assert stab.in_Q.certified == stab.in_b.certified == np.inf
    Q, b = np.diag([mu, 0.6, 1.0]), np.eye(3)[0]
    y = loops["cg"](Q, b, [None] * k, mu, 1.0)
    moved = loops["cg"](Q + h * np.diag(b), b, [None] * k, mu, 1.0)
    assert np.linalg.norm(moved - y) / h == pytest.approx(stab.in_Q.attained, rel=1e-4)
    moved = loops["cg"](Q, (1 + h) * b, [None] * k, mu, 1.0)
    assert np.linalg.norm(moved - y) / h == pytest.approx(stab.in_b.attained, rel=1e-4)


def test_no_lipschitz_constant_beyond_the_first_step(loops):
    # What b holds besides an eigenvector decides the second direction, however little it is.
    Q, mu, b = np.diag([0.1, 0.5, 1.0]), 0.1, np.eye(3)[0]
    moved = []
    for little in (1e-3, 1e-5, 1e-7):
        outputs = [loops["cg"](Q, b + little * v, [None] * 2, mu, 1.0) for v in np.eye(3)[1:]]
        moved.append(np.linalg.norm(outputs[0] - outputs[1]) / (little * np.sqrt(2)))
    assert np.isfinite(moved).all()
    assert stability("cg", 2, mu=mu).in_b.certified == np.inf


def test_one_eigenvalue_takes_one_step():
    for k in (1, 5):
        assert convergence("cg", k, mu=0.5, L=0.5).certified == 0.0
        stab = stability("cg", k, mu=0.5, L=0.5)
        assert stab.in_b.certified == pytest.approx(2.0, rel=1e-14)
        assert stab.in_Q.certified == pytest.approx(4.0, rel=1e-14)


def test_no_step_size_and_many_steps():
    assert sensitivity("cg", [1, 2], 0.3).certified.tolist() == [0.0, 0.0]
    mu = 1e-6
    k = steps_needed("cg", 1e-3, mu=mu)  # thousands, at once
    assert np.sqrt(1 / mu) * chebyshev_error(k, mu, 1.0) <= 1e-3 * (1 + 1e-9)
    assert np.sqrt(1 / mu) * chebyshev_error(k - 1, mu, 1.0) > 1e-3
