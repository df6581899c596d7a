"""The package beside what people use instead: one command, one table, side by side in one run.

- search: a skorch module written by hand under GridSearchCV, against BatchedGridSearchCV;
- one model: a bare torch loop, against one fit;
- exact minimiser: torch.linalg.solve, qpth and cvxpylayers, against ``ReasoningLayer("opt")``;
- k steps, and their memory: a loop that autograd records, against ``ReasoningLayer``.

Both sides take turns, on one thread. Times are medians of CPU time; a ratio is the median over
turns, with its quartiles. Memory is the most that torch holds during forward and backward pass.

The rivals of the exact minimiser are not needed to run this: without them their rows say so.
    pip install -e ".[rivals]" && pip install --no-deps qpth==0.0.16

Run: python benchmarks/rivals.py [--quick] [--write docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import warnings
from itertools import chain
from pathlib import Path

import torch
from _rival_exact import exact_rows
from _rival_searches import loop_rows, search_rows
from _rival_table import machine, print_table
from _rival_unrolling import unrolling_rows
from threadpoolctl import threadpool_limits

BEGIN, END = "<!-- rivals.py: begin -->", "<!-- rivals.py: end -->"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the smallest comparisons only")
    parser.add_argument("--write", type=Path, help="a page to put the table into, at its marks")
    arguments = parser.parse_args()
    parts = (
        [unrolling_rows(repeats=3, steps=(1, 10)), exact_rows(repeats=3, sizes=[(1, 20), (100, 5)])]
        if arguments.quick
        else [search_rows(), loop_rows(), exact_rows(), unrolling_rows()]
    )
    lines = [machine(), ""]
    print(*lines, sep="\n")
    for line in print_table(chain(*parts)):
        lines.append(line)
        print(line, flush=True)
    if arguments.write:
        page = arguments.write.read_text()
        before, rest = page.split(BEGIN)
        after = rest.split(END)[1]
        table = "\n".join(["", *lines, ""])
        arguments.write.write_text(f"{before}{BEGIN}{table}{END}{after}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    # qpth calls functions that torch deprecates.
    warnings.filterwarnings("ignore", message="torch.lu", category=UserWarning)
    with threadpool_limits(1):
        main()
