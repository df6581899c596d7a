"""mu and L for given linear terms, from the rows themselves."""

import numpy as np
import pytest

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.energies import suggest_spectrum


def columns(X, d):
    """Return b of [x | b | R]."""
    return X[:, -d - d * d : -d * d]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 100.0])
def test_they_are_near_the_spectrum_in_any_unit(scale):
    X, y = make_quadratic_reasoning(n_samples=300, mu=0.1, L=1.0, random_state=0)
    mu, L = suggest_spectrum(scale * columns(X, y.shape[1]), y)
    assert 0.02 * scale < mu < 0.3 * scale
    assert 0.8 * scale < L < 3.0 * scale


def test_all_rows_of_one_known_Q_lie_between_its_ends():
    rng = np.random.default_rng(0)
    Q = np.diag([0.5, 2.0])
    y = rng.normal(size=(100, 2))
    mu, L = suggest_spectrum(-y @ Q, y)
    assert 0.5 / 2.0 <= mu < L <= 2.0 * 2.0


def test_a_model_with_them_fits_b_of_another_scale():
    X, y = make_quadratic_reasoning(n_samples=300, random_state=0)
    d = y.shape[1]
    X[:, -d - d * d : -d * d] *= 100.0
    options = {"linear_term": "given", "rotation": "given", "random_state": 0}
    mu, L = suggest_spectrum(columns(X, d), y)
    with_them = HybridReasoningRegressor(mu=mu, L=L, **options).fit(X, y)
    without = HybridReasoningRegressor(**options).fit(X, y)
    assert with_them.empirical_loss_ < 0.1 * without.empirical_loss_


def test_noise_does_not_matter_much():
    X, y = make_quadratic_reasoning(n_samples=300, random_state=0)
    noisy = y + 0.3 * y.std() * np.random.default_rng(0).normal(size=y.shape)
    mu, L = suggest_spectrum(columns(X, y.shape[1]), noisy)
    assert 0.01 < mu < 0.5
    assert 0.5 < L < 10.0


def test_a_wrong_sign_and_other_shapes_are_refused():
    X, y = make_quadratic_reasoning(n_samples=20, random_state=0)
    b = columns(X, y.shape[1])
    with pytest.raises(ValueError, match="Hand over -b"):
        suggest_spectrum(-b, y)
    with pytest.raises(ValueError, match="of one"):
        suggest_spectrum(b[:, :1], y)
    with pytest.raises(ValueError, match="of one"):
        suggest_spectrum(b[:, 0], y[:, 0])
