"""Differentiable exact minimisers, for benchmarks/rivals.py: qpth, cvxpylayers, a linear solve."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import torch
from _rival_table import missing_row, timed_row
from _timing import interleaved_seconds

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.energies import DenseQuadratic, SpectralQuadratic

TASK, MU, L = "exact minimiser", 0.1, 1.0
TURN = 0.1  # seconds
SIZES = ((1, 20), (100, 5), (100, 20), (100, 50), (1000, 20))
# Their defaults stop at 1e-2 here; these cost hardly more. One job, since one thread is compared.
CVXPYLAYERS = {"eps_abs": 1e-10, "eps_rel": 1e-10, "n_jobs_forward": 1, "n_jobs_backward": 1}


def linear_solve(d):
    return lambda Q, b: -torch.linalg.solve(Q, b)


def qpth(d):
    """Return qpth's layer, with one constraint that never binds: it takes no problem without."""
    from qpth.qp import QPFunction

    none = torch.empty(0, dtype=torch.float64)
    G, h = torch.zeros(1, d, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    solve = QPFunction(verbose=-1)
    return lambda Q, b: solve(Q, b, G, h, none, none)


def cvxpylayers(d):
    """Return cvxpylayers' layer; a quadratic form enters by its root, as its rules ask."""
    import cvxpy
    from cvxpylayers.torch import CvxpyLayer

    root, b, y = cvxpy.Parameter((d, d)), cvxpy.Parameter(d), cvxpy.Variable(d)
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(root @ y) / 2 + b @ y))
    layer = CvxpyLayer(problem, parameters=[root, b], variables=[y])

    def solve(Q, b):
        (y,) = layer(torch.linalg.cholesky(Q).mT.contiguous(), b, solver_args=CVXPYLAYERS)
        return y

    return solve


RIVALS = {"torch.linalg.solve": linear_solve, "qpth": qpth, "cvxpylayers": cvxpylayers}


def exact_rows(repeats=7, sizes=SIZES):
    """Compare ``ReasoningLayer("opt")`` with each rival, forward and backward, on the same Q, b."""
    exact = ReasoningLayer("opt", mu=MU, L=L)
    for n, d in sizes:
        eigenvalues, rotation, Q, b, target = problem(n, d)
        ours = step(lambda Q, b: exact(DenseQuadratic(Q, b)), (Q, b), target)
        for name, make in RIVALS.items():
            setting = f"n = {n}, d = {d}, float64"
            if find_spec(name.partition(".")[0]) is None:
                yield missing_row(TASK, setting, name, "not installed")
                continue
            try:
                rival = step(make(d), (Q, b), target)
                agreement = errors(rival, ours, Q, b, target)
            except Exception as error:  # whatever keeps it from running here is the answer
                yield missing_row(TASK, setting, name, f"fails here: {type(error).__name__}")
                continue
            seconds = interleaved_seconds({"rival": rival, "ours": ours}, repeats, TURN)
            yield timed_row(TASK, setting, name, seconds, agreement)

        def from_spectrum(eigenvalues, b, rotation=rotation):
            return exact(SpectralQuadratic(eigenvalues, rotation, b))

        def dense(eigenvalues, b, rotation=rotation):
            Q = (rotation * eigenvalues.unsqueeze(1)) @ rotation.mT
            return -torch.linalg.solve(Q, b)

        rival, ours = (step(f, (eigenvalues, b), target) for f in (dense, from_spectrum))
        agreement = errors(rival, ours, Q, b, target)
        seconds = interleaved_seconds({"rival": rival, "ours": ours}, repeats, TURN)
        name = "torch.linalg.solve, Q given by its spectrum"
        yield timed_row(TASK, setting, name, seconds, agreement)


def problem(n, d):
    generator = torch.Generator().manual_seed(0)
    options = {"dtype": torch.float64, "generator": generator}
    eigenvalues = (MU + (L - MU) * torch.rand(n, d, **options)).requires_grad_()
    rotation = torch.linalg.qr(torch.randn(n, d, d, **options))[0].contiguous()
    Q = ((rotation * eigenvalues.unsqueeze(1)) @ rotation.mT).detach()
    Q = ((Q + Q.mT) / 2).requires_grad_()
    b = torch.randn(n, d, **options).requires_grad_()
    return eigenvalues, rotation, Q, b, torch.randn(n, d, **options)


def step(solve, inputs, target):
    """Return a function that gives y and the gradient of b; that of Q is computed with it."""

    def forward_and_backward():
        y = solve(*inputs)
        *_, b_ = torch.autograd.grad((y * target).sum(), inputs)
        return y.detach().numpy(), b_.numpy()

    return forward_and_backward


def errors(rival, ours, Q, b, target):
    """Name both methods' largest errors against numpy, of y = -Q^-1 b and of -Q^-1 target."""
    Q, b, target = (tensor.detach().numpy() for tensor in (Q, b, target))
    truth = [-np.linalg.solve(Q, side[..., None])[..., 0] for side in (b, target)]
    found = {
        name: [
            np.abs(value - t).max() / np.abs(t).max()
            for value, t in zip(step(), truth, strict=True)
        ]
        for name, step in (("rival", rival), ("ours", ours))
    }
    return "; ".join(
        f"error of {what} {found['rival'][i]:.0e} and {found['ours'][i]:.0e}"
        for i, what in enumerate(("y", "gradient"))
    )
