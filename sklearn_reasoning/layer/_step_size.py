"""The step size of a layer: where it begins, where it may go, and that it stays there."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm


def resolve_range(
    algorithm: Algorithm, step_size_range: str | Sequence[float], mu: float, L: float
) -> tuple[float, float]:
    """Return the (low, high) that a step size is kept in.

    Raises
    ------
    ValueError
        If ``step_size_range`` is neither "stable" nor two numbers 0 < low <= high.
    """
    if isinstance(step_size_range, str):
        if step_size_range != "stable":
            raise ValueError(
                f"step_size_range={step_size_range!r} must be 'stable' or a pair (low, high)."
            )
        return algorithm.stable_region(mu, L)
    try:
        low, high = (float(end) for end in step_size_range)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"step_size_range={step_size_range!r} must be 'stable' or a pair (low, high)."
        ) from error
    if not 0.0 < low <= high < float("inf"):
        raise ValueError(f"step_size_range={step_size_range!r} must satisfy 0 < low <= high < inf.")
    return low, high


def resolve_step_size(
    algorithm: Algorithm,
    step_size: float | None,
    step_size_range: str | Sequence[float],
    mu: float,
    L: float,
) -> tuple[float, float, float] | None:
    """Return (initial, low, high), or None for an algorithm without a step size.

    Raises
    ------
    TypeError
        If ``step_size`` is no number.
    ValueError
        If the step size is outside the range, or the range is none.
    """
    if not algorithm.has_step_size:
        return None
    low, high = resolve_range(algorithm, step_size_range, mu, L)
    if step_size is None:
        return min(max(1.0 / L, low), high), low, high
    try:
        inside = bool(low <= step_size <= high)
    except (TypeError, ValueError) as error:
        raise TypeError(f"step_size={step_size!r} must be a number or None.") from error
    if not inside:
        raise ValueError(
            f"step_size={step_size!r} is outside [{low:.6g}, {high:.6g}]"
            + (
                f", the stable region of {algorithm.name!r} for mu={mu!r}, L={L!r}."
                if isinstance(step_size_range, str)
                else ", the step_size_range."
            )
            + " Choose it inside, or give step_size_range=(low, high)."
        )
    return float(step_size), low, high


def initial_sizes(initial: float, low: float, k: int, learned: bool) -> tuple[float, ...]:
    """Return the first step sizes of k iterations: all ``initial``, unless they are learned.

    Gradient descent is symmetric in its step sizes: equal ones would get equal gradients and
    stay equal. Learned ones fall evenly from ``initial`` by up to a tenth, not below ``low``.
    """
    if not learned:
        return (initial,) * k
    return tuple(max(low, initial * (1.0 - 0.1 * i / k)) for i in range(k))


class ClampKeepingGradient(torch.autograd.Function):
    """Clamp whose gradient is that of the identity, at and beyond the ends too.

    A parameter that an optimiser has just pushed out of its range is used at the end of the
    range, and still learns which way to go; ``torch.clamp`` would give it no gradient.
    """

    @staticmethod
    def forward(ctx: Any, value: Tensor, low: float, high: float) -> Tensor:
        """Return the value inside [low, high]."""
        return value.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        """Pass the gradient on."""
        return grads[0], None, None
