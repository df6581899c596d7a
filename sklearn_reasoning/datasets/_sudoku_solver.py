"""Sudoku on many boards at once: candidates as bit masks, singles, and a search where they end.

The candidates of a cell are the bits of an integer. A batch of boards is an array of shape
(size, size, n): row, column, board, so that a rule for one unit is a reduction over an axis.
"""

from math import isqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Boards: TypeAlias = NDArray[np.int64]  # (n, size * size), 0 where a cell is empty
Candidates: TypeAlias = NDArray[np.uint16]  # (size, size, n), bit d - 1 where digit d is possible
_Flags: TypeAlias = NDArray[np.bool_]

# The most states that are worked on at once. More of them wait, so that boards with millions of
# solutions, which are decided by their first two, do not fill the memory.
_WIDTH = 1024


def candidates_of(boards: Boards) -> Candidates:
    """Return one bit in a given cell, and all bits in an empty one."""
    size = isqrt(boards.shape[1])
    bits = np.array([2**size - 1, *(2**digit for digit in range(size))], dtype=np.uint16)
    return np.ascontiguousarray(bits[boards].T).reshape(size, size, len(boards))


def digits_of(candidates: Candidates) -> Boards:
    """Return the boards whose cells have one candidate each, as digits."""
    size, _, n = candidates.shape
    flat = candidates.reshape(size * size, n).T
    return np.log2(flat).astype(np.int64) + 1


def sweep(candidates: Candidates) -> tuple[Candidates, _Flags, _Flags]:
    """Apply the two rules of singles to every cell once.

    A digit that a cell is sure of leaves the other cells of its units; a digit that has one place
    left in a unit is put there. Also returned: which boards contradict themselves, and which are
    solved.
    """
    single = candidates * ((candidates & (candidates - 1)) == 0)
    taken = _on_cells(*(np.bitwise_or.reduce(single_unit) for single_unit in _units(single)))
    after = single | (candidates & ~taken)

    places = [_places(unit) for unit in _units(after)]
    size = len(candidates)
    lost = [(at_all != 2**size - 1).reshape(size, -1).any(axis=0) for at_all, _ in places]
    only = after & _on_cells(*(once for _, once in places))
    np.copyto(after, only, where=only != 0)

    flat = after.reshape(size * size, -1)
    dead = np.logical_or.reduce([*lost, (flat == 0).any(axis=0)])
    solved = ~dead & ~(flat & (flat - 1)).any(axis=0)
    return after, dead, solved


def _units(candidates: Candidates) -> tuple[Candidates, Candidates, Candidates]:
    """Return, of rows, columns and boxes, the first cells of all of them, the second cells, ..."""
    size, _, n = candidates.shape
    box = isqrt(size)
    boxes = candidates.reshape(box, box, box, box, n).transpose(1, 3, 0, 2, 4)
    return candidates.swapaxes(0, 1), candidates, boxes.reshape(size, size, n)


def _on_cells(rows: Candidates, columns: Candidates, boxes: Candidates) -> Candidates:
    """Return the bits of a cell's row, column and box, for every cell."""
    size, n = rows.shape
    box = isqrt(size)
    lines = rows[:, None] | columns[None]
    cells = lines.reshape(box, box, box, box, n) | boxes.reshape(box, 1, box, 1, n)
    return cells.reshape(size, size, n)


def _places(unit: Candidates) -> tuple[Candidates, Candidates]:
    """Return the digits that have a place in a unit, and those that have just one."""
    once = unit[0].copy()
    twice = np.zeros_like(once)
    for cell in unit[1:]:
        twice |= once & cell
        once |= cell
    return once, once & ~twice


def fewest(candidates: Candidates) -> NDArray[np.intp]:
    """Return the cell of each board that has the fewest candidates, of those with two or more."""
    size, _, n = candidates.shape
    flat = candidates.reshape(size * size, n)
    counts = np.bitwise_count(flat) if hasattr(np, "bitwise_count") else _bit_count(flat)
    return np.where(counts > 1, counts, size + 1).argmin(axis=0)


def _bit_count(bits: Candidates) -> NDArray[np.uint8]:
    return np.array([i.bit_count() for i in range(512)], dtype=np.uint8)[bits]  # numpy < 2


def have_other_solutions(states: Candidates, solution: Candidates) -> _Flags:
    """Return which boards have a solution besides the one given, by an exhaustive search."""
    size, _, n = states.shape
    found = np.zeros(n, dtype=bool)
    owners = np.arange(n)
    while len(owners):
        waiting = max(len(owners) - _WIDTH, 0)
        before, owner = states[..., waiting:], owners[waiting:]
        after, dead, solved = sweep(before)
        flat = after.reshape(size * size, -1)
        differs = (after != solution[..., owner]).reshape(size * size, -1).any(axis=0)
        found[owner[solved & differs]] = True
        undecided = ~dead & ~solved & ~found[owner]
        stuck = undecided & (after == before).reshape(size * size, -1).all(axis=0)
        moving = undecided & ~stuck

        # A board is split in two by a digit of one cell, that of the known solution if it can be.
        # The board without it comes last, that is, next: another solution would be there.
        flat, owner_of_stuck = flat[:, stuck], owner[stuck]
        cell, column = fewest(flat.reshape(size, size, -1)), np.arange(flat.shape[1])
        bits = flat[cell, column]
        known = bits & solution.reshape(size * size, -1)[cell, owner_of_stuck]
        digit = np.where(known, known, bits & (~bits + 1))
        same, other = flat.copy(), flat
        same[cell, column] &= digit
        other[cell, column] &= ~digit
        shape = (size, size, -1)
        states = np.concatenate(
            [states[..., :waiting], same.reshape(shape), after[..., moving], other.reshape(shape)],
            axis=-1,
        )
        owners = np.concatenate([owners[:waiting], owner_of_stuck, owner[moving], owner_of_stuck])
    return found
