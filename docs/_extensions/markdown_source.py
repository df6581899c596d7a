"""A few things that Markdown has for code hosts and for doctest, mended for the site."""

import re

from docutils import nodes
from sphinx import addnodes

# A code host shows the script; the site has a page for it.
_EXAMPLE = re.compile(r"\[([^\]]*)\]\((?:\.\./)?examples/(plot_\w+)\.py\)")
# Pages that lie above docs/ and are included name the folder in their links.
_FROM_ABOVE = re.compile(r"docs/([\w-]+)\.md")


def _source(app, docname, content):
    left_out = re.compile(app.config.sphinx_gallery_conf["ignore_pattern"])

    def linked(match):
        text, name = match.groups()
        # An example whose data are not installed has no page.
        return text if left_out.search(name) else f"[{text}](gallery/{name}.rst)"

    content[0] = _EXAMPLE.sub(linked, content[0])


def _last_line(app, doctree):
    """Cut the empty line that doctest wants after the last output of a block."""
    for block in doctree.findall(nodes.literal_block):
        if block.rawsource == block.astext() and block.rawsource.endswith("\n"):
            block.rawsource = block.rawsource.rstrip("\n")
            block[:] = [nodes.Text(block.rawsource)]


def _from_above(app, doctree):
    for link in doctree.findall(addnodes.pending_xref):
        found = _FROM_ABOVE.fullmatch(link.get("reftarget", ""))
        if found:
            link["refdomain"], link["reftype"], link["reftarget"] = "std", "doc", found[1]


def setup(app):
    """Mend pages as they are read, and the code and links of what they include."""
    app.connect("source-read", _source)
    app.connect("doctree-read", _last_line)
    app.connect("doctree-read", _from_above)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
