"""What an algorithm says that it needs of a problem: all that it uses, and a penalty obeyed."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm, Problem, iterates, last_iterate
from sklearn_reasoning.energies import DenseQuadratic, SpectralQuadratic
from sklearn_reasoning.layer import minimize
from sklearn_reasoning.penalties import Nonnegative

from ._compare import close, normal, require
from ._problem import MANY, MU, L, is_learned, middle_phi, spectral_problem

_KNOWN = frozenset({"descend", "explicit", "resolvent", "prox", "gradient", "product", "minimizer"})


class _Watched(Problem):
    """A problem that takes note of what is asked of it, and has another one do it."""

    asked: set[str]
    problem: Problem

    def __getattribute__(self, name: str) -> Any:
        if name in _KNOWN:
            object.__getattribute__(self, "asked").add(name)
            return getattr(object.__getattribute__(self, "problem"), name)
        return super().__getattribute__(name)


def check_needs(algorithm: Algorithm) -> None:
    require(
        isinstance(algorithm.needs, frozenset | set) and algorithm.needs <= _KNOWN,
        algorithm,
        f"needs={algorithm.needs!r} must be a set of some of {sorted(_KNOWN)}.",
    )
    if "exact" in algorithm.provides:
        return
    energy = _energy()
    watched = _Watched(energy, MU, L)
    object.__setattr__(watched, "asked", set())
    object.__setattr__(watched, "problem", Problem(energy, MU, L))
    last_iterate(algorithm, watched, 3, middle_phi(algorithm))
    undeclared = sorted(watched.asked - algorithm.needs)
    require(
        not undeclared,
        algorithm,
        f"its steps use {undeclared}, which needs={sorted(algorithm.needs)} leaves out; declare "
        "it, or take the step by problem.descend.",
    )


def check_constraint(algorithm: Algorithm) -> None:
    """Hold a method that takes penalties to the minimiser over the nonnegative orthant."""
    energy, penalty = _energy(), Nonnegative()
    problem = Problem(energy, MU, L, penalty, start=normal(8, 4, 3))
    if not algorithm.needs <= problem.provides or is_learned(algorithm):
        return
    for i, y in enumerate(iterates_of(algorithm, problem, MANY, middle_phi(algorithm))):
        require(
            bool((y >= 0.0).all()),
            algorithm,
            f"with penalty=Nonnegative() iterate {i} has a negative entry; let the iterate be "
            "what problem.descend or problem.prox returns, and hand a momentum to it as push.",
        )
    close(
        y,
        _nonnegative_minimizer(energy),
        1e-2,
        algorithm,
        f"with penalty=Nonnegative() it is not at the constrained minimiser after {MANY} steps",
    )


def iterates_of(algorithm: Algorithm, problem: Problem, k: int, phi: Any) -> Iterator[Tensor]:
    """Yield all iterates; of a method that takes no steps, its output."""
    if "exact" in algorithm.provides:
        yield minimize(algorithm, problem, k, phi)
    else:
        yield from iterates(algorithm, problem, k, phi)


def _energy() -> DenseQuadratic:
    eigenvalues, rotation, b = spectral_problem(4, 3)
    return DenseQuadratic(SpectralQuadratic(eigenvalues, rotation, b).matrix(), b)


def _nonnegative_minimizer(energy: DenseQuadratic) -> Tensor:
    """Return the constrained minimiser by trying every set of entries that are 0."""
    Q, b = energy.Q, energy.b
    n, d = b.shape
    best, least = torch.zeros_like(b), torch.zeros(n, dtype=b.dtype)
    for pattern in range(1, 2**d):
        free = [i for i in range(d) if pattern >> i & 1]
        y = torch.zeros_like(b)
        y[:, free] = torch.linalg.solve(Q[:, free][:, :, free], -b[:, free])
        value = energy.value(y)
        better = (y >= 0.0).all(dim=-1) & (value < least)
        best, least = torch.where(better.unsqueeze(-1), y, best), torch.where(better, value, least)
    return best
