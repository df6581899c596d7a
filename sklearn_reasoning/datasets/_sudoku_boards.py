"""Random Sudoku boards: filled at random, then emptied as long as one solution is left."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._sudoku_solver import Boards, candidates_of, digits_of, fewest, have_other_solutions, sweep

_Flags: TypeAlias = NDArray[np.bool_]


def random_grids(n: int, size: int, box: int, rng: np.random.RandomState) -> Boards:
    """Return up to n filled boards: the diagonal boxes at random, then guesses and singles.

    A guess is a random candidate of a cell with the fewest. A board that contradicts itself is
    dropped, rather than mended by going back: that would prefer grids that resemble it.
    """
    empty = np.zeros((n, box, box, box, box), dtype=np.int64)
    for i in range(box):
        empty[:, i, :, i, :] = 1 + _permutations(n, size, rng).reshape(n, box, box)
    states = candidates_of(empty.reshape(n, size * size))
    filled = []
    while states.shape[-1]:
        after, dead, solved = sweep(states)
        filled.append(digits_of(after[..., solved]))
        stuck = (after == states).reshape(size * size, -1).all(axis=0)
        _guess(after, np.flatnonzero(stuck & ~dead & ~solved), rng)
        states = after[..., ~dead & ~solved]
    return np.concatenate(filled)


def _permutations(n: int, length: int, rng: np.random.RandomState) -> NDArray[np.intp]:
    return rng.random_sample((n, length)).argsort(axis=1, kind="stable")


def _guess(states: NDArray[np.uint16], which: NDArray[np.intp], rng: np.random.RandomState) -> None:
    size = len(states)
    flat = states.reshape(size * size, -1)
    cells = fewest(states[..., which])
    bits = (1 << np.arange(size)).astype(np.uint16)
    possible = (flat[cells, which][:, None] & bits) != 0
    preference = np.where(possible, rng.random_sample(possible.shape), -1.0)
    flat[cells, which] = bits[preference.argmax(axis=1)]


def emptied(grids: Boards, n_givens: NDArray[np.int64], rng: np.random.RandomState) -> Boards:
    """Return boards with cells emptied in a random order, each if the solution stays the only one.

    A board ends with ``n_givens`` givens, or with more where no cell can be emptied any more.
    """
    n, n_cells = grids.shape
    order = _permutations(n, n_cells, rng)
    boards = grids.copy()
    position = np.zeros(n, dtype=np.int64)  # how many cells of the order have been tried
    stride = np.full(n, max(n_cells // 8, 1))
    ranks = np.arange(n_cells)
    while True:
        surplus = (boards != 0).sum(axis=1) - n_givens
        active = np.flatnonzero((surplus > 0) & (position < n_cells))
        if not len(active):
            return boards
        # If all cells of a stretch can go, so can each in its turn: a stretch that fails is
        # halved, and the result is that of trying one by one.
        start = position[active, None]
        length = np.minimum(np.minimum(stride[active], surplus[active]), n_cells - start[:, 0])
        tried = (start <= ranks) & (ranks < start + length[:, None])
        attempt = boards[active]
        rows, places = np.nonzero(tried)
        attempt[rows, order[active][rows, places]] = 0
        fails = have_other_solutions(attempt, grids[active])
        boards[active[~fails]] = attempt[~fails]
        position[active] += np.where(~fails, length, np.where(length == 1, 1, 0))
        stride[active] = np.where(fails, np.maximum(length // 2, 1), 2 * length)
