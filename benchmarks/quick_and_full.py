"""Whether a quick study has the signs of the committed full one.

    python benchmarks/quick_and_full.py quick/study.csv

Every comparison that the full study (docs/results/study.csv) makes with p < 0.01 is looked up in
the quick one: nag minus gd at equal k, and the change from the smallest to the largest k, for
each size and measure, at the k that both have. Both must be of one Q*: docs/paper-results.md
names the commands.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sklearn_reasoning.experiments._evidence import ALPHA, mean_and_p
from sklearn_reasoning.experiments._measurements import Measurements
from sklearn_reasoning.experiments._tables import read_csv

FULL = Path(__file__).parent.parent / "docs" / "results" / "study.csv"
COLUMNS = ("train_loss", "q_spectral", "q_frobenius", "gap")


def main(quick_file: str) -> None:
    """Print a table."""
    full = Measurements(read_csv(FULL), COLUMNS)
    quick = Measurements(read_csv(Path(quick_file)), COLUMNS)
    steps = [k for k in full.k if k in quick.k]
    print("| measure | comparisons | decided by the full study | same sign in the quick one |")
    print("|---|---|---|---|")
    for column in COLUMNS:
        n = decided = same = 0
        for q_hidden in full.q_hidden:
            of_full = dict(differences(full, column, q_hidden, steps))
            of_quick = dict(differences(quick, column, q_hidden, steps))
            for name, values in of_full.items():
                n += 1
                mean, p = mean_and_p(values)
                if not p < ALPHA:
                    continue
                decided += 1
                other, p_other = mean_and_p(of_quick[name])
                same += (mean > 0) == (other > 0)
                if (mean > 0) != (other > 0):
                    found = f"{mean:.3g} (p = {p:.1g}), quick {other:.3g} (p = {p_other:.1g})"
                    print(f"{column}, {q_hidden} units, {name}: {found}", file=sys.stderr)
        print(f"| {column} | {n} | {decided} | {same} |")


def differences(
    data: Measurements, column: str, q_hidden: int, steps: list[int]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each comparison's name and its differences, one a repetition."""
    at = [data.k.index(k) for k in steps]
    gd, nag = (data.matrix(column, algo, q_hidden)[:, at] for algo in ("gd", "nag"))
    for i, k in enumerate(steps):
        if k > 1:  # a step of both is the same
            yield f"nag - gd at k = {k}", nag[:, i] - gd[:, i]
    for algo, values in (("gd", gd), ("nag", nag)):
        yield f"{algo}, k = {steps[-1]} - k = {steps[0]}", values[:, -1] - values[:, 0]


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(sys.argv[1])
    else:
        print(__doc__)
