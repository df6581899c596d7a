"""The command line: arguments in, one call out."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Sequence


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
    parser = _parser()
    options = parser.parse_args(arguments)
    if importlib.util.find_spec("matplotlib") is None:
        parser.error("the demo draws with matplotlib: pip install 'sklearn-reasoning[plot]'")
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
    return 0


def _parser() -> argparse.ArgumentParser:
    from sklearn_reasoning import __version__

    parser = argparse.ArgumentParser(
        prog="sklearn-reasoning", description="Hybrid models with a reasoning layer."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="train, compare and explain hybrid models on scikit-learn's digits",
        description="Restore noisy digits; choose algorithm, depth and size by a grid search.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.add_argument("--out", default="demo-output", help="folder for the model and the figure")
    demo.add_argument("--n-train", type=_at_least(9), default=400, help="training images, to 1407")
    demo.add_argument("--epochs", type=_at_least(1), default=80, help="epochs of each training")
    demo.add_argument("--jobs", type=int, default=2, help="processes of the search")
    demo.add_argument("--seed", type=_at_least(0), default=0, help="seed of everything")
    return parser


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
