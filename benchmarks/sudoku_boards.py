"""10,000 Sudoku boards of 31 to 42 givens take seconds of one core, 9,000 of 17 to 30 a minute.

CPU time of make_sudoku, one run each. "Singles" is the share of the boards that the two rules of
singles solve without a guess. Then: how many givens are left where no cell can be emptied any more.

Run: python benchmarks/sudoku_boards.py
"""

from __future__ import annotations

import time

import numpy as np

from sklearn_reasoning.datasets import make_sudoku
from sklearn_reasoning.datasets._sudoku_boards import emptied
from sklearn_reasoning.datasets._sudoku_solver import candidates_of, sweep

CASES = [
    (10_000, (31, 42), 9),
    (9_000, (17, 30), 9),
    (1_000, 24, 9),
    (1_000, 23, 9),
    (10_000, (4, 10), 4),
]


def share_solved_by_singles(boards):
    states = candidates_of(boards)
    while True:
        after, _, solved = sweep(states)
        if (after == states).all():
            return solved.mean()
        states = after


def givens_left(n):
    """Return the numbers of givens of n boards that are emptied as far as they can be."""
    grids, _ = make_sudoku(n, 81, encoding="digits", random_state=0)
    ranks = np.random.RandomState(1).random_sample(grids.shape)
    return (emptied(grids, np.zeros(n, dtype=np.int64), ranks) > 0).sum(axis=1)


def main():
    make_sudoku(10, random_state=0)
    print("| boards | givens | size | CPU seconds | ms a board | givens found | singles |")
    print("|---|---|---|---|---|---|---|")
    for n, n_givens, size in CASES:
        began = time.process_time()
        X, _ = make_sudoku(n, n_givens, size, encoding="digits", random_state=0)
        seconds = time.process_time() - began
        found = (X > 0).sum(axis=1)
        asked = f"{n_givens[0]} to {n_givens[1]}" if isinstance(n_givens, tuple) else n_givens
        print(
            f"| {n:,} | {asked} | {size} | {seconds:.1f} | {1e3 * seconds / n:.2f} "
            f"| {found.min()} to {found.max()}, mean {found.mean():.1f} "
            f"| {share_solved_by_singles(X):.1%} |",
            flush=True,
        )
    left, boards = np.unique(givens_left(2_000), return_counts=True)
    print(f"\n| givens left | {' | '.join(map(str, left))} |")
    print("|---" * (len(left) + 1) + "|")
    print(f"| of 2,000 boards | {' | '.join(map(str, boards))} |")


if __name__ == "__main__":
    main()
