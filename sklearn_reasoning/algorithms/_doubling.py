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
from itertools import pairwise
from typing import Any, NamedTuple

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
    r"""Return :math:`q_k(t) = \phi \sum_{i<k} (1 - \phi t)^i`, the filter of gradient descent."""
    phi = torch.as_tensor(phi, dtype=t.dtype, device=t.device)
    apply: Any = _SumOfPowers.apply
    q: Tensor = apply(phi, t, k)
    return q


class _Partial(NamedTuple):
    """q_j, and whether a step led there (else a doubling) and for which elements."""

    q: Tensor
    stepped: bool = False
    has_bit: Tensor | None = None


def _partial_sums(phi: Tensor, t: Tensor, k: Steps) -> Iterator[_Partial]:
    r"""Yield q_j for the j on the way from 0 to k.

    Doubling: :math:`1 + r_j = 2 - t q_j`, so :math:`q_{2j} = q_j (2 - t q_j)`, Newton's
    iteration for 1/t; one more step: :math:`q_{j+1} = q_j + \phi (1 - t q_j)`.
    """
    bits = _bits(k)
    first, has_bit = next(bits, (False, None))
    # From q_0 = 0, the highest bit takes those that have it to q_1 = phi.
    one, zeros = t.new_ones(()), torch.zeros_like(t)
    q = _select(has_bit, phi.expand_as(t), zeros) if first else zeros
    yield _Partial(q, first, has_bit)
    for any_bit, has_bit in bits:
        q = q * torch.addcmul(2.0 * one, t, q, value=-1.0)
        yield _Partial(q)
        if any_bit:
            stepped = torch.addcmul(q, phi, torch.addcmul(one, t, q, value=-1.0))
            q = _select(has_bit, stepped, q)
            yield _Partial(q, stepped=True, has_bit=has_bit)


class _SumOfPowers(torch.autograd.Function):
    """The last of ``_partial_sums``, with the adjoint written out, as in ``_LeadingEntry``."""

    @staticmethod
    def forward(ctx: Any, phi: Tensor, t: Tensor, k: Steps) -> Tensor:
        sums = list(_partial_sums(phi, t, k))
        ctx.save_for_backward(phi, t)
        # Detached: the output holds this context, which must not hold it in turn.
        ctx.sums, ctx.k = [*sums[:-1], sums[-1]._replace(q=sums[-1].q.detach())], k
        return sums[-1].q

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (q_,) = grads  # a name with ``_`` is the gradient of that name
        phi, t = ctx.saved_tensors
        if torch.is_grad_enabled():
            *_, last = _partial_sums(phi, t, ctx.k)
            if not last.q.requires_grad:  # k = 0
                return torch.zeros_like(phi), torch.zeros_like(t), None
            phi_, t_ = torch.autograd.grad(
                last.q, (phi, t), q_, create_graph=True, materialize_grads=True
            )
            return phi_, t_, None
        phi_, t_ = torch.zeros_like(q_), torch.zeros_like(q_)
        one = t.new_ones(())
        for before, after in reversed(list(pairwise(ctx.sums))):
            q = before.q
            residual = torch.addcmul(one, t, q, value=-1.0)
            if not after.stepped:
                t_.addcmul_(q * q, q_, value=-1.0)
                q_ = residual.mul_(q_).mul_(2.0)
                continue
            moved = q_ if after.has_bit is None else q_ * after.has_bit
            phi_.addcmul_(moved, residual)
            pulled = phi * moved
            t_.addcmul_(pulled, q, value=-1.0)
            q_ = torch.addcmul(q_, pulled, t, value=-1.0)
        first = ctx.sums[0]
        if first.stepped:
            phi_ += q_ if first.has_bit is None else q_ * first.has_bit
        return phi_.sum_to_size(phi.shape), t_, None


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


class _Sum(NamedTuple):
    """S_j = alpha + gamma J, and how the one before it led there.

    A doubling holds ``power``: u and 1 + v of M^j = v + u J, and delta * gamma. A step holds
    in ``has_bit`` which elements took it, None for all.
    """

    alpha: Tensor
    gamma: Tensor
    power: tuple[Tensor, Tensor, Tensor] | None = None
    has_bit: Tensor | None = None


def _sums(m: Tensor, delta: Tensor, one_minus_m: Tensor, k: Steps) -> Iterator[_Sum]:
    r"""Yield S_j for the j on the way from 0 to k.

    Doubling: :math:`S_{2j} = S_j (1 + M^j)`, where :math:`M^j = 1 - (1 - M) S_j`. One more
    step: :math:`S_{j+1} = 1 + M S_j`. Nothing is divided by t, so small t cost no digits.
    """
    bits = _bits(k)
    _, has_bit = next(bits, (False, torch.zeros((), dtype=torch.bool, device=m.device)))
    # From S_0 = 0, the highest bit takes those that have it to S_1 = 1.
    alpha = torch.ones_like(m) if has_bit is None else has_bit.to(m.dtype).expand_as(m)
    gamma, one = torch.zeros_like(m), m.new_ones(())
    yield _Sum(alpha, gamma)
    for any_bit, has_bit in bits:
        delta_gamma = delta * gamma
        u = torch.addcmul(alpha, gamma, one_minus_m, value=-1.0)
        one_plus_v = torch.addcmul(2.0 - delta_gamma, alpha, one_minus_m, value=-1.0)
        alpha, gamma = (
            torch.addcmul(alpha * one_plus_v, delta_gamma, u, value=-1.0),
            torch.addcmul(alpha * u, gamma, one_plus_v),
        )
        yield _Sum(alpha, gamma, power=(u, one_plus_v, delta_gamma))
        if any_bit:
            stepped = (
                torch.addcmul(torch.addcmul(one, m, alpha), delta, gamma, value=-1.0),
                torch.addcmul(alpha, m, gamma),
            )
            alpha, gamma = _select(has_bit, stepped[0], alpha), _select(has_bit, stepped[1], gamma)
            yield _Sum(alpha, gamma, has_bit=has_bit)


class _LeadingEntry(torch.autograd.Function):
    """alpha + gamma m of S_k, with the adjoint of its doubling written out.

    Autograd would give the same gradient with more than twice the operations. It still gives
    the derivatives of the gradient.
    """

    @staticmethod
    def forward(ctx: Any, m: Tensor, delta: Tensor, one_minus_m: Tensor, k: Steps) -> Tensor:
        sums = list(_sums(m, delta, one_minus_m, k))
        ctx.save_for_backward(m, delta, one_minus_m)
        ctx.sums, ctx.k = sums, k
        return torch.addcmul(sums[-1].alpha, m, sums[-1].gamma)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        m, delta, one_minus_m = ctx.saved_tensors
        if torch.is_grad_enabled():
            *_, last = _sums(m, delta, 1.0 - m, ctx.k)
            entry = last.alpha + m * last.gamma
            # With k below 2 delta does not enter: its gradient is materialised as zeros.
            m_, delta_ = torch.autograd.grad(
                entry, (m, delta), grad, create_graph=True, materialize_grads=True
            )
            return m_, delta_, None, None
        return *_adjoint(grad, m, delta, one_minus_m, ctx.sums), None, None


def _adjoint(
    grad: Tensor, m: Tensor, delta: Tensor, one_minus_m: Tensor, sums: list[_Sum]
) -> tuple[Tensor, Tensor]:
    """Run ``_sums`` backwards; a name with ``_`` is the gradient of that name."""
    alpha_, gamma_ = grad, m * grad
    m_, delta_ = sums[-1].gamma * grad, torch.zeros_like(delta)
    for before, after in reversed(list(pairwise(sums))):
        alpha, gamma = before.alpha, before.gamma
        if after.power is None:
            same_alpha_, same_gamma_ = alpha_, gamma_
            if after.has_bit is not None:
                alpha_, gamma_ = alpha_ * after.has_bit, gamma_ * after.has_bit
            m_.addcmul_(alpha, alpha_).addcmul_(gamma, gamma_)
            delta_.addcmul_(gamma, alpha_, value=-1.0)
            alpha_, gamma_ = (
                torch.addcmul(gamma_, m, alpha_),
                (m * gamma_).addcmul_(delta, alpha_, value=-1.0),
            )
            alpha_ = _select(after.has_bit, alpha_, same_alpha_)
            gamma_ = _select(after.has_bit, gamma_, same_gamma_)
            continue
        u, one_plus_v, delta_gamma = after.power
        u_ = (alpha * gamma_).addcmul_(delta_gamma, alpha_, value=-1.0)
        v_ = (alpha * alpha_).addcmul_(gamma, gamma_)
        delta_gamma_ = torch.addcmul(v_, u, alpha_).neg_()
        m_.addcmul_(alpha, v_).addcmul_(gamma, u_)
        delta_.addcmul_(gamma, delta_gamma_)
        alpha_, gamma_ = (
            (one_plus_v * alpha_).addcmul_(u, gamma_).add_(u_),
            (one_plus_v * gamma_).addcmul_(delta, delta_gamma_),
        )
        alpha_.addcmul_(one_minus_m, v_, value=-1.0)
        gamma_.addcmul_(one_minus_m, u_, value=-1.0)
    return m_, delta_
