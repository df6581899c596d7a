"""Projected steps beside layers that solve the same problem, and beside entmax's projection.

min 1/2 y'Qy + b'y over the simplex, batch 1,000, d = 20, float64, forward and backward: 30 steps of
projected nag against cvxpylayers and qpth. Errors are the largest against the minimiser of each
row and its derivatives, which are solved for in numpy once it is known which entries are zero.
Then one projection onto the simplex against entmax's sparsemax. Both sides take turns, on one
thread; CPU time, medians.

The rivals are not needed to run this: without them their rows say so.
    pip install -e ".[rivals]" && pip install --no-deps qpth==0.0.16 entmax==1.3

Run: python benchmarks/penalised_layer.py
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import numpy as np
import torch
from _rival_table import machine, missing_row, print_table, timed_row
from _timing import interleaved_seconds
from threadpoolctl import threadpool_limits

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.energies import DenseQuadratic, SpectralQuadratic
from sklearn_reasoning.penalties import Simplex

N, D, K, MU, L = 1000, 20, 30, 0.1, 1.0
TASK = "minimiser over the simplex"
# With their default tolerances, and with ones at which the gradient is right.
CVXPYLAYERS = {"as it comes": {}, "asked for 1e-6": {"eps_abs": 1e-6, "eps_rel": 1e-6}}
ONE_JOB = {"n_jobs_forward": 1, "n_jobs_backward": 1}


def qpth(Q, b):
    from qpth.qp import QPFunction

    options = {"dtype": b.dtype}
    G, h = -torch.eye(D, **options), torch.zeros(D, **options)
    A, total = torch.ones(1, D, **options), torch.ones(1, **options)
    return QPFunction(verbose=-1)(Q, b, G, h, A, total)


def cvxpylayers(tolerances):
    """Return cvxpylayers' layer; a quadratic form enters by its root, as its rules ask."""
    import cvxpy
    from cvxpylayers.torch import CvxpyLayer

    root, b, y = cvxpy.Parameter((D, D)), cvxpy.Parameter(D), cvxpy.Variable(D)
    objective = cvxpy.Minimize(cvxpy.sum_squares(root @ y) / 2 + b @ y)
    problem = cvxpy.Problem(objective, [y >= 0, cvxpy.sum(y) == 1])
    layer = CvxpyLayer(problem, parameters=[root, b], variables=[y])

    def solve(Q, b):
        root = torch.linalg.cholesky(Q).mT.contiguous()
        return layer(root, b, solver_args={**tolerances, **ONE_JOB})[0]

    return solve


def layer_rows(repeats=3):
    """Compare the steps with each rival: on a dense Q, and with Q given by its spectrum."""
    rng = np.random.default_rng(0)
    eigenvalues = torch.from_numpy(rng.uniform(MU, L, size=(N, D))).requires_grad_()
    rotation = torch.linalg.qr(torch.from_numpy(rng.normal(size=(N, D, D))))[0].contiguous()
    Q = ((rotation * eigenvalues.unsqueeze(1)) @ rotation.mT).detach()
    Q = ((Q + Q.mT) / 2).requires_grad_()
    b = torch.from_numpy(rng.normal(scale=0.2, size=(N, D))).requires_grad_()
    target = torch.from_numpy(rng.normal(size=(N, D)))
    truth = minimiser_and_gradient(*(t.detach().numpy() for t in (Q, b, target)))
    layer = ReasoningLayer("nag", K, MU, L, step_size=1 / L, penalty=Simplex())
    ours = {
        "dense Q": step(lambda Q, b: layer(DenseQuadratic(Q, b)), (Q, b), target),
        "Q by its spectrum": step(
            lambda e, b: layer(SpectralQuadratic(e, rotation, b)), (eigenvalues, b), target
        ),
    }
    makers = {"qpth": lambda: qpth}
    for name, tolerances in CVXPYLAYERS.items():
        makers[f"cvxpylayers, {name}"] = lambda tolerances=tolerances: cvxpylayers(tolerances)
    zeros = f"{100 * (truth[0] == 0).mean():.0f} % zeros"
    for name, make in makers.items():
        if find_spec(name.partition(",")[0]) is None:
            yield missing_row(TASK, "", name, "not installed")
            continue
        rival = step(make(), (Q, b), target)
        seconds = interleaved_seconds({"rival": rival, **ours}, repeats)
        for given, own in ours.items():
            turns = {"rival": seconds["rival"], "ours": seconds[given]}
            setting = f"n = {N:,}, d = {D}, {zeros}, nag, k = {K}, {given}"
            yield timed_row(TASK, setting, name, turns, errors(rival, own, truth))


def step(solve, inputs, target):
    """Return a function that gives y and the gradient of b; that of Q is computed with it."""

    def forward_and_backward():
        y = solve(*inputs)
        *_, b_ = torch.autograd.grad((y * target).sum(), inputs)
        return y.detach().numpy(), b_.numpy()

    return forward_and_backward


def minimiser_and_gradient(Q, b, target):
    """Return the minimisers over the simplex, and the gradient of target'y in b.

    Many projected steps tell which entries are zero. The rest is a linear system of each row, whose
    solution is checked: what is free is positive, and no zero entry would lower the energy.
    """
    y, (Q_, b_) = torch.full(b.shape, 1 / D, dtype=torch.float64), map(torch.from_numpy, (Q, b))
    for _ in range(5000):
        y = Simplex().project(y - (Q_ @ y.unsqueeze(-1)).squeeze(-1) - b_)
    free = y.numpy() > 0.0
    minimiser, gradient = np.zeros_like(b), np.zeros_like(b)
    for i, at in enumerate(free):
        size = at.sum()
        system = np.ones((size + 1, size + 1))
        system[:size, :size], system[size, size] = Q[i][np.ix_(at, at)], 0.0
        found = np.linalg.solve(system, np.append(-b[i, at], 1.0))
        minimiser[i, at] = found[:size]
        gradient[i, at] = -np.linalg.solve(system, np.append(target[i, at], 0.0))[:size]
        slope = Q[i] @ minimiser[i] + b[i] + found[size]
        if found[:size].min() <= 0.0 or slope[~at].min(initial=0.0) < 0.0:
            raise AssertionError(f"row {i}: more steps are needed to tell which entries are zero")
    return minimiser, gradient


def errors(rival, ours, truth):
    """Name both methods' largest errors, relative to the largest entry."""
    found = [
        [np.abs(v - t).max() / np.abs(t).max() for v, t in zip(f(), truth, strict=True)]
        for f in (rival, ours)
    ]
    return "; ".join(
        f"error of {what} {found[0][i]:.0e} and {found[1][i]:.0e}"
        for i, what in enumerate(("y", "gradient"))
    )


def projection_rows(repeats=15):
    """Compare the projection with entmax's, forward alone and with the backward pass."""
    task, rival = "projection onto the simplex", "entmax.sparsemax"
    if find_spec("entmax") is None:
        yield missing_row(task, "", rival, "not installed")
        return
    from entmax import sparsemax

    rng = np.random.default_rng(0)
    for d in (5, D, 100):
        v = torch.from_numpy(rng.normal(size=(N, d)))
        w, target = v.clone().requires_grad_(), torch.from_numpy(rng.normal(size=(N, d)))
        project = {"rival": lambda v: sparsemax(v, dim=-1), "ours": Simplex().project}
        one, other = (f(v) for f in project.values())
        agreement = f"to {float((one - other).abs().max()):.0e}"
        forward = {name: lambda f=f, v=v: f(v) for name, f in project.items()}
        both = {
            name: lambda f=f, w=w, t=target: torch.autograd.grad((f(w) * t).sum(), w)
            for name, f in project.items()
        }
        for what, functions in (("forward", forward), ("forward and backward", both)):
            seconds = interleaved_seconds(functions, repeats, at_least=0.05)
            yield timed_row(task, f"n = {N:,}, d = {d}, {what}", rival, seconds, agreement)


def main():
    print(machine(), "", sep="\n")
    for rows in (projection_rows(), layer_rows()):
        for line in print_table(rows):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    torch.set_num_threads(1)
    # qpth calls functions that torch deprecates.
    warnings.filterwarnings("ignore", message="torch.lu", category=UserWarning)
    with threadpool_limits(1):
        main()
