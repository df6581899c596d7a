"""Values and derivatives of a polynomial of the spectrum, for what users hand in.

A polynomial is a function ``formula(t, k, step_size)`` of tensors: a recurrence or a closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ._step_sizes import PerIteration, Phi
from ._steps import StepCounts, Steps, check_steps

Formula = Callable[[Tensor, Steps, Phi], Tensor]

# Points times states of a recurrence that derivatives are computed for at once: autograd keeps
# about four numbers for each, 130 MB in all.
_NUMBERS_AT_ONCE = 2**22


class Points(NamedTuple):
    """Where a polynomial is evaluated: points, numbers of steps and step sizes as tensors."""

    t: Tensor
    k: Steps
    step_size: Phi


def points_of(t: Any, k: Any, step_size: Any) -> Points:
    """Return what users hand in as tensors, the points in the shape that all broadcast to.

    A TypeError if ``k`` holds anything but whole numbers, a ValueError if one is negative.
    """
    if not isinstance(t, Tensor):
        t = torch.as_tensor(np.asarray(t, dtype=np.float64))
    if not isinstance(k, StepCounts):
        k = check_steps(k)
    if step_size is not None and not isinstance(step_size, float | Tensor | PerIteration):
        step_size = torch.as_tensor(np.asarray(step_size, dtype=np.float64))
    shapes = [
        x.shape
        for x in (k.k if isinstance(k, StepCounts) else k, step_size)
        if isinstance(x, Tensor) and (x.numel() != 1 or x.ndim > t.ndim)
    ]
    if shapes:
        # numpy's: torch's imports half of the compiler the first time.
        t = t.expand(np.broadcast_shapes(t.shape, *shapes))
    return Points(t, k, step_size)


def derivative(formula: Formula, points: Points, wrt: str, *, keeps_each_step: bool) -> Tensor:
    """Return the derivatives by "t" or "step_size" at all points, a block of them at a time.

    ``keeps_each_step`` is whether the formula is a recurrence, of which autograd keeps every
    state; of a closed form it keeps those of its doublings.
    """
    t, k, step_size = points
    counts = StepCounts(k) if isinstance(k, Tensor) else k
    kept = counts if isinstance(counts, int) else counts.largest
    if not keeps_each_step:
        kept = kept.bit_length()
    length = max(_NUMBERS_AT_ONCE // max(kept, 1), 1)
    if t.numel() <= length:
        return _derivative_of_block(formula, Points(t, counts, step_size), wrt)

    def part(value: Any, block: slice) -> Any:
        if isinstance(value, PerIteration):
            return PerIteration(tuple(part(size, block) for size in value.sizes))
        if isinstance(value, StepCounts):
            k = part(value.k, block)
            # An int spares a recurrence the choice between new states and kept ones.
            return int(k[0]) if bool((k == k[0]).all()) else StepCounts(k)
        if isinstance(value, Tensor):
            return value.expand(t.shape).reshape(-1)[block]
        return value

    parts = []
    for first in range(0, t.numel(), length):
        here = slice(first, first + length)
        block = Points(*(part(value, here) for value in (t, counts, step_size)))
        parts.append(_derivative_of_block(formula, block, wrt))
    slopes = torch.cat(parts, dim=-1)
    return slopes.reshape(*slopes.shape[:-1], *t.shape)


def _derivative_of_block(formula: Formula, points: Points, wrt: str) -> Tensor:
    """Return the derivatives at some points, by one backward pass."""
    shape, dtype = points.t.shape, points.t.dtype

    def leaf(value: Tensor | float) -> Tensor:
        # A copy for every point: then one backward pass gives all the derivatives.
        value = torch.as_tensor(value, dtype=dtype).detach()
        return value.expand(shape).clone().requires_grad_()

    t, step_size = leaf(points.t), points.step_size
    if isinstance(step_size, PerIteration):
        step_size = PerIteration(tuple(leaf(size) for size in step_size.sizes))
    elif step_size is not None:
        step_size = leaf(step_size)
    stacked = wrt == "step_size" and isinstance(step_size, PerIteration)
    leaves = step_size.sizes if stacked else (t if wrt == "t" else step_size,)
    total = formula(t, points.k, step_size).sum()
    if not leaves:
        grads: tuple[Tensor, ...] = ()
    elif total.requires_grad:
        grads = torch.autograd.grad(total, leaves, materialize_grads=True)
    else:  # k = 0, or a method that t does not enter
        grads = tuple(torch.zeros_like(t) for _ in leaves)
    if not stacked:
        return grads[0].detach()
    return (torch.stack(grads) if grads else t.new_zeros(0, *shape)).detach()
