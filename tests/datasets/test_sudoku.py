"""What a user of the Sudoku boards relies on."""

import numpy as np
import pytest

from sklearn_reasoning.datasets import make_sudoku
from sklearn_reasoning.datasets._sudoku_solver import candidates_of, have_other_solutions

DIGITS = {"encoding": "digits", "random_state": 0}


def peers(cell, size):
    """The other cells of a cell's row, column and box."""
    box = round(size**0.5)
    row, column = divmod(cell, size)
    for other in range(size * size):
        r, c = divmod(other, size)
        same_box = (r // box, c // box) == (row // box, column // box)
        if other != cell and (r == row or c == column or same_box):
            yield other


def plain_solutions(board, size, limit=2):
    """The first solutions that are found by trying digits, where the fewest are possible."""
    board = [int(digit) for digit in board]
    neighbours = [list(peers(cell, size)) for cell in range(size * size)]
    found = []

    def possible(cell):
        used = {board[other] for other in neighbours[cell]}
        return [digit for digit in range(1, size + 1) if digit not in used]

    def search():
        empty = [(possible(cell), cell) for cell, digit in enumerate(board) if digit == 0]
        if not empty:
            found.append(list(board))
            return
        digits, cell = min(empty, key=lambda pair: len(pair[0]))
        for digit in digits:
            if len(found) < limit:
                board[cell] = digit
                search()
        board[cell] = 0

    search()
    return found


@pytest.mark.parametrize(
    ("n_samples", "n_givens", "size"),
    [
        (12, (31, 42), 9),
        (4, (17, 30), 9),
        pytest.param(3, 23, 9, marks=pytest.mark.hard),
        (30, (4, 16), 4),
        (30, 4, 4),
    ],
)
def test_a_board_has_one_solution_which_is_y(n_samples, n_givens, size):
    X, y = make_sudoku(n_samples, n_givens, size, encoding="digits", random_state=0)

    assert X.shape == y.shape == (n_samples, size * size)
    assert X.dtype == y.dtype == np.int64
    for board, solution in zip(X, y, strict=True):
        assert plain_solutions(board, size) == [solution.tolist()]


@pytest.mark.parametrize("size", [4, 9])
def test_solutions_obey_the_rules(size):
    _, y = make_sudoku(200, n_givens=(size * size // 2, size * size), size=size, random_state=0)
    box = round(size**0.5)
    grids = y.reshape(-1, size, size)
    boxes = grids.reshape(-1, box, box, box, box).swapaxes(2, 3).reshape(-1, size, size)
    for units in (grids, grids.swapaxes(1, 2), boxes):
        assert (np.sort(units, axis=2) == np.arange(1, size + 1)).all()


@pytest.mark.parametrize("size", [4, 9])
def test_onehot_is_a_block_of_columns_a_cell(size):
    digits, y = make_sudoku(20, n_givens=(8, 12) if size == 4 else 36, size=size, **DIGITS)
    X, y_of_X = make_sudoku(20, n_givens=(8, 12) if size == 4 else 36, size=size, random_state=0)

    np.testing.assert_array_equal(y, y_of_X)
    assert X.dtype == np.float32
    blocks = X.reshape(20, size * size, size)
    given = digits > 0
    np.testing.assert_array_equal(blocks.sum(axis=2), given)
    np.testing.assert_array_equal(blocks.argmax(axis=2)[given] + 1, digits[given])
    np.testing.assert_array_equal(digits[given], y[given])


def counts(n_samples, n_givens, size=9):
    X, _ = make_sudoku(n_samples, n_givens, size, **DIGITS)
    return (X > 0).sum(axis=1)


def test_numbers_of_givens_are_uniform_in_the_range():
    found = np.bincount(counts(600, (31, 42)), minlength=43)

    assert found[:31].sum() == 0
    # 50 of each are expected: four standard deviations.
    assert found[31:].min() > 22
    assert found[31:].max() < 78


@pytest.mark.parametrize("n_givens", [24, 36, 81])
def test_a_single_number_of_givens_is_met(n_givens):
    assert set(counts(10, n_givens)) == {n_givens}


def test_few_givens_stay_in_the_range_and_are_few():
    found = counts(30, (17, 30))

    assert found.min() >= 17
    assert found.max() <= 30
    assert 25 < found.mean() < 27


def test_grids_are_unlike():
    _, y = make_sudoku(2000, n_givens=81, random_state=0)
    # Relabelled so that the first row is 1 to 9: the digits' names do not count.
    names = np.argsort(y[:, :9], axis=1)
    relabelled = np.take_along_axis(names, y - 1, axis=1)

    assert len(np.unique(relabelled, axis=0)) == 2000
    # Each digit is equally frequent in each cell: 222 of each, six standard deviations.
    frequencies = (y[:, :, None] == np.arange(1, 10)).sum(axis=0)
    assert abs(frequencies - 2000 / 9).max() < 6 * np.sqrt(2000 * 8 / 81)


@pytest.mark.parametrize("n_givens", [(31, 42), (23, 30)])
def test_fewer_boards_are_the_first_of_more(n_givens):
    few, many = (make_sudoku(n, n_givens, random_state=5) for n in (4, 10))

    np.testing.assert_array_equal(few[0], many[0][:4])
    np.testing.assert_array_equal(few[1], many[1][:4])


def test_batches_change_no_board(monkeypatch):
    whole = make_sudoku(5, (25, 33), random_state=2)
    monkeypatch.setattr("sklearn_reasoning.datasets._sudoku._LARGEST_BATCH", 3)
    monkeypatch.setattr("sklearn_reasoning.datasets._sudoku_solver._WIDTH", 10)

    np.testing.assert_array_equal(whole[0], make_sudoku(5, (25, 33), random_state=2)[0])


def test_seed_gives_the_same_bits_and_none_is_fresh():
    first, second = (make_sudoku(5, 40, random_state=7) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])

    rng = np.random.RandomState(7)
    np.testing.assert_array_equal(first[1], make_sudoku(5, 40, random_state=rng)[1])
    assert not np.array_equal(first[1], make_sudoku(5, 40, random_state=rng)[1])
    assert not np.array_equal(make_sudoku(5, 40)[1], make_sudoku(5, 40)[1])


def test_global_random_state_is_untouched():
    before = np.random.get_state()  # noqa: NPY002
    make_sudoku(5)
    after = np.random.get_state()  # noqa: NPY002

    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@pytest.mark.parametrize(
    ("size", "digits", "n_empty"),
    [(4, range(1, 5), 9), (4, range(1, 5), 11), (9, (1, 2), 15), (9, (1, 2, 3), 19)],
)
def test_other_solutions_are_found_where_there_are_some(size, digits, n_empty):
    grids, _ = make_sudoku(40, size=size, n_givens=size * size, **DIGITS)
    boards = grids.copy()
    rng = np.random.RandomState(1)
    for board in boards:  # emptied at random, so that some are left with several solutions
        board[rng.choice(np.flatnonzero(np.isin(board, digits)), n_empty, replace=False)] = 0
    expected = [len(plain_solutions(board, size)) > 1 for board in boards]

    found = have_other_solutions(candidates_of(boards), candidates_of(grids))
    assert 5 <= sum(expected) <= 35
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 0}, "'n_samples'"),
        ({"n_samples": 2.5}, "'n_samples'"),
        ({"size": 16}, r"size=16 is not one of \[4, 9\]"),
        ({"size": 9.0}, "'size'"),
        ({"n_givens": 30.5}, "'n_givens'"),
        ({"n_givens": True}, "n_givens=True is neither"),
        ({"n_givens": (31, 36, 42)}, "n_givens=.* is neither an int nor a pair"),
        ({"n_givens": (31.0, 42)}, "n_givens=.* is neither an int nor a pair"),
        ({"n_givens": (42, 31)}, "n_givens=.* must have 17 <= lowest <= highest <= 81"),
        ({"n_givens": (31, 82)}, "n_givens=.* must have 17 <= lowest"),
        ({"n_givens": 16}, "none with fewer than 17 givens has one solution"),
        ({"n_givens": 3, "size": 4}, "none with fewer than 4 givens has one solution"),
        ({"n_givens": (17, 21)}, "n_givens=.* at most 21 givens, .* at least 22"),
        ({"n_givens": (31, 42), "size": 4}, "n_givens=.* highest <= 16"),
        ({"encoding": "one-hot"}, "'encoding'"),
        ({"random_state": "zero"}, "'random_state'"),
    ],
)
def test_wrong_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        make_sudoku(**options)
