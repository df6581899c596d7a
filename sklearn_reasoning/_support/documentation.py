"""Docstrings that say a thing once, and where an estimator's page is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from inspect import cleandoc
from typing import TypeVar

# Below the address of the documentation; `make docs` writes pages of these names.
_PAGE = "api/generated/{module}.{name}.html"
_PACKAGE = __name__.partition(".")[0]

_SECTIONS = ("Parameters", "Attributes", "Returns", "Raises")
_Object = TypeVar("_Object")


def documented_like(*sources: object) -> Callable[[_Object], _Object]:
    """Return a decorator that completes a docstring by those of the sources.

    An entry without a description (of a parameter, attribute, result or error) takes the one of
    the first source that has it, and its type where it states none: ``k`` alone on its line, or
    ``mu, L : float``. Several names in an entry are looked up together, then each by itself. A
    name that no source describes is a LookupError.
    """
    known: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for source in sources:
        for section, names, kind, description in _entries(source.__doc__):
            if section and description:
                known.setdefault((section, names), (kind, description))

    def complete(target: _Object) -> _Object:
        if target.__doc__ is None:  # python -OO
            return target
        lines: list[str] = []
        for section, names, kind, description in _entries(target.__doc__):
            if not section or description:
                lines += [f"{names}{kind}", *description]
                continue
            for name in [names] if (section, names) in known else names.split(", "):
                if (section, name) not in known:
                    raise LookupError(f"{name!r} of {target!r} is described by none of {sources}.")
                its_kind, its_description = known[section, name]
                lines += [f"{name}{kind or its_kind}", *its_description]
        target.__doc__ = "\n".join(lines)
        return target

    return complete


def _entries(doc: str | None) -> list[tuple[str, str, str, list[str]]]:
    """Return section, names, type and description of each entry; all else has no section."""
    found: list[tuple[str, str, str, list[str]]] = []
    section = ""
    lines = cleandoc(doc or "").split("\n")
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if below and set(below) == {"-"}:
            section = line if line in _SECTIONS else ""
            found.append(("", line, "", []))
        elif section and (line or below).startswith(" "):
            found[-1][3].append(line)
        elif section and line.strip("-"):
            names, colon, kind = line.partition(" : ")
            found.append((section, names, colon + kind, []))
        else:
            found.append(("", line, "", []))
    return found


@cache
def documentation_url() -> str | None:
    """Return where the documentation is published, with a slash at its end.

    It is what the installed package's metadata give under "Documentation" (``[project.urls]``);
    None where they give none.
    """
    try:
        entries = metadata("sklearn-reasoning").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    for entry in entries:
        label, _, address = entry.partition(",")
        if label.strip().lower() == "documentation":
            return address.strip().rstrip("/") + "/"
    return None


class Documented:
    """Mixin of an estimator that has a page of its own in the documentation.

    It stands left of scikit-learn's classes. Subclasses outside of this package have no page,
    and no link.
    """

    @property
    def _doc_link_module(self) -> str:
        # A module of no estimator is how scikit-learn is told that there is no page.
        return _PACKAGE if documentation_url() else ""

    @property
    def _doc_link_template(self) -> str:
        return f"{documentation_url()}{_PAGE}"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        name = type(self).__name__
        # The room, unless the package itself has the class.
        room = ".".join(type(self).__module__.split(".")[:2])
        top = sys.modules[_PACKAGE]
        return {"module": _PACKAGE if hasattr(top, name) else room, "name": name}
