"""Polyak's heavy ball."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning._polynomials import (
    Phi,
    Steps,
    TwoTermFilter,
    TwoTerms,
    binary_digits,
    evaluate,
    two_term_residual,
)

from ._base import Algorithm, State
from ._momentum import Momentum
from ._problem import Problem


class HeavyBall(Algorithm):
    r"""Gradient descent that keeps part of its last move (Polyak 1964).

    .. math::
        y_{k+1} = y_k - \phi \nabla E(y_k) + \beta (y_k - y_{k-1}), \qquad
        \beta = (1 - \sqrt{\mu\phi})^2, \quad y_{-1} = y_0

    Up to :math:`4/(\sqrt\mu + \sqrt L)^2`, the end of its stable region here, both roots of the
    recurrence have modulus :math:`1 - \sqrt{\mu\phi}` all over [mu, L], exactly. Beyond it they
    split at t = L and the rate there falls; the iterates stay bounded up to
    :math:`4/(\sqrt\mu + \sqrt{L - \mu})^2`, where a root reaches -1. Near the end of the region
    the error may grow for small k.

    Examples
    --------
    >>> low, high = HeavyBall().stable_region(mu=0.25, L=1.0)
    >>> round(high, 4)
    1.7778
    """

    name = "heavy_ball"
    also_called = ("polyak", "momentum")

    def start(self, y: Tensor, problem: Problem) -> State:
        """Begin at rest."""
        return y, y

    def step(self, state: State, problem: Problem, phi: Phi) -> State:
        """Take a gradient step and keep part of the last move."""
        y, y_before = state
        return problem.descend(y, phi, push=_beta(problem.mu * phi) * (y - y_before)), y

    def stable_region(self, mu: float, L: float) -> tuple[float, float]:
        """Return the region of rate 1 - sqrt(mu phi), from a hundredth of its end."""
        high = 4.0 / (_root(mu) + _root(L)) ** 2
        return high / 100.0, high

    def sensitivity_rate(self, step_size: Any, mu: float, L: float) -> Any:
        r"""Return :math:`1 - \sqrt{\mu\phi}`: its power k - 1 is a factor of the sensitivity.

        Proven for every step size up to 1/mu, in docs/theory.md.
        """
        rate = 1.0 - np.sqrt(mu * step_size)
        return np.where(rate >= 0.0, rate, np.nan)

    def _momentum(self, phi: Phi, mu: float) -> Momentum:
        return Momentum(_beta(mu * phi), looks_ahead=False)

    # With s = sqrt(mu phi): a = 1 + beta - phi t, c = beta, 1 - beta = s (2 - s), and
    # 4 c - a^2 = phi (t - mu) ((2 - s)^2 - phi t).

    def _residual(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        s = (mu * phi) ** 0.5
        loss = s * (2.0 - s)
        scaled = phi * t
        m = 1.0 - 0.5 * (loss + scaled)
        delta = (t - mu) * ((2.0 - s) ** 2 - scaled) * (0.25 * phi)
        return two_term_residual(m, delta, 0.5 * (loss - scaled), binary_digits(k, t.dtype))

    def _filter(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        return evaluate(self._closed_filter(mu, L), phi, t, k)

    def _closed_filter(self, mu: float, L: float) -> TwoTermFilter:
        return _Filter(mu)


def _beta(value: Any) -> Any:
    return (1.0 - value**0.5) ** 2


def _root(value: Any) -> Any:
    # A tensor where each sample has bounds of its own.
    return torch.sqrt(value) if isinstance(value, Tensor) else math.sqrt(value)


class _Filter(TwoTermFilter):
    """As in the residual."""

    def terms(self, phi: Tensor) -> TwoTerms:
        s = torch.sqrt(self.mu * phi)
        rest = 2.0 - s
        return TwoTerms(0.5 * s * rest, 0.5 * phi, 0.25 * phi, rest * rest)

    def terms_slopes(self, phi: Tensor) -> TwoTerms:
        s = torch.sqrt(self.mu * phi)
        s_slope = 0.5 * s / phi
        half = torch.full_like(phi, 0.5)
        return TwoTerms((1.0 - s) * s_slope, half, 0.5 * half, 2.0 * (s - 2.0) * s_slope)
