"""How the checks compare, and what they say where a comparison fails."""

import copy
import pickle
import sys
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


def check_copies(value: Any) -> None:
    """Check that copies of an immutable value are equal to it, pickled ones included."""
    cls = type(value)
    copies = {"copy": copy.copy(value), "deepcopy": copy.deepcopy(value)}
    found: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is cls:
        copies["pickle"] = pickle.loads(pickle.dumps(value))
    else:  # the class is defined where pickle cannot find it; its options can still be checked
        copies["pickle"] = copy.copy(value)
        vars(copies["pickle"]).update(pickle.loads(pickle.dumps(vars(value))))
    for how, twin in copies.items():
        require(
            twin == value and hash(twin) == hash(value),
            value,
            f"a {how} of it does not compare equal, or has another hash; "
            "its attributes must be plain hashable values.",
        )
    require(value != object(), value, "it compares equal to an unrelated object.")
    require(
        repr(copy.deepcopy(value)) == repr(value),
        value,
        "repr differs between equal values; it should show type and options.",
    )
