"""``sklearn-reasoning reproduce``."""

import argparse
import re
from collections.abc import Container, Mapping
from typing import Any

from ._algorithms import named_algorithm
from ._parser import need_matplotlib
from ._types import (
    LARGEST_SEED,
    input_file,
    not_negative,
    output_folder,
    positive,
    processes,
    steps,
    values_of_setting,
    whole,
)

_LARGEST_DIMENSION, _MOST_ROWS = 10_000, 10_000_000


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    command = commands.add_parser(
        "reproduce",
        help="reproduce figures 2 to 7 of the paper and judge its claims",
        description="Train the studies of the paper, draw its figures and write a report "
        "that says for each claim what was found. A run that was killed goes on in its folder.",
    )
    command.set_defaults(parser=command, run=run)
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
        help="the default: on two cores fig2 to fig6 in about ten minutes, fig7 in five",
    )
    size.add_argument("--full", action="store_true", help="the paper's sizes: many hours")
    command.add_argument(
        "--out", type=output_folder, default="reproduction", metavar="DIR",
        help="folder for figures, tables and report; default reproduction",
    )  # fmt: skip
    command.add_argument(
        "--jobs", type=processes, default=2, help="processes that train; -1 is all cores; default 2"
    )
    command.add_argument(
        "--complexity",
        action="store_true",
        help="estimate Rademacher complexities beside the gaps; minutes more",
    )
    command.add_argument(
        "--vary",
        type=values_of_setting,
        action="append",
        default=[],
        metavar="SETTING=VALUES",
        help="run the study for several values of a setting, such as n_samples=50,100,200 or "
        "noise=0.5,1; may be repeated",
    )
    settings = command.add_argument_group("settings of the study, in place of those of the size")
    flags_of = {}
    for flags, options in (
        (("--algo",), {"dest": "algos", "type": named_algorithm, "nargs": "+", "metavar": "NAME",
                       "help": "algorithms to compare, as gd nag; one of yours is module:Class"}),
        (("--k",), {"type": lambda text: tuple(steps(text)), "metavar": "STEPS",
                    "help": "numbers of steps, as 1,2,5 or 1:30; each is a model of its own"}),
        (("--hidden",), {"dest": "q_hidden", "type": whole(0, _LARGEST_DIMENSION), "nargs": "+",
                         "metavar": "UNITS",
                         "help": "hidden units of the network for Q; 0 is a linear map"}),
        (("--optimizer",), {"dest": "optimizers", "choices": ("adam", "sgd"), "nargs": "+",
                            "help": "optimisers to try; the best is kept"}),
        (("--lr",), {"dest": "lrs", "type": positive, "nargs": "+", "metavar": "RATE",
                     "help": "learning rates to try; the best is kept"}),
        (("--epochs",), {"type": whole(1), "help": "passes over the training rows"}),
        (("--repetitions",), {"type": whole(2, 100_000), "metavar": "N",
                              "help": "training sets, each drawn anew"}),
        (("--n-samples",), {"type": whole(5, _MOST_ROWS), "metavar": "N",
                            "help": "training rows of a repetition"}),
        (("--n-features",), {"type": whole(1, _LARGEST_DIMENSION), "metavar": "M",
                             "help": "length of x"}),
        (("--n-outputs",), {"type": whole(3, _LARGEST_DIMENSION), "metavar": "D",
                            "help": "length of y"}),
        (("--population",), {"dest": "population_size", "type": whole(1, _MOST_ROWS),
                             "metavar": "N", "help": "rows that training sets are drawn from"}),
        (("--mu",), {"type": positive, "help": "smallest eigenvalue of Q*"}),
        (("--L",), {"type": positive, "help": "largest eigenvalue of Q*"}),
        (("--noise",), {"type": not_negative,
                        "help": "standard deviation of noise on the training labels"}),
        (("--weight-decay",), {"type": not_negative, "metavar": "DECAY",
                               "help": "L2 penalty on the weights"}),
        (("--learn-step-size",), {"action": "store_const", "const": True,
                                  "help": "train the step size, too"}),
        (("--fresh-weights",), {"dest": "same_initial_weights", "action": "store_const",
                                "const": False,
                                "help": "begin each repetition with other weights"}),
        (("--held-out",), {"choices": ("population", "disjoint"),
                           "help": "measure losses on every row, or on those not trained on"}),
        (("--selection",), {"choices": ("training", "cross-validation"),
                            "help": "the loss by which optimiser and learning rate are chosen"}),
        (("--true-energy",), {"type": input_file, "metavar": "FILE",
                              "help": "an .npz with the weights of another Q*"}),
        (("--fig6-k",), {"type": lambda text: tuple(steps(text)), "metavar": "STEPS",
                         "help": "numbers of steps in figure 6"}),
        (("--fig6-epochs",), {"type": whole(1), "metavar": "EPOCHS", "help": "epochs in figure 6"}),
        (("--images",), {"metavar": "FOLDER", "help": "figure 7 on BSD400, in place of the "
                         "photographs that installed packages ship"}),
        (("--fig7-steps",), {"type": whole(1), "metavar": "N",
                             "help": "training steps of each model in figure 7"}),
        (("--seed",), {"type": whole(0, LARGEST_SEED), "help": "seed of everything"}),
    ):  # fmt: skip
        flags_of[settings.add_argument(*flags, **options).dest] = flags[0]
    command.set_defaults(settings=flags_of)


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Run the command with the arguments that were given."""
    need_matplotlib("reproduce", parser)
    from sklearn_reasoning.experiments import FIGURES, protocols_of, reproduce

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
    arguments = {**options.settings, **_ARGUMENTS}
    # A value of --vary is refused under the name of its setting.
    arguments.update({name: "--vary" for name in varied if name not in settings})
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
        parser.error(f"{_argument(str(error), arguments, settings)}{error}")
    except OSError as error:
        # What reads images names the file or folder itself.
        where = f"argument --out: {options.out}: "
        parser.error(f"{_argument(str(error), arguments, settings) or where}{error}")
    for claim in found.claims:
        print(f"{claim.figure}  {claim.verdict:<14}  {claim.text}")
    print(f"Report: {found.report}")


# What has other names in messages than the command's settings.
_ARGUMENTS = {
    "figures": "FIGURE",
    "out": "--out",
    "path": "--images",
    "values": "--vary",
    "setting": "--vary",
    "complexity": "--complexity",
}


def _argument(message: str, arguments: Mapping[str, str], given: Container[str]) -> str:
    """Return which argument a message is about, as argparse does; nothing if that is not clear.

    A message that compares two names one that was given, where one of them was.
    """
    first = re.match(r"(?:\[Errno \d+\] )?(?:The ')?(\w+)(?:=|: | has | is |' parameter)", message)
    if first is None or first[1] not in arguments:
        return ""
    compared = [first[1], *re.findall(r"(\w+)=", message)]
    name = next((name for name in compared if name in given and name in arguments), first[1])
    return f"argument {arguments[name]}: "
