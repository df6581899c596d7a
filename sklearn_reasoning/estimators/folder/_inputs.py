"""Containers of sequences and structures."""

from __future__ import annotations

from typing import Any

import numpy as np


def read_strings(name: str, given: Any) -> list[Any]:
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
