"""Which candidates of a gap table belong to one line of a plot, and what the line's points are."""

import ast
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_reasoning.algorithms import Algorithm, get_algorithm, list_algorithms

_NOT_SET = "not set"
_SEEDS = {"random_state", "seed"}


@dataclass(frozen=True)
class GapCurve:
    """One line: the candidates that differ in x, and in nothing else that is drawn.

    ``panel`` and ``line`` are the parameters' values that all its candidates share; None where
    there is no such parameter. ``x``, ascending, and the others have the shape (n_points,): means
    and standard deviations over splits and seeds, in the unit of the metric, and in ``n_values``
    the number of splits, times that of seeds. ``others`` holds, for each point, the candidate's
    parameters that are neither drawn nor a seed.
    """

    panel: Any
    line: Any
    x: NDArray[np.float64]
    empirical: NDArray[np.float64]
    empirical_std: NDArray[np.float64]
    held_out: NDArray[np.float64]
    held_out_std: NDArray[np.float64]
    gap: NDArray[np.float64]
    gap_std: NDArray[np.float64]
    n_values: NDArray[np.int_]
    others: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Arrangement:
    """All curves of a table, and the names of what they are drawn against."""

    curves: list[GapCurve]
    panels: list[Any]  # values, in the order to draw in
    lines: list[Any]
    kind: str  # "loss" or "score"
    x: str  # parameters' names
    line: str | None
    panel: str | None


def arrange(
    table: Mapping[str, Any], *, x: str | None, line: str | None, panel: str | None
) -> Arrangement:
    """Sort the rows of a gap table, or of a frame made of it, into curves.

    x, line and panel name parameters; None is ``"k"``, ``"algo"``, ``"q_hidden"``, of which the
    first must be there. A ValueError if the table is no gap table, a parameter is not in it or is
    ambiguous, or x is not numeric.
    """
    # A frame lists its columns and indexes them as a mapping does.
    columns = {
        str(name): np.asarray(table[name], dtype=object)
        for name in getattr(table, "columns", table)
    }
    kind, measured = _measured(columns)
    parameters = {
        name.removeprefix("param_"): values
        for name, values in columns.items()
        if name.startswith("param_")
    }
    x_name = _find(parameters, "x", x, "k")
    if x_name is None:
        numeric = [name for name, values in parameters.items() if _is_numeric(values)]
        raise ValueError(
            "The candidates have no parameter 'k' to draw the gap against. Pass x=, one of the "
            f"numeric parameters {numeric}."
        )
    line_name = _find(parameters, "line", line, "algo", taken=[x_name])
    panel_name = _find(parameters, "panel", panel, "q_hidden", taken=[x_name, line_name])

    x_values = numbers(x_name, parameters[x_name])
    settings = {name: _values(name, values) for name, values in parameters.items()}
    nothing: list[Any] = [None] * len(x_values)
    lines = settings[line_name] if line_name else nothing
    panels = settings[panel_name] if panel_name else nothing
    others = {
        name: values
        for name, values in settings.items()
        if name not in (x_name, line_name, panel_name)
    }
    rows = np.flatnonzero(~np.isnan(x_values)).tolist()
    if not rows:
        raise ValueError(f"No candidate has a value of x={x_name!r}.")
    if "n_resources" in columns:
        resources = columns["n_resources"].tolist()
        # The resource may be a parameter, such as max_epochs, which then tells iterations apart
        # and not candidates.
        others = {name: values for name, values in others.items() if values != resources}
        rows = _last_iterations(
            rows, resources, [x_values.tolist(), lines, panels, *others.values()]
        )
    tuned = {name: values for name, values in others.items() if _last_part(name) not in _SEEDS}

    members: dict[tuple[int, int], list[int]] = {}
    panel_values, line_values = _ordered(panels, rows), _ordered(lines, rows)
    for row in rows:
        place = panel_values.index(panels[row]), line_values.index(lines[row])
        members.setdefault(place, []).append(row)
    curves = [
        GapCurve(
            panel=panel_values[i],
            line=line_values[j],
            **_points(members[i, j], x_values, tuned, measured, kind),
        )
        for i, j in sorted(members)
    ]
    return Arrangement(
        curves=curves,
        panels=panel_values,
        lines=line_values,
        kind=kind,
        x=x_name,
        line=line_name,
        panel=panel_name,
    )


def _measured(columns: dict[str, NDArray[Any]]) -> tuple[str, dict[str, NDArray[np.float64]]]:
    """Return "loss" or "score", and the per-split values, each of shape (candidates, splits)."""
    kind = "loss" if "split0_empirical_loss" in columns else "score"
    n_splits = next(i for i in count() if f"split{i}_gap" not in columns)
    sources = {"empirical": f"empirical_{kind}", "held_out": f"held_out_{kind}", "gap": "gap"}
    needed = [f"split{i}_{source}" for source in sources.values() for i in range(n_splits)]
    missing = [name for name in needed if name not in columns]
    if not n_splits or missing:
        raise ValueError(
            f"The table lacks the columns {missing or ['split0_gap']}. Pass what gap_table "
            "returns, or a frame made of all of its columns."
        )
    if len({len(values) for values in columns.values()}) > 1:
        raise ValueError("The columns of the table must be equally long.")
    if not len(columns["split0_gap"]):
        raise ValueError("The table has no rows.")
    return kind, {
        part: np.stack(
            [columns[f"split{i}_{source}"].astype(np.float64) for i in range(n_splits)], axis=1
        )
        for part, source in sources.items()
    }


def _points(
    rows: list[int],
    x_values: NDArray[np.float64],
    tuned: dict[str, list[Any]],
    measured: dict[str, NDArray[np.float64]],
    kind: str,
) -> dict[str, Any]:
    """Pool the seeds of each candidate, and take at each x the one that a search would take."""

    def preference(group: list[int]) -> tuple[bool, float]:
        held_out = float(measured["held_out"][group].mean())
        return np.isnan(held_out), held_out if kind == "loss" else -held_out

    xs = np.unique(x_values[rows])
    kept = []
    for value in xs:
        groups: dict[str, list[int]] = {}
        for row in rows:
            if x_values[row] == value:
                # Values may be unhashable, or equal and yet different, as 1 and True are.
                key = repr([values[row] for values in tuned.values()])
                groups.setdefault(key, []).append(row)
        kept.append(min(groups.values(), key=preference))
    points: dict[str, Any] = {"x": xs}
    for part, values in measured.items():
        points[part] = np.array([values[group].mean() for group in kept])
        points[f"{part}_std"] = np.array([values[group].std() for group in kept])
    points["n_values"] = np.array([measured["gap"][group].size for group in kept])
    points["others"] = tuple(
        {name: values[group[0]] for name, values in tuned.items()} for group in kept
    )
    return points


def _last_iterations(rows: list[int], resources: list[Any], identity: list[list[Any]]) -> list[int]:
    """Return of each candidate the row at its largest number of resources."""
    last: dict[str, int] = {}
    for row in rows:
        key = repr([values[row] for values in identity])
        if key not in last or resources[row] > resources[last[key]]:
            last[key] = row
    return sorted(last.values())


def _last_part(name: str) -> str:
    return name.rpartition("__")[2]


def _find(
    parameters: Mapping[str, Any],
    role: str,
    name: str | None,
    default: str,
    taken: list[str | None] | None = None,
) -> str | None:
    """Return the full name of a parameter, of which pipelines let the last part suffice."""
    wanted = default if name is None else name.removeprefix("param_")
    found = [wanted] if wanted in parameters else [n for n in parameters if _last_part(n) == wanted]
    if name is None:
        found = [n for n in found if n not in (taken or [])]
    if len(found) > 1:
        raise ValueError(
            f"Several parameters are called {wanted!r}: {found}. Pass one of them as {role}."
        )
    if name is not None and not found:
        raise ValueError(
            f"{role}={name!r} is not one of the candidates' parameters: {list(parameters)}."
        )
    if name is not None and found[0] in (taken or []):
        raise ValueError(f"{role}={name!r} is drawn already, as another of x, line and panel.")
    return found[0] if found else None


def _is_numeric(values: NDArray[Any]) -> bool:
    return all(isinstance(value, Real) and not isinstance(value, bool) for value in values)


def numbers(name: str, values: NDArray[Any]) -> NDArray[np.float64]:
    """Return a parameter's values for the x axis; a ValueError if one is no number."""
    for value in values:
        if not isinstance(value, Real):
            raise ValueError(
                f"x={name!r} must be a numeric parameter to be the x axis, got {value!r}."
            )
    return values.astype(np.float64)


def _values(name: str, values: NDArray[Any]) -> list[Any]:
    """Return values that compare with ``==`` and print well, from memory or from a CSV file."""
    read = [_read(value) for value in values]
    if _last_part(name) != "q_hidden":
        return [_NOT_SET if _is_nan(value) else value for value in read]
    # gap_table has NaN where a candidate does not set the parameter. A CSV file, in which all is
    # text or a float, has it for None.
    from_csv = all(isinstance(value, str | float) for value in values)
    return [_hidden(value, from_csv) for value in read]


def _read(value: Any) -> Any:
    if isinstance(value, Algorithm):
        value = repr(value)
    if isinstance(value, str):
        # With its default options an algorithm goes by its key.
        for name in list_algorithms():
            if value == repr(get_algorithm(name)):
                return name
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError):
            return value
    if isinstance(value, np.ndarray | list | tuple):
        return tuple(_read(entry) for entry in value)
    if isinstance(value, np.generic):
        return value.item()
    return value


def _hidden(value: Any, from_csv: bool) -> Any:
    if _is_nan(value) or value == "":
        return None if from_csv else _NOT_SET
    if isinstance(value, int | float):
        return (int(value),) if value else ()
    return value


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _ordered(values: list[Any], rows: list[int]) -> list[Any]:
    """Return each value once: numbers and sizes ascending after None, others as they come."""
    unique: list[Any] = []
    for row in rows:
        if values[row] not in unique:
            unique.append(values[row])
    present = [value for value in unique if value is not None]
    if not any(isinstance(value, str) for value in present):
        with suppress(TypeError):  # what has no order
            present = sorted(present)
    return [value for value in unique if value is None] + present
