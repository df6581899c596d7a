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

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._elementwise import Digits
from ._transforms import under_transform


def power(base: Tensor, digits: Iterable[bool | Tensor]) -> Tensor:
    """Return base ** k, k given by its binary digits.

    Unlike ``torch.pow`` it is the same arithmetic for every element, and every derivative is
    finite where the base is 0.
    """
    result = torch.ones_like(base)
    for digit in digits:
        result = result * result
        if digit is not False:
            result = _select(digit, result * base, result)
    return result


def two_term_residual(
    m: Tensor, delta: Tensor, weight: Tensor, digits: Iterable[bool | Tensor]
) -> Tensor:
    """Return v_k + weight * u_k, where v_k + u_k J = (m + J)^k and J^2 = -delta."""
    v, u = torch.ones_like(m), torch.zeros_like(m)
    for digit in digits:
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


def _start(digits: Digits) -> tuple[_Start, Digits]:
    """Take the two highest digits: S_0, ..., S_3 are short enough to be written out.

    They are rounded as the doublings would be, which smaller k in the same tensor go through.
    """
    if len(digits) < 2:
        digits = (False,) * (2 - len(digits)) + tuple(digits)
    two, odd = (digit if isinstance(digit, Tensor) else float(digit) for digit in digits[:2])
    three = two * odd
    return _Start(two + odd - three, two, three), digits[2:]


# ---------------------------------------------------------------------- gradient descent


class SumOfPowers:
    r"""The filter of gradient descent, :math:`q_k(t) = \phi \sum_{i<k} (1 - \phi t)^i`."""

    def value(self, phi: Tensor, t: Tensor, digits: Digits) -> Tensor:
        """Return q_k."""
        return phi * _sum_of_powers(phi * t, digits, with_slope=False)[0]

    def value_and_slopes(
        self, phi: Tensor, t: Tensor, digits: Digits
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return q_k and its derivatives in t and phi; it is phi times a function of phi t."""
        x = phi * t
        total, slope = _sum_of_powers(x, digits, with_slope=True)
        value = phi * total
        phi_slope = total.addcmul_(slope, x)
        return value, slope.mul_(phi * phi), phi_slope


def _sum_of_powers(x: Tensor, digits: Digits, *, with_slope: bool) -> tuple[Tensor, Tensor]:
    """Return the sum of (1 - x)^i over i < k and, carried along, its derivative."""
    (start, digits), unit, base = _start(digits), x.new_ones(()), 1.0 - x
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


# ---------------------------------------------------------------------- two terms


class TwoTerms(NamedTuple):
    r"""A two-term recurrence :math:`q_{k+1} = a q_k - c q_{k-1} + \phi` at the points t.

    :math:`1 - a/2 =` ``level + slope t`` and :math:`\Delta = c - a^2/4 =` ``factor (t - mu)
    (root - phi t)``.
    """

    level: Tensor
    slope: Tensor
    factor: Tensor
    root: Tensor


class TwoTermFilter(ABC):
    r"""The polynomials q_k of a two-term recurrence with :math:`q_0 = q_{-1} = 0`.

    q_k is :math:`\phi` times the leading entry of S_k, :math:`\alpha + \gamma a/2` where
    :math:`S_k = \alpha + \gamma J`.
    """

    def __init__(self, mu: float) -> None:
        self.mu = mu

    @abstractmethod
    def terms(self, phi: Tensor) -> TwoTerms:
        """Return the recurrence of a step size."""

    @abstractmethod
    def terms_slopes(self, phi: Tensor) -> TwoTerms:
        """Return the derivatives of :meth:`terms` in phi."""

    def value(self, phi: Tensor, t: Tensor, digits: Digits) -> Tensor:
        """Return q_k."""
        level, slope, factor, root = self.terms(phi)
        n = torch.addcmul(level, slope, t)
        delta = factor * (t - self.mu) * torch.addcmul(root, phi, t, value=-1.0)
        return phi * _leading_entry(_sum(n, delta, digits))

    def value_and_slopes(
        self, phi: Tensor, t: Tensor, digits: Digits
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return q_k and its derivatives in t and phi."""
        level, slope, factor, root = self.terms(phi)
        n = torch.addcmul(level, slope, t)
        above, below = t - self.mu, torch.addcmul(root, phi, t, value=-1.0)
        delta = (above * below).mul_(factor)
        run = _sum(n, delta, digits, way_back=True)
        entry = _leading_entry(run)
        n_slope, delta_slope = _pull_sum(
            torch.ones_like(n), run.m, -run.gamma, torch.zeros_like(n), n, delta, run
        )
        # The chain rule by n and delta, which are functions of t and phi.
        level, slope_, factor_, root_ = self.terms_slopes(phi)
        along = torch.addcmul(level, slope_, t)
        across = torch.sub(root_, t).mul_(factor).addcmul_(factor_, below).mul_(above)
        value = phi * entry
        phi_slope = entry.addcmul_(along.mul_(n_slope).addcmul_(across, delta_slope), phi)
        fall = below.addcmul_(phi, above, value=-1.0).mul_(factor)
        t_slope = n_slope.mul_(slope).addcmul_(fall, delta_slope).mul_(phi)
        return value, t_slope, phi_slope


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


def _sum(n: Tensor, delta: Tensor, digits: Digits, *, way_back: bool = False) -> _Run:
    """Return S_k; n is 1 - m.

    The doublings are kept only for the way back: without it memory does not grow with k.
    """
    (start, digits), unit, m = _start(digits), n.new_ones(()), 1.0 - n
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
    return _Run(start, m, inner, doublings, alpha, gamma)


def _leading_entry(run: _Run) -> Tensor:
    return torch.addcmul(run.alpha, run.gamma, run.m)


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


# ---------------------------------------------------------------------- Chebyshev


def squared_sum(n: Tensor, delta: Tensor, digits: Digits) -> Tensor:
    r"""Return :math:`|S_k|^2 = \alpha^2 + \Delta\gamma^2`, where :math:`S_k = \alpha + \gamma J`.

    n is 1 - a/2. Where the roots are complex it is a sum of squares, and no digit is lost.
    """
    return _square(delta, _sum(n, delta, digits))


def squared_sum_and_slopes(
    n: Tensor, delta: Tensor, digits: Digits
) -> tuple[Tensor, Tensor, Tensor]:
    """Return :func:`squared_sum` and its derivatives in n and delta."""
    run = _sum(n, delta, digits, way_back=True)
    alpha, gamma = run.alpha, run.gamma
    slopes = _pull_sum(
        2.0 * alpha, 2.0 * delta * gamma, torch.zeros_like(n), gamma * gamma, n, delta, run
    )
    return _square(delta, run), *slopes


def _square(delta: Tensor, run: _Run) -> Tensor:
    return torch.addcmul(run.alpha * run.alpha, delta * run.gamma, run.gamma)
