"""``sklearn-reasoning demo``."""

import argparse
from typing import Any

from ._algorithms import named_algorithm
from ._parser import need_matplotlib
from ._types import LARGEST_SEED, output_folder, processes, whole


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    demo = commands.add_parser(
        "demo",
        help="train, compare and explain hybrid models on scikit-learn's digits",
        description="Restore noisy digits; choose algorithm, depth and size by a grid search.",
    )
    demo.set_defaults(parser=demo, run=run)
    demo.add_argument(
        "--out", type=output_folder, default="demo-output", metavar="DIR",
        help="folder for the model and the figure; default demo-output",
    )  # fmt: skip
    demo.add_argument(
        "--algo", type=named_algorithm, nargs="+", default=["gd", "nag"], metavar="NAME",
        help="algorithms to compare; one of yours is module:Class; default gd nag",
    )  # fmt: skip
    demo.add_argument(
        "--n-train", type=whole(9, 1407), default=400, metavar="N",
        help="training images, to 1407; default 400",
    )  # fmt: skip
    demo.add_argument(
        "--epochs", type=whole(1), default=40, help="epochs of each training; default 40"
    )
    demo.add_argument(
        "--jobs", type=processes, default=2,
        help="processes of the search; -1 is all cores; default 2",
    )  # fmt: skip
    demo.add_argument(
        "--seed", type=whole(0, LARGEST_SEED), default=0, help="seed of everything; default 0"
    )


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Run the command with the arguments that were given."""
    need_matplotlib("the demo", parser)
    # Imports wait until they are needed: --help answers at once.
    from ._algorithms import check_own, register_own
    from ._run_demo import GRID, run_demo

    algorithms = list(dict.fromkeys(options.algo))
    check_own(algorithms, parser)
    register_own(algorithms, parser)  # the model's file names its algorithm
    try:
        run_demo(
            options.out,
            grid={**GRID, "algo": algorithms},
            n_train=options.n_train,
            max_epochs=options.epochs,
            n_jobs=options.jobs,
            random_state=options.seed,
        )
    except BrokenPipeError:
        raise
    except OSError as error:
        parser.error(f"argument --out: {options.out}: {error}")
