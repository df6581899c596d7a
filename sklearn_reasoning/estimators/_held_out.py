"""What early stopping holds out."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

_Array = np.ndarray[Any, Any]


def n_held_out(n: int, validation_fraction: float) -> int:
    """Return how many of n are held out, at least one."""
    return max(round(validation_fraction * n), 1)


def kept_and_held_out(
    n: int, validation_fraction: float, seed: int, refusal: str
) -> tuple[_Array, _Array]:
    """Return the places of n that are trained on, and those that are held out, both sorted.

    A ValueError with the words of ``refusal`` if none would be left to train on.
    """
    size = n_held_out(n, validation_fraction)
    if n - size < 1:
        raise ValueError(refusal)
    kept, held_out = train_test_split(np.arange(n), test_size=size, random_state=seed)
    return np.sort(kept), np.sort(held_out)
