"""``sklearn-reasoning properties``."""

import argparse
from typing import Any

from ._algorithms import algorithm
from ._parser import need_matplotlib
from ._types import figure_file, positive, steps


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    properties = commands.add_parser(
        "properties",
        help="print how convergent, stable and sensitive an algorithm is after k steps",
        description="Print proven bounds of convergence, stability and sensitivity against k.",
    )
    properties.set_defaults(parser=properties, run=run)
    properties.add_argument(
        "--algo", type=algorithm, nargs="+", action="extend", required=True, metavar="NAME",
        help="algorithms, such as gd nag, or module:Class for one of yours; may be repeated",
    )  # fmt: skip
    properties.add_argument(
        "--k", type=steps, default="1:30", metavar="STEPS",
        help="numbers of steps: 5, or 1,2,5, or 1:30 (both ends included), or 1:30:5 (every "
        "fifth); default 1:30",
    )  # fmt: skip
    properties.add_argument(
        "--mu", type=positive, default=0.1, help="smallest eigenvalue of Q; default 0.1"
    )
    properties.add_argument(
        "--L", type=positive, default=1.0, help="largest eigenvalue of Q; default 1"
    )
    properties.add_argument(
        "--step-size", type=positive, metavar="SIZE", help="size of every step; default 1/L"
    )
    properties.add_argument(
        "--format", choices=("table", "csv", "json"), default="table",
        help="what is printed; default table",
    )  # fmt: skip
    properties.add_argument(
        "--plot", type=figure_file, metavar="FILE", help="draw too, into a .png, .svg or .pdf"
    )


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Run the command with the arguments that were given."""
    if options.mu > options.L:
        parser.error(f"argument --mu: {options.mu:g} is above --L {options.L:g}")
    if options.plot is not None:
        need_matplotlib("--plot", parser)
    from ._print_properties import print_properties

    try:
        print_properties(
            list(dict.fromkeys(options.algo)),
            options.k,
            step_size=options.step_size,
            mu=options.mu,
            L=options.L,
            form=options.format,
            plot=options.plot,
        )
    except BrokenPipeError:
        raise
    except OSError as error:
        parser.error(f"argument --plot: {options.plot}: {error}")
    except Exception as error:
        # Numbers beyond double precision, or an algorithm of a user that fails on them.
        spectrum = f"--mu {options.mu:g} and --L {options.L:g}"
        parser.error(f"argument --algo: no properties with {spectrum}: {error}")
