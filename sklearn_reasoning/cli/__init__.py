"""The command line: arguments in, one call out. A command a file."""

from ._main import main

__all__ = ["main"]
