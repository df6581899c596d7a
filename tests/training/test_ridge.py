"""Ridge regression: scikit-learn's at its penalties, which a brute-force search confirms."""

import numpy as np
import pytest
from _covering import covering
from numpy.testing import assert_allclose
from sklearn.datasets import make_friedman1
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV

from sklearn_reasoning.training._ridge import _SHARES, ridge

SHARES = _SHARES[:, 0].numpy()


def make_data(n=40, m=5, d=3, noise=1.0, seed=0):
    """Columns of unlike units and means, correlated, and weights that sum to 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, m)) @ (np.eye(m) + 0.5)
    y = x @ rng.normal(size=(m, d)) * [3.0, 0.3, 0.0][:d] + noise * rng.normal(size=(n, d))
    weight = rng.uniform(0.2, 2.0, size=n)
    return x * 10.0 ** np.arange(-2, m - 2) + 7.0, y, weight / weight.sum()


def centred(y, weight):
    return y - weight @ y


def brute_force(x, y, weight, n):
    """Return coefficients, and the criterion with the best penalty, of scikit-learn's Ridge.

    The criterion is from its definition: the degrees of freedom are the trace of the matrix that
    makes predictions of targets.
    """
    centre = weight @ x
    spread = np.sqrt(weight @ (x - centre) ** 2)
    z = (x - centre) / spread
    largest = np.linalg.svd(np.sqrt(weight)[:, None] * z, compute_uv=False)[0] ** 2
    coefficients, criteria = [], []
    for share in SHARES:
        if np.isinf(share):
            coef, predicted, hat = np.zeros((y.shape[1], x.shape[1])), 0 * y + weight @ y, None
        else:
            model = Ridge(alpha=share * largest, solver="cholesky")
            hat = model.fit(z, np.eye(len(x)), sample_weight=weight).predict(z)
            predicted = model.fit(z, y, sample_weight=weight).predict(z)
            coef = model.coef_
        rss = weight @ (y - predicted) ** 2
        freedom = 1.0 if hat is None else np.trace(hat)
        coefficients.append(coef / spread)
        criteria.append(rss / (n - freedom) ** 2)
    best = np.argmin(criteria, axis=0)
    outputs = np.arange(y.shape[1])
    return np.array(coefficients)[best, outputs], np.array(criteria)[best, outputs], best


@covering("shape, seed", [(40, 5), (12, 5), (8, 1)], range(4))
def test_it_is_scikit_learns_at_the_penalty_that_brute_force_finds(shape, seed):
    n, m = shape
    x, y, weight = make_data(n=n, m=m, seed=seed)
    found = ridge(x, centred(y, weight), weight, n)
    slopes, _, _ = brute_force(x, y, weight, n)
    assert_allclose(found.slopes, slopes, rtol=1e-6, atol=1e-9 * np.abs(slopes).max())
    assert_allclose(found.level, -(slopes @ (weight @ x)), rtol=1e-6, atol=1e-9)


def test_each_output_has_a_penalty_of_its_own():
    x, y, weight = make_data(n=60, noise=0.3)
    *_, best = brute_force(x, y, weight, 60)
    assert SHARES[best[0]] < 1e-3  # a clear signal
    assert SHARES[best[2]] > 0.03  # noise alone
    together = ridge(x, centred(y, weight), weight, 60).slopes
    for i in range(3):
        alone = ridge(x, centred(y[:, [i]], weight), weight, 60).slopes
        assert_allclose(together[[i]], alone, rtol=1e-9, atol=1e-14)


def test_it_predicts_as_well_as_the_one_that_leave_one_out_chooses():
    X, y = make_friedman1(n_samples=400, noise=2.0, random_state=0)
    X, rest, y, kept = X[:60], X[60:], y[:60], y[60:]
    found = ridge(X, (y - y.mean())[:, None], np.full(60, 1 / 60), 60)
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    reference = RidgeCV(alphas=60 * SHARES[:-1] * np.linalg.svd(z)[1][0] ** 2 / 60).fit(z, y)
    own = y.mean() + rest @ found.slopes[0] + found.level
    other = reference.predict((rest - X.mean(axis=0)) / X.std(axis=0))
    one, two = (np.mean((kept - each) ** 2) for each in (own, other))
    assert one == pytest.approx(two, rel=0.02)


def test_units_of_columns_and_targets_do_not_matter():
    x, y, weight = make_data()
    units, outputs = np.array([1e-6, 1.0, 1e9, 3.0, -0.2]), np.array([1e-3, 1.0, 50.0])
    one = ridge(x, centred(y, weight), weight, 40)
    other = ridge(units * x + 5.0 * units, centred(y, weight) * outputs, weight, 40)
    assert_allclose(other.slopes, one.slopes * outputs[:, None] / units, rtol=1e-6)


def test_weights_are_repeated_rows():
    x, y, _ = make_data(n=30)
    times = np.random.default_rng(1).integers(1, 4, size=30)
    weight = times / times.sum()
    index = np.repeat(np.arange(30), times)
    even = np.full(len(index), 1 / len(index))
    one = ridge(x, centred(y, weight), weight, 30)
    other = ridge(x[index], centred(y[index], even), even, 30)
    assert_allclose(other.slopes, one.slopes, rtol=1e-9)
    assert_allclose(other.level, one.level, rtol=1e-9)


def test_copies_of_a_column_share_its_slope():
    x, y, weight = make_data()
    slopes = ridge(x, centred(y, weight), weight, 40).slopes
    twice = ridge(np.hstack([x, 2.0 * x]), centred(y, weight), weight, 40)
    # The same penalties, relative to the largest eigenvalue, and so the same predictions.
    assert_allclose(twice.slopes[:, :5] + 2.0 * twice.slopes[:, 5:], slopes, rtol=1e-6)
    assert_allclose(twice.slopes[:, :5], 2.0 * twice.slopes[:, 5:], rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3, -1e12])
def test_a_constant_column_has_no_slope(value):
    x, y, weight = make_data(n=7)
    expected = ridge(x, centred(y, weight), weight, 7)
    found = ridge(np.insert(x, 2, value, axis=1), centred(y, weight), weight, 7)
    assert not found.slopes[:, 2].any()
    assert_allclose(np.delete(found.slopes, 2, axis=1), expected.slopes, rtol=1e-12)
    assert_allclose(found.level, expected.level, rtol=1e-12)


@pytest.mark.parametrize("huge", [1e200, 1e-200, 1e300])
def test_a_column_beyond_all_bounds_is_left_out(huge):
    x, y, weight = make_data()
    with np.errstate(all="raise"):
        found = ridge(x * [1.0, huge, 1.0, 1.0, 1.0], centred(y, weight), weight, 40)
    expected = ridge(np.delete(x, 1, axis=1), centred(y, weight), weight, 40)
    assert_allclose(np.delete(found.slopes, 1, axis=1), expected.slopes, rtol=1e-9)
    assert not found.slopes[:, 1].any()


def test_without_anything_to_learn_from_it_is_zero():
    x, y, weight = make_data()
    cases = [
        (x[:, :0], y, weight, 40),
        (np.ones_like(x), y, weight, 40),
        (x, np.zeros_like(y), weight, 40),
        (x[:2], y[:2], np.full(2, 0.5), 2),
        (x[:1], y[:1], np.ones(1), 1),
    ]
    for features, target, weights, n in cases:
        found = ridge(features, centred(target, weights), weights, n)
        assert found.slopes.shape == (3, features.shape[1])
        assert not found.slopes.any()
        assert not found.level.any()


def test_more_columns_than_rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 60))
    y = x @ rng.normal(size=(60, 2))
    found = ridge(x, y - y.mean(axis=0), np.full(20, 0.05), 20)
    assert np.isfinite(found.slopes).all()


def test_without_noise_it_is_least_squares():
    x, y, weight = make_data(noise=0.0)
    found = ridge(x, centred(y, weight)[:, :2], weight, 40)
    assert_allclose(found.slopes, LinearRegression().fit(x, y[:, :2]).coef_, rtol=1e-6)


def test_the_order_of_memory_changes_no_bit():
    x, y, weight = make_data()
    one = ridge(x, centred(y, weight), weight, 40)
    other = ridge(np.asfortranarray(x), np.asfortranarray(centred(y, weight)), weight, 40)
    assert (one.slopes == other.slopes).all()
    assert (one.level == other.level).all()
