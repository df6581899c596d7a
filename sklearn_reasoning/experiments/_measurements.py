"""The table of a study, read as matrices of repetitions and numbers of steps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


class Measurements:
    """What was measured: a matrix of repetitions and k for each algorithm and hidden size.

    The table has equally long columns, a row for each model and repetition, in any order; a
    ``pandas.DataFrame`` will do. ``columns`` names the measured ones that are needed;
    ``has_q_hidden`` says whether rows differ in ``q_hidden``. The attributes ``algos``, ``k``,
    ``q_hidden`` and ``repetitions`` are the values that the table holds, sorted.

    A ValueError if a column is missing, shorter than another, or does not hold numbers; if the
    table has no rows, or two of the same model and repetition.
    """

    def __init__(
        self, table: Mapping[str, Any], columns: Sequence[str], *, has_q_hidden: bool = True
    ) -> None:
        keys = ["k", "repetition", *(["q_hidden"] if has_q_hidden else [])]
        check_columns(table, ("algo", *keys, *columns))
        self._algo = np.array([str(algo) for algo in table["algo"]], dtype=object)
        self._values = {name: column_of_numbers(name, table[name]) for name in (*keys, *columns)}
        wrong = [name for name in keys if not _are_whole(self._values[name])]
        if wrong:
            raise ValueError(f"The table's column {wrong[0]!r} must hold whole numbers.")
        if not has_q_hidden:
            self._values["q_hidden"] = np.zeros(len(self._algo))
        self.algos = sorted(set(self._algo))
        self.k = _distinct(self._values["k"])
        self.repetitions = _distinct(self._values["repetition"])
        self.q_hidden = _distinct(self._values["q_hidden"])
        self._refuse_duplicates()

    def _refuse_duplicates(self) -> None:
        seen = set()
        names = ("q_hidden", "k", "repetition")
        for algo, *row in zip(self._algo, *(self._values[name] for name in names), strict=True):
            if (algo, *row) in seen:
                where = ", ".join(f"{n}={v:g}" for n, v in zip(names, row, strict=True))
                raise ValueError(f"The table has two rows for algo={algo!r}, {where}.")
            seen.add((algo, *row))

    def matrix(self, column: str, algo: str, q_hidden: int = 0) -> Matrix:
        """Return a column of the table for one algorithm and hidden size.

        In the order of ``repetitions`` and ``k``; NaN where a row is missing or not finite.
        """
        rows = self._rows(algo, q_hidden)
        matrix = np.full((len(self.repetitions), len(self.k)), np.nan)
        line = np.searchsorted(self.repetitions, self._values["repetition"][rows])
        place = np.searchsorted(self.k, self._values["k"][rows])
        values = self._values[column][rows]
        matrix[line, place] = np.where(np.isfinite(values), values, np.nan)
        return matrix

    def n_not_finite(self, column: str, algos: Sequence[str], q_hidden: int = 0) -> int:
        """Return how many values of these algorithms are infinite or not a number."""
        chosen = [self._values[column][self._rows(algo, q_hidden)] for algo in algos]
        return int(sum((~np.isfinite(values)).sum() for values in chosen))

    def _rows(self, algo: str, q_hidden: int) -> NDArray[np.bool_]:
        rows: NDArray[np.bool_] = (self._algo == algo) & (self._values["q_hidden"] == q_hidden)
        return rows


def evenly_by_rank(k: Sequence[int], most: int) -> list[int]:
    """Return at most so many of the k: the ends, and others evenly by rank."""
    ordered = sorted(k)
    places = np.linspace(0, len(ordered) - 1, min(len(ordered), most)).round().astype(int)
    return [ordered[place] for place in places]


def check_columns(table: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raise a ValueError if a table lacks columns, they are not equally long, or are empty."""
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(f"The table lacks the columns {missing}; it has {list(table)}.")
    lengths = {name: len(table[name]) for name in names}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"The table's columns must be equally long, got {lengths}.")
    if not lengths[names[0]]:
        raise ValueError("The table has no rows.")


def column_of_numbers(name: str, column: Any) -> Matrix:
    """Return a column as an array; a ValueError if it holds anything but numbers."""
    try:
        return np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The table's column {name!r} must hold numbers: {error}.") from error


def _are_whole(values: Matrix) -> bool:
    return bool(np.isfinite(values).all() and (values == np.round(values)).all())


def _distinct(values: Matrix) -> list[int]:
    return [int(value) for value in np.unique(values)]
