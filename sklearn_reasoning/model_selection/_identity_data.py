"""Arrays, frames, sparse matrices, tensors and generators, as parts that hash to their content."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

_Parts = tuple[str, Iterable[Any]]


def is_bytes(array: np.ndarray[Any, Any]) -> bool:
    """Return whether the memory of an array is all that it is."""
    plain = type(array) in (np.ndarray, np.memmap)
    # Long doubles have bytes that nobody sets.
    return plain and array.dtype.kind not in "OTV" and array.dtype.char not in "gG"


def data_parts(value: Any) -> _Parts | None:
    """Return a name for the kind of some data, and what they consist of; None for other things.

    Parameters
    ----------
    value : object
    """
    if isinstance(value, np.ndarray):
        return _array_parts(value)
    if isinstance(value, np.random.RandomState):
        # Its pickle has the entropy of a seed sequence that is never used.
        return "RandomState", value.get_state(legacy=False).values()
    if isinstance(value, torch.Tensor):
        content = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        return "tensor", (str(value.dtype), tuple(value.shape), str(value.device), content)
    # Nobody can hold an object of a library that is not there.
    for library, parts in _LIBRARIES.items():
        if library in sys.modules and (found := parts(sys.modules[library], value)) is not None:
            return found
    return None


def _array_parts(array: np.ndarray[Any, Any]) -> _Parts | None:
    """Return what arrays consist of whose memory has pointers or gaps."""
    if type(array) not in (np.ndarray, np.memmap):
        return None
    head = repr(array.dtype), array.shape
    if array.dtype.names is not None:
        return "fields", (*head, *(array[name] for name in array.dtype.names))
    return "objects", (*head, array.ravel().tolist())


def _pandas_parts(pandas: Any, value: Any) -> _Parts | None:
    if isinstance(value, pandas.DataFrame):
        # By position, because names may be there twice.
        columns = [_column(value.iloc[:, i]) for i in range(value.shape[1])]
        return "frame", (list(value.columns), _column(value.index), columns)
    if isinstance(value, pandas.Series):
        return "series", (value.name, _column(value.index), _column(value))
    if isinstance(value, pandas.Index):
        return "index", _column(value)
    if isinstance(value, pandas.api.extensions.ExtensionArray):
        return "extension", _column(pandas.Series(value))
    return None


def _column(column: Any) -> tuple[Any, ...]:
    """Return dtype and values of a Series or an Index."""
    if getattr(column, "nlevels", 1) > 1:
        return list(column.names), column.to_list()
    name, dtype = getattr(column, "name", None), column.dtype
    if isinstance(dtype, np.dtype):
        return name, column.to_numpy()
    if hasattr(dtype, "categories"):
        categorical = column.array
        return name, dtype.ordered, _column(dtype.categories), np.asarray(categorical.codes)
    if hasattr(dtype, "tz"):
        return name, str(dtype), column.to_numpy(dtype=f"datetime64[{dtype.unit}]")
    # Missing values of such columns have one kind only.
    missing = np.asarray(column.isna())
    return name, str(dtype), missing, column.to_numpy(dtype=object, na_value=None)


def _polars_parts(polars: Any, value: Any) -> _Parts | None:
    if isinstance(value, polars.DataFrame):
        return "polars", value.get_columns()
    if not isinstance(value, polars.Series):
        return None
    dtype = value.dtype
    head = value.name, str(dtype)
    if dtype.is_numeric() or dtype.is_temporal() or dtype == polars.Boolean:
        numbers = value.to_physical()
        if not dtype.is_decimal():
            filled = numbers.fill_null(value=False if dtype == polars.Boolean else 0)
            return "polars series", (*head, value.is_null().to_numpy(), filled.to_numpy())
    return "polars series", (*head, value.to_list())


def _sparse_parts(sparse: Any, value: Any) -> _Parts | None:
    if not sparse.issparse(value):
        return None
    # The formats cache what they know about the order of their indices.
    numbers = value.tocoo()
    indices = [np.asarray(axis, dtype=np.int64) for axis in (numbers.row, numbers.col)]
    return "sparse", (type(value).__name__, value.shape, numbers.data, *indices)


_LIBRARIES = {"pandas": _pandas_parts, "polars": _polars_parts, "scipy.sparse": _sparse_parts}
