"""What algorithms are tried on: spectra with both ends of the range, and values of phi."""

from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm, PerIteration

from ._compare import normal

MU, L = 0.1, 1.0
EXACT = 1e-10  # for two ways to the same numbers in float64
MANY = 500


def spectral_problem(n: int, d: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return eigenvalues in [mu, L], both ends in each row, with rotations and linear terms."""
    inner = torch.rand(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    eigenvalues = MU + (L - MU) * inner
    eigenvalues[:, 0], eigenvalues[:, -1] = L, MU
    rotation, _ = torch.linalg.qr(normal(1, n, d, d))
    return eigenvalues, rotation, normal(2, n, d)


def phis_of(algorithm: Algorithm, d: int = 3) -> dict[str, Any]:
    """Return what may stand for phi, by a description: the region's ends and its middle."""
    if not has_step_size(algorithm):
        weights = algorithm.initial_weights(d, MU, L)
        return {"initial weights": weights} if weights else {"no step size": None}
    low, high = algorithm.stable_region(MU, L)
    sizes = sorted({low, 0.5 * (low + high), high} - {0.0})
    return {f"step size {size:.6g}": size for size in sizes}


def has_step_size(algorithm: Algorithm) -> bool:
    return algorithm.initial_step_size(MU, L) is not None


def middle_phi(algorithm: Algorithm, d: int = 3) -> Any:
    phis = list(phis_of(algorithm, d).values())
    return phis[len(phis) // 2]


def is_learned(algorithm: Algorithm) -> bool:
    return bool(algorithm.initial_weights(2, MU, L))


def sizes_per_iteration(algorithm: Algorithm, n: int) -> PerIteration:
    low, high = algorithm.stable_region(MU, L)
    return PerIteration(tuple(low + (high - low) * (0.3 + 0.6 * i / n) for i in range(n)))
