"""Sudoku as a data set: boards with some digits given, and the one way to complete each."""

from math import isqrt
from numbers import Integral
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from sklearn_reasoning._support.random_state import independent_random_state

from ._sudoku_boards import emptied, filled, with_random_givens
from ._sudoku_solver import Boards

_Range: TypeAlias = int | tuple[int, int]

# Of each size, the fewest givens that any uniquely solvable board has (of 9 x 9: McGuire, Tugemann
# and Civario, 2014), and the fewest that emptying cells finds soon enough to ask for.
_EXAMPLES = {4: (5, 8), 9: (31, 42)}
_FEWEST_GIVENS = {4: (4, 4), 9: (17, 22)}

# How often a set of givens is drawn before cells are emptied one by one, and the fewest givens, of
# each size, for which it is drawn at all: with fewer hardly any has one solution.
_DRAWS = 60
_FEWEST_DRAWN = {4: 5, 9: 30}

# Boards are tried in batches of at most so many.
_LARGEST_BATCH = 1024

BOARD_CONSTRAINTS: dict[str, list[Any]] = {
    "n_samples": [Interval(Integral, 1, None, closed="left")],
    "n_givens": [Interval(Integral, 1, None, closed="left"), tuple, list],
    "size": [Integral],
    "random_state": ["random_state"],
}


def make_sudoku(
    n_samples: int = 100,
    n_givens: _Range = (31, 42),
    size: int = 9,
    *,
    encoding: Literal["onehot", "digits"] = "onehot",
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.float32] | Boards, Boards]:
    """Generate Sudoku boards that have one solution each.

    A full grid is drawn, and a random set of its cells is given, anew up to 60 times until the
    solution is the only one. Where it never is, and for fewer than 30 givens (5 on 4 x 4), cells
    are emptied one by one in a random order, each if the solution stays the only one. Every board
    has a grid of its own.

    Parameters
    ----------
    n_samples : int, default=100
        Number of boards.
    n_givens : int or pair of ints, default=(31, 42)
        Number of given digits of a board, or the lowest and the highest: the number is then drawn
        uniformly for each board. If no cell can be emptied any more before the number is reached,
        a board keeps what it has reached where that is in the range, and is drawn anew otherwise.
        On a board of 9 x 9 emptying mostly ends at 23 to 25 givens, hardly ever below 22: with
        ``n_givens=(17, 30)`` boards have 25.7 in the mean. The lowest is at least 17 and the
        highest at least 22 for 9 x 9; both are at least 4 for 4 x 4.
    size : {4, 9}, default=9
        Number of rows, of columns, of boxes and of digits.
    encoding : {"onehot", "digits"}, default="onehot"
        What X holds: ``size`` columns a cell, or the digit of each cell.
    random_state : int, RandomState instance or None, default=None
        Seed of the boards. None is fresh entropy; numpy's global random state is never used. With
        the same int, the boards of a smaller ``n_samples`` are the first of a larger one.

    Returns
    -------
    X : ndarray of shape (n_samples, size ** 3) or (n_samples, size ** 2)
        The boards, row by row. "onehot", floats: a block of ``size`` columns a cell, in which the
        column of the given digit is 1, and all are 0 where the cell is empty. "digits", ints: the
        digit of each cell, 0 where it is empty.
    y : ndarray of shape (n_samples, size ** 2)
        The solutions, row by row, ints from 1 to ``size``.

    Raises
    ------
    ValueError
        If a parameter is outside its domain, or there are no boards of ``n_givens``.

    See Also
    --------
    load_sudoku_images : Boards whose given cells are images of digits.

    Notes
    -----
    Which cells are given follows from X: ``X.reshape(n_samples, size ** 2, size).any(axis=2)`` for
    "onehot", ``X > 0`` for "digits".

    Grids are filled by random guesses: they are many and unlike, but not exactly uniform over all
    Sudoku grids. A board takes two milliseconds with the default ``n_givens``, and three times as
    long with (17, 30). Single numbers below 24 take longer, since most boards are drawn anew.

    Examples
    --------
    >>> from sklearn_reasoning.datasets import make_sudoku
    >>> X, y = make_sudoku(2, n_givens=7, size=4, encoding="digits", random_state=0)
    >>> X[0].reshape(4, 4)
    array([[4, 0, 3, 2],
           [0, 2, 0, 0],
           [2, 0, 1, 0],
           [0, 0, 0, 4]])
    >>> y[0].reshape(4, 4)
    array([[4, 1, 3, 2],
           [3, 2, 4, 1],
           [2, 4, 1, 3],
           [1, 3, 2, 4]])
    >>> X, y = make_sudoku(2, n_givens=7, size=4, random_state=0)
    >>> X.shape, X.reshape(2, 16, 4).any(axis=2).sum(axis=1)
    ((2, 64), array([7, 7]))
    """
    validate_parameter_constraints(
        {**BOARD_CONSTRAINTS, "encoding": [StrOptions({"onehot", "digits"})]},
        dict(locals()),
        caller_name="make_sudoku",
    )
    n_givens = checked_n_givens(n_givens, size)
    boards, y = draw_boards(n_samples, n_givens, size, independent_random_state(random_state))
    return (onehot(boards, size) if encoding == "onehot" else boards), y


def onehot(boards: Boards, size: int) -> NDArray[np.float32]:
    """Return ``size`` columns a cell, with a 1 at the digit of each cell that is not empty."""
    digits = np.arange(1, size + 1)
    return (boards[..., None] == digits).reshape(len(boards), -1).astype(np.float32)


def checked_n_givens(n_givens: Any, size: int) -> tuple[int, int]:
    """Return the lowest and the highest number of givens, or say what is wrong with them."""
    if size not in _FEWEST_GIVENS:
        raise ValueError(f"size={size!r} is not one of {list(_FEWEST_GIVENS)}.")
    pair = (n_givens, n_givens) if isinstance(n_givens, Integral) else tuple(n_givens)
    whole = all(isinstance(n, Integral) and not isinstance(n, bool) for n in pair)
    if len(pair) != 2 or not whole:
        raise ValueError(f"n_givens={n_givens!r} is neither an int nor a pair of ints.")
    low, high = (int(n) for n in pair)
    fewest, feasible = _FEWEST_GIVENS[size]
    if not fewest <= low <= high <= size**2:
        raise ValueError(
            f"n_givens={n_givens!r} must have {fewest} <= lowest <= highest <= {size**2} on a "
            f"board of {size} x {size} (none with fewer than {fewest} givens has one solution); "
            f"pass n_givens={_EXAMPLES[size]!r}, say."
        )
    if high < feasible:
        raise ValueError(
            f"n_givens={n_givens!r} asks for boards of at most {high} givens, which are too rare "
            f"to be found by emptying cells. Let the highest be at least {feasible}."
        )
    return low, high


def draw_boards(
    n_samples: int, n_givens: tuple[int, int], size: int, rng: np.random.RandomState
) -> tuple[Boards, Boards]:
    """Return boards, with 0 in empty cells, and their solutions."""
    low, high = n_givens
    box, n_cells = isqrt(size), size * size
    # Of each board, the uniform numbers that it is made from. They are drawn board by board, so
    # that neither n_samples nor the batches change a board.
    n_draws = _DRAWS if high >= _FEWEST_DRAWN[size] else 0
    parts = np.cumsum([box * size, n_cells * size, n_cells, n_draws * n_cells])
    boards: list[Boards] = []
    solutions: list[Boards] = []
    missing, n_tried, n_kept = n_samples, 100, 85  # a guess, which what is found corrects
    while missing:
        n = min(missing * n_tried // n_kept + 8, _LARGEST_BATCH)
        diagonal, preferences, ranks, sets, number = np.split(
            rng.random_sample((n, parts[-1] + 1)), parts, axis=1
        )
        grids, which = filled(diagonal.reshape(n, box, size), preferences.reshape(n, n_cells, size))
        wanted = low + np.floor((high - low + 1) * number[which, 0]).astype(np.int64)
        batch = _given(grids, wanted, ranks[which], sets[which].reshape(len(which), -1, n_cells))
        kept = (batch != 0).sum(axis=1) <= high
        boards.append(batch[kept][:missing])
        solutions.append(grids[kept][:missing])
        n_tried, n_kept = n_tried + n, n_kept + int(kept.sum())
        missing -= len(boards[-1])
    return np.concatenate(boards), np.concatenate(solutions)


def _given(
    grids: Boards, wanted: NDArray[np.int64], ranks: NDArray[np.float64], sets: NDArray[np.float64]
) -> Boards:
    """Return boards with as many givens as are wanted, or as few as emptying leaves."""
    boards = np.empty_like(grids)
    size = isqrt(grids.shape[1])
    drawn = np.flatnonzero((wanted >= _FEWEST_DRAWN[size]) & (sets.shape[1] > 0))
    is_found = np.zeros(len(grids), dtype=bool)
    boards[drawn], is_found[drawn] = with_random_givens(grids[drawn], wanted[drawn], sets[drawn])
    left = ~is_found
    boards[left] = emptied(grids[left], wanted[left], ranks[left])
    return boards
