"""The share of noise in what ridge regression leaves: by scikit-learn's kernel ridge regression."""

import numpy as np
import pytest
from _covering import covering
from sklearn.datasets import make_friedman1
from sklearn.kernel_ridge import KernelRidge

from sklearn_reasoning.training._ridge import _SHARES, noise_share

SHARES = _SHARES[:, 0].numpy()


def make_data(n=60, d=2, noise=0.5, seed=0):
    """Features of unlike units, smooth functions of them with noise, and weights that sum to 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    y = np.column_stack([np.cos(x[:, 0]) * x[:, 1], x[:, 2] ** 2])[:, :d]
    weight = rng.uniform(0.2, 2.0, size=n)
    weight /= weight.sum()
    y = y + noise * rng.normal(size=y.shape)
    return x * [1e-3, 1.0, 50.0] + 7.0, y - weight @ y, weight


def brute_force(x, y):
    """Return the share for equal weights: the criterion from its definition, at each penalty."""
    n = len(x)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    centring = np.eye(n) - 1 / n
    distances = ((z[:, None] - z) ** 2).sum(axis=2)
    kernel = centring @ np.exp(-distances / (2 * x.shape[1])) @ centring
    largest = np.linalg.eigvalsh(kernel)[-1]
    criteria = [(y**2).sum(axis=0) / (n - 1) ** 2]
    for share in SHARES[:-1]:
        model = KernelRidge(alpha=share * largest, kernel="precomputed")
        freedom = np.trace(model.fit(kernel, np.eye(n)).predict(kernel))
        if n - 1 - freedom > 0.1 * n:
            rss = ((y - model.fit(kernel, y).predict(kernel)) ** 2).sum(axis=0)
            criteria.append(rss / (n - 1 - freedom) ** 2)
    return (n - 1) ** 2 * np.min(criteria, axis=0).sum() / (y**2).sum()


@covering("n, seed", [8, 25, 60], range(3))
def test_it_is_scikit_learns_at_the_penalty_that_brute_force_finds(n, seed):
    x, y, _ = make_data(n=n, seed=seed)
    y = y - y.mean(axis=0)
    share = noise_share(x, y, np.full(n, 1 / n), n)
    assert share == pytest.approx(brute_force(x, y), rel=1e-5)
    assert share <= 1.0


def test_of_noise_it_is_one_and_of_a_smooth_function_it_is_that_of_the_noise():
    rng = np.random.default_rng(0)
    x, even = rng.normal(size=(400, 3)), np.full(400, 1 / 400)
    signal = np.sin(2.0 * x[:, :1]) * x[:, 1:2]
    signal -= signal.mean(axis=0)
    noise = signal.std() * rng.normal(size=(400, 1))
    noise -= noise.mean(axis=0)
    assert noise_share(x, noise, even, 400) > 0.97
    assert noise_share(x, signal, even, 400) < 0.05
    assert noise_share(x, signal + noise, even, 400) == pytest.approx(0.5, abs=0.12)


def test_units_do_not_matter():
    x, y, weight = make_data()
    share = noise_share(x, y, weight, 60)
    other = noise_share(x * [1e6, -1e-9, 3.0] + 1.0, 50.0 * y, weight, 60)
    assert other == pytest.approx(share, rel=1e-6)


def test_weights_are_repeated_rows():
    x, y, _ = make_data(n=30)
    times = np.random.default_rng(1).integers(1, 4, size=30)
    weight = times / times.sum()
    y = y - weight @ y
    index = np.repeat(np.arange(30), times)
    even = np.full(len(index), 1 / len(index))
    one = noise_share(x, y, weight, 30)
    assert noise_share(x[index], y[index], even, 30) == pytest.approx(one, rel=1e-6)


def test_of_many_rows_every_second_tells():
    x, y = make_friedman1(n_samples=2000, noise=1.0, random_state=0)
    y, even = (y - y.mean())[:, None], np.full(2000, 1 / 2000)
    some = y[::2] - y[::2].mean()
    expected = noise_share(x[::2], some, np.full(1000, 1 / 1000), 1000)
    assert noise_share(x, y, even, 2000) == pytest.approx(expected, rel=1e-12)


def test_without_anything_to_learn_from_all_is_noise():
    x, y, weight = make_data()
    for features, targets, n in [
        (x[:, :0], y, 60),
        (np.ones_like(x), y, 60),
        (x, np.zeros_like(y), 60),
        (x, y, 2),
    ]:
        assert noise_share(features, targets, weight, n) == 1.0


def test_the_order_of_memory_changes_no_bit():
    x, y, weight = make_data()
    assert noise_share(np.asfortranarray(x), np.asfortranarray(y), weight, 60) == noise_share(
        x, y, weight, 60
    )
