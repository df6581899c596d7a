"""The command line: arguments in, one call out."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import os
import sys
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
    options.arguments = sys.argv[2:] if arguments is None else list(arguments)[1:]
    run = {
        "demo": _demo,
        "denoise": _denoise,
        "properties": _properties,
        "reproduce": _reproduce,
    }[options.command]
    return run(options, options.parser) or 0


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


def _denoise(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from sklearn_reasoning.imaging import HybridReasoningDenoiser, denoise_files
    from sklearn_reasoning.persistence import load_model
    from sklearn_reasoning.pretrained import load_denoiser

    try:
        model = load_denoiser() if options.model is None else load_model(options.model)
    except (OSError, ValueError) as error:
        parser.error(f"argument --model: {error}")
    if not isinstance(model, HybridReasoningDenoiser):
        parser.error(
            f"argument --model: {options.model} holds a {type(model).__name__}, not a "
            "HybridReasoningDenoiser"
        )
    try:
        result = denoise_files(model, options.inputs, options.out, k=options.k, progress=_progress)
    except (OSError, ValueError, ImportError) as error:
        parser.error(str(error))
    for path, reason in result.failed.items():
        print(f"{parser.prog}: {path} was left out: {reason}", file=sys.stderr)
    return 1 if result.failed else 0


def _progress(line: str) -> None:
    # A file's name may hold bytes that the terminal has no character for.
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)


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


def _reproduce(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    _need_matplotlib("reproduce", parser)
    from sklearn_reasoning.experiments import FIGURES, reproduce
    from sklearn_reasoning.experiments._given_settings import protocols_of

    varied = [setting for setting, _ in options.vary]
    if len(set(varied)) < len(varied):
        parser.error(
            f"argument --vary: {varied} names a setting twice; give all its values at once"
        )
    settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in vars(options).items()
        if name in options.settings and value is not None
    }
    figures = options.figures or (() if options.vary else FIGURES)
    try:
        protocol, denoising = protocols_of(settings, figures, is_full=options.full)
        found = reproduce(
            figures,
            options.out,
            protocol=protocol,
            denoising=denoising,
            vary=dict(options.vary),
            complexity=options.complexity,
            n_jobs=options.jobs,
            command=" ".join(["sklearn-reasoning", "reproduce", *options.arguments]),
        )
    except (ValueError, TypeError, RuntimeError, ImportError) as error:
        parser.error(str(error))
    except OSError as error:
        # What reads images names the file or folder itself.
        where = "" if error.filename is None else f"argument --out: {options.out}: "
        parser.error(f"{where}{error}")
    for claim in found.claims:
        print(f"{claim.figure}  {claim.verdict:<14}  {claim.text}")
    print(f"Report: {found.report}")


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
    _add_denoise(commands)
    _add_properties(commands)
    _add_reproduce(commands)
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


def _add_denoise(commands: Any) -> None:
    denoise = commands.add_parser(
        "denoise",
        help="restore noisy image files",
        description="Restore image files with the model that ships with the package, or with one "
        "of yours. PNG and TIFF keep name and format; all else is written as PNG. A file that "
        "cannot be read is named and left out, and the exit status is 1 then.",
    )
    denoise.set_defaults(parser=denoise)
    denoise.add_argument("inputs", nargs="+", metavar="IN", help="image files, or folders of them")
    denoise.add_argument("--out", required=True, metavar="DIR", help="folder to write into")
    denoise.add_argument("--model", metavar="FILE", help="a denoiser that save_model wrote")
    denoise.add_argument(
        "--k", type=_at_least(0), help="steps of the algorithm, in place of the model's own"
    )


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


def _add_reproduce(commands: Any) -> None:
    command = commands.add_parser(
        "reproduce",
        help="reproduce figures 2 to 7 of the paper and judge its claims",
        description="Train the studies of the paper, draw its figures and write a report "
        "that says for each claim what was found. A run that was killed goes on in its folder.",
    )
    command.set_defaults(parser=command)
    command.add_argument(
        "figures",
        nargs="*",
        metavar="FIGURE",
        help="fig2 fig3 fig4 fig5 fig6, which are the default without --vary, or fig7 (denoising, "
        "a study of its own)",
    )
    size = command.add_mutually_exclusive_group()
    size.add_argument(
        "--quick",
        action="store_true",
        help="the default, on two cores: fig2 to fig6 in about ten minutes, fig7 in five",
    )
    size.add_argument("--full", action="store_true", help="the paper's sizes: many hours")
    command.add_argument("--out", default="reproduction", help="folder; default reproduction")
    command.add_argument("--jobs", type=int, default=2, help="processes; default 2")
    command.add_argument(
        "--complexity",
        action="store_true",
        help="estimate Rademacher complexities beside the gaps; minutes more",
    )
    command.add_argument(
        "--vary",
        type=_values_of_setting,
        action="append",
        default=[],
        metavar="SETTING=VALUES",
        help="run the study for several values of a setting, such as n_samples=50,100,200 or "
        "noise=0.5,1; may be repeated",
    )
    settings = command.add_argument_group("settings of the study, in place of those of the size")
    names = []
    for flags, options in (
        (("--algo",), {"dest": "algos", "type": _any_algorithm, "nargs": "+", "metavar": "NAME",
                       "help": "gd nag ..., or mymodule:MyAlgorithm"}),
        (("--k",), {"type": lambda text: tuple(_steps(text)), "metavar": "STEPS",
                    "help": "as 1,2,5 or 1:30"}),
        (("--hidden",), {"dest": "q_hidden", "type": _at_least(0), "nargs": "+"}),
        (("--optimizer",), {"dest": "optimizers", "choices": ("adam", "sgd"), "nargs": "+"}),
        (("--lr",), {"dest": "lrs", "type": _positive, "nargs": "+"}),
        (("--epochs",), {"type": _at_least(1)}),
        (("--repetitions",), {"type": _at_least(2)}),
        (("--n-samples",), {"type": _at_least(5)}),
        (("--n-features",), {"type": _at_least(1)}),
        (("--n-outputs",), {"type": _at_least(3)}),
        (("--population",), {"dest": "population_size", "type": _at_least(1)}),
        (("--mu",), {"type": _positive}),
        (("--L",), {"type": _positive}),
        (("--noise",), {"type": float, "help": "of the training labels"}),
        (("--weight-decay",), {"type": float}),
        (("--learn-step-size",), {"action": "store_const", "const": True}),
        (("--fresh-weights",), {"dest": "same_initial_weights", "action": "store_const",
                                "const": False, "help": "other first weights a repetition"}),
        (("--held-out",), {"choices": ("population", "disjoint")}),
        (("--selection",), {"choices": ("training", "cross-validation")}),
        (("--true-energy",), {"metavar": "FILE", "help": "the weights of another Q*, .npz"}),
        (("--fig6-k",), {"type": lambda text: tuple(_steps(text)), "metavar": "STEPS",
                         "help": "of figure 6 alone"}),
        (("--fig6-epochs",), {"type": _at_least(1), "help": "of figure 6 alone"}),
        (("--images",), {"metavar": "FOLDER", "help": "of figure 7 alone: BSD400, in place of the "
                         "photographs that installed packages ship"}),
        (("--fig7-steps",), {"type": _at_least(1), "help": "of figure 7 alone"}),
        (("--seed",), {"type": _at_least(0)}),
    ):  # fmt: skip
        names.append(settings.add_argument(*flags, **options).dest)
    command.set_defaults(settings=names)


def _any_algorithm(name: str) -> Any:
    """Return a registered name, or an instance of a class given as module:Class."""
    if ":" not in name:
        _algorithm(name)
        return name
    from sklearn_reasoning.algorithms import Algorithm

    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
        algorithm = found() if isinstance(found, type) else found
    except Exception as error:
        raise argparse.ArgumentTypeError(f"{name!r} cannot be had: {error}") from error
    if not isinstance(algorithm, Algorithm):
        raise argparse.ArgumentTypeError(f"{name!r} is no Algorithm")
    return algorithm


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


def _values_of_setting(text: str) -> tuple[str, list[float]]:
    """Parse a name and numbers, such as n_samples=50,100."""
    setting, _, numbers = text.partition("=")
    try:
        values = [float(number) for number in numbers.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like n_samples=50,100") from None
    return setting, [int(value) if value.is_integer() else value for value in values]


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
