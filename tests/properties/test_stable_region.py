"""The stable region: its formulas, and that the iterates grow just beyond the exact end."""

import math

import numpy as np
import pytest

from sklearn_reasoning.algorithms import RecurrentCell, get_algorithm, list_algorithms
from sklearn_reasoning.properties import stable_region

BOUNDS = [(0.1, 1.0), (0.01, 3.0), (0.5, 0.6), (2.0, 2.0)]


def nag_limit(mu, L):
    """Solve phi L (3 - sqrt(mu phi)) = 4 by bisection."""
    low, high = 1 / L, 4 / L
    for _ in range(100):
        phi = 0.5 * (low + high)
        low, high = (phi, high) if phi * L * (3 - math.sqrt(mu * phi)) < 4 else (low, phi)
    return low


LIMITS = {
    "fista": lambda mu, L: 4 / (3 * L),
    "gd": lambda mu, L: 2 / L,
    "nag": nag_limit,
    "heavy_ball": lambda mu, L: 4 / (math.sqrt(mu) + math.sqrt(L - mu)) ** 2,
}


def largest_error(name, phi, k, mu, L):
    return np.abs(get_algorithm(name).residual(np.linspace(mu, L, 201), k, phi, mu, L)).max()


@pytest.mark.parametrize(("mu", "L"), BOUNDS)
def test_table_1(mu, L):
    ends = {
        "gd": 2 / (mu + L),
        "nag": 4 / (mu + 3 * L),
        "heavy_ball": 4 / (math.sqrt(mu) + math.sqrt(L)) ** 2,
    }
    for name, high in ends.items():
        assert stable_region(name, mu, L) == pytest.approx((high / 100, high), rel=1e-14)


@pytest.mark.parametrize("name", list_algorithms())
def test_names_instances_and_methods_without_a_step_size(name):
    algorithm = get_algorithm(name)
    assert stable_region(algorithm, 0.1, 1.0) == stable_region(name, 0.1, 1.0)
    if not algorithm.has_step_size:
        assert stable_region(RecurrentCell(3), 0.1, 1.0) == (0.0, math.inf)
        assert stable_region(name, 0.1, 1.0) == (0.0, math.inf)


@pytest.mark.parametrize(("mu", "L"), BOUNDS[:2])
@pytest.mark.parametrize("name", LIMITS)
def test_bounded_inside_and_growing_just_beyond_the_exact_limit(name, mu, L):
    limit = LIMITS[name](mu, L)
    assert stable_region(name, mu, L)[1] < limit
    assert largest_error(name, 0.99 * limit, 4000, mu, L) < 1e-3
    assert largest_error(name, 1.01 * limit, 4000, mu, L) > 1e10


@pytest.mark.parametrize("k", [500, 501])
@pytest.mark.parametrize("name", LIMITS)
def test_the_ends_of_the_region_contract(name, k):
    for phi in stable_region(name, 0.1, 1.0):
        assert largest_error(name, phi, k, 0.1, 1.0) < 0.65


def test_heavy_ball_has_its_rate_up_to_its_end_and_not_beyond():
    mu, L, k = 0.1, 1.0, 400
    _, high = stable_region("heavy_ball", mu, L)

    def excess(phi):  # over the rate of the double root, polynomial in k inside the region
        return largest_error("heavy_ball", phi, k, mu, L) / (1 - math.sqrt(mu * phi)) ** k

    assert excess(0.999 * high) < k**2
    assert excess(high) < k**2
    assert excess(1.01 * high) > 1e6


@pytest.mark.parametrize(
    ("mu", "L"),
    [(0.0, 1.0), (-0.1, 1.0), (2.0, 1.0), (math.nan, 1.0), (0.1, math.nan), (0.1, math.inf)],
)
@pytest.mark.parametrize("name", list_algorithms())
def test_bounds_that_are_none(name, mu, L):
    with pytest.raises(ValueError, match=r"mu=.* and L=.* must satisfy 0 < mu <= L"):
        stable_region(name, mu, L)


def test_what_is_no_number_or_no_algorithm():
    with pytest.raises(TypeError, match=r"mu='a' and L=1.0 must be numbers"):
        stable_region("gd", "a", 1.0)
    with pytest.raises(ValueError, match="Did you mean 'heavy_ball'"):
        stable_region("heavy-ball", 0.1, 1.0)
    with pytest.raises(TypeError, match="algo must be"):
        stable_region(None, 0.1, 1.0)
