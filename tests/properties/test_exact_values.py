"""Attained values against recurrences in 100 digits and closed forms; bounds against attained.

The references run in mpmath; derivatives are differences over steps so small that 100 digits
leave none of them wrong.
"""

from functools import lru_cache

import mpmath
import numpy as np
import pytest
from _covering import covering
from mpmath import mpf

from sklearn_reasoning.algorithms import PerIteration
from sklearn_reasoning.properties import convergence, sensitivity, stability, stable_region

K = (1, 2, 3, 10, 100, 1000)
CONDITIONS = (10.0, 1e4, 1e6)
WITH_STEP_SIZE = ("gd", "nag", "heavy_ball")
STEP_SIZES = ("small", "1/L", "end")
DIGITS = 100
TINY_STEP = mpf(10) ** -40


@pytest.fixture(autouse=True, scope="module")
def digits():
    with mpmath.workdps(DIGITS):
        yield


def step_size(name, which, mu, L=1.0):
    low, high = stable_region(name, mu, L)
    return {"small": 10.0 * low, "1/L": 1.0 / L, "end": high}[which]


def run(name, t, k, phi, mu, L, y, b):
    """Run k steps on the scalar energy t y^2 / 2 + b y from y."""
    if name == "chebyshev":
        return run_chebyshev(t, k, mu, L, y, b)
    s = mpmath.sqrt(mu * phi)
    before = z = y
    for _ in range(k):
        if name == "gd":
            y = y - phi * (t * y + b)
        elif name == "nag":
            y_next = z - phi * (t * z + b)
            z, y = y_next + (1 - s) / (1 + s) * (y_next - y), y_next
        else:
            y, before = y - phi * (t * y + b) + (1 - s) ** 2 * (y - before), y
    return y


def run_chebyshev(t, k, mu, L, y, b):
    rho, omega, before = (L - mu) / (L + mu), mpf(1), y
    for i in range(k):
        y, before = before + omega * (y - 2 / (mu + L) * (t * y + b) - before), y
        omega = 2 / (2 - rho**2) if i == 0 else 4 / (4 - rho**2 * omega)
    return y


def residual(name, t, k, phi, mu, L):
    return run(name, t, k, phi, mu, L, mpf(1), mpf(0))


def filtered(name, t, k, phi, mu, L):
    return run(name, t, k, phi, mu, L, mpf(0), mpf(-1))


@lru_cache(maxsize=512)
def exact(what, name, t, k, phi, mu, L=1.0):
    """Return the absolute value of a polynomial or of its derivative, for floats as they are."""
    t, mu, L = mpf(t), mpf(mu), mpf(L)
    phi = None if phi is None else mpf(phi)
    if what == "convergence":
        return abs(residual(name, t, k, phi, mu, L))
    if what == "in_b":
        return abs(filtered(name, t, k, phi, mu, L))
    if what == "in_Q":
        ends = [filtered(name, t + h, k, phi, mu, L) for h in (TINY_STEP, -TINY_STEP)]
    else:
        # q_k = (1 - r_k) / t, without the 1: the derivative may be far below 1e-100.
        ends = [residual(name, t, k, phi + h, mu, L) / t for h in (TINY_STEP, -TINY_STEP)]
    return abs(ends[0] - ends[1]) / (2 * TINY_STEP)


def certificates(name, k, phi, mu, L=1.0):
    stab = stability(name, k, phi, mu, L)
    found = {
        "convergence": convergence(name, k, phi, mu, L),
        "in_b": stab.in_b,
        "in_Q": stab.in_Q,
    }
    if phi is not None:
        found["sensitivity"] = sensitivity(name, k, phi, mu, L)
    return found


ROUNDING = 1e-10
SETTINGS = [(name, which) for name in WITH_STEP_SIZE for which in STEP_SIZES]
SETTINGS.append(("chebyshev", None))


@covering("setting, condition", SETTINGS, CONDITIONS)
def test_attained_is_the_value_at_its_eigenvalue_and_certified_is_near(setting, condition):
    name, which = setting
    mu = 1.0 / condition
    phi = None if which is None else step_size(name, which, mu)
    steps = K if condition == 1e6 else K[:-1]  # k = 1000 takes most of the time
    for what, found in certificates(name, np.array(steps), phi, mu).items():
        for i, k in enumerate(steps):
            label = f"{what} of {name} at k={k}, {which}"
            attained, certified = float(found.attained[i]), float(found.certified[i])
            eigenvalue = float(found.eigenvalue[i])
            assert mu <= eigenvalue <= 1.0, label
            reference = exact(what, name, eigenvalue, k, phi, mu)
            assert abs(attained - reference) <= ROUNDING * reference, label
            assert attained <= certified, label
            assert certified <= (1.05 if what == "sensitivity" else 1.001) * attained, label


@covering("setting, condition, k", SETTINGS, [10.0, 1e6], [1, 3, 30])
def test_certified_is_above_the_exact_values_on_a_grid(setting, condition, k):
    name, which = setting
    mu = 1.0 / condition
    phi = None if which is None else step_size(name, which, mu)
    with mpmath.workdps(40):
        grid = [mpf(t) for t in [mu, *np.geomspace(mu, 1.0, 12)[1:-1], 0.999, 1.0]]
        found = certificates(name, k, phi, mu)
        size = None if phi is None else mpf(phi)
        for t in grid:
            at = name, t, k, size, mpf(mu), mpf(1)
            assert abs(residual(*at)) <= found["convergence"].certified
            assert abs(filtered(*at)) <= found["in_b"].certified


# ---------------------------------------------------------------------- closed forms


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("which", STEP_SIZES)
def test_gradient_descent(which, condition):
    mu = 1.0 / condition
    phi = step_size("gd", which, mu)
    k = np.array(K)
    left = np.array([float((1 - mpf(phi) * mpf(mu)) ** n) for n in K])
    moved = np.array([float(n * (1 - mpf(phi) * mpf(mu)) ** (n - 1)) for n in K])
    stab = stability("gd", k, phi, mu)
    in_b = np.array([float((1 - (1 - mpf(phi) * mpf(mu)) ** n) / mpf(mu)) for n in K])
    close = {"rtol": 1e-6}
    np.testing.assert_allclose(convergence("gd", k, phi, mu).certified, left, **close)
    np.testing.assert_allclose(stab.in_b.certified, in_b, **close)
    np.testing.assert_allclose(sensitivity("gd", k, phi, mu).certified, moved, **close)
    np.testing.assert_allclose(convergence("gd", k, phi, mu).attained, left, rtol=1e-11)
    np.testing.assert_allclose(stab.in_b.attained, in_b, rtol=1e-11)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("which", STEP_SIZES)
def test_nesterov(which, condition):
    mu = 1.0 / condition
    phi = step_size("nag", which, mu)
    s = mpmath.sqrt(mpf(mu) * mpf(phi))
    left = [float((1 - s) ** k * (1 + k * s)) for k in K]
    moved = [float(mpf(k) * (k + 1) / 2 * (1 - s) ** (k - 1)) for k in K]
    k = np.array(K)
    found = convergence("nag", k, phi, mu)
    np.testing.assert_allclose(found.attained, left, rtol=1e-10)
    assert (found.certified >= left).all()
    assert (found.certified <= 1.001 * np.array(left)).all()
    assert (found.eigenvalue == mu).all()
    local = sensitivity("nag", k, phi, mu)
    np.testing.assert_allclose(local.attained, moved, rtol=1e-10)
    np.testing.assert_allclose(local.certified, moved, rtol=1e-6)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("k", K)
def test_chebyshev(k, condition):
    mu = 1.0 / condition
    best = 1 / mpmath.chebyt(k, (1 + mpf(mu)) / (1 - mpf(mu)))
    found = convergence("chebyshev", k, mu=mu)
    assert abs(found.attained - best) <= ROUNDING * best
    assert best <= found.certified <= (1 + 1e-6) * best


@pytest.mark.parametrize("k", [1, 2, 3, 10, 100])
def test_heavy_ball_within_and_at_the_end_of_its_region(k):
    mu, phi = 0.1, 0.5
    rho = 1 - mpmath.sqrt(mpf(mu) * mpf(phi))
    found = convergence("heavy_ball", k, phi, mu)
    assert found.attained == pytest.approx(float(rho**k * (1 + k * (1 - rho))), rel=1e-11)
    end = stable_region("heavy_ball", mu, 1.0)[1]
    rho = 1 - mpmath.sqrt(mpf(mu) * mpf(end))
    found = convergence("heavy_ball", k, end, mu)
    # Both roots are at -rho at t = L: r_k = (-rho)^k (1 + k (1 + rho)).
    assert found.attained == pytest.approx(float(rho**k * (1 + k * (1 + rho))), rel=1e-11)
    assert found.eigenvalue == 1.0
    local = sensitivity("heavy_ball", k, end, mu)
    expected = rho ** (k - 1) * k * (k + 1) * (2 * k + 1) / 6
    assert local.attained == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball", "chebyshev"])
def test_stability_tends_to_that_of_the_minimiser(name):
    mu = 0.1
    stab, limit = stability(name, 600, mu=mu), stability("opt", 1, mu=mu)
    assert stab.in_b.attained == pytest.approx(1 / mu, rel=1e-12)
    assert stab.in_Q.attained == pytest.approx(1 / mu**2, rel=1e-10)
    assert limit.in_b.attained == limit.in_b.certified == 1 / mu
    assert limit.in_Q.attained == limit.in_Q.certified == pytest.approx(1 / mu**2, rel=1e-15)


def test_per_iteration_sizes_that_are_chebyshevs_roots_are_as_good_as_chebyshev():
    mu, L = 0.01, 1.0
    for k in (1, 3, 8):
        angles = np.pi * (np.arange(k) + 0.5) / k
        roots = 0.5 * (L + mu) + 0.5 * (L - mu) * np.cos(angles)
        found = convergence("gd", k, PerIteration(tuple(1.0 / roots)), mu, L)
        best = float(1 / mpmath.chebyt(k, (L + mpf(mu)) / (L - mpf(mu))))
        assert found.attained == pytest.approx(best, rel=1e-10)
        assert found.certified == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball"])
def test_equal_sizes_per_iteration_are_the_one_size(name):
    k, phi, mu = 12, 0.8, 0.05
    sizes = PerIteration((phi,) * k)
    one, all_ = certificates(name, k, phi, mu), certificates(name, k, sizes, mu)
    for what in ("convergence", "in_b", "in_Q"):
        assert all_[what].certified == pytest.approx(one[what].certified, rel=1e-10)
        assert all_[what].attained == pytest.approx(one[what].attained, rel=1e-10)
    # Moving all sizes alike by h is a move of length sqrt(k) h.
    assert all_["sensitivity"].attained >= one["sensitivity"].attained / np.sqrt(k) * (1 - 1e-12)
    if name == "gd":  # r_k is symmetric in the sizes: all derivatives are equal
        expected = one["sensitivity"].attained / np.sqrt(k)
        assert all_["sensitivity"].attained == pytest.approx(expected, rel=1e-10)
        assert all_["sensitivity"].certified <= 1.001 * expected


# ---------------------------------------------------------------------- the ends of the numbers


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball", "chebyshev", "cg"])
def test_what_is_below_the_smallest_number_is_zero(name):
    found = convergence(name, 20000 if name == "cg" else 3000, mu=0.9)
    assert found.attained == found.certified == 0.0


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball"])
def test_what_is_above_the_largest_number_is_inf(name):
    found = certificates(name, np.array([1, 400, 2000]), 9.0, 0.1)
    for certificate in found.values():
        assert np.isfinite(certificate.certified[0])
        assert certificate.certified[2] == np.inf
        assert not np.isnan(certificate.attained).any()
        assert not np.isnan(certificate.certified).any()
        assert (certificate.attained <= certificate.certified).all()


def test_the_last_steps_before_an_overflow():
    found = convergence("gd", [306, 307, 308, 309], 11.0, 0.1)  # 10^k at t = L
    np.testing.assert_allclose(found.attained[:3], [1e306, 1e307, 1e308], rtol=1e-12)
    assert found.certified[0] == pytest.approx(1e306, rel=1e-8)
    assert found.certified[3] == np.inf
    assert (found.attained <= found.certified).all()


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball", "chebyshev", "opt", "cg", "rnn"])
def test_zero_steps(name):
    found = convergence(name, 0)
    # What is sampled may be rounded.
    assert found.attained == pytest.approx(0.0 if name == "opt" else 1.0, rel=1e-15, abs=0.0)
    assert found.attained <= found.certified <= 1.0 + 1e-8
    if name != "opt":
        stab = stability(name, 0)
        assert stab.in_Q.attained == stab.in_Q.certified == 0.0
        assert stab.in_b.attained == stab.in_b.certified == 0.0
        assert sensitivity(name, 0).certified == 0.0


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball", "chebyshev"])
def test_one_eigenvalue(name):
    t = 0.5
    phi = None if name == "chebyshev" else 0.8
    for k in (1, 2, 7):
        for what, found in certificates(name, k, phi, t, t).items():
            reference = float(exact(what, name, t, k, phi, t, t))
            assert found.attained == pytest.approx(reference, rel=1e-10, abs=1e-15), what
            assert found.certified == pytest.approx(reference, rel=1e-9, abs=1e-14), what
            assert found.eigenvalue == t


def assert_bounds_the_exact_values(name, k, which, mu, L):
    phi = None if which is None else step_size(name, which, mu, L)
    for what, found in certificates(name, k, phi, mu, L).items():
        for t in {mu, L, float(found.eigenvalue)}:
            assert mpf(float(found.certified)) >= exact(what, name, t, k, phi, mu, L), (what, t)


@covering("setting, L, gap", SETTINGS, [0.7, 1.0, 3.0], [1e-15, 1e-12, 1e-9, 1e-6, 1e-4])
def test_bounds_where_mu_is_near_L(setting, L, gap):
    """1 - phi t has few digits left there, and its powers fewer."""
    name, which = setting
    for k in (1, 2, 10):
        assert_bounds_the_exact_values(name, k, which, L * (1.0 - gap), L)


@covering("setting, condition", SETTINGS, [1e8, 1e10, 1e12, 1e14])
def test_bounds_at_conditions_without_end(setting, condition):
    name, which = setting
    for k in (3, 10, 100):
        assert_bounds_the_exact_values(name, k, which, 1.0 / condition, 1.0)


@pytest.mark.parametrize(
    ("k", "mu"),
    [
        (5500, 1e-6),
        pytest.param(10_000, 1e-6, marks=pytest.mark.hard),
        pytest.param(8000, 1e-5, marks=pytest.mark.hard),
    ],
)
def test_bounds_of_thousands_of_steps(k, mu):
    """At the end of its region the two roots of heavy ball are one, and roundings add up."""
    phi = step_size("heavy_ball", "end", mu)
    for found, what in (
        (convergence("heavy_ball", k, phi, mu), "convergence"),
        (sensitivity("heavy_ball", k, phi, mu), "sensitivity"),
    ):
        truth = exact(what, "heavy_ball", float(found.eigenvalue), k, phi, mu)
        assert truth <= mpf(float(found.certified)) <= truth * mpf(1.002)


@pytest.mark.parametrize("prop", [convergence, stability, sensitivity])
def test_the_default_spectrum_and_step_size(prop):
    def numbers(*arguments, **options):
        found = prop("nag", 7, *arguments, **options)
        parts = (found,) if prop is not stability else (found.in_Q, found.in_b)
        return [(part.attained, part.certified) for part in parts]

    assert numbers() == numbers(1.0, 0.1, 1.0)  # 1/L lies inside the stable region
    assert numbers(mu=0.2, L=4.0) == numbers(0.25, 0.2, 4.0)


@pytest.mark.parametrize("prop", [convergence, sensitivity])
def test_the_shape_is_that_of_k_and_step_size_together(prop):
    assert np.shape(prop("gd", 3, 0.5).certified) == ()
    assert np.shape(prop("cg", [[1], [2]]).attained) == (2, 1)
    table = prop("gd", [[1], [2]], [0.3, 0.5, 0.7]).certified
    alone = [[prop("gd", k, phi).certified for phi in (0.3, 0.5, 0.7)] for k in (1, 2)]
    np.testing.assert_allclose(table, alone, rtol=1e-9)
