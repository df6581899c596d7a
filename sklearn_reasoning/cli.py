"""The command line: arguments in, one call out."""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from sklearn_reasoning.algorithms import Algorithm

_LARGEST_K = 65_536
_SUFFIXES = (".png", ".svg", ".pdf")


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
    run = {"demo": _demo, "properties": _properties}[options.command]
    run(options, options.parser)
    return 0


def _demo(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    _need_matplotlib("the demo", parser)
    # Imports wait until they are needed: --help answers at once.
    from sklearn_reasoning.experiments._demo import run_demo

    try:
        run_demo(
            options.out,
            n_train=options.n_train,
            max_epochs=options.epochs,
            n_jobs=options.jobs,
            random_state=options.seed,
        )
    except OSError as error:
        parser.error(f"--out {options.out}: {error}")


def _properties(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if options.mu > options.L:
        parser.error(f"argument --mu: {options.mu:g} is above --L {options.L:g}")
    if options.plot is not None:
        _need_matplotlib("--plot", parser)
    from sklearn_reasoning.experiments._properties import run_properties

    try:
        run_properties(
            list(dict.fromkeys(options.algo)),
            options.k,
            step_size=options.step_size,
            mu=options.mu,
            L=options.L,
            form=options.format,
            plot=options.plot,
        )
    except OSError as error:
        parser.error(f"argument --plot: {options.plot}: {error}")


def _need_matplotlib(what: str, parser: argparse.ArgumentParser) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        parser.error(f"{what} draws with matplotlib: pip install 'sklearn-reasoning[plot]'")


class _Parser(argparse.ArgumentParser):
    """Say what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    from sklearn_reasoning import __version__

    parser = _Parser(prog="sklearn-reasoning", description="Hybrid models with a reasoning layer.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_demo(commands)
    _add_properties(commands)
    return parser


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser(
        "demo",
        help="train, compare and explain hybrid models on scikit-learn's digits",
        description="Restore noisy digits; choose algorithm, depth and size by a grid search.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.set_defaults(parser=demo)
    demo.add_argument("--out", default="demo-output", help="folder for the model and the figure")
    demo.add_argument("--n-train", type=_at_least(9), default=400, help="training images, to 1407")
    demo.add_argument("--epochs", type=_at_least(1), default=80, help="epochs of each training")
    demo.add_argument("--jobs", type=int, default=2, help="processes of the search")
    demo.add_argument("--seed", type=_at_least(0), default=0, help="seed of everything")


def _add_properties(commands: Any) -> None:
    properties = commands.add_parser(
        "properties",
        help="print how convergent, stable and sensitive an algorithm is after k steps",
        description="Print proven bounds of convergence, stability and sensitivity against k.",
    )
    properties.set_defaults(parser=properties)
    properties.add_argument(
        "--algo", type=_algorithm, nargs="+", action="extend", required=True, metavar="NAME",
        help="algorithms, such as gd nag; may be repeated",
    )  # fmt: skip
    properties.add_argument(
        "--k", type=_steps, default="1:30", metavar="STEPS",
        help="numbers of steps: 5, or 1,2,5, or 1:30 (both ends included), or 1:30:5 (every "
        "fifth); default 1:30",
    )  # fmt: skip
    properties.add_argument("--mu", type=_positive, default=0.1, help="default 0.1")
    properties.add_argument("--L", type=_positive, default=1.0, help="default 1")
    properties.add_argument("--step-size", type=_positive, help="default 1/L")
    properties.add_argument("--format", choices=("table", "csv", "json"), default="table")
    properties.add_argument(
        "--plot", type=_figure_file, metavar="FILE", help="draw too, into a .png, .svg or .pdf"
    )


def _algorithm(name: str) -> Algorithm:
    from sklearn_reasoning.algorithms import get_algorithm

    try:
        return get_algorithm(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive, finite number")
    return value


def _steps(text: str) -> list[int]:
    """Parse 5, or 1,2,5, or 1:30 with both ends, or 1:30:5, or several of them with commas."""
    steps: list[int] = []
    for part in text.split(","):
        try:
            numbers = [int(number) for number in part.split(":")]
        except ValueError:
            numbers = []
        if not 1 <= len(numbers) <= 3:
            raise argparse.ArgumentTypeError(f"{text!r} is not like 5, 1,2,5, 1:30 or 1:30:5")
        first = numbers[0]
        last = numbers[1] if len(numbers) > 1 else first
        stride = numbers[2] if len(numbers) > 2 else 1
        if not 0 <= first <= last <= _LARGEST_K or stride < 1:
            raise argparse.ArgumentTypeError(
                f"{part!r} must rise, by at least 1, within 0 to {_LARGEST_K:,}"
            )
        steps.extend(range(first, last + 1, stride))
    return sorted(set(steps))


def _figure_file(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in _SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text!r} must end in one of {', '.join(_SUFFIXES)}")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder")
    if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise argparse.ArgumentTypeError(
            f"{str(path.parent)!r} is no folder that can be written to"
        )
    return path


class _at_least:
    """Parse whole numbers from a smallest one on."""

    def __init__(self, smallest: int) -> None:
        self.smallest = smallest

    def __call__(self, text: str) -> int:
        value = int(text)
        if value < self.smallest:
            raise argparse.ArgumentTypeError(f"{value} is below {self.smallest}")
        return value

    def __repr__(self) -> str:
        return "whole number"
