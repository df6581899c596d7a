"""``sklearn-reasoning denoise``."""

import argparse
import os
import sys
from typing import Any

from ._algorithms import named_algorithm, register_own
from ._types import LARGEST_K, input_file, output_folder, whole


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    denoise = commands.add_parser(
        "denoise",
        help="restore noisy image files",
        description="Restore image files with the model that ships with the package, or with one "
        "of yours. PNG and TIFF keep name and format; all else is written as PNG. A file that "
        "cannot be read is named and left out, and the exit status is 1 then.",
    )
    denoise.set_defaults(parser=denoise, run=run)
    denoise.add_argument("inputs", nargs="+", metavar="IN", help="image files, or folders of them")
    denoise.add_argument(
        "--out", type=output_folder, required=True, metavar="DIR", help="folder to write into"
    )
    denoise.add_argument(
        "--model", type=input_file, metavar="FILE", help="a denoiser that save_model wrote"
    )
    denoise.add_argument(
        "--algo", type=named_algorithm, metavar="NAME",
        help="the algorithm of the model as module:Class, if it is one of yours",
    )  # fmt: skip
    denoise.add_argument(
        "--k", type=whole(1, LARGEST_K), metavar="STEPS",
        help="steps of the algorithm, in place of the model's own",
    )  # fmt: skip


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the command with the arguments that were given."""
    missing = [path for path in options.inputs if not (path and os.path.exists(path))]
    if missing:
        parser.error(f"argument IN: There is no file or folder {', '.join(map(repr, missing))}.")
    from sklearn_reasoning.imaging import HybridReasoningDenoiser, denoise_files
    from sklearn_reasoning.persistence import load_model
    from sklearn_reasoning.pretrained import load_denoiser

    if options.algo is not None:
        register_own([options.algo], parser)
    try:
        model = load_denoiser() if options.model is None else load_model(options.model)
    except (OSError, ValueError) as error:
        parser.error(f"argument --model: {error}")
    if not isinstance(model, HybridReasoningDenoiser):
        parser.error(
            f"argument --model: {options.model} holds a {type(model).__name__}, not a "
            "HybridReasoningDenoiser"
        )
    _check_algorithm(options.algo, model.algorithm_, parser)
    try:
        result = denoise_files(
            model, options.inputs, options.out, k=options.k, progress=_print_line
        )
    except BrokenPipeError:
        raise
    except OSError as error:
        parser.error(f"argument --out: {error}")
    except (ValueError, ImportError) as error:
        parser.error(f"argument IN: {error}")
    for path, reason in result.failed.items():
        print(f"{parser.prog}: {path} was left out: {reason}", file=sys.stderr)
    return 1 if result.failed else 0


def _check_algorithm(wanted: Any, own: Any, parser: argparse.ArgumentParser) -> None:
    """Refuse an algorithm that the model does not run: it would change nothing."""
    if wanted is None or wanted == own.name or type(wanted) is type(own):
        return
    parser.error(
        f"argument --algo: the model runs {own.name!r}, with which it was trained, and would not "
        f"use {wanted if isinstance(wanted, str) else wanted.name!r}. Leave --algo out."
    )


def _print_line(line: str) -> None:
    # A file's name may hold bytes that the terminal has no character for.
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)
