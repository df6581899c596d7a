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
    X, y = make_quadratic_reasoning(n_samples=100, random_state=0)
    d = y.shape[1]
    X[:, -d - d * d : -d * d] *= 100.0
    options = {"linear_term": "given", "rotation": "given", "max_epochs": 80, "random_state": 0}
    mu, L = suggest_spectrum(columns(X, d), y)
    with_them = HybridReasoningRegressor(mu=mu, L=L, **options).fit(X, y)
    with pytest.warns(UserWarning, match="too large"):
        without = HybridReasoningRegressor(**options).fit(X, y)
    assert with_them.empirical_loss_ < 0.1 * without.empirical_loss_


def test_noise_does_not_matter_much():
    X, y = make_quadratic_reasoning(n_samples=300, random_state=0)
    noisy = y + 0.3 * y.std() * np.random.default_rng(0).normal(size=y.shape)
    mu, L = suggest_spectrum(columns(X, y.shape[1]), noisy)
    assert 0.01 < mu < 0.5
    assert 0.5 < L < 10.0


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_sizes_whose_squares_are_no_floats(size):
    rng = np.random.default_rng(0)
    b = rng.normal(size=(50, 3))
    y = -b / [0.2, 1.0, 4.0]
    assert suggest_spectrum(size * b, size * y) == pytest.approx(suggest_spectrum(b, y))


def test_one_row_that_is_off_turns_nothing_round():
    rng = np.random.default_rng(0)
    b = rng.normal(size=(200, 3))
    y = -b / [0.2, 1.0, 4.0]
    b, y = (np.vstack([values, [1e9, 0.0, 0.0]]) for values in (b, y))
    mu, L = suggest_spectrum(b, y)
    assert mu < 0.25
    assert L > 3.0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda y: np.where(y > 1.0, np.inf, y), ValueError, "y contains NaN or infinity"),
        (lambda y: np.where(y > 1.0, np.nan, y), ValueError, "y contains NaN or infinity"),
        (lambda y: 0.0 * y, ValueError, "not 0"),
        (lambda y: y + 1j, ValueError, "y is complex"),
        (lambda y: y.astype("M8[D]"), TypeError, "dates"),
        (lambda y: y.astype(str), ValueError, "text"),
    ],
)
def test_what_is_no_number(change, error, message):
    y = np.random.default_rng(0).normal(size=(50, 3))
    with pytest.raises(error, match=message):
        suggest_spectrum(-y, change(y))


def test_a_wrong_sign_and_other_shapes_are_refused():
    X, y = make_quadratic_reasoning(n_samples=20, random_state=0)
    b = columns(X, y.shape[1])
    with pytest.raises(ValueError, match="Hand over -b"):
        suggest_spectrum(-b, y)
    with pytest.raises(ValueError, match="of one"):
        suggest_spectrum(b[:, :1], y)
    with pytest.raises(ValueError, match="of one"):
        suggest_spectrum(b[:, 0], y[:, 0])
