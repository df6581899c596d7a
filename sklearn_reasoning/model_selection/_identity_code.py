"""Functions and classes, as parts that tell what they compute.

What is installed is its name and the version of its package. What users write, in a script, a
notebook or a module of their own, changes between one run and the next: it is its code, and
all that the code refers to.
"""

from __future__ import annotations

import dis
import functools
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

_Parts = tuple[str, Iterable[Any]]

_INSTALLED = tuple(
    Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OWN = __name__.partition(".")[0]
# What Python itself keeps in a class, some of it in no fixed order.
_BOOKKEEPING = {
    "__abstractmethods__",
    "__annotate__",
    "__annotate_func__",
    "__annotations__",
    "__annotations_cache__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__module__",
    "__static_attributes__",
    "__weakref__",
    "_abc_impl",
}


def code_parts(value: Any) -> _Parts | None:
    """Return a name for the kind of some code, and what it consists of; None for other things.

    Parameters
    ----------
    value : object
    """
    if isinstance(value, FunctionType):
        return _function_parts(value)
    if isinstance(value, type):
        return _class_parts(value)
    if isinstance(value, MethodType):
        return "method", (value.__func__, value.__self__)
    if isinstance(value, BuiltinFunctionType):
        owner = value.__self__
        owner = owner.__name__ if isinstance(owner, ModuleType) else owner
        return "builtin", (value.__module__, value.__qualname__, owner)
    if isinstance(value, CodeType):
        return _bytecode_parts(value)
    if isinstance(value, ModuleType):
        return "module", (value.__name__, version_of(value.__name__))
    if isinstance(value, property):
        return "property", (value.fget, value.fset, value.fdel)
    if isinstance(value, staticmethod | classmethod):
        return type(value).__name__, (value.__func__,)
    return None


def _function_parts(function: FunctionType) -> _Parts:
    home = function.__globals__.get("__name__")
    installed = is_installed(home)
    if installed and _named(home, function.__qualname__) is function:
        return "function", (home, function.__qualname__, version_of(home))
    parts: list[Any] = [
        function.__qualname__,
        function.__code__,
        function.__defaults__,
        sorted((function.__kwdefaults__ or {}).items()),
        [_content(cell) for cell in function.__closure__ or ()],
    ]
    if not installed:
        known = function.__globals__
        names = sorted({*_globals(function.__code__)} & known.keys())
        parts.extend((name, known[name]) for name in names)
    return "function", parts


def _class_parts(kind: type) -> _Parts:
    home = kind.__module__
    if is_installed(home) and _named(home, kind.__qualname__) is kind:
        return "class", (home, kind.__qualname__, version_of(home))
    inside = [item for item in sorted(vars(kind).items()) if item[0] not in _BOOKKEEPING]
    return "class", (kind.__qualname__, kind.__bases__, inside)


def _bytecode_parts(code: CodeType) -> _Parts:
    # Neither the file nor the lines: code may move.
    return "code", (
        code.co_name,
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags),
        code.co_code,
        code.co_consts,
        (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
        getattr(code, "co_exceptiontable", b""),
    )


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


def _named(module: Any, name: str) -> Any:
    """Return what a module has under a dotted name; None if nothing."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def version_of(module: str | None) -> str | None:
    """Return the version of the package of a module, where it says so.

    Parameters
    ----------
    module : str or None
    """
    package = sys.modules.get((module or "").partition(".")[0])
    version = getattr(package, "__version__", None)
    return version if isinstance(version, str) else None


@functools.cache
def is_installed(module: str | None) -> bool:
    """Return whether a module belongs to Python, a package that was installed, or this one.

    Parameters
    ----------
    module : str or None
    """
    if module is None or module == "__main__":
        return False
    package = module.partition(".")[0]
    if package == _OWN or package in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and any(folder in Path(file).parents for folder in _INSTALLED)
