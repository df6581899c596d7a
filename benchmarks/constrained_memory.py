"""Memory of training against k: of a fit, and of the layer, with a set in every step or at the end.

Each case runs in a process of its own. Of the layer (batch 1,000, d = 20, float64, eigenvectors
shared) it is the most that torch holds at a time during a forward and a backward pass, beyond the
inputs. Of a fit (1,000 rows, 10 features, 20 outputs, 2 epochs) it is how much the process grows
beyond what it held before, after a fit of 20 rows that loads all that is loaded once.

Run: python benchmarks/constrained_memory.py
"""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
import torch
from _memory import peak_bytes

from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer
from sklearn_reasoning.energies import SpectralQuadratic
from sklearn_reasoning.penalties import Simplex

STEPS = (10, 30, 100, 300)
CASES = ("none", "simplex, last_step", "simplex, each_step")
N, D, MU, L = 1000, 20, 0.1, 1.0


def of_layer(algo, case, k):
    """Return the bytes of a forward and a backward pass."""
    torch.manual_seed(0)
    eigenvalues = (MU + (L - MU) * torch.rand(N, D, dtype=torch.float64)).requires_grad_()
    rotation = torch.linalg.qr(torch.randn(D, D, dtype=torch.float64))[0].requires_grad_()
    b = torch.randn(N, D, dtype=torch.float64).requires_grad_()
    layer = ReasoningLayer(algo, k, MU, L, penalty=Simplex() if case == CASES[2] else None)

    def both_passes():
        y = layer(SpectralQuadratic(eigenvalues, rotation, b))
        if case == CASES[1]:
            y = Simplex().project(y)
        y.square().sum().backward()
        for leaf in (eigenvalues, rotation, b):
            leaf.grad = None

    return peak_bytes(both_passes)


def of_fit(algo, case, k):
    """Return the bytes by which the process grew."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N, 10)), rng.dirichlet(np.ones(D), size=N)
    kept = {"max_epochs": 2, "random_state": 0}
    if case != CASES[0]:
        kept |= {"constraint": "simplex", "project": case.removeprefix("simplex, ")}
    model = HybridReasoningRegressor(algo, k, **kept)
    model.fit(X[:20], y[:20])
    before = peak_of_process()
    model.fit(X, y)
    return peak_of_process() - before


def peak_of_process():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measured(*arguments):
    """Return the bytes of a case, measured in a process of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main():
    print(f"| what | algorithm | set | {' | '.join(f'k = {k}' for k in STEPS)} |")
    print("|" + (3 + len(STEPS)) * "---|")
    for what in ("layer", "fit"):
        for algo in ("gd", "nag"):
            for case in CASES:
                found = [measured(what, algo, case, k) / 1e6 for k in STEPS]
                shown = " | ".join(f"{megabytes:.3g} MB" for megabytes in found)
                print(f"| {what} | {algo} | {case} | {shown} |", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:]:
        what, algo, case, k = sys.argv[1:]
        print((of_layer if what == "layer" else of_fit)(algo, case, int(k)))
    else:
        main()
