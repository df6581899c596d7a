r"""Polynomials of degree k in O(log k) elementwise products, by repeated doubling of k.

A two-term recurrence :math:`x_{k+1} = a x_k - c x_{k-1}` is the k-th power of its companion
matrix M. With :math:`m = a/2` and :math:`\Delta = c - a^2/4`, :math:`M = m + J` where
:math:`J^2 = -\Delta`, so powers of M are pairs (v, u) that multiply like complex numbers with
:math:`\Delta` in the place of 1:

.. math:: (v + uJ)^2 = (v^2 - \Delta u^2) + 2uv\,J .

These are polynomials in m and :math:`\Delta`: they and all their derivatives are smooth at the
double root :math:`\Delta = 0`, where formulas with :math:`\sqrt{\Delta}` are 0/0. An algorithm
hands in :math:`\Delta` (and 1 - m) factored, so that no digit is lost near their zeros.

``k`` is an int or an integer tensor that broadcasts; a tensor gives each element the same bits
as its own int would: squarings of the identity are exact, and ``where`` selects.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ._base import Phi, Steps


def _bits(k: Steps) -> Iterator[tuple[bool, Tensor | None]]:
    """Yield, from the highest bit of k down, whether any element has it, and which."""
    if isinstance(k, int):
        for bit in reversed(range(k.bit_length())):
            yield bool(k >> bit & 1), None
        return
    largest = int(k.max()) if k.numel() else 0
    for bit in reversed(range(largest.bit_length())):
        has_bit = (k >> bit & 1).bool()
        yield bool(has_bit.any()), has_bit


def _select(has_bit: Tensor | None, stepped: Tensor, same: Tensor) -> Tensor:
    return stepped if has_bit is None else torch.where(has_bit, stepped, same)


def power(base: Tensor, k: Steps) -> Tensor:
    """Return base ** k.

    Unlike ``torch.pow`` it is the same arithmetic for every element, and every derivative is
    finite where the base is 0.
    """
    result = torch.ones_like(base)
    for any_bit, has_bit in _bits(k):
        result = result * result
        if any_bit:
            result = _select(has_bit, result * base, result)
    return result


def sum_of_powers(phi: Phi, t: Tensor, k: Steps) -> Tensor:
    r"""Return :math:`q_k(t) = \phi \sum_{i<k} (1 - \phi t)^i`, the filter of gradient descent.

    Doubling: :math:`1 + r_m = 2 - t q_m`, so :math:`q_{2m} = q_m (2 - t q_m)`, Newton's
    iteration for 1/t; one more step: :math:`q_{m+1} = q_m + \phi (1 - t q_m)`.
    """
    q = 0.0 * t  # attached to t, for k = 0 as well
    one = t.new_ones(())
    phi = torch.as_tensor(phi, dtype=t.dtype, device=t.device)
    for any_bit, has_bit in _bits(k):
        q = q * torch.addcmul(2.0 * one, t, q, value=-1.0)
        if any_bit:
            stepped = torch.addcmul(q, phi, torch.addcmul(one, t, q, value=-1.0))
            q = _select(has_bit, stepped, q)
    return q


def two_term_residual(m: Tensor, delta: Tensor, weight: Tensor, k: Steps) -> Tensor:
    """Return v_k + weight * u_k, where v_k + u_k J = (m + J)^k and J^2 = -delta."""
    v, u = torch.ones_like(m), torch.zeros_like(m)
    for any_bit, has_bit in _bits(k):
        v, u = v * v - delta * u * u, 2.0 * v * u
        if any_bit:
            stepped = v * m - delta * u, v + u * m
            v, u = _select(has_bit, stepped[0], v), _select(has_bit, stepped[1], u)
    return v + weight * u


def two_term_filter(phi: Phi, m: Tensor, delta: Tensor, k: Steps, one_minus_m: Tensor) -> Tensor:
    r"""Return q_k for :math:`q_{k+1} = a q_k - c q_{k-1} + \phi`, :math:`q_0 = q_{-1} = 0`.

    q_k is :math:`\phi` times the leading entry :math:`\alpha + \gamma m` of :math:`S_k =
    \sum_{i<k} M^i = \alpha + \gamma J`. ``one_minus_m`` is 1 - m without its rounding error;
    no gradient goes through it.
    """
    apply: Any = _LeadingEntry.apply
    entry: Tensor = apply(m, delta, one_minus_m, k)
    return phi * entry


def _sums(
    m: Tensor, delta: Tensor, one_minus_m: Tensor, k: Steps
) -> Iterator[tuple[bool, Tensor | None, Tensor, Tensor]]:
    r"""Yield (stepped?, which, alpha, gamma) of S_j, from j = 0 to k.

    Doubling: :math:`S_{2j} = S_j (1 + M^j)`, where :math:`M^j = 1 - (1 - M) S_j`. One more
    step: :math:`S_{j+1} = 1 + M S_j`. Nothing is divided by t, so small t cost no digits.
    """
    bits = _bits(k)
    _, has_bit = next(bits, (False, torch.zeros((), dtype=torch.bool, device=m.device)))
    # From S_0 = 0, the highest bit takes those that have it to S_1 = 1.
    alpha = torch.ones_like(m) if has_bit is None else has_bit.to(m.dtype).expand_as(m)
    gamma, one = torch.zeros_like(m), m.new_ones(())
    yield False, None, alpha, gamma
    for any_bit, has_bit in bits:
        u, one_plus_v, delta_gamma = _power(alpha, gamma, delta, one_minus_m)
        alpha, gamma = (
            torch.addcmul(alpha * one_plus_v, delta_gamma, u, value=-1.0),
            torch.addcmul(alpha * u, gamma, one_plus_v),
        )
        yield False, None, alpha, gamma
        if any_bit:
            stepped = (
                torch.addcmul(torch.addcmul(one, m, alpha), delta, gamma, value=-1.0),
                torch.addcmul(alpha, m, gamma),
            )
            alpha, gamma = _select(has_bit, stepped[0], alpha), _select(has_bit, stepped[1], gamma)
            yield True, has_bit, alpha, gamma


def _power(
    alpha: Tensor, gamma: Tensor, delta: Tensor, one_minus_m: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return u and 1 + v of M^j = v + u J from S_j = alpha + gamma J, and delta * gamma."""
    delta_gamma = delta * gamma
    u = torch.addcmul(alpha, gamma, one_minus_m, value=-1.0)
    one_plus_v = torch.addcmul(2.0 - delta_gamma, alpha, one_minus_m, value=-1.0)
    return u, one_plus_v, delta_gamma


class _LeadingEntry(torch.autograd.Function):
    """alpha + gamma m of S_k, with the adjoint of its doubling written out.

    Autograd would give the same gradient with more than twice the operations. It still gives
    the derivatives of the gradient.
    """

    @staticmethod
    def forward(ctx: Any, m: Tensor, delta: Tensor, one_minus_m: Tensor, k: Steps) -> Tensor:
        stages = list(_sums(m, delta, one_minus_m, k))
        ctx.save_for_backward(m, delta, one_minus_m)
        ctx.stages, ctx.k = stages, k
        *_, alpha, gamma = stages[-1]
        return torch.addcmul(alpha, m, gamma)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        m, delta, one_minus_m = ctx.saved_tensors
        if torch.is_grad_enabled():
            *_, (_, _, alpha, gamma) = _sums(m, delta, 1.0 - m, ctx.k)
            entry = alpha + m * gamma
            # With k below 2 delta does not enter: its gradient is materialised as zeros.
            m_, delta_ = torch.autograd.grad(
                entry, (m, delta), grad, create_graph=True, materialize_grads=True
            )
            return m_, delta_, None, None
        return *_adjoint(grad, m, delta, one_minus_m, ctx.stages), None, None


def _adjoint(
    grad: Tensor,
    m: Tensor,
    delta: Tensor,
    one_minus_m: Tensor,
    stages: list[tuple[bool, Tensor | None, Tensor, Tensor]],
) -> tuple[Tensor, Tensor]:
    """Run the stages of ``_sums`` backwards; a name with ``_`` is the gradient of that name."""
    *_, gamma = stages[-1]
    alpha_, gamma_ = grad, m * grad
    m_, delta_ = gamma * grad, torch.zeros_like(delta)
    for stage in range(len(stages) - 1, 0, -1):
        stepped, has_bit, _, _ = stages[stage]
        *_, alpha, gamma = stages[stage - 1]
        if stepped:
            same_alpha_, same_gamma_ = alpha_, gamma_
            if has_bit is not None:
                alpha_, gamma_ = alpha_ * has_bit, gamma_ * has_bit
            m_ = torch.addcmul(torch.addcmul(m_, alpha, alpha_), gamma, gamma_)
            delta_ = torch.addcmul(delta_, gamma, alpha_, value=-1.0)
            alpha_, gamma_ = (
                torch.addcmul(gamma_, m, alpha_),
                torch.addcmul(m * gamma_, delta, alpha_, value=-1.0),
            )
            alpha_ = _select(has_bit, alpha_, same_alpha_)
            gamma_ = _select(has_bit, gamma_, same_gamma_)
            continue
        u, one_plus_v, delta_gamma = _power(alpha, gamma, delta, one_minus_m)
        u_ = torch.addcmul(alpha * gamma_, delta_gamma, alpha_, value=-1.0)
        v_ = torch.addcmul(alpha * alpha_, gamma, gamma_)
        delta_gamma_ = torch.addcmul(-v_, u, alpha_, value=-1.0)
        m_ = torch.addcmul(torch.addcmul(m_, alpha, v_), gamma, u_)
        delta_ = torch.addcmul(delta_, gamma, delta_gamma_)
        alpha_, gamma_ = (
            torch.addcmul(torch.addcmul(u_, one_plus_v, alpha_), u, gamma_),
            torch.addcmul(one_plus_v * gamma_, delta, delta_gamma_),
        )
        alpha_ = torch.addcmul(alpha_, one_minus_m, v_, value=-1.0)
        gamma_ = torch.addcmul(gamma_, one_minus_m, u_, value=-1.0)
    return m_, delta_
