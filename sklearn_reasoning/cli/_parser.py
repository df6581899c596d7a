"""A parser that says what is wrong in one line."""

import argparse
import importlib.util
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Say what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def need_matplotlib(what: str, parser: argparse.ArgumentParser) -> None:
    """Refuse, before any work, what draws where matplotlib is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        parser.error(f"{what} draws with matplotlib: pip install 'sklearn-reasoning[plot]'")
