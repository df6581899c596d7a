"""Points that users hand to a penalty: refused where no projection could be theirs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._options import Numbers


def check_points(penalty: Any, y: Any) -> None:
    """Refuse what is no tensor of numbers, has no outputs, or other rows than the options."""
    if not isinstance(y, Tensor):
        raise TypeError(f"y must be a tensor, got {type(y).__name__}: use torch.as_tensor(y).")
    if not y.is_floating_point():
        raise TypeError(f"y must have a floating point dtype, got {y.dtype}: use y.double().")
    if y.ndim == 0 or y.shape[-1] == 0:
        raise ValueError(f"y has the shape {tuple(y.shape)} and no outputs; it is (..., n, d).")
    for name, option in vars(penalty).items():
        values = option.tensor if isinstance(option, Numbers) and hasattr(option, "tensor") else 0
        shape = values.shape if isinstance(values, Tensor) else ()
        n = y.shape[-2] if y.ndim > 1 else 1
        if name != "A" and len(shape) > 1 and shape[-2] not in (1, n):
            raise ValueError(
                f"{type(penalty).__name__}: {name} is of {shape[-2]} samples, and y has {n} rows."
            )
    A = getattr(penalty, "A", None)
    if isinstance(A, Numbers) and len(A[0]) != y.shape[-1]:
        raise ValueError(
            f"{type(penalty).__name__}: A has {len(A[0])} columns, and y has {y.shape[-1]}."
        )


def check_projected(penalty: Any, y: Tensor, projected: Tensor) -> Tensor:
    """Return projections, unless a row has none because it is not finite."""
    try:
        undefined = bool(projected.isnan().any())
    except RuntimeError:  # under a transform of torch.func no value can be asked for
        return projected
    if undefined and not bool(torch.isfinite(y).all()):
        raise ValueError(
            f"y contains NaN or infinity, which has no projection onto {type(penalty).__name__}."
        )
    return projected
