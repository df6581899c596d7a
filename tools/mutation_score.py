"""Measure how many mutants of algorithms, layer and properties the tests find: ``make mutation``.

mutmut makes the mutants and runs the tests that reach each (``[tool.mutmut]`` in pyproject.toml
says which and what is left alone). The whole set takes hours, so a sample is drawn of each room,
from a seed. Results stay in ``mutants/``: a run that was stopped goes on where it was, and one
after new tests takes up the survivors alone. ``tools/equivalent_mutants.toml`` lists survivors
that no test can tell from the original, with reasons; they do not count.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOMS = ("algorithms", "layer", "properties")
FOUND = ("killed", "timeout")
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")
Change = tuple[str, str, str]  # a function, the line before and the line after


def mutmut(*arguments: str, quiet: bool = False) -> str:
    """Run a command of mutmut and return what it prints."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    if not quiet:
        subprocess.run(command, check=True)
        return ""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def statuses() -> dict[str, str]:
    """Return what is known of each mutant, by its name."""
    lines = mutmut("results", "--all", "true", quiet=True).splitlines()
    pairs = (line.strip().rsplit(": ", 1) for line in lines if ": " in line)
    return dict(sorted((name, status) for name, status in pairs))


def drawn(names: Iterable[str], n: int, seed: int) -> list[str]:
    """Return n of the names, or all where there are fewer; a larger n adds to a smaller one's."""
    names = sorted(names)
    random.Random(seed).shuffle(names)
    return names[:n]


def change_of(mutant: str) -> Change:
    """Return what a mutant changes, in a form that outlives renumbering."""
    lines = mutmut("show", mutant, quiet=True).splitlines()

    def text(sign: str) -> str:
        changed = (x[1:] for x in lines if x.startswith(sign) and not x.startswith(sign * 3))
        return " ".join(" ".join(changed).split())

    function = mutant.rpartition("__mutmut_")[0].removeprefix("sklearn_reasoning.")
    return function, text("-"), text("+")


def wilson(found: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the ends of Wilson's 95 % interval of a proportion."""
    if n == 0:
        return 0.0, 1.0
    share, width = found / n, z * z / n
    middle = (share + width / 2.0) / (1.0 + width)
    half = z * math.sqrt(share * (1.0 - share) / n + width / (4.0 * n)) / (1.0 + width)
    return middle - half, middle + half


def main() -> int:
    """Run what is left of the sample and print the score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=120, help="mutants of each room (120)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (0)")
    parser.add_argument("--at-least", type=float, default=85.0, help="per cent to reach (85)")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time (2)")
    parser.add_argument("--report", action="store_true", help="run nothing")
    options = parser.parse_args()

    # Threads that wait for each other gain nothing where every core has a mutant of its own.
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    if not options.report:
        # The few mutants of one class: it makes all others, and finds out which tests reach them.
        mutmut(
            "run", "--max-children", str(options.jobs), "sklearn_reasoning.layer._step_size*Clamp*"
        )
    known = statuses()
    rooms = {
        room: [name for name in known if name.startswith(f"sklearn_reasoning.{room}.")]
        for room in ROOMS
    }
    sample = {room: drawn(names, options.n, options.seed) for room, names in rooms.items()}
    listed = tomllib.loads(EQUIVALENT.read_text())["equivalent"]
    equivalent = {(entry["function"], entry["before"], entry["after"]) for entry in listed}

    def survivors(names: Iterable[str]) -> dict[str, Change]:
        return {name: change_of(name) for name in names if known[name] not in FOUND}

    everything = [name for names in sample.values() for name in names]
    new = [name for name in everything if known[name] == "not checked"]
    again = survivors(name for name in everything if known[name] != "not checked")
    left = new + [name for name, change in again.items() if change not in equivalent]
    if left and not options.report:
        mutmut("run", "--max-children", str(options.jobs), *left)
        known = statuses()

    total = sum(map(len, rooms.values()))
    score = 0.0
    print(f"{'room':<12}mutants  sample  equivalent  found  score  95 % interval")
    alive: dict[str, Change] = {}
    n_equivalent = n_found = n_all = 0
    variance = 0.0
    for room, names in sample.items():
        rest = survivors(names)
        missed = {name: change for name, change in rest.items() if change not in equivalent}
        n_same = len(rest) - len(missed)
        n, found = len(names) - n_same, len(names) - len(rest)
        low, high = (100.0 * end for end in wilson(found, n))
        share, weight = found / n, len(rooms[room]) / total
        score += 100.0 * weight * share
        variance += (weight * (high - low) / 2.0 / 1.96) ** 2
        alive |= missed
        n_equivalent, n_found, n_all = n_equivalent + n_same, n_found + found, n_all + len(names)
        print(
            f"{room:<12}{len(rooms[room]):7d} {len(names):7d} {n_same:11d} {found:6d} "
            f"{100.0 * share:5.1f}%  {low:.1f} to {high:.1f}"
        )
    half = 1.96 * math.sqrt(variance)
    low, high = score - half, min(score + half, 100.0)
    print(
        f"{'all':<12}{total:7d} {n_all:7d} {n_equivalent:11d} {n_found:6d} "
        f"{score:5.1f}%  {low:.1f} to {high:.1f} (rooms weighted by their mutants)"
    )
    for name, (function, before, after) in alive.items():
        print(f"\n{name}: {known[name]}\n  {function}\n- {before}\n+ {after}")
    return int(score < options.at_least)


if __name__ == "__main__":
    sys.exit(main())
