"""What the arguments of the commands may be."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path

LARGEST_K = 65_536
LARGEST_SEED = 2**31 - 2
_SUFFIXES = (".png", ".svg", ".pdf")
# Squares of numbers beyond, and their products, leave double precision.
_SMALLEST, _LARGEST = 1e-30, 1e30
_MOST_PROCESSES = 256


def steps(text: str) -> list[int]:
    """Parse 5, or 1,2,5, or 1:30 with both ends, or 1:30:5, or several of them with commas."""
    found: list[int] = []
    for part in text.split(","):
        try:
            numbers = [int(number) for number in part.split(":")]
        except ValueError:
            numbers = []
        if not 1 <= len(numbers) <= 3:
            raise argparse.ArgumentTypeError(f"{text!r} is not like 5, 1,2,5, 1:30 or 1:30:5")
        first = numbers[0]
        last = numbers[1] if len(numbers) > 1 else first
        stride = numbers[2] if len(numbers) > 2 else 1
        if first < 0:
            raise argparse.ArgumentTypeError(f"k must be at least 0, got {part!r}")
        if not first <= last <= LARGEST_K or stride < 1:
            raise argparse.ArgumentTypeError(
                f"{part!r} must rise, by at least 1, within 0 to {LARGEST_K:,}"
            )
        found.extend(range(first, last + 1, stride))
    return sorted(set(found))


def positive(text: str) -> float:
    """Parse a positive number whose square is one in double precision too."""
    value = _number(text)
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive, finite number")
    if not _SMALLEST <= value <= _LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not from {_SMALLEST:g} to {_LARGEST:g}")
    return value


def not_negative(text: str) -> float:
    """Parse a number that is 0 or positive."""
    value = _number(text)
    if not 0.0 <= value <= _LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {_LARGEST:g}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


class whole:
    """Parse whole numbers from a smallest to a largest one."""

    def __init__(self, smallest: int, largest: int = 1_000_000_000) -> None:
        self.smallest, self.largest = smallest, largest

    def __call__(self, text: str) -> int:
        value = int(text)
        if value < self.smallest:
            raise argparse.ArgumentTypeError(f"{value} is below {self.smallest}")
        if value > self.largest:
            raise argparse.ArgumentTypeError(f"{value} is above {self.largest:,}")
        return value

    def __repr__(self) -> str:
        return "whole number"


def processes(text: str) -> int:
    """Parse a number of processes; -1 is one for each core."""
    value = int(text)
    if value == -1:
        return os.cpu_count() or 1
    if not 1 <= value <= _MOST_PROCESSES:
        raise argparse.ArgumentTypeError(
            f"{value} is not from 1 to {_MOST_PROCESSES}, or -1 for all cores"
        )
    return value


def values_of_setting(text: str) -> tuple[str, list[float]]:
    """Parse a name and numbers, such as n_samples=50,100."""
    setting, _, numbers = text.partition("=")
    try:
        values = [float(number) for number in numbers.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like n_samples=50,100") from None
    return setting, [int(value) if value.is_integer() else value for value in values]


def figure_file(text: str) -> Path:
    """Parse a file to draw into, whose folder must exist."""
    path = Path(text)
    if path.suffix.lower() not in _SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text!r} must end in one of {', '.join(_SUFFIXES)}")
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{text!r} is a folder")
    _check_name(path)
    if not (os.path.isdir(path.parent) and os.access(path.parent, os.W_OK)):
        raise argparse.ArgumentTypeError(
            f"{str(path.parent)!r} is no folder that can be written to"
        )
    return path


def _check_name(path: Path) -> None:
    """Refuse what no file can be called, for its length or for what it goes through."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # it may be made, or is named for what stands in its way
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from error


def input_file(text: str) -> str:
    """Parse a file to read."""
    if os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"{text} is a folder, not a file")
    if not os.path.exists(text):
        raise argparse.ArgumentTypeError(f"There is no file {text}")
    if not os.access(text, os.R_OK):
        raise argparse.ArgumentTypeError(f"{text} cannot be read: permission denied")
    return text


def output_folder(text: str) -> str:
    """Parse a folder to write into, which need not be there yet."""
    if not text:
        raise argparse.ArgumentTypeError("'' names no folder")
    there = Path(text)
    _check_name(there)
    while not os.path.exists(there):
        there = there.parent
    if not there.is_dir():
        raise argparse.ArgumentTypeError(f"{there} is a file, not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"{there} cannot be written to: permission denied")
    return text
