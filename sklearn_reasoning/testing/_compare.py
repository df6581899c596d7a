"""How the checks compare, and what they say where a comparison fails."""

from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm


def require(condition: bool, what: Any, message: str) -> None:
    if not condition:
        name = what.name if isinstance(what, Algorithm) else type(what).__name__
        raise AssertionError(f"{name}: {message}")


def close(actual: Tensor, expected: Tensor, rtol: float, what: Any, message: str) -> None:
    """Compare relative to the largest entry expected."""
    require(
        actual.shape == expected.shape,
        what,
        f"{message}: shape {tuple(actual.shape)} instead of {tuple(expected.shape)}.",
    )
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    difference = float((actual - expected).abs().max()) if expected.numel() else 0.0
    # Not the other way round: NaN must not pass.
    require(
        difference <= rtol * max(scale, torch.finfo(expected.dtype).tiny),
        what,
        f"{message}: the largest difference is {difference:.3g}, of numbers up to {scale:.3g}.",
    )


def normal(seed: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator)
