"""Links to examples/plot_x.py, which a code host shows, lead to the gallery's page on the site."""

import re

_EXAMPLE = re.compile(r"\]\((?:\.\./)?examples/(plot_\w+)\.py\)")


def _rewrite(text):
    return _EXAMPLE.sub(r"](gallery/\1.rst)", text)


def _source(app, docname, content):
    content[0] = _rewrite(content[0])


def _included(app, path, parent, content):
    content[0] = _rewrite(content[0])


def setup(app):
    """Rewrite pages, and what they include, as they are read."""
    app.connect("source-read", _source)
    app.connect("include-read", _included)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
