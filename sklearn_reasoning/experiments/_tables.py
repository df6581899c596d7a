"""Tidy tables as files: CSV for people and other programs."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn_reasoning._runs.atomic_files import write_atomically

Table = dict[str, list[Any]]


def table_of(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return rows as equally long columns."""
    kept = list(rows)
    return {name: [row[place] for row in kept] for place, name in enumerate(names)}


def write_csv(path: Path, table: Mapping[str, Sequence[Any]]) -> None:
    """Write equally long columns, numbers with all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    write_atomically(path, text.getvalue().encode())


def read_csv(path: Path) -> Table:
    """Read what :func:`write_csv` wrote; what looks like a number or a truth value is one."""
    with open(path, newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    return {name: [_value(row[i]) for row in rows] for i, name in enumerate(names)}


def write_json(path: Path, content: Any) -> None:
    """Write plain values, keys in their order; NaN and infinity, which JSON lacks, as null."""
    write_atomically(path, (json.dumps(_finite(content), indent=2) + "\n").encode())


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"True": True, "False": False}.get(text, text)
