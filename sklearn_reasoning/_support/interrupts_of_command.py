"""Ctrl-C while the command line is still being imported, which takes seconds."""

import sys
from pathlib import Path
from types import TracebackType


def quiet_interrupts() -> None:
    """Have Ctrl-C end the command without a traceback; nothing in any other program."""
    if _is_command():
        sys.excepthook = _without_traceback


def _is_command() -> bool:
    started = sys.argv[0] if getattr(sys, "argv", None) else ""
    package = __name__.partition(".")[0]
    if started == "-m":  # as it is until the package has been imported
        return sys.orig_argv[sys.orig_argv.index("-m") + 1 :][:1] == [package]
    return Path(started).stem == package.replace("_", "-")


def _without_traceback(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("\nsklearn-reasoning: interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


quiet_interrupts()
