"""Restarts by guessing: the energy as a search where a relaxed answer is not whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sklearn_reasoning._support.threads import one_thread

from ._relax import Relaxation, distance_to_whole, rounded

_Array = np.ndarray[Any, Any]

# Cells closer to a whole answer than this are decided. Of Sudoku boards, solved ones are within
# 0.05 in all cells, and others beyond 0.45 in some.
_DECIDED = 0.25

# The fewest steps after a guess.
_FEWEST_STEPS = 200

# What a guess takes off the energy of its class, in spectral norms of Q.
_BIAS = 1.0


def energies_of(relaxation: Relaxation, x: _Array, outputs: _Array) -> tuple[_Array, _Array]:
    """Return the energies of the rounded answers, and which rows are whole."""
    energies = relaxation.energy(rounded(outputs), -relaxation.evidence(x))
    return energies, np.asarray((distance_to_whole(outputs) <= _DECIDED).all(axis=1))


def search(
    relaxation: Relaxation,
    x: _Array,
    outputs: _Array,
    n_restarts: int,
    random_state: np.random.RandomState,
    k: int,
) -> _Array:
    """Return outputs, those of undecided rows replaced by the best whole answer that was found.

    In each restart one undecided cell is pulled towards a class drawn from the relaxed answer, and
    the energy is minimised again in k steps, at least 200, from the first start: beginning at the
    relaxed answer leads back to it more often. Of the rounded answers that with the lowest energy
    is kept. Rows whose cells are all decided take no steps.
    """
    undecided = np.flatnonzero((distance_to_whole(outputs) > _DECIDED).any(axis=1))
    if not n_restarts or not len(undecided):
        return outputs
    outputs = outputs.copy()
    steps = max(k, _FEWEST_STEPS)
    # All guesses are drawn before any work, so that blocks do not matter.
    guesses = [_guesses(outputs[row], n_restarts, random_state) for row in undecided]
    per_block = max(relaxation.rows_at_once() // n_restarts, 1)
    with torch.no_grad(), one_thread():
        for first in range(0, len(undecided), per_block):
            rows = undecided[first : first + per_block]
            drawn = np.stack(guesses[first : first + per_block])
            outputs[rows] = _best(relaxation, x[rows], outputs[rows], drawn, steps)
    return outputs


def _best(relaxation: Relaxation, x: _Array, relaxed: _Array, guesses: _Array, k: int) -> _Array:
    """Return the whole answer of the lowest energy of each row."""
    n, n_restarts, _ = guesses.shape
    b = -relaxation.evidence(x)
    pulled = b.repeat_interleave(n_restarts, dim=2)
    cell, code = torch.from_numpy(guesses.reshape(-1, 2)).T.to(b.device)
    column = torch.arange(n * n_restarts, device=b.device)
    sign = torch.ones_like(pulled[0, 0])
    if b.shape[1] == 1:  # a label is pulled there, or away
        sign, code = torch.where(code == 1, sign, -sign), torch.zeros_like(code)
    pulled[cell, code, column] -= sign * _BIAS * relaxation.curved.largest
    start = relaxation.model.first(n * n_restarts).to(b.device)
    again = relaxation.steps(pulled, start, k).outputs
    answers = np.concatenate(
        [rounded(relaxed)[:, None], rounded(again).reshape(n, n_restarts, *relaxed.shape[1:])],
        axis=1,
    )
    energies = np.stack(
        [relaxation.energy(answers[:, i], b) for i in range(n_restarts + 1)], axis=1
    )
    best: _Array = answers[np.arange(n), energies.argmin(axis=1)]
    return best


def _guesses(outputs: _Array, n_restarts: int, random_state: np.random.RandomState) -> _Array:
    """Return cells and classes to guess, of one row, (n_restarts, 2)."""
    open_cells = np.flatnonzero(distance_to_whole(outputs[None])[0] > _DECIDED)
    cells = open_cells[random_state.randint(len(open_cells), size=n_restarts)]
    shares = outputs[cells]
    drawn = random_state.random_sample(n_restarts)
    if shares.shape[1] == 1:
        return np.stack([cells, (drawn < shares[:, 0]).astype(np.int64)], axis=1)
    ends = shares.cumsum(axis=1)
    codes = (drawn[:, None] * ends[:, -1:] >= ends).sum(axis=1)
    return np.stack([cells, np.minimum(codes, shares.shape[1] - 1)], axis=1)
