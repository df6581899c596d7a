"""What a user of the digits restoration task relies on."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score

from sklearn_reasoning.datasets import load_digits_restoration


@pytest.fixture(scope="module")
def clean():
    return load_digits().data / 16


def test_columns_and_targets(clean):
    data = load_digits_restoration(100, 50, noise=0.3, random_state=0)

    assert data.X_train.shape == (100, 128)
    assert data.X_test.shape == (50, 128)
    assert data.y_train.dtype == data.X_train.dtype == np.float64
    assert len(data.feature_names) == len(set(data.feature_names)) == 128
    assert len(data.target_names) == 64
    np.testing.assert_allclose(data.mean_image, clean[data.train_indices].mean(axis=0))
    for X, y, rows in [
        (data.X_train, data.y_train, data.train_indices),
        (data.X_test, data.y_test, data.test_indices),
    ]:
        np.testing.assert_array_equal(X[:, 64:], -X[:, :64])
        np.testing.assert_allclose(y + data.mean_image, clean[rows], atol=1e-15)
        noise = X[:, :64] - y
        # 3,200 draws or more: five standard errors.
        np.testing.assert_allclose(noise.std(), 0.3, rtol=0.07)
        np.testing.assert_allclose(noise.mean(), 0, atol=0.03)
    # Not clipped: darker than black and brighter than white are there.
    noisy = data.X_train[:, :64] + data.mean_image
    assert noisy.min() < -0.3
    assert noisy.max() > 1.3


def test_training_and_test_images_are_disjoint():
    data = load_digits_restoration(1407, 390, random_state=0)

    assert sorted([*data.train_indices, *data.test_indices]) == list(range(1797))


def test_test_set_does_not_depend_on_n_train():
    few, many = (load_digits_restoration(n, 60, random_state=3) for n in (10, 500))

    np.testing.assert_array_equal(few.test_indices, many.test_indices)
    for name, columns in [("X_test", slice(0, 64)), ("y_test", slice(None))]:
        np.testing.assert_allclose(
            few[name][:, columns] + few.mean_image,
            many[name][:, columns] + many.mean_image,
            atol=1e-14,
        )
    np.testing.assert_array_equal(few.train_indices, many.train_indices[:10])


def test_without_noise_x_is_the_clean_image():
    data = load_digits_restoration(20, 20, noise=0.0, random_state=0)

    np.testing.assert_array_equal(data.X_test[:, :64], data.y_test)


def test_seed_gives_the_same_bits_and_none_is_fresh():
    first, second = (load_digits_restoration(20, 20, random_state=7) for _ in range(2))
    np.testing.assert_array_equal(first.X_train, second.X_train)
    np.testing.assert_array_equal(first.X_test, second.X_test)

    fresh, fresher = (load_digits_restoration(20, 20) for _ in range(2))
    assert not np.array_equal(fresh.X_train, fresher.X_train)


def test_global_random_state_is_untouched():
    before = np.random.get_state()  # noqa: NPY002
    load_digits_restoration(20, 20)
    after = np.random.get_state()  # noqa: NPY002

    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_licence_is_stated():
    assert "CC BY 4.0" in load_digits_restoration(5, 5, random_state=0).DESCR


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_train": 0}, "'n_train'"),
        ({"n_test": 0}, "'n_test'"),
        ({"n_train": 1500, "n_test": 300}, "n_train=1500 and n_test=300 .* 1797"),
        ({"noise": -1.0}, "'noise'"),
        ({"random_state": "zero"}, "'random_state'"),
    ],
)
def test_wrong_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        load_digits_restoration(**options)


@pytest.mark.parametrize("n_train", [60, 400])
def test_pixels_that_are_constant_in_the_test_images_have_no_variance(n_train):
    for seed in range(5):
        y = load_digits_restoration(n_train, random_state=seed).y_test
        constant = (y == y[0]).all(axis=0)
        assert constant.sum() >= 3
        assert (y.var(axis=0)[constant] == 0.0).all()
        raw = r2_score(y, np.zeros_like(y), multioutput="raw_values")
        assert raw.min() > -1.0  # rounding gave -1e32
