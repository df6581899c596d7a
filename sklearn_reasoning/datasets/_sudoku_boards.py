"""Random Sudoku boards: filled at random, then emptied such that one solution is left.

Every board is made from numbers of its own, uniform on [0, 1): it does not depend on the others.
"""

import numpy as np
from numpy.typing import NDArray

from ._sudoku_solver import (
    Boards,
    Candidates,
    candidates_of,
    digits_of,
    fewest,
    have_other_solutions,
    sweep,
)

_Uniform = NDArray[np.float64]


def filled(diagonal: _Uniform, preferences: _Uniform) -> tuple[Boards, NDArray[np.intp]]:
    """Fill boards: the boxes of the diagonal at random, then guesses where no digit follows.

    A guess is the preferred candidate of a cell with the fewest. A board that contradicts itself is
    left out, rather than mended by going back, which would prefer grids that resemble it.

    Parameters
    ----------
    diagonal : ndarray of shape (n, box, size)
        Whose order is that of the digits in a box.
    preferences : ndarray of shape (n, size * size, size)
        Of each digit in each cell.

    Returns
    -------
    grids : ndarray of shape (n_filled, size * size)
        In the order of their numbers.
    which : ndarray of shape (n_filled,)
        Whose numbers they are made from.
    """
    n, box, size = diagonal.shape
    start = np.zeros((n, box, box, box, box), dtype=np.int64)
    for i in range(box):
        start[:, i, :, i, :] = 1 + diagonal[:, i].argsort(axis=1).reshape(n, box, box)
    states, which = candidates_of(start.reshape(n, size * size)), np.arange(n)
    grids, whose = [], []
    while len(which):
        after, dead, solved = sweep(states)
        grids.append(digits_of(after[..., solved]))
        whose.append(which[solved])
        stuck = (after == states).reshape(size * size, -1).all(axis=0)
        _guess(after, np.flatnonzero(stuck & ~dead & ~solved), preferences[which])
        states, which = after[..., ~dead & ~solved], which[~dead & ~solved]
    sources = np.concatenate(whose)
    order = sources.argsort()
    return np.concatenate(grids)[order], sources[order]


def _guess(states: Candidates, columns: NDArray[np.intp], preferences: _Uniform) -> None:
    size = len(states)
    flat = states.reshape(size * size, -1)
    cells = fewest(states[..., columns])
    bits = (1 << np.arange(size)).astype(np.uint16)
    possible = (flat[cells, columns][:, None] & bits) != 0
    digits = np.where(possible, preferences[columns, cells], -1.0).argmax(axis=1)
    flat[cells, columns] = bits[digits]


def with_random_givens(
    grids: Boards, n_givens: NDArray[np.int64], ranks: _Uniform
) -> tuple[Boards, NDArray[np.bool_]]:
    """Keep as many cells of each grid as it is to have givens, those of the highest ranks.

    Parameters
    ----------
    grids : ndarray of shape (n, size * size)
    n_givens : ndarray of int and shape (n,)
    ranks : ndarray of shape (n, n_tries, size * size)
        Of each cell in each try; the next try is for boards that have another solution.

    Returns
    -------
    boards : ndarray of shape (n, size * size)
    is_found : ndarray of bool and shape (n,)
        Which boards have one solution, after one of the tries.
    """
    n_cells = grids.shape[1]
    boards, left = grids.copy(), np.arange(len(grids))
    for attempt in range(ranks.shape[1]):
        order = ranks[left, attempt].argsort(axis=1)
        emptied_places = np.arange(n_cells) < (n_cells - n_givens[left])[:, None]
        tried = grids[left]
        np.put_along_axis(tried, order, np.where(emptied_places, 0, _taken(tried, order)), axis=1)
        boards[left] = tried
        others = have_other_solutions(candidates_of(tried), candidates_of(grids[left]))
        left = left[others]
        if not len(left):
            break
    is_found = np.ones(len(grids), dtype=bool)
    is_found[left] = False
    return boards, is_found


def _taken(boards: Boards, order: NDArray[np.intp]) -> Boards:
    return np.take_along_axis(boards, order, axis=1)


def emptied(grids: Boards, n_givens: NDArray[np.int64], ranks: _Uniform) -> Boards:
    """Empty cells in the order of their ranks, each if the solution stays the only one.

    A board ends with ``n_givens`` givens, or with more where no cell can be emptied any more.
    """
    n, n_cells = grids.shape
    order = ranks.argsort(axis=1)
    solution = candidates_of(grids)
    boards = grids.copy()
    position = np.zeros(n, dtype=np.int64)  # how many cells of the order have been tried
    stride = np.full(n, max(n_cells // 4, 1))
    while True:
        surplus = (boards != 0).sum(axis=1) - n_givens
        active = np.flatnonzero((surplus > 0) & (position < n_cells))
        if not len(active):
            return boards
        # If all cells of a stretch can go, so can each in its turn: a stretch that fails is
        # halved, and the result is that of trying one by one.
        start = position[active]
        length = np.minimum(np.minimum(stride[active], surplus[active]), n_cells - start)
        steps = np.arange(n_cells) - start[:, None]
        rows, places = np.nonzero((steps >= 0) & (steps < length[:, None]))
        attempt = boards[active]
        attempt[rows, order[active][rows, places]] = 0

        states, known = candidates_of(attempt), solution[..., active]
        # Another solution has another digit in the only cell that is new.
        alone = np.flatnonzero(length == 1)
        cells = order[active[alone], start[alone]]
        states.reshape(n_cells, -1)[cells, alone] &= ~known.reshape(n_cells, -1)[cells, alone]
        fails = have_other_solutions(states, known)

        boards[active[~fails]] = attempt[~fails]
        position[active] += np.where(~fails, length, length == 1)
        stride[active] = np.where(fails, np.maximum(length // 2, 1), 2 * length)
