"""Checks of the numbers that go into a bound, and the form in which it comes out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_reasoning.properties import times as times

Array = NDArray[np.float64]


def at_least_zero(**values: Any) -> list[Array]:
    """Return the values as arrays of numbers from 0 to inf."""
    return [_numbers(name, value, strict=False) for name, value in values.items()]


def above_zero(**values: Any) -> list[Array]:
    """Return the values as arrays of positive numbers; inf is one."""
    return [_numbers(name, value, strict=True) for name, value in values.items()]


def whole(name: str, value: Any, least: int) -> Array:
    """Return the values as an array of whole numbers from ``least`` on."""
    numbers = _numbers(name, value, strict=False)
    if not (np.isfinite(numbers) & (numbers == np.floor(numbers)) & (numbers >= least)).all():
        raise ValueError(f"{name}={value!r} must be a whole number, at least {least}.")
    return numbers


def first_distance_of(M: Any, first_distance: Any) -> Array:
    """Return the largest distance from the start to the minimiser, which is M from 0.

    A ValueError if both are given, or neither.
    """
    if (M is None) == (first_distance is None):
        raise ValueError(
            f"M={M!r} is for the start 0 and first_distance={first_distance!r} for any other: "
            "pass one of them."
        )
    (found,) = (
        at_least_zero(M=M)
        if first_distance is None
        else at_least_zero(first_distance=first_distance)
    )
    return found


def plain(value: Any) -> Any:
    """Return a float for a single number, else the array."""
    array = np.asarray(value, dtype=np.float64)
    return array.item() if array.ndim == 0 else array


def _numbers(name: str, value: Any, *, strict: bool) -> Array:
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}={value!r} must be a number or an array of numbers.") from error
    # Not `numbers < 0`: NaN must not pass.
    if not (numbers > 0.0 if strict else numbers >= 0.0).all():
        domain = "positive" if strict else "at least 0"
        raise ValueError(f"{name}={value!r} must be {domain}.")
    return numbers
