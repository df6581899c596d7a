"""Formulas as MathML, which browsers draw by themselves: no script, no font, no network."""

import re
from html import escape

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

logger = logging.getLogger(__name__)

_TAG = re.compile(r"\\tag\{([^}]*)\}")

# What browsers want otherwise than latex2mathml writes it.
_MENDED = [
    # Letters of a word or of a function's name belong together.
    (
        re.compile(r'(?:<mi mathvariant="normal">[A-Za-z]</mi>){2,}'),
        lambda m: f"<mi>{re.sub('<[^>]*>', '', m[0])}</mi>",
    ),
    # Between a function and its argument is a thin space.
    (
        re.compile(r"(<mi>(?:log|exp|sin|cos|sqrt)</mi>)(?=<m(?:i|n|sub|sup|frac|mover)\b)"),
        r'\1<mspace width="0.167em" />',
    ),
    # A bar at either side of a norm is no operator between two terms.
    (
        re.compile(r"<mo[^>]*>(&#x02016;|&#x0007C;|\|)</mo>"),
        r'<mo lspace="0" rspace="0" stretchy="false">\1</mo>',
    ),
    (re.compile(r'width="negativethinmathspace"'), 'width="-0.167em"'),
]


def _mathml(source, display, node):
    try:
        result = convert(source, display=display)
    except Exception as error:  # the converter raises errors of many kinds
        logger.warning("%r cannot be shown as MathML: %r", source, error, location=node)
        return f"<code>{escape(source)}</code>"
    unknown = re.findall(r"<m[a-z]+[^>]*>(\\[A-Za-z]+)", result)
    if unknown or "&</" in result:
        logger.warning("no MathML for %s in %r", unknown, source, location=node)
    for pattern, replacement in _MENDED:
        result = pattern.sub(replacement, result)
    return result


def _inline(self, node):
    self.body.append(f'<span class="math">{_mathml(node.astext(), "inline", node)}</span>')
    raise nodes.SkipNode


def _block(self, node):
    source = node.astext().strip()
    tag = _TAG.search(source)
    source = _TAG.sub("", source).replace("&", "")
    number = f'<span class="eqno">({escape(tag[1])})</span>' if tag else ""
    lines = "".join(_mathml(line, "block", node) for line in re.split(r"\\\\", source))
    self.body.append(f'<div class="math">{number}{lines}</div>\n')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer under the name "mathml"."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
