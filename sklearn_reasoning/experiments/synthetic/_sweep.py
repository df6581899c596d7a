"""The study at several values of one setting, and the power law that its gap follows."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sklearn_reasoning.experiments._evidence import NOT_TESTABLE
from sklearn_reasoning.experiments._measurements import (
    Matrix,
    Measurements,
    check_columns,
    column_of_numbers,
)
from sklearn_reasoning.experiments._protocol import Protocol
from sklearn_reasoning.experiments._tables import Table, table_of

from ._study import run_study


class Varied(NamedTuple):
    """What a setting is called: in a title, and on an axis."""

    title: str
    label: str


VARIED = {
    "n_samples": Varied("number of training rows", "training rows n"),
    "n_features": Varied("number of features", "features m"),
    "n_outputs": Varied("number of outputs", "outputs d"),
    "mu": Varied("smallest eigenvalue of Q*", "smallest eigenvalue mu"),
    "L": Varied("largest eigenvalue of Q*", "largest eigenvalue L"),
    "noise": Varied("noise on training labels", "standard deviation of noise, units of y"),
}
# The leading term of Theorem 5.1 has n to this power.
RATE = -0.5
_KEYS = ("algo", "q_hidden", "k", "repetition")


def run_sweep(
    protocol: Protocol,
    setting: str,
    values: Iterable[float],
    folder: str | Path | None = None,
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Table:
    """Run the study once for each of two or more values of the settings in ``VARIED``.

    All values share the seed. A repetition's training rows at a smaller ``n_samples`` are the
    first of those at a larger, and another ``noise`` scales the same draws. Labels are up to
    ``||b|| / mu`` long, so that another ``mu`` changes the scale of all losses. Noise is in the
    training loss and not in that of the population: it may lower the gap while both losses rise.

    Finished stacks are kept in the folder, those of each value in a folder of its own such as
    ``n_samples-100``, so that a killed sweep goes on. Returns the columns of ``run_study`` after
    that of the setting, which holds each row's value; the values are in the order given.

    What :func:`check_sweep` refuses is refused before any training. A RuntimeError if all trainings
    of a model diverged, which is a ValueError where all of all models did; it names the value.
    """
    protocols = check_sweep(protocol, setting, values)
    table: Table = {}
    for number, (value, each) in enumerate(protocols.items(), start=1):
        if verbose:
            print(f"{setting}={value:g} ({number} of {len(protocols)})", file=sys.stderr)
        kept = None if folder is None else Path(folder) / f"{setting}-{value:g}"
        try:
            part = run_study(each, kept, n_jobs=n_jobs, verbose=verbose)
        except (RuntimeError, ValueError) as error:
            # A search of which every training diverged raises the latter.
            kind = RuntimeError if isinstance(error, RuntimeError) else ValueError
            raise kind(f"{setting}={value:g}: {error}") from error
        part = {setting: [value] * len(part["algo"]), **part}
        for name, column in part.items():
            table.setdefault(name, []).extend(column)
    return table


def check_setting(setting: str) -> None:
    """Raise a ValueError that lists the settings, for one that cannot be varied."""
    if setting not in VARIED:
        raise ValueError(f"setting={setting!r} is not one of {list(VARIED)}.")


def check_sweep(protocol: Protocol, setting: str, values: Iterable[float]) -> dict[float, Protocol]:
    """Return the protocol of each value, in the order given; refuse a sweep that cannot be run.

    A TypeError or ValueError if the setting is not one that can vary, or values are fewer than two,
    twice there, out of the protocol's domain, or at odds with the file of ``true_energy``.
    """
    check_setting(setting)
    try:
        chosen = [value.item() if isinstance(value, np.generic) else value for value in values]
    except TypeError as error:
        raise TypeError(f"values={values!r} must be a list of numbers.") from error
    if len(chosen) < 2:
        raise ValueError(f"values={chosen!r} must hold at least two values of {setting}.")
    protocols = [protocol.but({setting: value}) for value in chosen]
    # Their folders are named by six digits.
    names = [f"{value:g}" for value in chosen]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(
            f"values={chosen!r} holds {twice[0]} twice; values must differ in their first six "
            "digits."
        )
    if protocol.true_energy is not None and setting in ("n_features", "n_outputs"):
        raise ValueError(
            f"setting={setting!r} cannot vary with true_energy={str(protocol.true_energy)!r}, "
            "whose weights have one shape. Use true_energy=None."
        )
    return dict(zip(chosen, protocols, strict=True))


def sweep_exponents(table: Mapping[str, Any], setting: str) -> Table:
    """Fit a power law to the gap of each model: gap = c value^p.

    The exponent p is the least-squares slope of the logarithm of the mean gap over repetitions
    on the logarithm of the value. Its standard error is the jackknife's over repetitions, each
    left out at all values at once since repetitions are paired.

    With a given step size the leading term of Theorem 5.1 falls like :math:`n^{-1/2}`, logarithms
    aside. Where the held-out rows are the
    whole population of N rows, the gap is :math:`1 - n/N` times that on rows not trained on,
    which makes p more negative where n is not far below N; ``held_out="disjoint"`` has no such
    factor.

    A row for each ``algo``, ``q_hidden`` and ``k``: ``exponent``, ``standard_error``;
    ``n_values``, how many values there are without those at 0, which has no logarithm; and
    ``n_not_positive``, at how many of these the mean gap is not above 0. The exponent is NaN
    where that is at one or more, or with fewer than two values; the standard error also
    where it happens with a repetition left out, or there is but one repetition. With
    "n_samples" there are ``from_minus_half``, the exponent plus 1/2, and
    ``within_two_errors``: "yes", "no", or "not testable" where a number is NaN.
    """
    by_value = read_sweep(table, setting)
    values = np.array(list(by_value))
    has_log = values > 0.0
    logs = np.log(values[has_log])
    names = ["algo", "q_hidden", "k", "exponent", "standard_error", "n_values", "n_not_positive"]
    if setting == "n_samples":
        names += ["from_minus_half", "within_two_errors"]
    rows = []
    first = next(iter(by_value.values()))
    for q_hidden in first.q_hidden:
        for algo in first.algos:
            for k in first.k:
                gaps = gap_matrix(by_value, algo, q_hidden, k)[:, has_log]
                exponent, error, *counts = _fitted(logs, gaps)
                row = [algo, q_hidden, k, exponent, error, *counts]
                if setting == "n_samples":
                    row += _beside_the_rate(exponent, error)
                rows.append(row)
    return table_of(names, rows)


def read_sweep(table: Mapping[str, Any], setting: str) -> dict[float, Measurements]:
    """Return what was measured at each value, sorted by value.

    A ValueError if the table lacks a column or holds what is not a number, or if values differ in
    their models or repetitions.
    """
    check_setting(setting)
    check_columns(table, (setting, *_KEYS, "gap"))
    values = column_of_numbers(setting, table[setting])
    if not np.isfinite(values).all():
        raise ValueError(f"The table's column {setting!r} must hold finite numbers.")
    columns = {name: np.asarray(table[name]) for name in (*_KEYS, "gap")}
    by_value = {
        float(value): Measurements(
            {name: column[values == value] for name, column in columns.items()}, ["gap"]
        )
        for value in np.unique(values)
    }
    (lowest, first), *others = by_value.items()
    for value, data in others:
        for name in ("algos", "q_hidden", "k", "repetitions"):
            one, other = getattr(first, name), getattr(data, name)
            if one != other:
                raise ValueError(
                    f"The table's {name} are {one} at {setting}={lowest:g} and {other} at "
                    f"{setting}={value:g}; a sweep has the same at each value."
                )
    return by_value


def gap_matrix(by_value: Mapping[float, Measurements], algo: str, q_hidden: int, k: int) -> Matrix:
    """Return the gaps of one model, of shape (n_repetitions, n_values)."""
    return np.stack(
        [data.matrix("gap", algo, q_hidden)[:, data.k.index(k)] for data in by_value.values()],
        axis=1,
    )


def _fitted(logs: Matrix, gaps: Matrix) -> tuple[float, float, int, int]:
    """Return exponent, standard error, count of values and of means not above 0."""
    n = len(gaps)
    mean = gaps.mean(axis=0)
    n_not_positive = int((~(mean > 0.0)).sum())
    error = np.nan
    if n > 1:
        left_out = np.array(
            [_slope(logs, np.delete(gaps, i, axis=0).mean(axis=0)) for i in range(n)]
        )
        error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    return _slope(logs, mean), float(error), len(logs), n_not_positive


def _slope(logs: Matrix, mean: Matrix) -> float:
    if len(logs) < 2 or not (mean > 0.0).all():
        return float("nan")
    centred = logs - logs.mean()
    return float(centred @ np.log(mean) / (centred @ centred))


def _beside_the_rate(exponent: float, standard_error: float) -> tuple[float, str]:
    away = exponent - RATE
    if not np.isfinite(away) or not np.isfinite(standard_error):
        return away, NOT_TESTABLE
    # What rounding leaves of a gap that is the same power law in all repetitions.
    rounding = 1e-12
    return away, "yes" if abs(away) <= 2.0 * standard_error + rounding else "no"
