"""The index of the reference: the table of every room, one sentence a name, on one page.

The rooms' pages say what there is. The index repeats them under ``.. rooms``, without a list of
its own that could fall behind. What is neither class nor function has its sentence in a comment.
"""

import re
from importlib import import_module
from pathlib import Path

from sphinx.ext import autosummary

_PLACE = re.compile(r"^\.\. rooms$", re.MULTILINE)
_ROOMS = re.compile(r"^   (\w+)$", re.MULTILINE)


def _section(page):
    """Return a room's page as a section: its title leads to the page, its names to theirs."""
    title, _, text = page.read_text(encoding="utf-8").split("\n", 2)
    heading = f":doc:`{title} <{page.stem}>`"
    # The pages of the names hang under the room's page in the contents, and not here too.
    text = text.replace("   :toctree: generated\n", "")
    return "\n".join([heading, "-" * len(heading), text])


def _source(app, docname, content):
    if docname != "api/index":
        return
    pages = [Path(app.srcdir, "api", f"{room}.rst") for room in _ROOMS.findall(content[0])]
    for page in pages:
        app.env.note_dependency(str(page))
    content[0] = _PLACE.sub(lambda _: "\n\n".join(map(_section, pages)), content[0])


def _constant(app, what, name, obj, options, lines):
    """Document a constant by the ``#:`` comment above it, wherever its room defines it."""
    if what != "data":
        return
    room, _, constant = name.rpartition(".")
    above = re.compile(rf"^((?:#: .*\n)+){constant} = ", re.MULTILINE)
    for path in sorted(Path(import_module(room).__file__).parent.rglob("*.py")):
        found = above.search(path.read_text(encoding="utf-8"))
        if found:
            lines[:] = [line.removeprefix("#: ") for line in found[1].splitlines()]
            return


def setup(app):
    """Fill the index in as it is read; a sentence of its tables does not end after "Eq."."""
    autosummary.WELL_KNOWN_ABBREVIATIONS += ("Eq.", "Fig.", "Sec.")
    app.connect("source-read", _source)
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", _constant, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
