"""Options of sets and terms: a number, numbers, tensors that are differentiated, or columns of X.

Whatever is no tensor is kept as plain numbers, which are compared, hashed and pickled, with a
tensor of them that is made once. Tensors stay what they are, so that bounds can be learned.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor

from ._columns import Columns

C = TypeVar("C", bound="Constant")


class Constant(tuple[Any, ...]):
    """A tuple that carries tensors, made of it once."""

    def to(self: C, like: Tensor) -> C:
        """Return the same with its tensors on a device; those of numbers in a dtype, too."""
        moved = type(self).__new__(type(self), tuple(self))
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                value = value.to(like) if value.is_floating_point() else value.to(like.device)
            setattr(moved, name, value)
        return moved


def constant(array: Any) -> Tensor:
    """Return an array as a tensor that can be used everywhere, whatever it is made under."""
    with torch.inference_mode(mode=False):
        return torch.from_numpy(array)


class Numbers(Constant):
    """Numbers of each output, (d,), or of each sample, (n, d): ``tensor`` holds them too."""

    tensor: Tensor

    def __new__(cls, values: Any) -> Numbers:
        array = np.array(values, dtype=np.float64)
        self = super().__new__(cls, _nested(array.tolist()))
        self.tensor = constant(array)
        return self


# float, Numbers, Tensor or Columns: a union would be asked for its type at every use.
Option: TypeAlias = Any


def _nested(values: Any) -> Any:
    return tuple(map(_nested, values)) if isinstance(values, list) else values


def option(name: str, value: Any, *, of_samples: bool = False, finite: bool = True) -> Option:
    """Return an option as it is kept.

    ``of_samples`` says what an array of one axis holds: a number a sample, or one an output.
    """
    if isinstance(value, Columns | Numbers):
        return value
    if isinstance(value, Tensor):
        if not value.is_floating_point():
            raise TypeError(f"{name} must have a floating point dtype, got {value.dtype}.")
        value = value.clone()
        return value.unsqueeze(-1) if of_samples and value.ndim == 1 else value
    if isinstance(value, bool | str) or value is None:
        raise TypeError(f"{name}={value!r} must be a number, an array of them, or Columns.")
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name}={value!r} must be a number, an array of them, or Columns."
        ) from error
    allowed = np.isfinite(array) if finite else ~np.isnan(array)
    if not (array.size and allowed.all()):
        kind = "finite numbers" if finite else "numbers"
        raise ValueError(f"{name}={value!r} must be {kind}.")
    if isinstance(value, Real) or array.ndim == 0:
        return float(array)
    return Numbers(array[:, None] if of_samples and array.ndim == 1 else array)


def resolve(penalty: Any, name: str, like: Tensor) -> Any:
    """Return an option of a penalty as a number, or as a tensor that goes with another one."""
    value = getattr(penalty, name)
    if isinstance(value, float):
        return value
    if isinstance(value, Columns):
        raise unresolved(penalty)
    return (value.tensor if isinstance(value, Numbers) else value).to(like)


def unresolved(penalty: Any) -> ValueError:
    """Return the error of a penalty that is used while columns of X are missing."""
    return ValueError(
        f"{penalty!r} takes numbers from the columns {list(penalty.columns())} of X, and does not "
        "have them yet. Call with_columns(values) first, and use what it returns."
    )


def divided(penalty: Any, name: str, unit: float) -> Option:
    """Return an option of a penalty in another unit."""
    value = getattr(penalty, name)
    if isinstance(value, Columns):
        raise unresolved(penalty)
    if isinstance(value, Numbers):
        return Numbers(np.array(value) / unit)
    return value / unit


def detached(value: Any) -> Any:
    """Return a number or a tensor without what it depends on."""
    return value.detach() if isinstance(value, Tensor) else value
