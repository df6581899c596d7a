"""Sens(k) over ranges of step sizes, against closed forms and dense grids of step sizes."""

import numpy as np
import pytest
from _covering import covering

from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.properties import sensitivity, stable_region

K = [1, 2, 3, 10, 100, 1000]
CONDITIONS = [1.5, 10.0, 1e4, 1e6]


def ranges(name, mu, L=1.0):
    low, high = stable_region(name, mu, L)
    return [(low, high), (10 * low, 50 * low), (0.5 * high, high), (high, high)]


class Damped(Algorithm):
    """Richardson at half the step size; it states no rate."""

    name = "damped"

    def step(self, state, problem, phi):
        (y,) = state
        return (problem.descend(y, 0.5 * phi),)


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball"])
@pytest.mark.parametrize("mu", [0.1, 0.3, 1e-3])
def test_bounds_in_single_precision_are_those_in_double(name, mu):
    mu, L = np.float32(mu), np.float32(1.0 / 3.0)
    assert stable_region(name, mu, L) == stable_region(name, float(mu), float(L))
    single = sensitivity(name, K, "stable", mu, L)
    double = sensitivity(name, K, "stable", float(mu), float(L))
    assert (single.certified == double.certified).all()
    layer = ReasoningLayer(name, k=3, mu=mu, L=L)
    assert (layer.low, layer.high) == stable_region(name, float(mu), float(L))
    model = HybridReasoningRegressor(name, k=3, mu=mu, L=L, lr=5.0, max_epochs=3, random_state=0)
    certificate = model.fit([[0.0], [1.0], [3.0]], [1.0, 0.0, 2.0]).certify()
    assert certificate.is_stable
    if name != "heavy_ball":
        assert np.isfinite(certificate.sensitivity_over_range.certified)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_gradient_descent(condition):
    mu = 1.0 / condition
    for low, high in ranges("gd", mu):
        expected = [k * (1 - low * mu) ** (k - 1) for k in K]
        found = sensitivity("gd", K, (low, high), mu)
        np.testing.assert_allclose(found.attained, expected, rtol=1e-9)
        assert (found.certified >= found.attained).all()
        assert (found.certified <= 1.05 * found.attained).all()


@pytest.mark.parametrize("condition", CONDITIONS)
def test_nesterov(condition):
    mu = 1.0 / condition
    for low, high in ranges("nag", mu):
        expected = [0.5 * k * (k + 1) * (1 - np.sqrt(mu * low)) ** (k - 1) for k in K]
        found = sensitivity("nag", K, (low, high), mu)
        np.testing.assert_allclose(found.attained, expected, rtol=1e-9)
        assert (found.certified >= found.attained).all()
        assert (found.certified <= 1.05 * found.attained).all()
        assert (found.eigenvalue[1:] == mu).all()  # after one step the slope is 1 everywhere


def slopes(name, k, phi, t, mu):
    """Return |dq_k / dphi| = |dr_k / dphi| / t by a complex step through the recurrence."""
    h = 1e-30
    phi = phi + 1j * h
    r = z = before = np.ones_like(t, dtype=complex)
    s = np.sqrt(mu * phi)
    for _ in range(k):
        if name == "gd":
            r = r - phi * t * r
        elif name == "nag":
            r_next = z - phi * t * z
            z, r = r_next + (1 - s) / (1 + s) * (r_next - r), r_next
        else:
            r, before = r - phi * t * r + (1 - s) ** 2 * (r - before), r
    return np.abs(r.imag) / h / t


@covering("name, mu, k", ["gd", "nag", "heavy_ball"], [0.3, 0.01], [1, 2, 5, 30])
def test_never_below_a_dense_grid_and_near_it(name, mu, k):
    t = np.linspace(mu, 1.0, 301)[:, None]
    for low, high in ranges(name, mu):
        step_sizes = np.geomspace(low, high, 101)[None]
        largest = slopes(name, k, step_sizes, t, mu).max()
        found = sensitivity(name, k, (low, high), mu)
        assert largest <= found.certified * (1 + 1e-10)
        assert found.certified <= 1.05 * found.attained
        assert found.attained <= 1.01 * largest  # the grid misses the top by less


@pytest.mark.parametrize("k", [1, 2, 7, 40])
def test_gradient_descent_beyond_its_region(k):
    # k |1 - phi t|^(k-1) is largest at one of the four corners.
    low, high, mu = 0.5, 2.5, 0.1
    expected = k * max(abs(1 - phi * t) for phi in (low, high) for t in (mu, 1.0)) ** (k - 1)
    found = sensitivity("gd", k, (low, high), mu)
    assert found.attained == pytest.approx(expected, rel=1e-10)
    assert found.certified == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("ends", [(0.5, 1.0), (1.0, 1.5), (0.5, 1.5), (1.0, 1.0)])
def test_one_eigenvalue(ends):
    for k in (1, 2, 3):
        expected = k * max(abs(1 - phi) for phi in ends) ** (k - 1)
        found = sensitivity("gd", k, ends, 1.0, 1.0)
        assert found.attained == pytest.approx(expected, rel=1e-10)
        assert found.certified == pytest.approx(expected, rel=1e-9)


def test_no_rate_no_bound():
    for algorithm, ends in (
        (Damped(), (0.2, 1.0)),
        ("nag", (0.5, 1.9)),  # the region ends at 1.29
        ("heavy_ball", (0.5, 12.0)),  # and the rate at 1/mu
    ):
        found = sensitivity(algorithm, [1, 4], ends, 0.1)
        assert (found.certified == np.inf).all()
        assert (found.attained > 0.0).all()
        local = sensitivity(algorithm, 4, ends[1], 0.1)
        assert np.isfinite(local.certified)
        assert found.attained[1] >= local.attained * (1 - 1e-12)


def test_a_range_whose_values_underflow_ends():
    found = sensitivity("gd", 295, (0.9, 1.1), 0.999, 1.0)
    assert found.attained <= found.certified
    assert found.attained == pytest.approx(295 * 0.1009**294, rel=1e-8)


def test_the_stable_region_by_name():
    for name in ("gd", "nag", "heavy_ball"):
        by_ends = sensitivity(name, 5, stable_region(name, 0.1, 2.0), 0.1, 2.0)
        assert sensitivity(name, 5, "stable", 0.1, 2.0).certified == by_ends.certified
    assert sensitivity("cg", 5, "stable").certified == 0.0
    assert sensitivity("chebyshev", [5, 6], (0.1, 0.2)).certified.tolist() == [0.0, 0.0]


def test_repeated_and_unordered_steps():
    found = sensitivity("nag", [[5, 1], [1, 5]], (0.2, 1.0), 0.1)
    assert found.certified.shape == (2, 2)
    assert found.certified[0, 0] == found.certified[1, 1]
    assert found.certified[0, 1] == found.certified[1, 0] == pytest.approx(1.0, rel=1e-9)


def test_a_pair_of_step_sizes_never_moves_the_output_more(loops, random_matrix):
    rng = np.random.default_rng(0)
    for _ in range(80):
        name = str(rng.choice(["gd", "nag", "heavy_ball"]))
        mu, k, d = 10 ** -rng.uniform(0.1, 3), int(rng.integers(1, 25)), int(rng.integers(1, 6))
        low, high = stable_region(name, mu, 1.0)
        _, Q = random_matrix(rng, d, mu, 1.0)
        b = rng.normal(size=d)
        pair = rng.choice([low, high, *np.exp(rng.uniform(np.log(low), np.log(high), 3))], 2)
        outputs = [loops[name](Q, b, [phi] * k, mu, 1.0) for phi in pair]
        moved = np.linalg.norm(outputs[0] - outputs[1])
        bound = sensitivity(name, k, (low, high), mu).certified * abs(pair[0] - pair[1])
        assert moved <= bound * np.linalg.norm(b) + 1e-12 * np.linalg.norm(outputs[0])
