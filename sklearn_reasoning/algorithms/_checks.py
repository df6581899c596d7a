"""What numbers of steps and bounds of a spectrum may be."""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def check_steps(k: Any) -> int | Tensor:
    """Return k as an int, or as an integer tensor with at least one axis.

    A TypeError if it holds anything but whole numbers, a ValueError if one is negative.
    """
    if not isinstance(k, int | Tensor):
        array = np.asarray(k)
        if array.ndim == 0 and array.dtype.kind == "f" and array == np.rint(array):
            return check_steps(int(array)) if np.isfinite(array) else _refuse(k)
        if array.dtype.kind not in "iu":
            return _refuse(k)
        k = torch.as_tensor(array.astype(np.int64))
    if isinstance(k, int):
        if k < 0:
            raise ValueError(f"k={k!r} must not be negative.")
        return k
    if k.is_floating_point() or k.is_complex() or k.dtype == torch.bool:
        raise TypeError(f"k must hold integers, got a tensor of {k.dtype}.")
    if bool((k < 0).any()):
        raise ValueError(f"k must not be negative, got {int(k.min())} among its entries.")
    return k if k.ndim else int(k)


def _refuse(k: Any) -> int:
    raise TypeError(f"k={k!r} must be a whole number, or an array of them.")


def check_spectrum(mu: float, L: float) -> None:
    """Refuse bounds that are no 0 < mu <= L < inf.

    A TypeError if one is no number, a ValueError if they are no bounds of a positive spectrum.
    """
    try:
        bounds = bool(0.0 < mu <= L < float("inf"))
    except (TypeError, ValueError) as error:  # ValueError: from an array of them
        raise TypeError(f"mu={mu!r} and L={L!r} must be numbers.") from error
    if not bounds:
        raise ValueError(f"mu={mu!r} and L={L!r} must satisfy 0 < mu <= L < inf.")
