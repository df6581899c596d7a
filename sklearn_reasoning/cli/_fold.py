"""``sklearn-reasoning fold``."""

import argparse
import sys
from typing import Any

from ._types import LARGEST_K, input_file, whole


def add_to(commands: Any) -> None:
    """Add the command and its arguments."""
    fold = commands.add_parser(
        "fold",
        help="predict structures of RNA sequences",
        description="Predict the secondary structure of each sequence of a FASTA file with a model "
        "of yours, and print names, sequences and dot-bracket strings. No model ships with the "
        "package: the licence of the known structures does not say that it may.",
    )
    fold.set_defaults(parser=fold, run=run)
    fold.add_argument("input", type=input_file, metavar="FASTA", help="file of sequences")
    fold.add_argument(
        "--model", type=input_file, required=True, metavar="FILE",
        help="a HybridReasoningFolder that save_model wrote",
    )  # fmt: skip
    fold.add_argument(
        "--k", type=whole(0, LARGEST_K), metavar="STEPS",
        help="steps of the algorithm, in place of the model's own",
    )  # fmt: skip
    fold.add_argument(
        "--nested", action="store_true", help="pairs that do not cross, even if the model allows it"
    )
    fold.add_argument(
        "--ct",
        action="store_true",
        help="print connectivity tables in place of dot-brackets",
    )


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the command with the arguments that were given."""
    from sklearn_reasoning.estimators import HybridReasoningFolder
    from sklearn_reasoning.persistence import load_model
    from sklearn_reasoning.rna import ct_lines, dot_bracket_lines, encode, read_fasta

    try:
        records = read_fasta(options.input)
    except (OSError, ValueError) as error:
        parser.error(f"argument FASTA: {error}")
    if not records:
        parser.error(f"argument FASTA: {options.input} holds no sequences")
    try:
        model = load_model(options.model)
    except (OSError, ValueError) as error:
        parser.error(f"argument --model: {error}")
    if not isinstance(model, HybridReasoningFolder):
        parser.error(
            f"argument --model: {options.model} holds a {type(model).__name__}, not a "
            "HybridReasoningFolder"
        )
    try:
        encode([record.sequence for record in records], model.unknown_letters)
    except ValueError as error:
        parser.error(f"argument FASTA: {error}")
    if options.nested:
        model.set_params(pseudoknots=False)
    write = ct_lines if options.ct else dot_bracket_lines
    try:
        for record in records:
            (pairs,) = model.predict_pairs([record.sequence], options.k)
            sys.stdout.write(write(record._replace(pairs=pairs)))
            sys.stdout.flush()
    except (ValueError, ImportError) as error:
        parser.error(str(error))
    return 0
