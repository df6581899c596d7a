"""How many trainings of the paper's synthetic study two cores finish in an hour.

The full grid's stacks, 100 models for each k, are trained for few epochs and for more; the
difference is the time of an epoch, the rest that of setting up and scoring. From both follows
the time of 50,000 epochs, which would take hours to wait for. Wall clock, two processes: run it
on a quiet machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from sklearn_reasoning.experiments import Protocol
from sklearn_reasoning.experiments._study import run_study

FEW, MORE, FULL = 40, 240, 50_000
# Half an hour each on one core: what the project knows of the code released with the paper.
RELEASED_AN_HOUR = 2.0


def main() -> None:
    """Print a table."""
    print("| algorithm | hidden units | us a model and epoch | ms a model besides | an hour |")
    print("|---|---|---|---|---|")
    seconds = []
    for protocol in parts():
        n_fits = len(protocol.k) * len(protocol.lrs) * protocol.repetitions
        few, more = (clock(protocol.but({"epochs": epochs})) for epochs in (FEW, MORE))
        epoch = (more - few) / (MORE - FEW) / n_fits
        besides = few / n_fits - FEW * epoch
        seconds.append(FULL * epoch + besides)
        print(
            f"| {protocol.algos[0]} | {protocol.q_hidden[0]} | {1e6 * epoch:.1f} "
            f"| {1e3 * besides:.0f} | {3600 / seconds[-1]:,.0f} |",
            flush=True,
        )
    an_hour = 3600 * len(seconds) / sum(seconds)
    print(f"\nAll six together: {an_hour:,.0f} trainings of {FULL:,} epochs an hour on two cores.")
    ratio = an_hour / RELEASED_AN_HOUR
    print(f"The released code: {RELEASED_AN_HOUR:.0f} on one core. Ratio {ratio:,.0f};")
    print(f"core against core {ratio / 2:,.0f}.")


def parts() -> Iterator[Protocol]:
    """Yield the full protocol's algorithms and sizes one by one, at a third of its k."""
    full = Protocol()
    for algo in full.algos:
        for q_hidden in full.q_hidden:
            yield full.but(
                {
                    "algos": (algo,),
                    "q_hidden": (q_hidden,),
                    "k": full.k[1::3],
                    "optimizers": ("adam",),
                }
            )


def clock(protocol: Protocol) -> float:
    """Return the seconds that a study takes."""
    began = time.perf_counter()
    run_study(protocol, n_jobs=2)
    return time.perf_counter() - began


if __name__ == "__main__":
    run_study(next(parts()).but({"epochs": 1, "repetitions": 2}), n_jobs=2)  # workers start up
    main()
