"""Letters of sequences, and which bases can pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

_Array = np.ndarray[Any, Any]

#: Bases in the order of their codes; any other letter has the code UNKNOWN.
BASES = "ACGU"
UNKNOWN = 4
# The codes of the International Union of Pure and Applied Chemistry for what is not known exactly.
_AMBIGUOUS = "RYSWKMBDHVN"

#: The least j - i of a pair: a hairpin loop holds at least three bases.
LEAST_SPAN = 4

#: Which codes can pair: the Watson-Crick pairs, and G with U.
CAN_PAIR: _Array = np.zeros((5, 5), dtype=bool)
for _pair in ("AU", "CG", "GU"):
    _i, _j = (BASES.index(_letter) for _letter in _pair)
    CAN_PAIR[_i, _j] = CAN_PAIR[_j, _i] = True

_CODES = np.full(256, -1, dtype=np.int8)
for _letter in _AMBIGUOUS:
    _CODES[[ord(_letter), ord(_letter.lower())]] = UNKNOWN
for _code, _letter in enumerate(BASES):
    _CODES[[ord(_letter), ord(_letter.lower())]] = _code
_CODES[[ord("T"), ord("t")]] = BASES.index("U")


def encode(sequences: Sequence[str], unknown: str = "accept") -> list[_Array]:
    """Return the codes of the letters of each sequence.

    Parameters
    ----------
    sequences : sequence of str
        In A, C, G, U or T, in capitals or not, and IUPAC's codes for what is not known.
    unknown : {"accept", "refuse"}, default="accept"
        Whether such codes are taken for a base that pairs with none, or refused.

    Returns
    -------
    list of ndarray of int8
        0 to 3 for A, C, G and U, 4 for unknown ones.

    Raises
    ------
    TypeError
        If a sequence is no string; the message has its index.
    ValueError
        If a sequence is empty, or has another letter.

    Examples
    --------
    >>> encode(["GATN"])
    [array([2, 0, 3, 4], dtype=int8)]
    """
    found = []
    for index, sequence in enumerate(sequences):
        if not isinstance(sequence, str):
            raise TypeError(
                f"sequences[{index}] is a {type(sequence).__name__}; sequences must be strings."
            )
        if not sequence:
            raise ValueError(f"sequences[{index}] is empty.")
        # What is outside of Latin-1 becomes a question mark, which is no base either.
        letters = np.frombuffer(sequence.encode("latin-1", "replace"), dtype=np.uint8)
        codes = _CODES[letters]
        refused = codes < 0 if unknown == "accept" else (codes < 0) | (codes == UNKNOWN)
        if refused.any():
            _refuse(sequence, index, int(refused.argmax()), int(codes[refused.argmax()]))
        found.append(codes)
    return found


def _refuse(sequence: str, index: int, place: int, code: int) -> None:
    letter = f"sequences[{index}] has {sequence[place]!r} at position {place}"
    if code == UNKNOWN:
        raise ValueError(
            f"{letter}, a base that is not known. Use unknown_letters='accept' for bases that "
            "pair with none."
        )
    raise ValueError(f"{letter}, which is no base: use A, C, G, U, T or {_AMBIGUOUS}.")


def allowed_pairs(codes: _Array) -> _Array:
    """Return which bases may pair, (n, n): canonical pairs around a loop of three or more."""
    n = len(codes)
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) >= LEAST_SPAN
    allowed: _Array = CAN_PAIR[codes[:, None], codes[None, :]] & apart
    return allowed


def allowed_pairs_of_batch(codes: Tensor) -> Tensor:
    """Return which bases may pair, (batch, n, n), as :func:`allowed_pairs` of each row."""
    place = torch.arange(codes.shape[1], device=codes.device)
    apart = (place.unsqueeze(1) - place).abs() >= LEAST_SPAN
    can_pair = torch.from_numpy(CAN_PAIR).to(codes.device)
    return can_pair[codes.unsqueeze(2), codes.unsqueeze(1)] & apart
