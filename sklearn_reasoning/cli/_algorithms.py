"""Algorithms as arguments: the package's by name, users' own as module:Class."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn_reasoning.algorithms import Algorithm


def named_algorithm(text: str) -> str | Algorithm:
    """Return a registered name, or an instance of a class given as module:Class."""
    if ":" in text:
        return _own(text)
    _registered(text)
    return text


def algorithm(text: str) -> Algorithm:
    """Return the algorithm of a name, or of a class given as module:Class."""
    return _own(text) if ":" in text else _registered(text)


def check_own(algorithms: Sequence[str | Algorithm], parser: argparse.ArgumentParser) -> None:
    """Hold users' own algorithms to the contract before any work."""
    from sklearn_reasoning.testing import check_algorithm

    for each in algorithms:
        if isinstance(each, str):
            continue
        try:
            check_algorithm(each)
        except Exception as error:
            parser.error(f"argument --algo: {each!r} breaks the contract of algorithms: {error}")


def register_own(algorithms: Sequence[str | Algorithm], parser: argparse.ArgumentParser) -> None:
    """Register users' own algorithms, so that model files can name them."""
    from sklearn_reasoning.algorithms import register_algorithm

    for each in algorithms:
        if isinstance(each, str):
            continue
        try:
            register_algorithm(type(each))
        except ValueError as error:
            parser.error(f"argument --algo: {error}")


def _registered(name: str) -> Algorithm:
    from sklearn_reasoning.algorithms import get_algorithm

    try:
        return get_algorithm(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _own(text: str) -> Algorithm:
    from sklearn_reasoning.algorithms import Algorithm

    module, _, attribute = text.partition(":")
    # As python -m does; an installed command knows only its own folder. Workers get it too.
    if not {"", os.getcwd()} & {*sys.path}:
        sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), attribute)
        made = found() if isinstance(found, type) else found
    # What a user's file does when it is imported may fail in any way, and may end the process.
    except (Exception, SystemExit) as error:
        reason = str(error) or type(error).__name__
        hint = _near(module, attribute) if isinstance(error, AttributeError) else ""
        raise argparse.ArgumentTypeError(f"{text!r} cannot be had: {reason}{hint}") from error
    if not isinstance(made, Algorithm):
        raise argparse.ArgumentTypeError(f"{text!r} is no Algorithm")
    return made


def _near(module: str, attribute: str) -> str:
    near = difflib.get_close_matches(attribute, dir(sys.modules.get(module)), n=1)
    return f". Did you mean '{module}:{near[0]}'?" if near else ""
