"""What the stored states of both estimators have in common, and the checks of what comes back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor

from sklearn_reasoning.training import history_from_columns, history_to_columns

from ._parameters import check_values

# Beyond it, an algorithm that steps k times would run for hours at the word of a file.
MAX_STEPS = 1_000_000

STEPS = [Interval(Integral, 0, MAX_STEPS, closed="both")]
COUNT = [Interval(Integral, 0, None, closed="left")]
POSITIVE_COUNT = [Interval(Integral, 1, None, closed="left")]
NUMBER = [Interval(Real, 0, np.inf, closed="left")]


def stored_steps(k: int) -> int:
    """Return a number of steps, if a model file may hold it.

    Raises
    ------
    ValueError
        If it is too large.
    """
    if k > MAX_STEPS:
        raise ValueError(
            f"k={k!r} is above {MAX_STEPS}, the most that a model file may ask of its reader."
        )
    return k


def stored_net(net: Any) -> dict[str, Tensor]:
    """Return the state of a skorch net's module, and its history, as tensors on the CPU.

    Parameters
    ----------
    net : skorch.NeuralNet
        Fitted.
    """
    tensors = {f"module.{name}": value.cpu() for name, value in net.module_.state_dict().items()}
    for name, column in history_to_columns(net.history).items():
        # Callbacks may record what is no number.
        if column.dtype.kind in "biuf":
            tensors[f"history.{name}"] = torch.from_numpy(column)
    return tensors


def in_parts(tensors: Mapping[str, Tensor], parts: Collection[str]) -> dict[str, dict[str, Tensor]]:
    """Return tensors by what stands before the first dot of their names.

    Raises
    ------
    ValueError
        If that is none of the parts.
    """
    found: dict[str, dict[str, Tensor]] = {part: {} for part in parts}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if part not in found:
            raise ValueError(f"there is no place for the tensor {name!r}")
        found[part][rest] = tensor
    return found


def check_tensors(
    tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[tuple[int, ...], torch.dtype]]
) -> None:
    """Check that tensors are those of an architecture, before anything of their size is made.

    Parameters
    ----------
    tensors : mapping of str to Tensor
    shapes : mapping of str to (shape, dtype)

    Raises
    ------
    ValueError
        If one is missing, left over, or of another shape or dtype.
    """
    if wrong := sorted(set(tensors) ^ set(shapes)):
        raise ValueError(f"tensors are missing or left over: {wrong[:3]}")
    for name, (shape, dtype) in shapes.items():
        tensor = tensors[name]
        if (tuple(tensor.shape), tensor.dtype) != (shape, dtype):
            raise ValueError(
                f"the tensor {name!r} has shape {tuple(tensor.shape)} in {tensor.dtype}, where "
                f"the architecture has {shape} in {dtype}"
            )


def restored_history(tensors: Mapping[str, Tensor]) -> Any:
    """Return the history that was stored.

    Raises
    ------
    ValueError
        If its columns are not equally long.
    """
    columns = {name: tensor.numpy() for name, tensor in tensors.items()}
    lengths = {len(column) if column.ndim else -1 for column in columns.values()}
    # An axis of length 0 lets a tensor without bytes have any number of rows.
    shapes = all(0 not in column.shape[1:] for column in columns.values())
    if len(lengths) > 1 or lengths == {-1} or not shapes:
        raise ValueError("the columns of the history are not equally long")
    return history_from_columns(columns)


def restored_names(names: Any, n: int | None) -> np.ndarray[Any, Any]:
    """Return the names of columns that were stored.

    Parameters
    ----------
    names : list of str
    n : int or None
        How many there must be; None where the columns are not counted.

    Raises
    ------
    ValueError
        If they are no strings, or not as many.
    """
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not is_list or n not in (None, len(names)):
        raise ValueError("feature_names_in_ must be a string for every column")
    return np.array(names, dtype=object)


def checked(
    what: str, values: Any, constraints: Mapping[str, list[Any]], kind: type | None = None
) -> Any:
    """Return values that a file holds, once they are in their domains.

    Parameters
    ----------
    what : str
        What they are, for the message.
    values : mapping
    constraints : mapping
        As scikit-learn's; the values must have just these names.
    kind : type or None
        What to make of them; None leaves them as they are.

    Raises
    ------
    ValueError
        Naming the first that is not.
    """
    if not isinstance(values, dict) or set(values) != set(constraints):
        raise ValueError(f"{what} must hold {sorted(constraints)}")
    check_values(what, values, constraints)
    return values if kind is None else kind(**values)
