"""Docstrings that say a thing once, and where an estimator's page is."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, metadata
from inspect import cleandoc
from typing import TypeVar

# Below the address of the documentation; `make docs` writes pages of these names.
_PAGE = "api/generated/{module}.{name}.html"
_PACKAGE = __name__.partition(".")[0]

# Title and rule, title, and all up to the next title; an entry's names, type and description.
_SECTION = re.compile(
    r"^((Parameters|Attributes|Returns|Raises)\n-+\n)((?:.+\n?|\n(?= ))*)", re.MULTILINE
)
_ENTRY = re.compile(r"^(\S.*?)( : .*)?((?:\n+ .*)*)$", re.MULTILINE)
_Object = TypeVar("_Object")


def documented_like(*sources: object) -> Callable[[_Object], _Object]:
    """Return a decorator that completes a docstring by those of the sources.

    An entry without a description (of a parameter, attribute, result or error) takes the one of
    the first source that has it, and its type where it states none: ``k`` alone on its line, or
    ``mu, L : float``. Several names in an entry are looked up together, then each by itself. A
    name that no source describes is a LookupError.
    """
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for source in sources:
        for section in _SECTION.finditer(cleandoc(source.__doc__ or "")):
            for names, kind, description in _ENTRY.findall(section[3]):
                if description:
                    known.setdefault((section[2], names), (kind, description))

    def complete(target: _Object) -> _Object:
        def described(section: str, entry: re.Match[str]) -> str:
            names, kind, description = entry.groups("")
            if description:
                return entry[0]
            each = [names] if (section, names) in known else names.split(", ")
            for name in each:
                if (section, name) not in known:
                    raise LookupError(f"{name!r} of {target!r} is described by none of {sources}.")
            found = [(name, *known[section, name]) for name in each]
            return "\n".join(f"{name}{kind or its_kind}{text}" for name, its_kind, text in found)

        if target.__doc__ is not None:  # as it is under python -OO
            target.__doc__ = _SECTION.sub(
                lambda found: found[1] + _ENTRY.sub(partial(described, found[2]), found[3]),
                cleandoc(target.__doc__),
            )
        return target

    return complete


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
