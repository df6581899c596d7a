"""``sklearn-reasoning reproduce``."""

import argparse
from typing import Any

from ._parser import need_matplotlib
from ._types import any_algorithm, at_least, positive, steps, values_of_setting


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
        type=values_of_setting,
        action="append",
        default=[],
        metavar="SETTING=VALUES",
        help="run the study for several values of a setting, such as n_samples=50,100,200 or "
        "noise=0.5,1; may be repeated",
    )
    settings = command.add_argument_group("settings of the study, in place of those of the size")
    names = []
    for flags, options in (
        (("--algo",), {"dest": "algos", "type": any_algorithm, "nargs": "+", "metavar": "NAME",
                       "help": "gd nag ..., or mymodule:MyAlgorithm"}),
        (("--k",), {"type": lambda text: tuple(steps(text)), "metavar": "STEPS",
                    "help": "as 1,2,5 or 1:30"}),
        (("--hidden",), {"dest": "q_hidden", "type": at_least(0), "nargs": "+"}),
        (("--optimizer",), {"dest": "optimizers", "choices": ("adam", "sgd"), "nargs": "+"}),
        (("--lr",), {"dest": "lrs", "type": positive, "nargs": "+"}),
        (("--epochs",), {"type": at_least(1)}),
        (("--repetitions",), {"type": at_least(2)}),
        (("--n-samples",), {"type": at_least(5)}),
        (("--n-features",), {"type": at_least(1)}),
        (("--n-outputs",), {"type": at_least(3)}),
        (("--population",), {"dest": "population_size", "type": at_least(1)}),
        (("--mu",), {"type": positive}),
        (("--L",), {"type": positive}),
        (("--noise",), {"type": float, "help": "of the training labels"}),
        (("--weight-decay",), {"type": float}),
        (("--learn-step-size",), {"action": "store_const", "const": True}),
        (("--fresh-weights",), {"dest": "same_initial_weights", "action": "store_const",
                                "const": False, "help": "other first weights a repetition"}),
        (("--held-out",), {"choices": ("population", "disjoint")}),
        (("--selection",), {"choices": ("training", "cross-validation")}),
        (("--true-energy",), {"metavar": "FILE", "help": "the weights of another Q*, .npz"}),
        (("--fig6-k",), {"type": lambda text: tuple(steps(text)), "metavar": "STEPS",
                         "help": "of figure 6 alone"}),
        (("--fig6-epochs",), {"type": at_least(1), "help": "of figure 6 alone"}),
        (("--images",), {"metavar": "FOLDER", "help": "of figure 7 alone: BSD400, in place of the "
                         "photographs that installed packages ship"}),
        (("--fig7-steps",), {"type": at_least(1), "help": "of figure 7 alone"}),
        (("--seed",), {"type": at_least(0)}),
    ):  # fmt: skip
        names.append(settings.add_argument(*flags, **options).dest)
    command.set_defaults(settings=names)


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
