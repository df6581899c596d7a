r"""Polynomials of degree k in O(log k) elementwise products, by repeated doubling of k.

Let :math:`S_j = \sum_{i<j} M^i`. Then :math:`M^j = 1 - (1 - M) S_j`, and with the next binary
digit m of k

.. math:: S_{2j+m} = S_j + M^j (S_j + m M^j) ,

where nothing is divided by t, so that small t cost no digits. For gradient descent M is the
number :math:`1 - \phi t`. A two-term recurrence :math:`x_{k+1} = a x_k - c x_{k-1}` is the k-th
power of its companion matrix M. With :math:`\Delta = c - a^2/4`, :math:`M = a/2 + J` where
:math:`J^2 = -\Delta`, so powers of M are pairs (v, u) that multiply like complex numbers with
:math:`\Delta` in the place of 1:

.. math:: (v + uJ)^2 = (v^2 - \Delta u^2) + 2uv\,J .

These are polynomials in a and :math:`\Delta`: they and all their derivatives are smooth at the
double root :math:`\Delta = 0`, where formulas with :math:`\sqrt{\Delta}` are 0/0. An algorithm
hands in :math:`\Delta` and 1 - a/2 factored, so that no digit is lost near their zeros.

``k`` is an int or has one number an element, which gives each element the same bits as its own
int would: a digit 0 adds exact zeros, and squarings of the identity are exact.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._base import Phi, Pullback
from ._steps import Steps, binary_digits
from ._transforms import under_transform


def power(base: Tensor, k: Steps) -> Tensor:
    """Return base ** k.

    Unlike ``torch.pow`` it is the same arithmetic for every element, and every derivative is
    finite where the base is 0.
    """
    result = torch.ones_like(base)
    for digit in binary_digits(k, base.dtype):
        result = result * result
        if digit is not False:
            result = _select(digit, result * base, result)
    return result


def two_term_residual(m: Tensor, delta: Tensor, weight: Tensor, k: Steps) -> Tensor:
    """Return v_k + weight * u_k, where v_k + u_k J = (m + J)^k and J^2 = -delta."""
    v, u = torch.ones_like(m), torch.zeros_like(m)
    for digit in binary_digits(k, m.dtype):
        v, u = v * v - delta * u * u, 2.0 * v * u
        if digit is not False:
            stepped = v * m - delta * u, v + u * m
            v, u = _select(digit, stepped[0], v), _select(digit, stepped[1], u)
    return v + weight * u


def _select(digit: bool | Tensor, stepped: Tensor, same: Tensor) -> Tensor:
    return torch.where(digit > 0, stepped, same) if isinstance(digit, Tensor) else stepped


def _add(total: Tensor, digit: bool | Tensor, power: Tensor, sign: float = 1.0) -> Tensor:
    """Return total + sign * digit * power."""
    if isinstance(digit, Tensor):
        return torch.addcmul(total, digit, power, value=sign)
    return torch.add(total, power, alpha=sign) if digit else total


class _Start(NamedTuple):
    """Whether the two highest digits of k make a number from 1, 2 or 3 on."""

    one: float | Tensor
    two: float | Tensor
    three: float | Tensor


def _start(digits: Iterator[bool | Tensor]) -> _Start:
    """Take the two highest digits: S_0, ..., S_3 are short enough to be written out.

    They are rounded as the doublings would be, which smaller k in the same tensor go through.
    """
    first, second = next(digits, False), next(digits, None)
    high, low = (False, first) if second is None else (first, second)
    two, odd = (digit if isinstance(digit, Tensor) else float(digit) for digit in (high, low))
    three = two * odd
    return _Start(two + odd - three, two, three)


def _differentiable(
    ctx: Any, formula: Callable[..., Tensor], q_: Tensor
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the inputs by autograd, which can differentiate them.

    The formula takes the saved tensors.
    """
    needed = ctx.needs_input_grad
    # Views, since one input may have been computed from another: what reaches that one by way of
    # the first is for the caller's graph to add.
    saved = [x.view_as(x) for x in ctx.saved_tensors]
    inputs = [x for x, need in zip(saved, needed, strict=False) if need]
    q = formula(*saved)
    found = iter(torch.autograd.grad(q, inputs, q_, create_graph=True, materialize_grads=True))
    return tuple(next(found) if need else None for need in needed)


def _pulled(
    ctx: Any, formula: Callable[[Tensor, Tensor], Tensor], q_: Tensor
) -> tuple[Tensor | None, ...]:
    """Return the gradients of phi and t, and None for the other inputs."""
    saved = ctx.saved_tensors  # also finds out whether one was written over
    if torch.is_grad_enabled():
        return _differentiable(ctx, formula, q_)
    phi_, t_ = ctx.pull(q_, with_phi=ctx.needs_input_grad[0])
    return phi_, t_, *[None] * (len(ctx.needs_input_grad) - len(saved))


def _recorded(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return tensors that need gradients only where gradients are recorded.

    Under ``torch.no_grad`` a view of a parameter still says that it needs one, and a function
    would keep all for a way back that never comes.
    """
    return tensors if torch.is_grad_enabled() else tuple(tensor.detach() for tensor in tensors)


# ---------------------------------------------------------------------- gradient descent


def sum_of_powers(phi: Phi, t: Tensor, k: Steps) -> Tensor:
    r"""Return :math:`q_k(t) = \phi \sum_{i<k} (1 - \phi t)^i`, the filter of gradient descent."""
    phi = torch.as_tensor(phi, dtype=t.dtype, device=t.device)
    if under_transform():
        return phi * _sum_of_powers(phi * t, k)
    apply: Any = _SumOfPowers.apply
    q: Tensor = apply(*_recorded(phi, t), k)
    return q


def _sum_of_powers(x: Tensor, k: Steps) -> Tensor:
    """Return the sum of (1 - x)^i over i < k."""
    return _sum_of_powers_and_slope(x, k, with_slope=False)[0]


def _sum_of_powers_and_slope(x: Tensor, k: Steps, *, with_slope: bool) -> tuple[Tensor, Tensor]:
    """Return the sum of (1 - x)^i over i < k and, carried along, its derivative."""
    digits, unit = binary_digits(k, x.dtype), x.new_ones(())
    start, base = _start(digits), 1.0 - x
    bent = start.three * base
    inner = bent + start.two
    total = torch.addcmul(unit * start.one, base, inner)
    slope = -(inner + bent) if with_slope else total
    for digit in digits:
        power = torch.addcmul(unit, x, total, value=-1.0)
        inner = _add(total, digit, power)
        if with_slope:
            fall = torch.addcmul(total, x, slope)  # minus the derivative of the power
            inner_slope = _add(slope, digit, fall, -1.0)
            slope = torch.addcmul(slope, fall, inner, value=-1.0).addcmul_(power, inner_slope)
        total = torch.addcmul(total, power, inner)
    return total, slope


def sum_of_powers_with_pullback(phi: Tensor, t: Tensor, k: Steps) -> tuple[Tensor, Pullback]:
    """Return :func:`sum_of_powers` and what pulls a gradient back through it.

    Autograd would do twice the operations.
    """
    x = phi * t
    total, slope = _sum_of_powers_and_slope(x, k, with_slope=True)

    def pull(q_: Tensor, *, with_phi: bool) -> tuple[Tensor | None, Tensor]:
        t_ = (slope * q_).mul_(phi * phi)
        if not with_phi:
            return None, t_
        # q is phi times a function of phi t.
        return torch.addcmul(total, slope, x).mul_(q_).sum_to_size(phi.shape), t_

    return phi * total, pull


class _SumOfPowers(torch.autograd.Function):
    """phi times the sum."""

    @staticmethod
    def forward(ctx: Any, phi: Tensor, t: Tensor, k: Steps) -> Tensor:
        if not any(ctx.needs_input_grad):
            return phi * _sum_of_powers(phi * t, k)
        ctx.save_for_backward(phi, t)
        ctx.k = k
        q, ctx.pull = sum_of_powers_with_pullback(phi, t, k)
        return q

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return _pulled(ctx, lambda phi, t: phi * _sum_of_powers(phi * t, ctx.k), *grads)


# ---------------------------------------------------------------------- two terms


class TwoTerms(NamedTuple):
    r"""A two-term recurrence :math:`q_{k+1} = a q_k - c q_{k-1} + \phi` at the points t.

    :math:`1 - a/2 =` ``level + slope t`` and :math:`\Delta = c - a^2/4 =` ``factor (t - mu)
    (root - phi t)``.
    """

    level: Tensor
    slope: Tensor
    factor: Tensor
    root: Tensor | float


class TwoTermMethod(NamedTuple):
    """The recurrences of a method: terms for phi and mu, and their derivatives in phi."""

    terms: Callable[[Tensor, float], TwoTerms]
    derivatives: Callable[[Tensor, float], TwoTerms]


def two_term_filter(method: TwoTermMethod, phi: Phi, t: Tensor, mu: float, k: Steps) -> Tensor:
    r"""Return q_k of a two-term recurrence with :math:`q_0 = q_{-1} = 0`.

    q_k is :math:`\phi` times the leading entry of S_k, :math:`\alpha + \gamma a/2` where
    :math:`S_k = \alpha + \gamma J`.
    """
    phi = torch.as_tensor(phi, dtype=t.dtype, device=t.device)
    if under_transform():
        return _two_term_filter(method, phi, t, mu, k)
    apply: Any = _TwoTermFilter.apply
    q: Tensor = apply(*_recorded(phi, t), method, mu, k)
    return q


class _Doubling(NamedTuple):
    """One doubling of S = alpha + gamma J, of power v + u J, with inner sum a + g J."""

    alpha: Tensor
    gamma: Tensor
    v: Tensor
    u: Tensor
    a: Tensor
    g: Tensor
    digit: bool | Tensor


class _Run(NamedTuple):
    """What the way to S_k = alpha + gamma J leaves for the way back; m is a/2."""

    start: _Start
    m: Tensor
    inner: Tensor
    doublings: list[_Doubling]
    alpha: Tensor
    gamma: Tensor


def _leading_entry(
    n: Tensor, delta: Tensor, k: Steps, *, way_back: bool = False
) -> tuple[Tensor, _Run]:
    """Return the leading entry alpha + gamma m of S_k; n is 1 - m.

    The doublings are kept only for the way back: without it memory does not grow with k.
    """
    digits, unit = binary_digits(k, n.dtype), n.new_ones(())
    start, m = _start(digits), 1.0 - n
    bent = start.three * m
    inner = bent + start.two
    gamma = inner + bent
    alpha = torch.addcmul(unit * start.one, m, inner) - start.three * delta
    # No new tensor for the second product of a sum, but where transforms cannot follow.
    add: Any = torch.addcmul if under_transform() else Tensor.addcmul_
    doublings = []
    for digit in digits:
        v = add(torch.addcmul(unit, n, alpha, value=-1.0), delta, gamma, value=-1.0)
        u = torch.addcmul(alpha, n, gamma, value=-1.0)
        a, g = _add(alpha, digit, v), _add(gamma, digit, u)
        if way_back:
            doublings.append(_Doubling(alpha, gamma, v, u, a, g, digit))
        alpha = add(torch.addcmul(alpha, v, a), delta * u, g, value=-1.0)
        gamma = add(torch.addcmul(gamma, v, g), u, a)
    entry = torch.addcmul(alpha, gamma, m)
    return entry, _Run(start, m, inner, doublings, alpha, gamma)


def _pull_leading_entry(
    entry_: Tensor, n: Tensor, delta: Tensor, run: _Run
) -> tuple[Tensor, Tensor]:
    """Return the gradients of n and delta; a name with ``_`` is the gradient of that name."""
    n_, delta_ = -run.gamma * entry_, torch.zeros_like(delta)
    return _pull_sum(entry_, run.m * entry_, n_, delta_, n, delta, run)


def _pull_sum(
    alpha_: Tensor,
    gamma_: Tensor,
    n_: Tensor,
    delta_: Tensor,
    n: Tensor,
    delta: Tensor,
    run: _Run,
) -> tuple[Tensor, Tensor]:
    """Add what comes from S_k = alpha + gamma J to the gradients n_ and delta_."""
    for alpha, gamma, v, u, a, g, digit in reversed(run.doublings):
        pulled = g * alpha_
        delta_.addcmul_(u, pulled, value=-1.0)
        a_ = (v * alpha_).addcmul_(u, gamma_)
        g_ = (v * gamma_).addcmul_(delta * u, alpha_, value=-1.0)
        v_ = _add((a * alpha_).addcmul_(g, gamma_), digit, a_)
        u_ = _add((a * gamma_).addcmul_(delta, pulled, value=-1.0), digit, g_)
        n_.addcmul_(alpha, v_, value=-1.0).addcmul_(gamma, u_, value=-1.0)
        delta_.addcmul_(gamma, v_, value=-1.0)
        alpha_ = a_.add_(alpha_).add_(u_).addcmul_(n, v_, value=-1.0)
        gamma_ = g_.add_(gamma_).addcmul_(delta, v_, value=-1.0).addcmul_(n, u_, value=-1.0)
    # alpha = one + inner m - three delta and gamma = inner + three m, inner = two + three m.
    three = run.start.three
    inner_ = (run.m * alpha_).add_(gamma_)
    n_.sub_((run.inner * alpha_).add_(three * gamma_).add_(inner_.mul_(three)))
    return n_, delta_.sub_(three * alpha_)


def _two_term_filter(method: TwoTermMethod, phi: Tensor, t: Tensor, mu: float, k: Steps) -> Tensor:
    level, slope, factor, root = method.terms(phi, mu)
    delta = factor * (t - mu) * (root - phi * t)
    return phi * _leading_entry(level + slope * t, delta, k)[0]


def two_term_filter_with_pullback(
    method: TwoTermMethod, phi: Tensor, t: Tensor, mu: float, k: Steps
) -> tuple[Tensor, Pullback]:
    """Return :func:`two_term_filter` and what pulls a gradient back through it.

    Autograd would do more than twice the operations.
    """
    level, slope, factor, root = method.terms(phi, mu)
    n, above, below = torch.addcmul(level, slope, t), t - mu, root - phi * t
    delta = (above * below).mul_(factor)
    entry, run = _leading_entry(n, delta, k, way_back=True)

    def pull(q_: Tensor, *, with_phi: bool) -> tuple[Tensor | None, Tensor]:
        n_, delta_ = _pull_leading_entry(phi * q_, n, delta, run)
        product_ = delta_ * factor
        below_ = product_ * above
        t_ = (slope * n_).addcmul_(product_, below).addcmul_(phi, below_, value=-1.0)
        if not with_phi:
            return None, t_
        d_level, d_slope, d_factor, d_root = method.derivatives(phi, mu)
        phi_ = (entry * q_).addcmul_(n_, torch.addcmul(d_level, d_slope, t))
        phi_.addcmul_(below_, d_root - t).addcmul_(delta_.mul_(above).mul_(below), d_factor)
        return phi_.sum_to_size(phi.shape), t_

    return phi * entry, pull


class _TwoTermFilter(torch.autograd.Function):
    """The filter; autograd gives the derivatives of its gradient."""

    @staticmethod
    def forward(
        ctx: Any, phi: Tensor, t: Tensor, method: TwoTermMethod, mu: float, k: Steps
    ) -> Tensor:
        if not any(ctx.needs_input_grad):
            return _two_term_filter(method, phi, t, mu, k)
        ctx.save_for_backward(phi, t)
        ctx.formula = lambda phi, t: _two_term_filter(method, phi, t, mu, k)
        q, ctx.pull = two_term_filter_with_pullback(method, phi, t, mu, k)
        return q

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return _pulled(ctx, ctx.formula, *grads)


# ---------------------------------------------------------------------- Chebyshev


def squared_sum(n: Tensor, delta: Tensor, k: Steps) -> Tensor:
    r"""Return :math:`|S_k|^2 = \alpha^2 + \Delta\gamma^2`, where :math:`S_k = \alpha + \gamma J`.

    n is 1 - a/2. Where the roots are complex it is a sum of squares, and no digit is lost.
    """
    if under_transform():
        return _squared_sum(n, delta, k)[0]
    apply: Any = _SquaredSum.apply
    square: Tensor = apply(*_recorded(n, delta), k)
    return square


def _squared_sum(
    n: Tensor, delta: Tensor, k: Steps, *, way_back: bool = False
) -> tuple[Tensor, _Run]:
    _, run = _leading_entry(n, delta, k, way_back=way_back)
    return torch.addcmul(run.alpha * run.alpha, delta * run.gamma, run.gamma), run


class _SquaredSum(torch.autograd.Function):
    """The square with its adjoint written out, as for the filter of two terms."""

    @staticmethod
    def forward(ctx: Any, n: Tensor, delta: Tensor, k: Steps) -> Tensor:
        way_back = any(ctx.needs_input_grad)
        square, run = _squared_sum(n, delta, k, way_back=way_back)
        if way_back:
            ctx.save_for_backward(n, delta)
            ctx.run, ctx.k = run, k
        return square

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (square_,) = grads
        n, delta = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _differentiable(ctx, lambda n, delta: _squared_sum(n, delta, ctx.k)[0], square_)
        alpha, gamma = ctx.run.alpha, ctx.run.gamma
        alpha_, gamma_ = 2.0 * alpha * square_, 2.0 * delta * gamma * square_
        n_, delta_ = torch.zeros_like(n), gamma * gamma * square_
        return *_pull_sum(alpha_, gamma_, n_, delta_, n, delta, ctx.run), None
