"""The page of the commands has every command, and every argument as the parser explains it."""

import argparse
import re
from pathlib import Path

import pytest

from sklearn_reasoning.cli._main import _parser

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
# What stands in no table of one command: the page says of --help that all have it.
EVERYWHERE = {"--help"}


def commands():
    (choices,) = (
        action.choices
        for action in _parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return choices


def written(action):
    """Return an argument as usage lines write it, such as ``--algo NAME ...``."""
    if action.choices is not None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    else:
        value = action.metavar or action.dest.upper()
    if not action.option_strings:
        return f"{value} ..." if action.nargs in {"+", "*"} else value
    parts = [action.option_strings[-1]]
    if action.nargs != 0:
        parts.append(value)
    if action.nargs == "+":
        parts.append("...")
    return " ".join(parts)


def arguments(parser):
    return [action for action in parser._actions if not EVERYWHERE & set(action.option_strings)]


def rows(parser):
    """Return the table's row of each argument, in the order of --help."""
    return [f"| `{written(action)}` | {action.help} |" for action in arguments(parser)]


def sections():
    pieces = re.split(r"^## `(\w+)`.*$", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def test_there_is_a_section_for_each_command():
    assert list(sections()) == list(commands())


@pytest.mark.parametrize("command", commands())
def test_the_tables_are_those_of_the_parser(command):
    found = re.findall(r"^\| `.*\|$", sections()[command], flags=re.MULTILINE)
    expected = rows(commands()[command])
    assert found == expected, "The page should have:\n" + "\n".join(expected)


@pytest.mark.parametrize("command", commands())
def test_every_argument_has_a_sentence_that_names_its_default(command):
    for action in arguments(commands()[command]):
        assert action.help, action.dest
        # What is off or missing by default is said by the usage.
        if action.default not in (None, False, []):
            value = action.default if isinstance(action.default, list) else [action.default]
            words = " ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
            assert f"default {words}" in action.help, action.dest


@pytest.mark.parametrize("command", commands())
def test_the_examples_are_accepted(command, tmp_path, monkeypatch):
    """Every line after a prompt parses; files that it reads are there."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "mine.fasta", "mine.safetensors"):
        Path(name).touch()
    Path("scans").mkdir()
    lines = re.findall(rf"^\$ sklearn-reasoning ({command}\b[^#\n|]*)", sections()[command], re.M)
    assert lines
    for line in lines:
        _parser().parse_args(line.split())
