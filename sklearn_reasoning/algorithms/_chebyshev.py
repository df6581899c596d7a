"""The Chebyshev semi-iteration."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sklearn_reasoning._polynomials import (
    Digits,
    Out,
    Phi,
    Slopes,
    Steps,
    binary_digits,
    evaluate,
    power,
    squared_sum,
    squared_sum_and_slopes,
    two_term_residual,
)

from ._base import Algorithm, State
from ._problem import Problem


class ChebyshevIteration(Algorithm):
    r"""The polynomial method with the smallest worst-case error on [mu, L].

    .. math::
        y_{k+1} = y_{k-1} + \omega_{k+1} \Bigl(y_k - \tfrac{2}{\mu + L} \nabla E(y_k) -
        y_{k-1}\Bigr), \qquad
        \omega_1 = 1, \; \omega_2 = \frac{2}{2 - \rho^2}, \;
        \omega_{k+1} = \frac{4}{4 - \rho^2 \omega_k}, \quad \rho = \frac{L - \mu}{L + \mu}

    so that :math:`r_k(t) = T_k(x(t)) / T_k(x(0))` with T_k the Chebyshev polynomial and x the
    map of [mu, L] onto [-1, 1] (Golub and Varga 1961). There is no step size to choose.

    Examples
    --------
    >>> ChebyshevIteration().residual([0.5, 1.0, 1.5], k=1, mu=0.5, L=1.5)
    array([ 0.5,  0. , -0.5])
    """

    name = "chebyshev"
    also_called = ("chebyshev_iteration", "semi_iterative")
    needs = frozenset({"gradient"})
    has_step_size = False

    def start(self, y: Tensor, problem: Problem) -> State:
        """Begin with omega_1 = 1."""
        return y, y, 1.0

    def step(self, state: State, problem: Problem, phi: Phi) -> State:
        """Over-relax a Richardson step by omega."""
        y, y_before, omega = state
        mu, L = problem.mu, problem.L
        y_next = y_before + omega * (y - (2.0 / (mu + L)) * problem.gradient(y) - y_before)
        rho = (L - mu) / (L + mu)
        # Only omega_1 is exactly 1 (or rho is 0, and then so is every omega).
        # It is a tensor later where each sample has bounds of its own.
        is_first = not isinstance(omega, Tensor) and omega == 1.0
        omega_next = 2.0 / (2.0 - rho**2) if is_first else 4.0 / (4.0 - rho**2 * omega)
        return y_next, y, omega_next

    def _residual(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        # With q = (sqrt L - sqrt mu) / (sqrt L + sqrt mu), the numbers q^k T_k(x) follow
        # x_{k+1} = 2 q x x_k - q^2 x_{k-1}, and 2 q^k T_k(x(0)) = 1 + q^2k.
        total = math.sqrt(L) + math.sqrt(mu)
        rate = torch.full_like(t, ((math.sqrt(L) - math.sqrt(mu)) / total) ** 2)
        middle = (L + mu - 2.0 * t) / total**2
        delta = 4.0 * (t - mu) * (L - t) / total**4
        digits = tuple(binary_digits(k, t.dtype))
        scaled = two_term_residual(middle, delta, torch.zeros_like(t), digits)
        return 2.0 * scaled / (1.0 + power(rate, digits))

    def _filter(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        return evaluate(self._closed_filter(mu, L), 0.0, t, k)

    def _closed_filter(self, mu: float, L: float) -> _Filter:
        return _Filter(mu, L)


class _Filter:
    """The polynomials q_k; there is no step size, and the derivative in it is 0.

    With M the companion matrix of the residual's recurrence, 1 + q^2k - 2 q^k T_k(x) is
    |1 - M^k|^2 = |1 - M|^2 |S_k|^2, of which |1 - M|^2 = 4 t / total^2 is divided by t.
    """

    def __init__(self, mu: float, L: float) -> None:
        self.mu, self.L = mu, L
        self.total = math.sqrt(L) + math.sqrt(mu)
        self.rate = ((math.sqrt(L) - math.sqrt(mu)) / self.total) ** 2

    def value(self, phi: Tensor, t: Tensor, digits: Digits, out: Out) -> Tensor:
        return self._weight(t, digits) * squared_sum(*self._recurrence(t), digits, out)

    def value_and_slopes(self, phi: Tensor, t: Tensor, digits: Digits, out: Out) -> Slopes:
        weight = self._weight(t, digits)
        square, n_slope, delta_slope = squared_sum_and_slopes(*self._recurrence(t), digits, out)
        fall = (4.0 / self.total**4) * ((self.mu + self.L) - 2.0 * t)
        slope = (2.0 / self.total**2 * n_slope).addcmul_(fall, delta_slope)
        return weight * square, slope.mul_(weight), torch.zeros_like(t)

    def _recurrence(self, t: Tensor) -> tuple[Tensor, Tensor]:
        n = (2.0 * math.sqrt(self.L * self.mu) + 2.0 * t) / self.total**2
        return n, 4.0 * (t - self.mu) * (self.L - t) / self.total**4

    def _weight(self, t: Tensor, digits: Digits) -> Tensor:
        rate = torch.full_like(t, self.rate)
        return 4.0 / self.total**2 / (1.0 + power(rate, digits))
