"""Two things that Markdown has for code hosts and for doctest, mended for the site."""

import re

# A code host shows the script; the site has a page for it.
_EXAMPLE = re.compile(r"\]\((?:\.\./)?examples/(plot_\w+)\.py\)")
# doctest wants an empty line after the last output of a block.
_LAST_LINE = re.compile(r"^(```python\n.*?)\n\n```$", re.MULTILINE | re.DOTALL)


def _mend(text):
    return _LAST_LINE.sub(r"\1\n```", _EXAMPLE.sub(r"](gallery/\1.rst)", text))


def _source(app, docname, content):
    content[0] = _mend(content[0])


def _included(app, path, parent, content):
    content[0] = _mend(content[0])


def setup(app):
    """Mend pages, and what they include, as they are read."""
    app.connect("source-read", _source)
    app.connect("include-read", _included)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
