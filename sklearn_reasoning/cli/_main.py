"""From the arguments of the process to one command."""

import sys
from collections.abc import Sequence

from . import _demo, _denoise, _properties, _reproduce
from ._parser import Parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``sklearn-reasoning``.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        The arguments; None takes those of the process.

    Returns
    -------
    int
        The exit status.

    Examples
    --------
    >>> main(["--version"])
    Traceback (most recent call last):
    SystemExit: 0
    """
    options = _parser().parse_args(arguments)
    options.arguments = sys.argv[2:] if arguments is None else list(arguments)[1:]
    return options.run(options, options.parser) or 0


def _parser() -> Parser:
    from sklearn_reasoning import __version__

    parser = Parser(prog="sklearn-reasoning", description="Hybrid models with a reasoning layer.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (_demo, _denoise, _properties, _reproduce):
        command.add_to(commands)
    return parser
