"""What an object is, as a short string: equal in every process, different for other content.

Plain pickles will not do: their bytes depend on which parts of an object are one object, on
caches, on the order in which sets happen to be walked, and they name a function without a word
about what it computes.
"""

from __future__ import annotations

import ast
import copyreg
import dis
import functools
import hashlib
import pickle
import sys
import sysconfig
from array import array
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path
from types import CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch

_INSTALLED = tuple(
    Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OWN = __name__.partition(".")[0]


def identity(value: Any) -> str:
    """Return the ``repr`` of a short number or text, else a hash of the content."""
    simple = value is None or type(value) in (bool, int, float, str)
    if simple and len(shown := repr(value)) <= 40:
        return shown
    try:
        return _hash(value, fast=True)
    except (ValueError, RecursionError):
        return _hash(value, fast=False)  # only a memo finds the end of what holds itself


def _hash(value: Any, *, fast: bool) -> str:
    digest = hashlib.sha256()
    pickler = _Pickler(
        SimpleNamespace(write=digest.update),
        protocol=5,
        buffer_callback=lambda buffer: digest.update(buffer.raw()),
    )
    pickler.fast = fast  # does not tell which parts are one object
    pickler.dump(value)
    return digest.hexdigest()


class _Pickler(pickle.Pickler):
    """Pickles the content of objects whose pickles tell less of it, or more."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Functions may refer to one another; kept, so that no id is used again.
        self._code: dict[int, tuple[int, Any]] = {}

    def persistent_id(self, value: Any) -> Any:
        """Return what stands for an object; None if its pickle does."""
        if isinstance(value, set | frozenset):
            return type(value).__name__, sorted(map(identity, value))
        if isinstance(value, FunctionType | type | ModuleType):
            if id(value) in self._code:
                return self._code[id(value)][0]
            self._code[id(value)] = len(self._code), value
        if type(value) is list and {*map(type, value)} == {float}:
            return "floats", array("d", value).tobytes()  # rows: one visit, not one a number
        return _code_parts(value) or _data_parts(value)

    def reducer_override(self, value: Any) -> Any:
        if type(value) in copyreg.dispatch_table:
            return NotImplemented
        if (content := getattr(type(value), "__identity__", None)) is not None:
            return type, (type(value), content(value))
        try:
            reduced: Any = value.__reduce_ex__(5)
        except Exception:  # pickle's errors have many types; this one holds a lock or a handle
            return type, (type(value), getattr(value, "__dict__", None))
        if isinstance(reduced, str):  # what a decorator stands around has code of its own
            inside = getattr(value, "__wrapped__", None)
            return type, (type(value), getattr(value, "__module__", None), reduced, inside)
        return reduced


def _data_parts(value: Any) -> Any:
    """Return the content of data whose pickles have bytes that do not matter."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.char in "gG":
        return value.dtype, value.astype(str)  # long doubles have bytes that nobody sets
    if type(value) in (np.ndarray, np.memmap):
        # Sums round differently in another order, so the layout is part of the data.
        plain = type(value) is np.ndarray and value.flags.forc
        return None if plain else np.asarray(value if value.flags.forc else value.copy())
    if isinstance(value, np.random.RandomState):
        # Its pickle has the entropy of a seed sequence that is never used.
        return list(value.get_state(legacy=False).values())
    if isinstance(value, torch.Tensor):
        content = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        return str(value.dtype), tuple(value.shape), str(value.device), content
    library, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if library == "scipy" and hasattr(value, "tocoo"):
        # The formats cache what they know about the order of their indices.
        numbers = value.tocoo()
        return kind, value.shape, numbers.data, np.int64(numbers.row), np.int64(numbers.col)
    if library == "pandas":
        return _pandas_parts(sys.modules["pandas"], value)
    if library == "polars" and kind == "DataFrame":
        return value.get_columns()
    if library == "polars" and kind == "Series":
        dtype, numbers = value.dtype, value.to_physical() if value.dtype.is_temporal() else value
        dense = numbers.null_count() == 0 and (dtype.is_integer() or dtype.is_float())
        return value.name, str(dtype), numbers.to_numpy() if dense else numbers.to_list()
    return None


def _pandas_parts(pandas: Any, value: Any) -> Any:
    if isinstance(value, pandas.DataFrame):
        # By position, because names may be there twice.
        columns = [_column(value.iloc[:, i]) for i in range(value.shape[1])]
        return value.columns, value.index, columns
    if isinstance(value, pandas.Series):
        return value.index, value.name, *_column(value)
    if isinstance(value, pandas.Index):
        return list(value.names), *_column(value)
    return None


def _column(column: Any) -> tuple[Any, ...]:
    dtype = column.dtype  # others than categories are all in its name
    categories = getattr(dtype, "categories", None), getattr(dtype, "ordered", None)
    return str(dtype), categories, np.array(column)


def _code_parts(value: Any) -> Any:
    """Return what code computes, for functions, classes, modules and what is in classes."""
    if isinstance(value, ModuleType):
        home = value.__name__
        return (home, _version(home)) if is_installed(home) else [*_sources(home)] or home
    if isinstance(value, FunctionType | type):
        home, name = value.__module__, value.__qualname__
        # By its name alone only where it is what has the name: a decorator may have lent it one.
        if is_installed(home) and _named(home, name) is value:
            return home, name, _version(home)
        if isinstance(value, FunctionType):
            return name, *_function_parts(value)
        return name, *_class_parts(value)
    if isinstance(value, CodeType):
        # Neither the file nor the lines: code may move.
        arguments = value.co_argcount, value.co_posonlyargcount, value.co_kwonlyargcount
        names = value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars
        table = getattr(value, "co_exceptiontable", b"")
        return value.co_code, value.co_consts, arguments, value.co_flags, names, table
    if isinstance(value, property):
        return value.fget, value.fset, value.fdel
    if isinstance(value, staticmethod | classmethod):
        return type(value).__name__, value.__func__
    return None


def _function_parts(function: FunctionType) -> tuple[Any, ...]:
    """Return code, defaults, closure, and the module; of a script, the globals that are read."""
    code, known = function.__code__, function.__globals__
    home = known.get("__name__", "")
    defaults = function.__defaults__, sorted((function.__kwdefaults__ or {}).items())
    closure = [_content(cell) for cell in function.__closure__ or ()]
    if _is_script(home):
        around: Any = [(name, known[name]) for name in sorted({*_globals(code)} & known.keys())]
    else:
        around = sys.modules[home]
    return code, defaults, closure, around


def _class_parts(kind: type) -> tuple[Any, ...]:
    if not _is_script(kind.__module__) and "<" not in kind.__qualname__:
        return (sys.modules[kind.__module__],)
    # Without what Python itself keeps in a class, some of it in no fixed order.
    inside = [
        (name, member)
        for name, member in sorted(vars(kind).items())
        if not name.startswith("__") or isinstance(member, FunctionType)
    ]
    return kind.__bases__, inside


def _is_script(home: str | None) -> bool:
    """Return whether code is of a script or a notebook, which may change around it."""
    return home == "__main__" or getattr(sys.modules.get(home or ""), "__file__", None) is None


def _globals(code: CodeType) -> Iterator[str]:
    """Yield the global names that a function and those inside it read."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals(constant)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _sources(home: str) -> Iterator[str]:
    """Yield a hash of the file of a user's module, and of those of the users' it imports."""
    found, left = set(), [home]
    while left:
        module = sys.modules.get(name := left.pop())
        file = getattr(module, "__file__", None)
        if name in found or is_installed(name) or file is None or name == "__main__":
            continue
        found.add(name)
        text = Path(file).read_bytes()
        yield hashlib.sha256(text).hexdigest()
        for node in ast.walk(ast.parse(text)) if file.endswith(".py") else ():
            if isinstance(node, ast.Import):
                left += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                path = "." * node.level + (node.module or "")
                origin = resolve_name(path, getattr(module, "__package__", None) or "")
                left += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]


def _named(home: str, name: str) -> Any:
    """Return what a module has under a dotted name; None if nothing."""
    found: Any = sys.modules.get(home)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _version(home: str) -> str | None:
    """Return the version of the package of a module, where it says so."""
    version = getattr(sys.modules.get(home.partition(".")[0]), "__version__", None)
    return version if isinstance(version, str) else None


@functools.cache
def is_installed(home: str | None) -> bool:
    """Return whether a module belongs to Python, a package that was installed, or this one."""
    if home is None or home == "__main__":
        return False
    package = home.partition(".")[0]
    if package == _OWN or package in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(home), "__file__", None)
    return file is not None and any(folder in Path(file).parents for folder in _INSTALLED)
