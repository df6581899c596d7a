"""A warning for every script, style sheet, picture or font that a page fetches from elsewhere."""

import re
from pathlib import Path

from sphinx.util import logging

logger = logging.getLogger(__name__)

_FETCHED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"'](?:https?:)?//[^\"']+"
    r"|<link\b[^>]*\brel=[\"'](?:stylesheet|preload|preconnect)[\"'][^>]*\bhref=[\"'](?:https?:)?//[^\"']+"
    r"|@import\s+(?:url\()?[\"']?(?:https?:)?//[^\"')]+"
    r"|url\([\"']?(?:https?:)?//[^\"')]+"
)


def _search(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".html", ".css"}):
        for found in _FETCHED.findall(path.read_text(encoding="utf-8", errors="replace")):
            logger.warning("%s would fetch %s", path.relative_to(folder), found)


def setup(app):
    """Look through what was built, last of all."""
    app.connect("build-finished", _search, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
