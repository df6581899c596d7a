"""Series and their bounds, against numpy's Chebyshev module, dense grids and random matrices."""

import numpy as np
import pytest
from numpy.polynomial import chebyshev

from sklearn_reasoning.properties._chebyshev_series import (
    coefficients,
    operator_lipschitz,
    points,
    samples,
    supremum,
)

SPECTRA = [(0.1, 1.0), (1e-6, 1.0), (2.0, 7.0)]
DEGREES = [0, 1, 2, 3, 7, 20]


def to_unit(t, mu, L):
    return (2.0 * t - mu - L) / (L - mu)


def polynomials(degree, mu, L, m=4, seed=0):
    """Return m random series and the function that evaluates them."""
    c = np.random.default_rng(seed).normal(size=(m, degree + 1))

    def values(t):
        x = to_unit(np.broadcast_to(t, (m, t.shape[1])), mu, L)
        return np.stack([chebyshev.chebval(row, ci) for row, ci in zip(x, c, strict=True)])

    return c, values


@pytest.mark.parametrize(("mu", "L"), SPECTRA)
@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_points_are_numpys(mu, L, n):
    expected = 0.5 * (mu + L) + 0.5 * (L - mu) * np.cos(np.pi * np.arange(n, -1, -1) / n)
    found = points(mu, L, n)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    assert found[0] == mu
    assert found[-1] == L
    assert ((mu <= found) & (found <= L)).all()


@pytest.mark.parametrize("n", [1, 2, 3, 8, 33])
def test_coefficients_and_samples_are_numpys(n):
    rng = np.random.default_rng(n)
    c = rng.normal(size=(3, n + 1))
    # Rising eigenvalues are falling x = -t in the series: T_j(-x) = (-1)^j T_j(x).
    x = -to_unit(points(1.0, 3.0, n), 1.0, 3.0)
    values = np.stack([chebyshev.chebval(x, row) for row in c])
    np.testing.assert_allclose(coefficients(values), c, atol=1e-13)
    finer = -to_unit(points(1.0, 3.0, 3 * n), 1.0, 3.0)
    expected = np.stack([chebyshev.chebval(finer, row) for row in c])
    np.testing.assert_allclose(samples(c, 3 * n), expected, atol=1e-12)
    np.testing.assert_allclose(samples(c, n), values, atol=1e-13)


@pytest.mark.parametrize(("mu", "L"), SPECTRA)
@pytest.mark.parametrize("degree", DEGREES)
def test_suprema_of_random_polynomials(degree, mu, L):
    _, p = polynomials(degree, mu, L)
    found = supremum(p, degree, mu, L)
    grid = np.linspace(mu, L, 20001)[None]
    densest = np.abs(p(grid)).max(axis=1)
    assert (found.certified >= densest).all()
    assert (found.certified <= 1.001 * found.attained).all()
    assert (found.attained <= densest.max() * (1 + 1e-3)).all()
    at_point = np.abs(p(found.point[:, None]))[:, 0]
    np.testing.assert_allclose(found.attained, at_point, rtol=1e-12)


@pytest.mark.parametrize(("mu", "L"), SPECTRA)
@pytest.mark.parametrize("degree", DEGREES)
def test_operator_lipschitz_constants_of_random_polynomials(degree, mu, L):
    c, _ = polynomials(degree, mu, L, m=1)
    slope = np.atleast_1d(chebyshev.chebder(c[0])) * (2.0 / (L - mu))
    found = operator_lipschitz(lambda t: chebyshev.chebval(to_unit(t, mu, L), slope), degree, mu, L)
    densest = np.abs(chebyshev.chebval(np.linspace(-1.0, 1.0, 20001), slope)).max()
    assert found.certified[0] >= densest
    rng = np.random.default_rng(degree)
    for trial in range(60):
        d = int(rng.integers(1, 6))
        Q, moved = (symmetric(rng, d, mu, L) for _ in range(2))
        if trial % 2:
            moved = Q + 1e-3 * (moved - Q)
        change = apply(c[0], Q, mu, L) - apply(c[0], moved, mu, L)
        distance = np.linalg.norm(Q - moved, 2)
        rounding = 1e-13 * (degree + 1) ** 2
        assert np.linalg.norm(change, 2) <= found.certified[0] * distance + rounding


def symmetric(rng, d, mu, L):
    R = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return (R * rng.choice([mu, L, mu + (L - mu) * rng.random()], size=d)) @ R.T


def apply(c, Q, mu, L):
    eigenvalues, R = np.linalg.eigh(Q)
    return (R * chebyshev.chebval(to_unit(eigenvalues, mu, L), c)) @ R.T


@pytest.mark.parametrize("j", [1, 2, 5, 12])
def test_a_single_chebyshev_polynomial_has_its_slope_at_the_end(j):
    mu, L = 0.5, 2.0
    slope = chebyshev.chebder(np.eye(j + 1)[j]) * (2.0 / (L - mu))
    found = operator_lipschitz(lambda t: chebyshev.chebval(to_unit(t, mu, L), slope), j, mu, L)
    assert found.attained[0] == pytest.approx(j**2 * 2.0 / (L - mu), rel=1e-12)
    assert found.certified[0] == pytest.approx(j**2 * 2.0 / (L - mu), rel=1e-9)


def test_one_eigenvalue():
    found = supremum(lambda t: 3.0 * t**2 - 14.0, 2, 2.0, 2.0)
    assert found.attained[0] == 2.0
    assert found.certified[0] == pytest.approx(2.0, rel=1e-10)
    assert found.point[0] == 2.0


def test_constants():
    for value in (0.0, -3.0):
        found = supremum(lambda t, value=value: np.full(t.shape, value), 0, 0.1, 1.0)
        assert found.attained[0] == abs(value)
        assert abs(value) <= found.certified[0] <= abs(value) * (1 + 1e-10)
    flat = operator_lipschitz(np.zeros_like, 0, 0.1, 1.0)
    assert flat.attained[0] == flat.certified[0] == 0.0


@pytest.mark.parametrize(("value", "bounded"), [(1e306, True), (1e308, False), (np.inf, False)])
def test_overflow_loses_the_bound_and_not_what_is_attained(value, bounded):
    found = supremum(lambda t: value * t**3, 3, 0.1, 1.0)
    assert found.attained[0] == min(value, np.finfo(np.float64).max)
    if bounded:
        assert found.certified[0] == pytest.approx(value, rel=1e-9)
    else:
        assert found.certified[0] == np.inf
