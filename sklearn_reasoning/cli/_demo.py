"""``sklearn-reasoning demo``."""

import argparse
from typing import Any

from ._algorithms import named_algorithm
from ._parser import need_matplotlib
from ._types import LARGEST_SEED, output_folder, processes, whole

# What an option is where it is not given. None stands in the parser, which tells that from a value.
_OF_DIGITS = {"algo": ["gd", "nag"], "n_train": 400, "jobs": 2}
_OF_SUDOKU = {"boards": 3000, "unlabelled": False}
_EPOCHS_OF_DIGITS = 40


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    demo = commands.add_parser(
        "demo",
        help="train, compare and explain hybrid models on digits, or learn Sudoku from pixels",
        description="digits: restore noisy digits; choose algorithm, depth and size by a grid "
        "search. sudoku: learn from solved boards what handwritten digits and the rules are.",
    )
    demo.set_defaults(parser=demo, run=run)
    demo.add_argument(
        "task", nargs="?", choices=["digits", "sudoku"], default="digits",
        help="what to learn; default digits",
    )  # fmt: skip
    demo.add_argument(
        "--out", type=output_folder, default="demo-output", metavar="DIR",
        help="folder for the model and the figure; default demo-output",
    )  # fmt: skip
    demo.add_argument(
        "--algo", type=named_algorithm, nargs="+", metavar="NAME",
        help="digits: algorithms to compare; one of yours is module:Class; default gd nag",
    )  # fmt: skip
    demo.add_argument(
        "--n-train", type=whole(9, 1407), metavar="N",
        help="digits: training images, to 1407; default 400",
    )  # fmt: skip
    demo.add_argument(
        "--boards", type=whole(20, 100_000), metavar="N",
        help="sudoku: training boards, at least 20; default 3000",
    )  # fmt: skip
    demo.add_argument(
        "--unlabelled", action="store_const", const=True,
        help="sudoku: leave out the labels of the given cells, so that the images are learned "
        "from the rules alone",
    )  # fmt: skip
    demo.add_argument(
        "--epochs", type=whole(1),
        help="epochs of each training; default 40, of sudoku as many as make about 1,000 steps",
    )  # fmt: skip
    demo.add_argument(
        "--jobs", type=processes,
        help="digits: processes of the search; -1 is all cores; default 2",
    )  # fmt: skip
    demo.add_argument(
        "--seed", type=whole(0, LARGEST_SEED), default=0, help="seed of everything; default 0"
    )


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Run the command with the arguments that were given."""
    own, others = (_OF_DIGITS, _OF_SUDOKU) if options.task == "digits" else (_OF_SUDOKU, _OF_DIGITS)
    other = "sudoku" if options.task == "digits" else "digits"
    for name in others:
        if getattr(options, name) is not None:
            option = f"--{name.replace('_', '-')}"
            parser.error(f"argument {option}: it belongs to demo {other}, not to {options.task}")
    for name, value in own.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    need_matplotlib("the demo", parser)
    try:
        (_run_digits if options.task == "digits" else _run_sudoku)(options, parser)
    except BrokenPipeError:
        raise
    except OSError as error:
        parser.error(f"argument --out: {options.out}: {error}")


def _run_digits(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    # Imports wait until they are needed: --help answers at once.
    from ._algorithms import check_own, register_own
    from ._run_demo import GRID, run_demo

    algorithms = list(dict.fromkeys(options.algo))
    check_own(algorithms, parser)
    register_own(algorithms, parser)  # the model's file names its algorithm
    run_demo(
        options.out,
        grid={**GRID, "algo": algorithms},
        n_train=options.n_train,
        max_epochs=options.epochs or _EPOCHS_OF_DIGITS,
        n_jobs=options.jobs,
        random_state=options.seed,
    )


def _run_sudoku(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    from ._run_sudoku import run_sudoku

    run_sudoku(
        options.out,
        n_boards=options.boards,
        unlabelled=options.unlabelled,
        max_epochs=options.epochs or "auto",
        random_state=options.seed,
    )
