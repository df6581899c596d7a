"""Nesterov's accelerated gradient."""

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


class NesterovAcceleratedGradient(Algorithm):
    r"""Nesterov's accelerated gradient for strongly convex energies (Eq. 9).

    .. math::
        y_{k+1} = z_k - \phi \nabla E(z_k), \quad
        z_{k+1} = y_{k+1} + \beta (y_{k+1} - y_k), \quad
        \beta = \frac{1 - \sqrt{\mu\phi}}{1 + \sqrt{\mu\phi}}

    Its residual polynomial follows :math:`r_{k+1} = (1 - \phi t)((1 + \beta) r_k - \beta
    r_{k-1})`. The stable region is Table 1's, up to :math:`4/(\mu + 3L)`.

    Examples
    --------
    >>> nag = NesterovAcceleratedGradient()
    >>> float(nag.residual(0.25, k=2, step_size=1.0, mu=0.25, L=1.0))  # (1 - s)^2 (1 + 2 s)
    0.5
    """

    name = "nag"
    also_called = (
        "nesterov",
        "accelerated_gradient",
        "accelerated_gradient_descent",
        "agd",
    )

    def start(self, y: Tensor, problem: Problem) -> State:
        """Begin with y_0 = z_0."""
        return y, y

    def step(self, state: State, problem: Problem, phi: Phi) -> State:
        """Take a gradient step from z, then extrapolate."""
        y, z = state
        y_next = problem.descend(z, phi)
        return y_next, y_next + _beta(problem.mu * phi) * (y_next - y)

    def stable_region(self, mu: float, L: float) -> tuple[float, float]:
        """Return Table 1's region, from a hundredth of its end."""
        high = 4.0 / (mu + 3.0 * L)
        return high / 100.0, high

    def sensitivity_rate(self, step_size: Any, mu: float, L: float) -> Any:
        r"""Return :math:`1 - \sqrt{\mu\phi}`: the sensitivity is k(k+1)/2 times its power k - 1.

        Proven up to the end of the stable region, in docs/theory.md.
        """
        _, high = self.stable_region(mu, L)
        return np.where(step_size <= high, 1.0 - np.sqrt(mu * step_size), np.nan)

    def _momentum(self, phi: Phi, mu: float) -> Momentum:
        return Momentum(_beta(mu * phi))

    def _residual(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        root = _root(mu * phi)
        contracted = (1.0 - phi * t) / (1.0 + root)
        # c - a^2/4, factored: it vanishes at t = mu and at t = 1/phi.
        delta = contracted * (t - mu) * (phi / (1.0 + root))
        return two_term_residual(contracted, delta, root * contracted, binary_digits(k, t.dtype))

    def _filter(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        return evaluate(self._closed_filter(mu, L), phi, t, k)

    def _closed_filter(self, mu: float, L: float) -> TwoTermFilter:
        return _Filter(mu)


class _Filter(TwoTermFilter):
    """As in the residual, where a/2 = contracted."""

    def terms(self, phi: Tensor) -> TwoTerms:
        root = torch.sqrt(self.mu * phi)
        scale = 1.0 / (1.0 + root)
        slope = phi * scale
        return TwoTerms(root * scale, slope, slope * scale, torch.ones_like(phi))

    def terms_slopes(self, phi: Tensor) -> TwoTerms:
        root = torch.sqrt(self.mu * phi)
        scale = 1.0 / (1.0 + root)
        level = root * scale
        return TwoTerms(
            0.5 * level * scale / phi,
            scale * (1.0 - 0.5 * level),
            scale * scale * (1.0 - level),
            torch.zeros_like(phi),
        )


def _beta(value: Any) -> Any:
    root = _root(value)
    return (1.0 - root) / (1.0 + root)


def _root(value: Any) -> Any:
    # sqrt is one operation less than a power, and value may be a float.
    return torch.sqrt(value) if isinstance(value, Tensor) else value**0.5
