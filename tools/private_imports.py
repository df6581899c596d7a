"""Refuse imports of what another room keeps to itself.

A module ``a.b._c`` is private to ``a.b``: code in that folder, or below it, may import it. All
other rooms import from ``a.b``, whose ``__init__.py`` says what it hands out. A name that begins
with an underscore stays in its own room. Run: python tools/private_imports.py
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "sklearn_reasoning"


def imports_of(path: Path, package: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, module and name of each import from our package, written in full."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            relative = [*base, node.module] if node.module else base
            module = ".".join(relative) if node.level else (node.module or "")
            yield from ((node.lineno, module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)


def owner_of(module: str, name: str) -> str | None:
    """Return the package to which the first private part of an import belongs, if it has one."""
    parts = [*module.split("."), name]
    for i, part in enumerate(parts[1:], start=1):
        if part.startswith("_") and not part.startswith("__"):
            return ".".join(parts[:i])
    return None


def private_imports(root: Path) -> Iterator[str]:
    """Yield a line for each import, below a folder, of what is private to another room."""
    for path in sorted((root / PACKAGE).rglob("*.py")):
        package = ".".join(path.relative_to(root).parent.parts)
        for line, module, name in imports_of(path, package):
            if module.partition(".")[0] != PACKAGE:
                continue
            owner = owner_of(module, name)
            if owner is not None and not f"{package}.".startswith(f"{owner}."):
                yield f"{path.relative_to(root)}:{line}: {module}.{name} is private to {owner}"


if __name__ == "__main__":
    found = list(private_imports(Path(__file__).parent.parent))
    print("\n".join(found) or "No room imports what is private to another.")
    sys.exit(bool(found))
