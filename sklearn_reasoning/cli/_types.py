"""What the arguments of the commands may be."""

from __future__ import annotations

import argparse
import importlib
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn_reasoning.algorithms import Algorithm

_LARGEST_K = 65_536
_SUFFIXES = (".png", ".svg", ".pdf")


def algorithm_name(name: str) -> Algorithm:
    """Parse the name of a registered algorithm."""
    from sklearn_reasoning.algorithms import get_algorithm

    try:
        return get_algorithm(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def any_algorithm(name: str) -> Any:
    """Return a registered name, or an instance of a class given as module:Class."""
    if ":" not in name:
        algorithm_name(name)
        return name
    from sklearn_reasoning.algorithms import Algorithm

    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
        algorithm = found() if isinstance(found, type) else found
    except Exception as error:
        raise argparse.ArgumentTypeError(f"{name!r} cannot be had: {error}") from error
    if not isinstance(algorithm, Algorithm):
        raise argparse.ArgumentTypeError(f"{name!r} is no Algorithm")
    return algorithm


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
        if not 0 <= first <= last <= _LARGEST_K or stride < 1:
            raise argparse.ArgumentTypeError(
                f"{part!r} must rise, by at least 1, within 0 to {_LARGEST_K:,}"
            )
        found.extend(range(first, last + 1, stride))
    return sorted(set(found))


def positive(text: str) -> float:
    """Parse a positive, finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive, finite number")
    return value


class at_least:
    """Parse whole numbers from a smallest one on."""

    def __init__(self, smallest: int) -> None:
        self.smallest = smallest

    def __call__(self, text: str) -> int:
        value = int(text)
        if value < self.smallest:
            raise argparse.ArgumentTypeError(f"{value} is below {self.smallest}")
        return value

    def __repr__(self) -> str:
        return "whole number"


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
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder")
    if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise argparse.ArgumentTypeError(
            f"{str(path.parent)!r} is no folder that can be written to"
        )
    return path
