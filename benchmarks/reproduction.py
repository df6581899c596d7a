"""How many trainings of the paper's synthetic study two cores finish in an hour.

The full grid's stacks, 100 models for each k, are trained for few epochs and for more; the
difference is the time of an epoch, the rest that of setting up and scoring. From both follows
the time of 50,000 epochs, which would take hours to wait for. Wall clock, two processes: run it
on a quiet machine.
"""

from __future__ import annotations

import time

from sklearn_reasoning.experiments import Protocol
from sklearn_reasoning.experiments.synthetic._study import run_study

FEW, MORE, FULL = 40, 240, 50_000
# Half an hour each on one core: what the project knows of the code released with the paper.
RELEASED_AN_HOUR = 2.0


def main() -> None:
    """Print the numbers."""
    full = Protocol()
    study = full.but({"k": full.k[1::3], "optimizers": ("adam",)})
    n_fits = len(full.algos) * len(full.q_hidden) * len(study.k) * len(full.lrs) * full.repetitions
    few, more = (clock(study.but({"epochs": epochs})) for epochs in (FEW, MORE))
    epoch = (more - few) / (MORE - FEW) / n_fits
    besides = few / n_fits - FEW * epoch
    an_hour = 3600 / (FULL * epoch + besides)
    ratio = an_hour / RELEASED_AN_HOUR
    print(f"{n_fits:,} models on two processes: {1e6 * epoch:.1f} us a model and epoch,")
    print(f"{1e3 * besides:.0f} ms a model besides.")
    print(f"{an_hour:,.0f} trainings of {FULL:,} epochs an hour on two cores.")
    print(f"The released code: {RELEASED_AN_HOUR:.0f} on one core. Ratio {ratio:,.0f};")
    print(f"core against core {ratio / 2:,.0f}.")


def clock(protocol: Protocol) -> float:
    """Return the seconds that a study takes."""
    began = time.perf_counter()
    run_study(protocol, n_jobs=2)
    return time.perf_counter() - began


if __name__ == "__main__":
    run_study(Protocol.quick().but({"epochs": 1, "repetitions": 2}), n_jobs=2)  # workers start up
    main()
