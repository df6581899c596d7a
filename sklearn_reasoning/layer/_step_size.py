"""The step size of a layer: where it begins, where it may go, and that it stays there."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sklearn_reasoning._polynomials import under_transform
from sklearn_reasoning.algorithms import Algorithm


def resolve_range(
    algorithm: Algorithm, step_size_range: str | Sequence[float], mu: float, L: float
) -> tuple[float, float]:
    """Return the (low, high) that a step size is kept in.

    A ValueError if ``step_size_range`` is neither "stable" nor two numbers 0 < low <= high.
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

    Parameters
    ----------
    algorithm : Algorithm
        The method, an instance.
    step_size : float or None
        The initial step size, in 1/curvature; None is that of the algorithm, 1/L for most, or the
        end of the range next to it.
    step_size_range : "stable" or (float, float)
        The range, in 1/curvature; "stable" is the algorithm's stable region.
    mu, L : float
        Bounds of the spectrum of Q.

    Returns
    -------
    tuple of float, or None
        Where the step size begins, and the ends of its range.

    Raises
    ------
    TypeError
        If ``step_size`` is no number.
    ValueError
        If the step size is outside the range, or the range is none.

    Notes
    -----
    The stable regions are those of Table 1.

    Examples
    --------
    >>> from sklearn_reasoning.algorithms import get_algorithm
    >>> resolve_step_size(get_algorithm("gd"), None, "stable", mu=0.25, L=1.0)
    (1.0, 0.016, 1.6)
    >>> resolve_step_size(get_algorithm("cg"), None, "stable", mu=0.25, L=1.0) is None
    True
    """
    mu, L = float(mu), float(L)  # in float32 the end of a region is rounded past itself
    initial = algorithm.initial_step_size(mu, L)
    if initial is None:
        return None
    low, high = resolve_range(algorithm, step_size_range, mu, L)
    if step_size is None:
        return min(max(initial, low), high), low, high
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

    Parameters
    ----------
    initial : float
        The step size to begin at, in 1/curvature.
    low : float
        The lower end of the range, in the units of a step size.
    k : int
        Number of iterations.
    learned : bool
        Whether they are trained.

    Returns
    -------
    tuple of float
        The k step sizes.

    Notes
    -----
    Gradient descent is symmetric in its step sizes: equal ones would get equal gradients and
    stay equal. Learned ones fall evenly from ``initial`` by up to a tenth, not below ``low``.

    Examples
    --------
    >>> initial_sizes(1.0, low=0.1, k=4, learned=True)
    (1.0, 0.975, 0.95, 0.925)
    >>> initial_sizes(1.0, low=0.1, k=2, learned=False)
    (1.0, 1.0)
    """
    if not learned:
        return (initial,) * k
    return tuple(max(low, initial * (1.0 - 0.1 * i / k)) for i in range(k))


@torch.no_grad()
def clamp_step_size_(size: Tensor, low: Tensor | float, high: Tensor | float) -> None:
    """Put a step size back into its range in place, after an optimiser's step.

    Parameters
    ----------
    size : Tensor of shape (...) or (..., k)
        The step size(s), in 1/curvature: a number for each model, or k of them.
    low, high : Tensor of shape (...) or float
        The ends of the range of each model, in the units of a step size.

    Notes
    -----
    A step size outside goes to the nearer end: that is projected gradient descent on the range.

    Examples
    --------
    >>> sizes = torch.tensor([0.1, 3.0])
    >>> clamp_step_size_(sizes, 0.5, torch.tensor([1.0, 2.0]))
    >>> sizes
    tensor([0.5000, 2.0000])
    """
    low, high = (torch.as_tensor(end, dtype=size.dtype, device=size.device) for end in (low, high))
    if low.ndim and low.ndim < size.ndim:
        low, high = low.unsqueeze(-1), high.unsqueeze(-1)
    size.clamp_(low, high)


class ClampKeepingGradient(torch.autograd.Function):
    """Clamp whose gradient is that of the identity, at and beyond the ends too.

    A parameter that an optimiser has just pushed out of its range is used at the end of the
    range, and still learns which way to go; ``torch.clamp`` would give it no gradient.
    """

    @classmethod
    def apply(cls, value: Tensor, low: Any, high: Any) -> Any:
        """Return the value inside [low, high], under the transforms of ``torch.func`` too."""
        if under_transform():
            # The second summand is 0, so that no rounding leads out of the range again.
            return value.clamp(low, high).detach() + (value - value.detach())
        return super().apply(value, low, high)  # type: ignore[no-untyped-call]

    @staticmethod
    def forward(ctx: Any, value: Tensor, low: float, high: float) -> Tensor:
        """Return the value inside [low, high]."""
        return value.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        """Pass the gradient on."""
        return grads[0], None, None
