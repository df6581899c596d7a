"""Structures as dot-bracket strings and as arrays of pairs."""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

_Array = np.ndarray[Any, Any]

_OPENING = "([{<" + ascii_uppercase
_CLOSING = ")]}>" + ascii_lowercase
_LEVEL_OF = {letter: level for level, letter in enumerate(_OPENING)}
_CLOSES = {letter: level for level, letter in enumerate(_CLOSING)}


def parse_dot_bracket(structure: str) -> _Array:
    """Return the pairs of a dot-bracket string.

    Parameters
    ----------
    structure : str
        A dot for each base without a partner, and brackets ``()``, ``[]``, ``{}``, ``<>`` or
        letters ``Aa`` to ``Zz`` for pairs; those of one kind are nested, those of two may cross.

    Returns
    -------
    ndarray of int of shape (m, 2)
        Pairs i < j, counted from 0, sorted by i.

    Raises
    ------
    ValueError
        If a bracket has no partner, or a letter is none of these.

    Examples
    --------
    >>> parse_dot_bracket("((..[[))..]]").tolist()
    [[0, 7], [1, 6], [4, 11], [5, 10]]
    """
    stacks: dict[int, list[int]] = {}
    pairs = []
    for j, letter in enumerate(structure):
        if letter in _LEVEL_OF:
            stacks.setdefault(_LEVEL_OF[letter], []).append(j)
        elif letter in _CLOSES:
            stack = stacks.get(_CLOSES[letter])
            if not stack:
                raise ValueError(f"{letter!r} at position {j} closes no bracket")
            pairs.append((stack.pop(), j))
        elif letter != ".":
            raise ValueError(f"{letter!r} at position {j} is neither a dot nor a bracket")
    left = [(stack[-1], _OPENING[level]) for level, stack in stacks.items() if stack]
    if left:
        place, letter = min(left)
        raise ValueError(f"{letter!r} at position {place} is never closed")
    return np.array(sorted(pairs), dtype=np.intp).reshape(-1, 2)


def format_dot_bracket(pairs: Any, n: int) -> str:
    """Return the dot-bracket string of some pairs.

    Parameters
    ----------
    pairs : array-like of int of shape (m, 2)
        Pairs i < j, counted from 0; no base is in two.
    n : int
        Number of bases.

    Returns
    -------
    str
        Of length n. Pairs that cross get further kinds of brackets.

    Raises
    ------
    ValueError
        If a pair is not within the sequence, a base is in two, or there are more kinds of crossing
        pairs than the 30 brackets.

    Examples
    --------
    >>> format_dot_bracket([[0, 7], [1, 6], [4, 11], [5, 10]], 12)
    '((..[[))..]]'
    """
    found = check_pairs(pairs, n)
    letters = ["."] * n
    levels: list[list[tuple[int, int]]] = []
    for i, j in found.tolist():
        # Sorted by i: an earlier pair crosses this one if it closes inside.
        free = (at for at, others in enumerate(levels) if not any(i < b < j for _, b in others))
        level = next(free, len(levels))
        if level == len(_OPENING):
            raise ValueError(f"pairs cross one another in more than {len(_OPENING)} layers")
        if level == len(levels):
            levels.append([])
        levels[level].append((i, j))
        letters[i], letters[j] = _OPENING[level], _CLOSING[level]
    return "".join(letters)


def check_pairs(pairs: Any, n: int) -> _Array:
    """Return pairs as an array of shape (m, 2), sorted; a ValueError if they are none of n bases.

    Examples
    --------
    >>> check_pairs([(3, 9), (0, 12)], 13)
    array([[ 0, 12],
           [ 3,  9]])
    """
    found = np.asarray(pairs)
    if found.size == 0:
        return np.zeros((0, 2), dtype=np.intp)
    # Whole numbers in floats are what tables and files of numbers often hold.
    is_whole = found.dtype.kind in "iu" or (
        found.dtype.kind == "f" and bool((found == np.trunc(found)).all())
    )
    if found.ndim != 2 or found.shape[1] != 2 or not is_whole:
        raise ValueError(
            f"pairs must be whole numbers of shape (m, 2), got {found.dtype} of {found.shape}"
        )
    outside = (found < 0).any(axis=1) | (found[:, 1] >= n) | (found[:, 0] >= found[:, 1])
    if outside.any():
        i, j = found[outside.argmax()].tolist()
        raise ValueError(f"the pair ({i}, {j}) does not have 0 <= i < j < {n}")
    found = found.astype(np.intp)
    bases, counts = np.unique(found, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"the base {bases[counts.argmax()]} is paired twice")
    return found[np.argsort(found[:, 0])]


def read_structures(structures: Iterable[Any], lengths: Iterable[int]) -> list[_Array]:
    """Return the pairs of structures, each a dot-bracket string or an array of pairs.

    A TypeError or ValueError names the index of the structure.
    """
    found = []
    for index, (structure, n) in enumerate(zip(structures, lengths, strict=True)):
        try:
            if isinstance(structure, str):
                if len(structure) != n:
                    raise ValueError(f"has {len(structure)} letters, its sequence {n}")
                found.append(parse_dot_bracket(structure))
            else:
                found.append(check_pairs(structure, n))
        except (TypeError, ValueError) as error:
            raise type(error)(f"structures[{index}]: {error}.") from None
    return found


def pair_f1(true: Any, predicted: Any) -> float:
    """Return the F1 score of predicted pairs: the harmonic mean of precision and recall.

    Parameters
    ----------
    true, predicted : array-like of int of shape (m, 2)
        Pairs i < j.

    Returns
    -------
    float
        In [0, 1]; 1 where there are none of either.

    Examples
    --------
    >>> round(pair_f1([[0, 9], [1, 8]], [[1, 8]]), 3)
    0.667
    """
    sets = [
        set(map(tuple, np.asarray(pairs).reshape(-1, 2).tolist())) for pairs in (true, predicted)
    ]
    total = len(sets[0]) + len(sets[1])
    return 2.0 * len(sets[0] & sets[1]) / total if total else 1.0
