"""A box around every figure, so that on a phone it keeps a readable size and scrolls by itself."""

from docutils import nodes
from sphinx_gallery.directives import imgsgnode


def _is_figure(node):
    if isinstance(node, nodes.paragraph):
        return len(node) == 1 and isinstance(node[0], nodes.image)
    return isinstance(node, imgsgnode)


def _wrap(app, doctree):
    for node in list(doctree.findall(_is_figure)):
        box = nodes.container(classes=["wide-figure"])
        node.replace_self(box)
        box += node


def setup(app):
    """Wrap the figures of a page once it is read."""
    app.connect("doctree-read", _wrap)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
