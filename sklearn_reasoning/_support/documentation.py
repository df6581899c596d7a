"""Where an estimator's page is: what scikit-learn's diagrams link to."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

# Below the address of the documentation; `make docs` writes pages of these names.
_PAGE = "api/generated/{module}.{name}.html"
_PACKAGE = __name__.partition(".")[0]


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
