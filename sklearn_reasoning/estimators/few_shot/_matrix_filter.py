r"""The filter of an algorithm as a function of matrices, with its exact derivative.

k steps on a quadratic energy are :math:`-q_k(Q) b`. A symmetric Q is taken apart into eigenvalues
and eigenvectors once, so that time and memory do not depend on k where q_k has a closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from sklearn_reasoning._polynomials import Steps
from sklearn_reasoning.algorithms import Algorithm

from ._step_share import step_size_at


def filtered(
    algorithm: Algorithm, T: Tensor, rhs: Tensor, share: Tensor | None, k: Steps
) -> Tensor:
    r"""Return :math:`q_k(I + T) \, rhs`, differentiable in T, rhs and the share.

    Parameters
    ----------
    algorithm : Algorithm
        Polynomial.
    T : Tensor of shape (..., r, r)
        Symmetric and positive semi-definite. The spectrum of I + T is in [1, L], where L is its
        own.
    rhs : Tensor of shape (..., r, d)
    share : Tensor or None
        Where the step size lies in the stable region; broadcasts against (..., r).
    k : int, Tensor or StepCounts
        Number of steps; a tensor broadcasts against (..., r).

    Notes
    -----
    With T = U diag(t) U' the derivative is that of Daleckii and Krein (1965),
    :math:`U (D \circ U' dT U) U'`, where D holds the divided differences
    :math:`(q(t_i) - q(t_j)) / (t_i - t_j)` and, of eigenvalues that are nearly equal, the mean of
    the derivatives: it is finite for eigenvalues of any multiplicity, as of groups with fewer rows
    than others. The step size adds its own part, by the largest eigenvalue.
    """
    apply: Any = _Filtered.apply
    result: Tensor = apply(T, rhs, share, algorithm, k)
    return result


class _Filtered(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, T: Tensor, rhs: Tensor, share: Tensor | None, algorithm: Algorithm, k: Steps
    ) -> Tensor:
        t, U = _eigenbasis(T)
        L = 1.0 + t[..., -1:]
        is_trained = any(ctx.needs_input_grad)
        phi, L_slope, share_slope = None, None, None
        if share is not None and is_trained:
            phi, L_slope, share_slope = _step_size_and_slopes(algorithm, share, L)
        elif share is not None:
            phi = step_size_at(algorithm, share, L)
        q, pull = _filter_at(algorithm, 1.0 + t, k, phi, L)
        turned = U.mT @ rhs
        if is_trained:
            t_slope, phi_slope = pull()
            ctx.save_for_backward(t, U, q, turned, t_slope, phi_slope, L_slope, share_slope)
            ctx.share_shape = None if share is None else share.shape
        return U @ (q.unsqueeze(-1) * turned)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (out_,) = grads  # a name with ``_`` is the gradient of that name
        t, U, q, turned, t_slope, phi_slope, L_slope, share_slope = ctx.saved_tensors
        turned_ = U.mT @ out_
        rhs_ = U @ (q.unsqueeze(-1) * turned_) if ctx.needs_input_grad[1] else None
        F_ = turned_ @ turned.mT
        inner = _divided_differences(t, q, t_slope) * F_
        share_ = None
        if phi_slope is not None:
            phi_ = (phi_slope * F_.diagonal(dim1=-2, dim2=-1)).sum(dim=-1, keepdim=True)
            inner[..., -1, -1] += (phi_ * L_slope).squeeze(-1)
            share_ = (phi_ * share_slope).sum_to_size(ctx.share_shape)
        T_ = U @ inner @ U.mT if ctx.needs_input_grad[0] else None
        return T_, rhs_, share_, None, None


def _filter_at(
    algorithm: Algorithm, t: Tensor, k: Steps, phi: Tensor | None, L: Tensor
) -> tuple[Tensor, Callable[[], tuple[Tensor, Tensor | None]]]:
    """Return q_k(t), and a function that returns its derivatives in t and in the step size.

    The points of a model are filled up to whole vectors, so that it has the same bits in a stack.
    """
    models = t.shape[0] if t.ndim == 3 else 1

    def in_vectors(values: Tensor) -> Tensor:
        flat = values.expand(t.shape).reshape(models, 1, -1)
        return functional.pad(flat, (0, -flat.shape[-1] % 16), value=1.0)

    def back(values: Tensor) -> Tensor:
        return values[..., : t.numel() // max(models, 1)].reshape(t.shape)

    sizes = None if phi is None else in_vectors(phi)
    # A tensor in place of a number: no filter that is used here looks at it.
    bound: Any = L
    q, pull = algorithm._filter_with_pullback(in_vectors(t), k, sizes, 1.0, bound)

    def slopes() -> tuple[Tensor, Tensor | None]:
        # Elementwise functions: the gradients of ones are the derivatives.
        t_slope, phi_slope = pull(torch.ones_like(q))
        return back(t_slope), None if phi_slope is None else back(phi_slope)

    return back(q), slopes


def _eigenbasis(T: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenvalues and eigenvectors; NaN for matrices that have none."""
    try:
        t, U = torch.linalg.eigh(T)
    except RuntimeError:
        # A model that has left the finite numbers may share its stack with others.
        finite = T.isfinite().flatten(-2).all(dim=-1)
        t, U = torch.linalg.eigh(torch.where(finite[..., None, None], T, 0.0))
        t = torch.where(finite[..., None], t, torch.nan)
    return t.clamp_min(0.0), U  # rounding may leave some below


def _step_size_and_slopes(
    algorithm: Algorithm, share: Tensor, L: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return step sizes in the shape of L, and their derivatives in L and in the share."""
    with torch.enable_grad():
        own, L = share.detach().expand(L.shape).clone().requires_grad_(), L.requires_grad_()
        phi = step_size_at(algorithm, own, L)
        L_slope, share_slope = torch.autograd.grad(phi.sum(), (L, own))
    return phi.detach(), L_slope, share_slope


def _divided_differences(t: Tensor, q: Tensor, slope: Tensor) -> Tensor:
    """Return (q_i - q_j) / (t_i - t_j), and the mean slope where that would lose its digits."""
    gap = t.unsqueeze(-1) - t.unsqueeze(-2)
    scale = 1.0 + torch.minimum(t.unsqueeze(-1), t.unsqueeze(-2))
    # The error of the quotient is eps / gap, and that of the mean is gap^2, relatively.
    near = gap.abs() <= torch.finfo(t.dtype).eps ** (1.0 / 3.0) * scale
    quotient = (q.unsqueeze(-1) - q.unsqueeze(-2)) / torch.where(near, 1.0, gap)
    mean = 0.5 * (slope.unsqueeze(-1) + slope.unsqueeze(-2))
    return torch.where(near, mean, quotient)
