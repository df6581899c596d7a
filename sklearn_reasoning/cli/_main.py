"""From the arguments of the process to one command."""

import os
import sys
from collections.abc import Sequence

from . import _demo, _denoise, _fold, _properties, _reproduce
from ._parser import Parser

# As a shell counts them: 128, and the number of the signal.
_INTERRUPTED, _NOBODY_READS = 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``sklearn-reasoning``.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        The arguments; None takes those of the process.

    Returns
    -------
    int
        The exit status: 0, 1 where some of several files could not be restored, 130 after Ctrl-C.
        What is wrong with the arguments is one line on stderr, and ends the process with 2.

    Examples
    --------
    >>> main(["--version"])
    Traceback (most recent call last):
    SystemExit: 0
    """
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
        parser = options.parser
        options.arguments = sys.argv[2:] if arguments is None else list(arguments)[1:]
        status = options.run(options, parser) or 0
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except MemoryError as error:
        parser.error(f"out of memory: {error}")
    except BrokenPipeError:
        # As in "| head". Python would try to write what is left once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    return status


def _parser() -> Parser:
    from sklearn_reasoning import __version__

    parser = Parser(prog="sklearn-reasoning", description="Hybrid models with a reasoning layer.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (_demo, _denoise, _fold, _properties, _reproduce):
        command.add_to(commands)
    return parser
