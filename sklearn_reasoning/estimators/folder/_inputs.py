"""Sequences and structures as users hold them, and what of it is trained on."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from sklearn_reasoning.estimators._held_out import kept_and_held_out
from sklearn_reasoning.estimators._watch import IS_WRAPPED
from sklearn_reasoning.rna import allowed_pairs, encode, read_structures

from ._batches import FoldRows
from ._prior import read_priors

_Array = np.ndarray[Any, Any]


class Sequences(NamedTuple):
    """Sequences as letters and as codes."""

    strings: list[str]
    codes: list[_Array]


def read_sequences(sequences: Any, unknown_letters: str) -> Sequences:
    """Return sequences, one or more.

    A TypeError or ValueError says what is wrong, with the index of the sequence.
    """
    strings = _entries("sequences", sequences)
    return Sequences(strings, encode(strings, unknown_letters))


def read_known(
    sequences: Any, structures: Any, unknown_letters: str
) -> tuple[Sequences, list[_Array]]:
    """Return sequences and the pairs of their structures, those that are not allowed too.

    A TypeError or ValueError says what is wrong, with the index of the sequence or structure.
    """
    strings = _entries("sequences", sequences)
    given = _entries("structures", structures)
    if len(strings) != len(given):
        raise ValueError(f"There are {len(strings)} sequences and {len(given)} structures.")
    if all(isinstance(entry, Integral) for entry in given):
        raise TypeError(
            "structures holds a whole number for each sequence; use dot-bracket strings or arrays "
            "of pairs. cross_val_predict makes such numbers for method='predict_proba', as if "
            "structures were classes: fit and call predict_proba for each fold instead."
        )
    read = Sequences(strings, encode(strings, unknown_letters))
    return read, read_structures(given, map(len, strings))


def read_rows(estimator: Any, sequences: Any, structures: Any) -> FoldRows:
    """Return what ``fit`` is given, with priors, and without the pairs that are not allowed.

    Called by ``fit`` itself: a warning is then of the line that calls ``fit``.
    """
    read, pairs = read_known(sequences, structures, estimator.unknown_letters)
    learned = []
    for own, all_pairs in zip(read.codes, pairs, strict=True):
        is_allowed = allowed_pairs(own)[all_pairs[:, 0], all_pairs[:, 1]]
        learned.append(all_pairs[is_allowed])
    left_out = [len(all_) - len(own) for all_, own in zip(pairs, learned, strict=True)]
    if any(left_out):
        first = int(np.flatnonzero(left_out)[0])
        warnings.warn(
            f"{sum(left_out)} pairs in {np.count_nonzero(left_out)} structures are not learned "
            f"(structures[{first}] has the first): bases that cannot pair, or less than four "
            "places apart.",
            UserWarning,
            stacklevel=3 + IS_WRAPPED,
        )
    return FoldRows(read.codes, learned, read_priors(estimator.prior, read.strings))


def hold_out(estimator: Any, rows: FoldRows, seed: int) -> tuple[FoldRows, FoldRows | None]:
    """Return the rows to train on, and those that early stopping watches, if it is asked for."""
    if not estimator.early_stopping:
        return rows, None
    n, fraction = len(rows.codes), estimator.validation_fraction
    refusal = (
        "early_stopping=True needs two sequences or more, to train on and to hold out, and "
        f"validation_fraction={fraction!r} leaves none of {n} to train on."
    )
    kept, held_out = kept_and_held_out(n, fraction, seed, refusal)
    return rows.take(kept), rows.take(held_out)


def _entries(name: str, given: Any) -> list[Any]:
    """Return what a list, tuple, array or Series holds, one entry a sequence.

    A TypeError if it is a single string or a table with columns; a ValueError if it is empty. What
    the entries are is checked later.
    """
    if isinstance(given, str | bytes):
        raise TypeError(f"{name} is a single string; use a list of strings.")
    if hasattr(given, "columns"):
        raise TypeError(
            f"{name} is a table with columns; there are no features here. Use the column of "
            "strings."
        )
    if hasattr(given, "to_numpy"):  # a Series, whose own iteration may go by other names
        given = given.to_numpy()
    if isinstance(given, np.ndarray) and given.ndim != 1 and name == "sequences":
        raise ValueError(f"{name} of shape {given.shape} must have one axis.")
    try:
        found = list(given)
    except TypeError:
        raise TypeError(f"{name} is a {type(given).__name__}; use a list of strings.") from None
    if not found:
        raise ValueError(f"{name} is empty; there must be one or more.")
    return [str(entry) if isinstance(entry, np.str_) else entry for entry in found]
