r"""The minimiser under a penalty, to a tolerance, and its derivatives.

Steps of ADMM, which converge for every Q, lead near it. There the proximal gradient map
:math:`T(y) = prox_{\phi g}(y - \phi \nabla E(y))`, whose only fixed point is the minimiser, is
smooth, and Newton steps on :math:`y = T(y)` end at rounding level:

.. math:: y \leftarrow y + (I - T'(y))^{-1} (T(y) - y) .

The last two are recorded. A Newton step from a fixed point has the derivative that the implicit
function theorem gives, and the second one has its second derivative.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from sklearn_reasoning.energies import QuadraticEnergy, for_steps_of
from sklearn_reasoning.exceptions import ConvergenceWarning

if TYPE_CHECKING:
    from ._problem import Problem

TOLERANCE = 1e-10
_ROUNDS, _STEPS = 200, 20

# Where torch.func.vmap lets no one look, so many rounds are made.
_BLIND_ROUNDS = 10

# No step is known to fewer roundings of what it is a sum of.
_N_ROUNDINGS = 32


def constrained_minimizer(problem: Problem) -> Tensor:
    """Return where energy and penalty together are least, differentiable twice.

    Where 4,000 steps are not enough, a ConvergenceWarning tells so.
    """
    with torch.no_grad():
        y = _iterated(problem).detach()
    for _ in range(2):
        y = _newton_step(problem, y)
    return problem.descend(y, 1.0 / problem.L)


def _iterated(problem: Problem) -> Tensor:
    """Return y of which a proximal gradient step moves no row by more than the tolerance."""
    from ._admm import ADMM  # it asks for a Problem, which asks for this module

    admm, phi = ADMM(), 1.0 / math.sqrt(problem.mu * problem.L)
    energy = for_steps_of(cast(QuadraticEnergy, problem.energy), phi)
    problem = replace(problem, energy=energy)
    y = problem.prox(problem.energy.zeros(), phi)
    tolerance = max(TOLERANCE, _N_ROUNDINGS * torch.finfo(y.dtype).eps)
    left, state = _left(problem, y), admm.start(y, problem)
    for _ in range(_ROUNDS if _can_be_seen(y) else _BLIND_ROUNDS):
        if _holds_for_all(left <= tolerance):
            return y
        for _ in range(_STEPS):
            state = admm.step(state, problem, phi)
        near: Tensor = state[0]
        for _ in range(2):
            near = problem.descend(_newton_step(problem, near), 1.0 / problem.L)
            # Rows that are done stay: what becomes of one is no matter of the others.
            for found in (state[0], near):
                after = _left(problem, found)
                better = (left > tolerance) & (after < left)
                y, left = torch.where(better, found, y), torch.where(better, after, left)
    if _can_be_seen(y) and not _holds_for_all(left <= tolerance):
        _warn(problem, left, tolerance)
    return y


def _left(problem: Problem, y: Tensor) -> Tensor:
    """Return how far the proximal gradient step of size 1/L moves y, relative to its terms."""
    size = 1.0 / problem.L
    moved = (problem.descend(y, size) - y).norm(dim=-1, keepdim=True)
    terms = y.norm(dim=-1, keepdim=True) + (problem.explicit(y, size) - y).norm(
        dim=-1, keepdim=True
    )
    return moved / terms.clamp_min(torch.finfo(y.dtype).tiny)


def _newton_step(problem: Problem, y: Tensor) -> Tensor:
    """Return the fixed point of the proximal gradient map as it is linear at y."""
    found: Any = torch.func.vjp(lambda point: problem.descend(point, 1.0 / problem.L), y)
    value, pull = found
    basis = torch.eye(y.shape[-1], dtype=y.dtype, device=y.device)
    slope = torch.stack([pull(unit.expand_as(y))[0] for unit in basis], dim=-2)
    return y + torch.linalg.solve(basis - slope, (value - y).unsqueeze(-1)).squeeze(-1)


def _can_be_seen(y: Tensor) -> bool:
    """Tell whether numbers may be read; inside torch.func.vmap they may not."""
    try:
        bool(y.isnan().any())
    except RuntimeError:
        return False
    return True


def _holds_for_all(mask: Tensor) -> bool:
    return _can_be_seen(mask) and bool(mask.all())


def _warn(problem: Problem, left: Tensor, tolerance: float) -> None:
    worst, n_rows = float(left.max()), int((left > tolerance).sum())
    warnings.warn(
        f"'opt' has not reached the minimiser with penalty={problem.penalty!r}: in {n_rows} rows a "
        f"step still moves up to {worst:.3g} of the length, above {tolerance:.3g}. Are "
        f"mu={problem.mu!r} and L={problem.L!r} bounds of the curvature, and is the penalty "
        "convex?",
        ConvergenceWarning,
        stacklevel=2,
    )
