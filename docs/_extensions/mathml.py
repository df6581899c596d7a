"""Formulas as MathML, which browsers draw by themselves: no script, no font, no network."""

import re
from html import escape

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

logger = logging.getLogger(__name__)

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_OPENING = {"{", "(", "[", "\\left", "\\lceil", "\\langle"}
_CLOSING = {"}", ")", "]", "\\right", "\\rceil", "\\rangle"}
_RELATIONS = {"=", "<", ">", "\\le", "\\ge"}
_LONG = 28
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
    # A prime is raised already, by itself.
    (
        re.compile(r"<msup>(<mi>[^<]*</mi>)<mi>(&#x02032;)</mi></msup>"),
        r'<mrow>\1<mo lspace="0" rspace="0">\2</mo></mrow>',
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


def _pieces(source):
    """Cut a long formula before its relations: a narrow screen can break the line there."""
    pieces, start, depth = [], 0, 0
    if len(source) < _LONG:
        return [source]
    for token in _TOKEN.finditer(source):
        if token[0] in _OPENING:
            depth += 1
        elif token[0] in _CLOSING:
            depth -= 1
        elif depth == 0 and token[0] in _RELATIONS and token.start() > start:
            pieces.append(source[start : token.start()])
            start = token.start()
    return [*pieces, source[start:]]


def _inline(self, node):
    pieces = [_mathml(piece, "inline", node) for piece in _pieces(node.astext())]
    self.body.append(f'<span class="math">{"<wbr>".join(pieces)}</span>')
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
