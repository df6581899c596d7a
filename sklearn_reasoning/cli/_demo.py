"""``sklearn-reasoning demo``."""

import argparse
from typing import Any

from ._parser import need_matplotlib
from ._types import at_least


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    demo = commands.add_parser(
        "demo",
        help="train, compare and explain hybrid models on scikit-learn's digits",
        description="Restore noisy digits; choose algorithm, depth and size by a grid search.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.set_defaults(parser=demo, run=run)
    demo.add_argument("--out", default="demo-output", help="folder for the model and the figure")
    demo.add_argument("--n-train", type=at_least(9), default=400, help="training images, to 1407")
    demo.add_argument("--epochs", type=at_least(1), default=80, help="epochs of each training")
    demo.add_argument("--jobs", type=int, default=2, help="processes of the search")
    demo.add_argument("--seed", type=at_least(0), default=0, help="seed of everything")


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Run the command with the arguments that were given."""
    need_matplotlib("the demo", parser)
    # Imports wait until they are needed: --help answers at once.
    from ._run_demo import run_demo

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
