"""The one table of benchmarks/rivals.py: its rows, and the machine it was measured on."""

from __future__ import annotations

import os
import platform
from dataclasses import astuple, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

PACKAGES = (
    *("torch", "numpy", "scikit-learn", "skorch"),
    *("qpth", "cvxpylayers", "cvxpy", "diffcp", "scs"),
)


@dataclass(frozen=True)
class Row:
    """One comparison; every field is what the table shows."""

    task: str
    setting: str
    rival: str
    theirs: str
    ours: str
    ratio: str
    agreement: str


def timed_row(task, setting, rival, seconds, agreement, scale=1.0):
    """Return the row of two series of seconds, "rival" and "ours", taken in turns.

    The ratio is the median over turns, with its quartiles; ``scale`` divides the times shown.
    """
    theirs, ours = (np.array(seconds[name]) for name in ("rival", "ours"))
    low, middle, high = np.quantile(theirs / ours, [0.25, 0.5, 0.75])
    shown = [duration(np.median(values) / scale) for values in (theirs, ours)]
    ratio = f"{number(middle)} ({number(low)} to {number(high)})"
    return Row(task, setting, rival, *shown, ratio, agreement)


def missing_row(task, setting, rival, reason):
    """Return the row of a rival that could not be run."""
    return Row(task, setting, rival, reason, "", "", "")


def duration(seconds):
    """Write seconds with three digits, in the unit that suits them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds * 1e6)} us"


def number(value):
    """Write a positive number with three digits and no exponent."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.{max(0, 2 - int(np.floor(np.log10(rounded))))}f}"


def print_table(rows):
    """Yield the lines of the Markdown table."""
    yield "| task | setting | what people use | theirs | ours | theirs / ours | agreement |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        yield f"| {' | '.join(astuple(row))} |"


def machine():
    """Name the processor, its cores and the versions that the times depend on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = named[0].split(":", 1)[1].strip() if named else model
    return (
        f"Measured on: {model}, {os.cpu_count()} cores of which one was used; Python "
        f"{platform.python_version()}, {', '.join(filter(None, map(_with_version, PACKAGES)))}."
    )


def _with_version(package):
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""
