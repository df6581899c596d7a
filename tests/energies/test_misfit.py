"""Given linear terms that cannot have given minimisers within bounds of the spectrum."""

import numpy as np
import pytest
from _covering import covering

from sklearn_reasoning.energies import misfit

MU, L = 0.1, 1.0


def make_rows(n, d=3, noise=0.0, seed=0):
    """Return b, and minimisers under a Q with its spectrum in [MU, L] that differs row by row."""
    rng = np.random.default_rng(seed)
    b = rng.normal(size=(n, d))
    R = np.linalg.qr(rng.normal(size=(n, d, d)))[0]
    eigenvalues = rng.uniform(MU, L, size=(n, d))
    y = -np.einsum("nij,nj,nkj,nk->ni", R, 1 / eigenvalues, R, b)
    return b, y + noise * y.std() * rng.normal(size=y.shape)


def of(b, y, weight=None, mu=MU, L=L):
    return misfit(b, y, np.ones(len(b)) if weight is None else weight, mu, L)


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("n", [200, 2000])
def test_a_hundredfold_a_hundredth_and_a_flipped_sign(n, noise):
    b, y = make_rows(n, noise=noise)
    assert of(b, y) is None
    # The bounds are tenfold apart, so that a hundredfold b is off by ten to a hundred.
    assert 5.0 < of(100.0 * b, y) < 100.0
    assert 0.01 <= of(0.01 * b, y) < 0.1
    assert of(-b, y) == -1.0


@covering("seed, n", range(50), [20, 100])
def test_b_of_the_right_scale_is_silent_whatever_the_noise(n, seed):
    for noise in (0.0, 0.5, 2.0, 10.0):
        b, y = make_rows(n, noise=noise, seed=seed)
        assert of(b, y) is None
        noisy_b = b + noise * np.random.default_rng(seed).normal(size=b.shape)
        assert of(noisy_b, y) is None


def test_b_that_has_nothing_to_do_with_y_is_silent():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        n, d = rng.integers(1, 60), rng.integers(1, 4)
        b, y = (10.0 ** rng.uniform(-3, 3) * rng.normal(size=(n, d)) for _ in range(2))
        assert of(b, y) is None
        # Positive columns are related by their means alone.
        assert of(np.exp(b / abs(b).max()), np.exp(y / abs(y).max())) is None


def test_b_that_moves_with_Q_from_row_to_row_is_silent():
    # Without the means b and y have the sign of a wrong b.
    b = np.random.default_rng(0).uniform(1.0, 2.0, size=(300, 1))
    Q = b**2 / 4.0
    y = -b / Q
    assert np.corrcoef(b[:, 0], y[:, 0])[0, 1] > 0.9
    assert of(b, y) is None


def test_a_weight_is_a_row_that_often():
    b, y = make_rows(100)
    b[:60] *= -1.0
    assert of(100.0 * b, y) is None
    weight = np.where(np.arange(100) < 60, 1.0, 40.0)
    often = np.repeat(np.arange(100), weight.astype(int))
    assert of(100.0 * b, y, weight) == pytest.approx(of(100.0 * b[often], y[often]))


def test_numbers_whose_squares_are_no_floats():
    b, y = make_rows(100)
    for size in (1e-200, 1e200):
        assert of(size * b, size * y) is None
        assert of(100.0 * size * b, size * y) == pytest.approx(of(100.0 * b, y))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_a_few_rows_tell_nothing(n):
    b, y = make_rows(n)
    assert of(100.0 * b, y) is None
    assert of(0.0 * b, y) is None
    assert of(b, 0.0 * y) is None
