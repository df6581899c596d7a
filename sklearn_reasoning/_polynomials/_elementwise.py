"""Functions of one eigenvalue and one step size, over many of them: in blocks, and differentiated.

A function of hundreds of passes over its points is bound by memory once they and its intermediate
results have left the cache; a block of them stays there. No operation looks beyond its element, so
where the blocks end changes no bit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ._steps import Steps, binary_digits
from ._transforms import under_transform

Digits = Sequence[bool | Tensor]

Slopes = tuple[Tensor, Tensor, Tensor]

# Of a block of one tensor, of which there are about ten for values alone and fifty with slopes.
# Smaller blocks, of which all would fit a faster cache, cost more in calls than they save.
_BYTES_AT_ONCE = 2**20


class Out(Protocol):
    """Where the result of an operation goes: a buffer, or None for a tensor of its own."""

    def __call__(self, name: str, number: int = 0) -> Tensor | None:
        """Return the buffer of a name and number, the same one each time."""


class Elementwise(Protocol):
    """A function of a step size phi and a point t, and of the binary digits of k.

    Neither method looks at anything but an element's own phi, t and digits. The step size and
    the digits broadcast against t.
    """

    def value(self, phi: Tensor, t: Tensor, digits: Digits, out: Out) -> Tensor:
        """Return the values, in operations that autograd and ``torch.func`` can follow."""

    def value_and_slopes(self, phi: Tensor, t: Tensor, digits: Digits, out: Out) -> Slopes:
        """Return the values and their derivatives in t and in phi, all of the shape of t."""


def evaluate(function: Elementwise, phi: Tensor | float, t: Tensor, k: Steps) -> Tensor:
    """Return the values of a function, differentiable in phi and t as often as one likes."""
    phi, t, digits = _coerced(phi, t, k)
    if under_transform():
        return function.value(phi, t, digits, _no_buffer)
    if not torch.is_grad_enabled() or not (phi.requires_grad or t.requires_grad):
        return _in_blocks(function.value, 1, phi, t, digits)[0]
    apply: Any = _Evaluate.apply
    values: Tensor = apply(phi, t, function, digits)
    return values


@torch.no_grad()
def values_and_slopes(function: Elementwise, phi: Tensor | float, t: Tensor, k: Steps) -> Slopes:
    """Return the values of a function and its derivatives in t and in phi, unrecorded.

    All have the shape that t, phi and k broadcast to.
    """
    values, t_slope, phi_slope = _in_blocks(function.value_and_slopes, 3, *_coerced(phi, t, k))
    return values, t_slope, phi_slope


def _coerced(phi: Tensor | float, t: Tensor, k: Steps) -> tuple[Tensor, Tensor, Digits]:
    """Return the step size as a tensor, t in the shape of the values, and the digits of k."""
    phi = torch.as_tensor(phi, dtype=t.dtype, device=t.device)
    digits = tuple(binary_digits(k, t.dtype))
    for other in (phi, *digits):
        if isinstance(other, Tensor) and other.ndim and other.shape != t.shape:
            # numpy's: torch's imports half of the compiler the first time.
            t = t.expand(np.broadcast_shapes(t.shape, other.shape))
    return phi, t, digits


class _Evaluate(torch.autograd.Function):
    """The function with the slopes that its way back needs, worked out on the way forward.

    Both take place in one block after the other, and nothing but the slopes is kept.
    """

    @staticmethod
    def forward(ctx: Any, phi: Tensor, t: Tensor, function: Elementwise, digits: Digits) -> Tensor:
        values, *slopes = _in_blocks(function.value_and_slopes, 3, phi, t, digits)
        ctx.save_for_backward(phi, t, *slopes)
        ctx.function, ctx.digits = function, digits
        return values

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (values_,) = grads  # a name with ``_`` is the gradient of that name
        phi, t, t_slope, phi_slope = ctx.saved_tensors
        phi_needed, t_needed, *_ = ctx.needs_input_grad
        if torch.is_grad_enabled():
            return *_differentiable(ctx, phi, t, values_), None, None
        phi_ = (phi_slope * values_).sum_to_size(phi.shape) if phi_needed else None
        return phi_, t_slope * values_ if t_needed else None, None, None


def _differentiable(ctx: Any, phi: Tensor, t: Tensor, values_: Tensor) -> Iterator[Tensor | None]:
    """Yield the gradients of phi and t by autograd, which can differentiate them."""
    # Views, since one may have been computed from the other: what reaches that one by way of
    # the first is for the caller's graph to add.
    phi, t = phi.view_as(phi), t.view_as(t)
    needed = ctx.needs_input_grad[:2]
    inputs = [x for x, need in zip((phi, t), needed, strict=True) if need]
    values = ctx.function.value(phi, t, ctx.digits, _no_buffer)
    found = iter(
        torch.autograd.grad(values, inputs, values_, create_graph=True, materialize_grads=True)
    )
    for need in needed:
        yield next(found) if need else None


# ---------------------------------------------------------------------- blocks


class _Buffers(threading.local):
    """Tensors for the intermediate results of a block, taken up again by the next one.

    A thread keeps its own from call to call, some megabytes: in new memory the first pass over
    each would cost more than its arithmetic.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int, torch.dtype], Tensor] = {}
        self._fitted: dict[tuple[str, int], Tensor] = {}
        self._like = torch.empty(0)

    def fit(self, block: Tensor) -> None:
        """Be of the dtype and shape of a block, and lie in memory as it does."""
        like = torch.empty_like(block)  # dense, as the block need not be
        own = self._like
        if (own.dtype, own.shape, own.stride()) != (like.dtype, like.shape, like.stride()):
            self._like, self._fitted = like, {}

    def __call__(self, name: str, number: int = 0) -> Tensor:
        found = self._fitted.get((name, number))
        if found is None:
            found = self._fitted[name, number] = self._cut(name, number)
        return found

    def _cut(self, name: str, number: int) -> Tensor:
        like, key = self._like, (name, number, self._like.dtype)
        # Tensors made in inference mode could not be written to outside it.
        with torch.inference_mode(mode=False):
            kept = self._kept.get(key)
            if kept is None or kept.numel() < like.numel():
                kept = self._kept[key] = torch.empty(like.numel(), dtype=like.dtype)
            return kept.as_strided(like.shape, like.stride())


_BUFFERS = _Buffers()


def _no_buffer(name: str, number: int = 0) -> None:
    return None


def _in_blocks(
    function: Any, n_results: int, phi: Tensor, t: Tensor, digits: Digits
) -> tuple[Tensor, ...]:
    """Return what a function of phi, t, digits and buffers makes of t, a block of it at a time."""
    phi, t = phi.detach(), t.detach()
    if t.device.type != "cpu":
        return _tuple(function(phi, t, digits, _no_buffer))
    length = _BYTES_AT_ONCE // t.element_size()
    results = tuple(torch.empty_like(t) for _ in range(n_results))
    for block in _blocks(t, length) if 2 * t.numel() > 3 * length else [(slice(None),) * t.ndim]:
        part = t[block]
        _BUFFERS.fit(part)
        parts = [_part(digit, t, block) if isinstance(digit, Tensor) else digit for digit in digits]
        found = _tuple(function(_part(phi, t, block), part, parts, _BUFFERS))
        for result, values in zip(results, found, strict=True):
            result[block] = values
    return results


def _tuple(found: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return found if isinstance(found, tuple) else (found,)


def _part(other: Tensor, t: Tensor, block: tuple[slice, ...]) -> Tensor:
    """Return what goes with a block of t."""
    if other.numel() == 1:
        return other
    own = block[t.ndim - other.ndim :]
    return other[tuple(s if m > 1 else slice(None) for s, m in zip(own, other.shape, strict=True))]


def _blocks(t: Tensor, length: int) -> Iterator[tuple[slice, ...]]:
    """Yield parts of about ``length`` elements that lie together in memory."""
    left = t.numel()
    cuts: list[list[slice]] = [[] for _ in t.shape]
    for axis in sorted(range(t.ndim), key=t.stride, reverse=True):
        size = t.shape[axis]
        # Of an axis whose slices are blocks already, each slice; of the next one, several.
        step = -(-size // min(size, -(-left // length)))
        if t.stride(axis) == 1 and step < size:
            step = -(-step // 16) * 16  # the last few elements of a row are left to other code
        cuts[axis] = [slice(first, first + step) for first in range(0, size, step)]
        left //= size
    return product(*cuts)
