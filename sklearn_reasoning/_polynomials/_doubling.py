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
from typing import NamedTuple

import torch
from torch import Tensor

from ._elementwise import Digits, Out, Slopes


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


def _add(
    total: Tensor, digit: bool | Tensor, power: Tensor, out: Tensor | None, sign: float = 1.0
) -> Tensor:
    """Return total + sign * digit * power."""
    if isinstance(digit, Tensor):
        return torch.addcmul(total, digit, power, value=sign, out=out)
    return torch.add(total, power, alpha=sign, out=out) if digit else total


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

    def value(self, phi: Tensor, t: Tensor, digits: Digits, out: Out) -> Tensor:
        """Return q_k."""
        x = torch.mul(phi, t, out=out("x"))
        total, _ = _sum_of_powers(x, digits, out, with_slope=False)
        return torch.mul(phi, total, out=out("value"))

    def value_and_slopes(self, phi: Tensor, t: Tensor, digits: Digits, out: Out) -> Slopes:
        """Return q_k and its derivatives in t and phi; it is phi times a function of phi t."""
        x = torch.mul(phi, t, out=out("x"))
        total, slope = _sum_of_powers(x, digits, out, with_slope=True)
        value = torch.mul(phi, total, out=out("value"))
        phi_slope = total.addcmul_(slope, x)
        return value, slope.mul_(phi * phi), phi_slope


def _sum_of_powers(
    x: Tensor, digits: Digits, out: Out, *, with_slope: bool
) -> tuple[Tensor, Tensor]:
    """Return the sum of (1 - x)^i over i < k and, carried along, its derivative."""
    (start, digits), unit, base = _start(digits), x.new_ones(()), torch.rsub(x, 1.0)
    bent = torch.mul(base, start.three, out=out("power"))
    inner = torch.add(bent, start.two, out=out("inner"))
    total = torch.addcmul(unit * start.one, base, inner, out=out("total"))
    slope = torch.add(inner, bent, out=out("slope")).neg() if with_slope else total
    for digit in digits:
        power = torch.addcmul(unit, x, total, value=-1.0, out=out("power"))
        inner = _add(total, digit, power, out("inner"))
        if with_slope:
            # Minus the derivative of the power.
            fall = torch.addcmul(total, x, slope, out=out("fall"))
            inner_slope = _add(slope, digit, fall, out("inner slope"), -1.0)
            # Where the digit is 0, the inner slope is the slope itself.
            slope = torch.addcmul(slope, power, inner_slope, out=out("slope"))
            slope = torch.addcmul(slope, fall, inner, value=-1.0, out=out("slope"))
        total = torch.addcmul(total, power, inner, out=out("total"))
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

    def value(self, phi: Tensor, t: Tensor, digits: Digits, out: Out) -> Tensor:
        """Return q_k."""
        *_, n, delta = self._recurrence(phi, t, out)
        entry = _leading_entry(_sum(n, delta, digits, out), out)
        return torch.mul(phi, entry, out=out("entry"))

    def value_and_slopes(self, phi: Tensor, t: Tensor, digits: Digits, out: Out) -> Slopes:
        """Return q_k and its derivatives in t and phi."""
        above, below, n, delta = self._recurrence(phi, t, out)
        run = _sum(n, delta, digits, out, way_back=True)
        entry = _leading_entry(run, out)
        entry_ = torch.ones(()).to(n).expand_as(n)
        n_slope, delta_slope = _pull_sum(
            entry_, run.m, run.gamma.neg_(), torch.zeros_like(n), n, delta, run, out
        )
        # The chain rule by n and delta, which are functions of t and phi.
        _, slope, factor, _ = self.terms(phi)
        level_, slope_, factor_, root_ = self.terms_slopes(phi)
        along = torch.addcmul(level_, slope_, t, out=out("along")).mul_(n_slope)
        across = torch.sub(root_, t, out=out("across")).mul_(factor)
        across.addcmul_(factor_, below).mul_(above)
        value = torch.mul(phi, entry, out=out("value"))
        phi_slope = entry.addcmul_(along.addcmul_(across, delta_slope), phi)
        fall = below.addcmul_(phi, above, value=-1.0).mul_(factor)
        t_slope = n_slope.mul_(slope).addcmul_(fall, delta_slope).mul_(phi)
        return value, t_slope, phi_slope

    def _recurrence(
        self, phi: Tensor, t: Tensor, out: Out
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the two factors of delta that t is in, n and delta."""
        level, slope, factor, root = self.terms(phi)
        above = torch.sub(t, self.mu, out=out("above"))
        below = torch.addcmul(root, phi, t, value=-1.0, out=out("below"))
        n = torch.addcmul(level, slope, t, out=out("n"))
        delta = torch.mul(above, below, out=out("delta"))
        return above, below, n, torch.mul(delta, factor, out=out("delta"))


class _Doubling(NamedTuple):
    """One doubling of S = alpha + gamma J, of power v + u J, with inner sum a + g J."""

    alpha: Tensor
    gamma: Tensor
    v: Tensor
    u: Tensor
    a: Tensor
    g: Tensor
    turned: Tensor  # delta u
    digit: bool | Tensor


class _Run(NamedTuple):
    """What the way to S_k = alpha + gamma J leaves for the way back; m is a/2."""

    start: _Start
    m: Tensor
    inner: Tensor
    doublings: list[_Doubling]
    alpha: Tensor
    gamma: Tensor


def _sum(n: Tensor, delta: Tensor, digits: Digits, out: Out, *, way_back: bool = False) -> _Run:
    """Return S_k; n is 1 - m.

    The doublings are kept only for the way back: without it memory does not grow with k.
    """
    (start, digits), unit, m = _start(digits), n.new_ones(()), torch.rsub(n, 1.0)
    bent = torch.mul(m, start.three, out=out("bent"))
    inner = torch.add(bent, start.two, out=out("inner"))
    gamma = torch.add(inner, bent, out=out("gamma", 0))
    alpha = torch.addcmul(unit * start.one, m, inner, out=out("alpha", 0))
    bent = torch.mul(delta, start.three, out=out("bent"))
    alpha = torch.sub(alpha, bent, out=out("alpha", 0))
    doublings = []
    for i, digit in enumerate(digits):
        # Of each doubling a buffer of its own, or the same two by turns.
        here, there = (i, i + 1) if way_back else (0, (i + 1) % 2)
        v = torch.addcmul(unit, n, alpha, value=-1.0, out=out("v", here))
        v = torch.addcmul(v, delta, gamma, value=-1.0, out=out("v", here))
        u = torch.addcmul(alpha, n, gamma, value=-1.0, out=out("u", here))
        a = _add(alpha, digit, v, out("a", here))
        g = _add(gamma, digit, u, out("g", here))
        turned = torch.mul(delta, u, out=out("turned", here))
        if way_back:
            doublings.append(_Doubling(alpha, gamma, v, u, a, g, turned, digit))
        alpha = torch.addcmul(alpha, v, a, out=out("alpha", there))
        alpha = torch.addcmul(alpha, turned, g, value=-1.0, out=out("alpha", there))
        gamma = torch.addcmul(gamma, v, g, out=out("gamma", there))
        gamma = torch.addcmul(gamma, u, a, out=out("gamma", there))
    return _Run(start, m, inner, doublings, alpha, gamma)


def _leading_entry(run: _Run, out: Out) -> Tensor:
    return torch.addcmul(run.alpha, run.gamma, run.m, out=out("entry"))


def _pull_sum(
    alpha_: Tensor,
    gamma_: Tensor,
    n_: Tensor,
    delta_: Tensor,
    n: Tensor,
    delta: Tensor,
    run: _Run,
    out: Out,
) -> tuple[Tensor, Tensor]:
    """Add what comes from S_k = alpha + gamma J to the gradients n_ and delta_, in place."""
    for i, (alpha, gamma, v, u, a, g, turned, digit) in enumerate(reversed(run.doublings)):
        pulled = torch.mul(g, alpha_, out=out("pulled"))
        delta_.addcmul_(u, pulled, value=-1.0)
        a_ = torch.mul(v, alpha_, out=out("a_", i % 2)).addcmul_(u, gamma_)
        g_ = torch.mul(v, gamma_, out=out("g_", i % 2)).addcmul_(turned, alpha_, value=-1.0)
        v_ = torch.mul(a, alpha_, out=out("v_")).addcmul_(g, gamma_)
        v_ = _add(v_, digit, a_, v_)
        u_ = torch.mul(a, gamma_, out=out("u_")).addcmul_(delta, pulled, value=-1.0)
        u_ = _add(u_, digit, g_, u_)
        n_.addcmul_(alpha, v_, value=-1.0).addcmul_(gamma, u_, value=-1.0)
        delta_.addcmul_(gamma, v_, value=-1.0)
        alpha_ = a_.add_(alpha_).add_(u_).addcmul_(n, v_, value=-1.0)
        gamma_ = g_.add_(gamma_).addcmul_(delta, v_, value=-1.0).addcmul_(n, u_, value=-1.0)
    # alpha = one + inner m - three delta and gamma = inner + three m, inner = two + three m.
    three = run.start.three
    inner_ = torch.mul(run.m, alpha_, out=out("v_")).add_(gamma_)
    n_falls = torch.mul(run.inner, alpha_, out=out("pulled"))
    n_falls.add_(torch.mul(gamma_, three, out=out("u_"))).add_(inner_.mul_(three))
    n_.sub_(n_falls)
    return n_, delta_.sub_(torch.mul(alpha_, three, out=out("u_")))


# ---------------------------------------------------------------------- Chebyshev


def squared_sum(n: Tensor, delta: Tensor, digits: Digits, out: Out) -> Tensor:
    r"""Return :math:`|S_k|^2 = \alpha^2 + \Delta\gamma^2`, where :math:`S_k = \alpha + \gamma J`.

    n is 1 - a/2. Where the roots are complex it is a sum of squares, and no digit is lost.
    """
    return _square(delta, _sum(n, delta, digits, out))


def squared_sum_and_slopes(n: Tensor, delta: Tensor, digits: Digits, out: Out) -> Slopes:
    """Return :func:`squared_sum` and its derivatives in n and delta."""
    run = _sum(n, delta, digits, out, way_back=True)
    alpha, gamma = run.alpha, run.gamma
    slopes = _pull_sum(
        2.0 * alpha, 2.0 * delta * gamma, torch.zeros_like(n), gamma * gamma, n, delta, run, out
    )
    return _square(delta, run), *slopes


def _square(delta: Tensor, run: _Run) -> Tensor:
    return torch.addcmul(run.alpha * run.alpha, delta * run.gamma, run.gamma)
