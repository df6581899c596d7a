"""The properties of algorithms, printed and drawn."""

import csv
import io
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn_reasoning._runs.atomic_files import write_atomically
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.inspection import (
    PropertyCurve,
    describe_step_size,
    property_curves,
    table_of,
)

_COLUMNS = {
    "Cvg": "convergence",
    "Stab in Q": "stability_in_Q",
    "Stab in b": "stability_in_b",
    "Sens": "sensitivity",
}
_NOTES = (
    "Proven bounds, for every Q with its spectrum there, of any dimension, and every b:",
    "Cvg        share of the distance to the minimiser that is left after k steps",
    "Stab in Q  change of the output, per unit of ||Q - Q'|| and of ||b||",
    "Stab in b  change of the output, per unit of ||b - b'||",
    "Sens       change of the output, per unit of step size or weights and of ||b||; local",
)
_ON_INFINITE = "inf        no bound: nothing is proven"
_ON_ATTAINED = "(...)      what some Q and b attain, where that is more than 0.1 % below the bound"


def print_properties(
    algorithms: Sequence[Algorithm],
    k: Sequence[int],
    *,
    step_size: float | None = None,
    mu: float = 0.1,
    L: float = 1.0,
    form: str = "table",
    plot: Path | None = None,
) -> None:
    """Print the properties of algorithms against k, and draw them if asked to.

    A step size of None is 1/L. ``form`` is "table", "csv" or "json"; the figure is PNG, SVG or PDF
    by the suffix of ``plot``.
    """
    curves = property_curves(algorithms, k, step_size=step_size, mu=mu, L=L)
    if form == "table":
        text = as_text(curves, mu, L)
    else:
        text = {"csv": as_csv, "json": as_json}[form](table_of(curves, mu, L))
    # Before anything is printed: the figure may have no place.
    if plot is not None:
        write_atomically(plot, _figure(curves, mu, L, plot.suffix.lower()[1:]))
    print(text)
    if plot is not None:
        # What is parsed must stay free of messages.
        print(f"Figure: {plot}", file=sys.stdout if form == "table" else sys.stderr)


def as_text(curves: Sequence[PropertyCurve], mu: float, L: float) -> str:
    """Return an aligned table for each algorithm, and what the columns mean."""
    tables = [table for curve in curves for table in (_heading(curve, mu, L), _rows(curve))]
    notes = [*_NOTES]
    if any("inf" in table for table in tables[1::2]):
        notes.append(_ON_INFINITE)
    if any("(" in table for table in tables[1::2]):
        notes.append(_ON_ATTAINED)
    blocks = [f"{heading}\n{rows}" for heading, rows in zip(tables[::2], tables[1::2], strict=True)]
    return "\n\n".join([*blocks, "\n".join(notes)])


def _heading(curve: PropertyCurve, mu: float, L: float) -> str:
    phi, region = curve.step_size, curve.stable_region
    with_what = describe_step_size(curve.algorithm, phi)
    words = f"{curve.algorithm.name} on spectra in [{mu:.4g}, {L:.4g}]; {with_what}"
    if region is None:
        return words
    # Below the region nothing is unstable, only slow.
    where = "OUTSIDE" if phi > region[1] else "below" if phi < region[0] else "inside"
    return f"{words}, {where} the stable region [{region[0]:.4g}, {region[1]:.4g}]"


def _rows(curve: PropertyCurve) -> str:
    columns = [["k", *(str(k) for k in curve.k)]]
    for title, name in _COLUMNS.items():
        bounds = getattr(curve, name)
        pairs = zip(bounds.attained.tolist(), bounds.certified.tolist(), strict=True)
        bounds_and_attained = [(f"{high:.4g}", _attained(low, high)) for low, high in pairs]
        columns.append([title, *(bound for bound, _ in bounds_and_attained)])
        # Brackets have a column of their own, so that bounds stay aligned.
        if any(attained for _, attained in bounds_and_attained):
            columns.append(["", *(attained for _, attained in bounds_and_attained)])
    widths = [max(map(len, column)) for column in columns]
    lines = (
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    )
    return "\n".join(lines)


def _attained(low: float, high: float) -> str:
    return f"({low:.4g})" if low < high * (1.0 - 1e-3) else ""


def as_csv(table: Mapping[str, Any]) -> str:
    """Return the table of :func:`~sklearn_reasoning.inspection.properties_table` as CSV.

    Without a last line break. What does not exist is empty; "inf" is infinite.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(
        ["" if _is_missing(value) else value for value in row] for row in _each_row(table)
    )
    return text.getvalue().rstrip("\n")


def as_json(table: Mapping[str, Any]) -> str:
    """Return the table of :func:`~sklearn_reasoning.inspection.properties_table` as JSON.

    A list of objects, one a line. JSON has no infinity: null says that nothing is proven.
    """
    objects = (
        {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in zip(table, row, strict=True)
        }
        for row in _each_row(table)
    )
    return "[\n" + ",\n".join(json.dumps(each, allow_nan=False) for each in objects) + "\n]"


def _each_row(table: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.tolist() for column in table.values()), strict=True)


def _is_missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _figure(curves: Sequence[PropertyCurve], mu: float, L: float, form: str) -> bytes:
    from matplotlib.figure import Figure

    from sklearn_reasoning.inspection import AlgorithmPropertiesDisplay

    # A figure of its own, not pyplot's: there may be no screen, and nothing global changes.
    figure = Figure(figsize=(9.0, 7.8), layout="constrained")
    display = AlgorithmPropertiesDisplay(curves=curves, mu=mu, L=L)
    display.plot(figure.subplots(2, 2))
    figure.suptitle(display.heading)
    content = io.BytesIO()
    figure.savefig(content, format=form, dpi=120)
    return content.getvalue()
