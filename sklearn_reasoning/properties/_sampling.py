"""Properties from below, for methods without a polynomial: the largest among fixed problems.

The problems are drawn once and for all from a seed. Differences of outputs are taken between
pairs of problems that lie close together, so each value is one that a pair reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning._support.threads import on_one_thread
from sklearn_reasoning.algorithms import PerIteration, Problem, iterates
from sklearn_reasoning.energies import OperatorQuadratic

from ._arguments import Case
from ._chebyshev_series import Array

_N_PROBLEMS, _N_LARGE_PROBLEMS = 64, 16
_LARGE = 8
_N_DIRECTIONS = 4
_DIMENSION = 4

# Pairs this close show the derivative to five digits; rounding spoils the eleventh.
_CLOSE = 1e-5


@dataclass(frozen=True)
class _Problems:
    """Matrices Q in S(mu, L) and vectors b of norm 1, of shapes (n, d, d) and (n, d)."""

    Q: Tensor
    b: Tensor


@on_one_thread
def sampled_convergence(case: Case) -> Array:
    """Return the largest relative distance to the minimiser that was found, for each row."""
    problems = _problems(case)
    minimiser = -torch.linalg.solve(problems.Q, problems.b)

    # A difference this small is rounding: of the solution, and of the output.
    rounding = 1e2 * torch.finfo(torch.float64).eps * case.L / case.mu

    def errors(phi: Any) -> Tensor:
        left = (_outputs(case, problems, phi) - minimiser).norm(dim=-1) / minimiser.norm(dim=-1)
        return torch.where(left > rounding, left, 0.0)

    return _largest(case, errors)


@on_one_thread
def sampled_in_Q(case: Case) -> Array:
    """Return the largest change of the output with Q per unit of the norm of b, for each row."""
    problems = _problems(case)
    if case.mu == case.L:
        return np.zeros(len(case.k))
    # Between two matrices of S(mu, L) all others belong to it: it is convex.
    moved = problems.Q + _CLOSE * (problems.Q.roll(1, dims=0) - problems.Q)
    distance = torch.linalg.matrix_norm(moved - problems.Q, ord=2)
    far = distance > 0.1 * _CLOSE * (case.L - case.mu)

    def changes(phi: Any) -> Tensor:
        change = _change(case, problems, _Problems(moved, problems.b), phi)
        return torch.where(far, change / torch.where(far, distance, 1.0), 0.0)

    return _largest(case, changes)


@on_one_thread
def sampled_in_b(case: Case) -> Array:
    """Return the largest change of the output with b, for each row."""
    problems = _problems(case)
    moved = problems.b + _CLOSE * problems.b.roll(1, dims=0)

    def changes(phi: Any) -> Tensor:
        change = _change(case, problems, _Problems(problems.Q, moved), phi)
        return change / (moved - problems.b).norm(dim=-1)

    return _largest(case, changes)


@on_one_thread
def sampled_sensitivity(case: Case) -> Array:
    """Return the largest change with what is learned per unit of the norm of b, for each row.

    Weights, or the step sizes of all iterations, are one vector here.
    """
    problems = _problems(case)

    def changes(phi: Any) -> Tensor:
        if isinstance(phi, Mapping):
            # Weights side by side, as those of the models of a stack: one run for all.
            every = [phi, *_neighbours(phi)]
            stacked = {name: torch.stack([weights[name] for weights in every]) for name in phi}
            first, *others = _outputs(case, problems, stacked, len(every)).unbind(dim=1)
            return torch.stack([(y - first).norm(dim=-1) for y in others]).amax(dim=0) / _CLOSE
        outputs = _outputs(case, problems, phi)
        found = [
            (_outputs(case, problems, moved) - outputs).norm(dim=-1) / _CLOSE
            for moved in _neighbours(phi)
        ]
        return torch.stack(found).amax(dim=0) if found else torch.zeros(outputs.shape[:-1])

    return _largest(case, changes)


def _neighbours(phi: Any) -> Iterator[Any]:
    """Yield what lies at a distance of ``_CLOSE`` from a step size, or from weights."""
    if isinstance(phi, float):
        yield phi + _CLOSE
    generator = torch.Generator().manual_seed(1)

    def direction(like: list[Tensor]) -> list[Tensor]:
        drawn = [torch.randn(x.shape, generator=generator, dtype=torch.float64) for x in like]
        length = torch.stack([x.square().sum() for x in drawn]).sum().sqrt()
        return [x / length for x in drawn]

    for _ in range(_N_DIRECTIONS):
        if isinstance(phi, Mapping):
            steps = direction(list(phi.values()))
            yield {name: phi[name] + _CLOSE * x for name, x in zip(phi, steps, strict=True)}
        elif isinstance(phi, PerIteration) and phi.sizes:
            (step,) = direction([torch.zeros(len(phi))])
            yield PerIteration(
                tuple(float(a + _CLOSE * x) for a, x in zip(phi.sizes, step, strict=True))
            )


def _problems(case: Case) -> _Problems:
    weights = case.phi if isinstance(case.phi, Mapping) else {}
    d = min((min(value.shape) for value in weights.values()), default=_DIMENSION)
    return _drawn(d, case.mu, case.L)


@lru_cache(maxsize=8)
def _drawn(d: int, mu: float, L: float) -> _Problems:
    generator = torch.Generator().manual_seed(0)
    n = _N_PROBLEMS if d <= _LARGE else _N_LARGE_PROBLEMS
    eigenvalues = mu + (L - mu) * torch.rand(n, d, generator=generator, dtype=torch.float64)
    # The ends of the spectrum are where most of the suprema are.
    eigenvalues[1::4, 0] = eigenvalues[2::4, 0] = eigenvalues[0::4] = mu
    eigenvalues[2::4, -1] = L
    eigenvalues[4::8] = L
    normal = torch.randn(n, d, d, generator=generator, dtype=torch.float64)
    R, _ = torch.linalg.qr(normal)
    Q = (R * eigenvalues.unsqueeze(-2)) @ R.mT
    b = torch.randn(n, d, generator=generator, dtype=torch.float64)
    b[1::4] = R[1::4, :, 0]
    return _Problems(Q, b / b.norm(dim=-1, keepdim=True))


def _largest(case: Case, values: Callable[[Any], Tensor]) -> Array:
    """Return the largest value over the problems, for each row of a case.

    ``values`` maps what is learned to values of shape (largest k + 1, n).
    """
    result = np.zeros(len(case.k))
    for phi, rows in _learned(case):
        found = torch.nan_to_num(values(phi), nan=0.0, posinf=torch.finfo(torch.float64).max)
        result[rows] = found.amax(dim=-1).numpy()[case.k[rows]]
    return result


def _learned(case: Case) -> Iterator[tuple[Any, Array]]:
    """Yield each step size, or what else is learned, and the rows that have it."""
    everything = np.arange(len(case.k))
    if isinstance(case.phi, np.ndarray):
        for step_size in np.unique(case.phi):
            yield float(step_size), np.flatnonzero(case.phi == step_size)
    elif case.phi is None:
        yield case.algorithm.initial_weights(_DIMENSION, case.mu, case.L) or None, everything
    else:
        yield case.phi, everything


def _change(case: Case, problems: _Problems, moved: _Problems, phi: Any) -> Tensor:
    """Return how far the outputs of two times n problems lie apart, of shape (..., n)."""
    both = _Problems(torch.cat([problems.Q, moved.Q]), torch.cat([problems.b, moved.b]))
    before, after = _outputs(case, both, phi).chunk(2, dim=1)
    return (after - before).norm(dim=-1)


@torch.no_grad()
def _outputs(case: Case, problems: _Problems, phi: Any, n_models: int | None = None) -> Tensor:
    """Return the outputs after each number of steps, of shape (largest k + 1, n, d).

    With ``n_models``, ``phi`` holds the weights of as many along a first axis; so do the outputs
    after the first.
    """

    def product(y: Tensor) -> Tensor:
        # Not a batch of matrix products: those wait for threads, which take longer than they.
        return (problems.Q * y.unsqueeze(-2)).sum(dim=-1)

    energy = OperatorQuadratic(product, problems.b)
    k = int(case.k.max(initial=0))
    # Of as many as there are models: what a start of its shape makes of y.
    start = None if n_models is None else problems.b.new_zeros(n_models, *problems.b.shape)
    problem = Problem(energy, case.mu, case.L, start=start)
    return torch.stack(list(iterates(case.algorithm, problem, k, phi)))
