"""Every public name of the package: what users import, with the members of its classes."""

import builtins
import importlib
import inspect
import pkgutil
import re
import sys
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial

import pytest
import sklearn.exceptions
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import Validator

import sklearn_reasoning.exceptions


@dataclass(frozen=True)
class Public:
    """A public class or function, or a public member of a class of ours."""

    path: str
    obj: object
    room: str
    owners: tuple[type, ...] = ()  # the public classes that have this member
    overrides: bool = False  # of a method that is documented on a base

    @property
    def name(self):
        return self.path.partition("#")[2]

    @property
    def is_property(self):
        return isinstance(self.obj, property)

    @property
    def target(self):
        """What holds the docstring: a class, or the function under a property or class method."""
        if self.is_property:
            return self.obj.fget
        return getattr(self.obj, "__func__", self.obj)

    @property
    def text(self):
        return inspect.getdoc(self.target) or ""

    @cached_property
    def sections(self):
        """The docstring as numpydoc reads it: entries of (name, type, lines) by section."""
        return Validator(get_doc_object(self.target)).doc

    @property
    def errors(self):
        """The names in Raises; an entry may hold several."""
        for names, kind, _ in self.sections["Raises"]:
            for name in (kind or names).split(", "):
                yield name.rpartition(".")[2]


def rooms():
    """Yield the modules whose names users import; training is between rooms, the cli has none."""
    yield sklearn_reasoning
    for module in pkgutil.iter_modules(sklearn_reasoning.__path__):
        if not module.name.startswith("_") and module.name not in ("cli", "training"):
            yield importlib.import_module(f"sklearn_reasoning.{module.name}")


def names_of(module):
    """Return ``__all__``, in which no name that the module defines may be missing."""
    own = {
        name
        for name, obj in vars(module).items()
        if not name.startswith("_") and getattr(obj, "__module__", None) == module.__name__
    }
    missing = own - set(module.__all__)
    assert not missing, f"{sorted(missing)} are not in __all__ of {module.__name__}"
    return module.__all__


@cache
def public_names():
    """Return all public classes, functions and members, each once, by name."""
    found = {}
    for module in rooms():
        for name in names_of(module):
            obj = getattr(module, name)
            if not (inspect.isclass(obj) or inspect.isroutine(obj)):
                continue
            public = found.setdefault(name, _public(obj))
            assert public.obj is obj, f"{name} is the name of two public things"
            if inspect.isclass(obj):
                for member in _members(obj):
                    known = found.setdefault(member.name, member)
                    if obj not in known.owners:
                        found[member.name] = replace(known, owners=(*known.owners, obj))
    return found


@cache
def public_constants():
    """Return the public names of what holds no docstring: numbers, tuples, a scorer."""
    return sorted(
        name
        for module in rooms()
        for name in names_of(module)
        if not (inspect.isclass(getattr(module, name)) or inspect.isroutine(getattr(module, name)))
    )


def _is_ours(obj):
    return obj.__module__.startswith("sklearn_reasoning")


def _public(obj):
    return Public(f"{obj.__module__}#{obj.__qualname__}", obj, obj.__module__.split(".")[1])


def _members(cls):
    for name in dir(cls):
        if name.startswith("_"):
            continue
        definers = [c for c in cls.__mro__ if name in vars(c)]
        first = definers[0]
        member = vars(first)[name]
        if hasattr(member, "__set__") and inspect.isfunction(getattr(first, name)):
            member = getattr(first, name)  # a method whose name is that of a parameter, too
        if not _is_ours(first) or not (
            inspect.isfunction(member) or isinstance(member, classmethod | staticmethod | property)
        ):
            continue
        base = any(_is_ours(c) and callable(getattr(c, name, None)) for c in definers[1:])
        path = f"{first.__module__}#{first.__qualname__}.{name}"
        yield Public(path, member, first.__module__.split(".")[1], (cls,), base)


def pytest_generate_tests(metafunc):
    """Run a test that takes ``public`` or ``constant`` for every public name of the kind."""
    if "constant" in metafunc.fixturenames:
        metafunc.parametrize("constant", public_constants())
    if "public" in metafunc.fixturenames:
        found = public_names()
        metafunc.parametrize("public", [found[name] for name in sorted(found)], ids=sorted(found))


@pytest.fixture(autouse=True)
def no_windows(monkeypatch):
    """Draw without a screen, and leave no figure open."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def documented_errors():
    """Return what finds the pairs of name and error in the docstrings of some rooms."""

    def find(*rooms):
        chosen = [public for public in public_names().values() if public.room in rooms]
        return {(public.name, error) for public in chosen for error in public.errors}

    return find


@pytest.fixture
def provoke(tmp_path, monkeypatch):
    """Return what makes a call that must raise; one with a parameter ``folder`` gets one."""
    modules = (builtins, sklearn_reasoning.exceptions, sklearn.exceptions)

    def check(error, part, call):
        if "folder" in inspect.signature(call).parameters:
            call = partial(call, tmp_path)
        if error == "ImportError":
            call = call()
            monkeypatch.setitem(sys.modules, part, None)
            part = {"PIL": "Pillow"}.get(part, part)
        kind = next(getattr(module, error) for module in modules if hasattr(module, error))
        with pytest.raises(kind, match=re.escape(part)):
            call()

    return check
