"""What an object is, as a short string: equal in every process, different for other content.

Pickles will not do: their bytes depend on which parts of an object are one object, on caches,
on the order in which sets happen to be walked, and they name a function without a word about
what it computes.
"""

from __future__ import annotations

import copyreg
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import numpy as np

from ._identity_code import code_parts, is_installed, version_of
from ._identity_data import data_parts, is_bytes

_SIMPLE = (type(None), bool, int, float, str)


def identity(value: Any) -> str:
    """Return what an object is.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
        The ``repr`` of a short number or text, else a hash of the content.
    """
    if type(value) in _SIMPLE and len(shown := repr(value)) <= 40:
        return shown
    walk = _Walk()
    walk.add(value)
    return walk.hexdigest()


class _Walk:
    """Feeds an object to a hash, part by part."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._open: dict[int, int] = {}
        # Functions and classes may refer to one another; kept, so that no id is used again.
        self._code: dict[int, tuple[int, Any]] = {}

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def add(self, value: Any) -> None:
        kind = type(value)
        if kind in _SIMPLE or kind is complex:
            # Some texts are no UTF-8: file names, for one.
            self._put(kind.__name__, repr(value).encode("utf-8", "backslashreplace"))
        elif kind is bytes:
            self._put("bytes", value)
        elif isinstance(value, np.generic) and value.dtype.kind not in "OV":
            self._put(kind.__name__, repr(value).encode())
        elif isinstance(value, np.ndarray) and is_bytes(value):
            self._array(value)
        elif isinstance(value, FunctionType | type):
            if id(value) in self._code:
                self._put("seen", str(self._code[id(value)][0]).encode())
            else:
                self._code[id(value)] = len(self._code), value
                self._parts(value)
        elif id(value) in self._open:
            self._put("inside", str(self._open[id(value)]).encode())
        else:
            with self._inside(value):
                self._parts(value)

    def _parts(self, value: Any) -> None:
        label, parts = _parts_of(value)
        parts = list(parts)
        self._put(label, str(len(parts)).encode())
        if {*map(type, parts)} <= {*_SIMPLE}:
            self._put("json", json.dumps(parts).encode())
            return
        for part in parts:
            self.add(part)

    @contextmanager
    def _inside(self, value: Any) -> Iterator[None]:
        self._open[id(value)] = len(self._open)
        try:
            yield
        finally:
            del self._open[id(value)]

    def _array(self, array: np.ndarray[Any, Any]) -> None:
        # Sums round differently in another order, so the layout is part of the data.
        columns_first = array.flags.f_contiguous and not array.flags.c_contiguous
        head = repr(array.dtype), array.shape, columns_first
        content = np.ascontiguousarray(array.T if columns_first else array)
        self._put("array", repr(head).encode())
        if content.nbytes:
            self._hash.update(content.reshape(-1).view(np.uint8).data)

    def _put(self, label: str, content: bytes) -> None:
        # With the length in front, no two sequences of parts give the same bytes.
        self._hash.update(f"{label}:{len(content)}:".encode())
        self._hash.update(content)


def _parts_of(value: Any) -> tuple[str, Iterable[Any]]:
    """Return a name for the kind of an object, and what it consists of."""
    kind = type(value)
    if kind in (list, tuple):
        return kind.__name__, value
    if kind is dict:
        return "dict", [part for item in value.items() for part in item]
    if kind in (set, frozenset):
        return kind.__name__, sorted(map(identity, value))
    return data_parts(value) or code_parts(value) or _object_parts(value)


def _object_parts(value: Any) -> tuple[str, Iterable[Any]]:
    """Return what pickle would make an object from."""
    reducer: Any = copyreg.dispatch_table.get(type(value))
    try:
        reduced: Any = reducer(value) if reducer is not None else value.__reduce_ex__(4)
    except Exception:  # pickle's errors have many types; this one holds a lock or a handle
        return "unpicklable", (type(value), _state(getattr(value, "__dict__", None)))
    if isinstance(reduced, str):
        home = getattr(value, "__module__", None)
        # What a decorator stands around has code of its own.
        inside = getattr(value, "__wrapped__", None)
        origin = (home, version_of(home)) if is_installed(home) else None
        return "named", (origin, reduced, inside)
    function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    return "object", (
        function,
        arguments,
        _state(state),
        None if items is None else list(items),
        None if pairs is None else list(pairs),
    )


def _state(state: Any) -> Any:
    """Return the attributes of an object in an order that does not tell how they were set."""
    if type(state) is dict and all(type(name) is str for name in state):
        return sorted(state.items())
    if type(state) is tuple:
        return tuple(map(_state, state))
    return state
