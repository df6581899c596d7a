"""Numbers that users hand in: what scikit-learn's validation would take for numbers is refused."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from numbers import Number
from typing import Any

import numpy as np

from .inputs import readable

_Array = np.ndarray[Any, Any]

# Kinds of dtypes of numpy: booleans, integers and floats; complex ones are refused by scikit-learn.
_NUMBERS = "biufc"
_TIMES = "mM"
_TEXT = "SUT"
_TIME_CLASSES = (
    datetime.date,  # which datetimes and the stamps of pandas are too
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
)

_PLAIN = (float, int, bool, np.float64)
# Attributes of pandas' values that are numbers.
_NUMBER_OF = {"Interval": "mid", "Period": "ordinal"}


def readable_numbers(name: str, data: Any) -> Any:
    """Return data in a form that scikit-learn reads, as :func:`readable` does, if it is of numbers.

    Validation casts dates, spans of time and text to floats: a date's unit would decide what is
    learned. A TypeError for dates, times and whatever else no number is made of, a ValueError for
    text, also in objects and in single columns of frames; it names the column.
    """
    data = readable(name, data)
    if isinstance(data, list | tuple):
        data = _as_array(data)
    for column, values in _columns(name, data):
        kind = getattr(getattr(values, "dtype", None), "kind", "O")
        if kind in _NUMBERS or not hasattr(values, "__array__"):
            continue
        array = np.asarray(values)
        if array.dtype.kind in _TIMES:
            raise _of_times(column, str(array.dtype))
        if array.dtype.kind in _TEXT and array.size:
            raise _of_text(column, array.flat[0].item())
        if array.dtype.kind == "O":
            _check_objects(column, array)
    return data


def _as_array(data: Any) -> Any:
    """Return a list as an array, which validation then need not make of it again."""
    try:
        return np.asarray(data)
    except (TypeError, ValueError, RuntimeError):  # validation says what is wrong with it
        return data


def _columns(name: str, data: Any) -> Iterator[tuple[str, Any]]:
    """Yield the columns of a frame, or all else as one, each with what to call it."""
    if hasattr(data, "iloc") and getattr(data, "ndim", 1) == 2:  # pandas
        # A column is taken out only where its dtype leaves a doubt: that is slow, of many.
        kinds = [getattr(dtype, "kind", "O") for dtype in data.dtypes]
        doubtful = [i for i, kind in enumerate(kinds) if kind not in _NUMBERS]
        columns = [(data.columns[i], data.iloc[:, i]) for i in doubtful]
    elif hasattr(data, "get_columns"):  # polars
        columns = [(series.name, series) for series in data.get_columns()]
    elif hasattr(data, "column_names") and hasattr(data, "columns"):  # pyarrow
        columns = list(zip(data.column_names, data.columns, strict=True))
    else:
        yield name, data
        return
    for label, values in columns:
        yield f"{name}[{label!r}]", values


def _check_objects(name: str, array: _Array) -> None:
    for value in array.flat:
        if type(value) in _PLAIN:
            continue
        if isinstance(value, str | bytes):
            raise _of_text(name, value)
        if isinstance(value, _TIME_CLASSES):
            raise _of_times(name, type(value).__name__)
        if not _is_number(value):
            raise _of_others(name, value)


def _is_number(value: Any) -> bool:
    """Return whether validation reads a value, or says itself what is wrong: it is missing."""
    known = isinstance(value, Number | None) or np.iterable(value)
    reads = any(hasattr(value, name) for name in ("__float__", "__index__", "__array__"))
    return known or reads or type(value).__name__ == "NAType"


def _of_times(name: str, kind: str) -> TypeError:
    return TypeError(
        f"{name} holds dates or times ({kind}), whose unit would decide what is learned. Make "
        "numbers of them in a unit of your choice: (dates - first) / numpy.timedelta64(1, 'D')."
    )


def _of_others(name: str, value: Any) -> TypeError:
    kind = type(value).__name__
    way_out = _NUMBER_OF.get(kind)
    hint = "" if way_out is None else f": value.{way_out} of each"
    return TypeError(f"{name} holds values of {kind}, not numbers. Make numbers of them{hint}.")


def _of_text(name: str, value: Any) -> ValueError:
    return ValueError(
        f"{name} holds text, such as {value!r}. Encode categories, for instance with a "
        "OneHotEncoder; make numbers of digits with .astype(float)."
    )


def moderate_weights(weights: _Array) -> _Array:
    """Return weights of which only the ratios count, divided by a power of two if need be.

    Their sum, and their products with losses, then stay among the floats; of ordinary weights no
    bit changes.
    """
    _, exponent = np.frexp(weights.max(initial=0.0))
    return weights if -100 < exponent < 100 else np.ldexp(weights, -exponent)
