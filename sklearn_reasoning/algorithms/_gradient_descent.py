"""Gradient descent."""

from typing import Any

import numpy as np
from torch import Tensor

from sklearn_reasoning._polynomials import Phi, Steps, SumOfPowers, binary_digits, evaluate, power

from ._base import Algorithm, State
from ._momentum import Momentum
from ._problem import Problem


class GradientDescent(Algorithm):
    r"""Gradient descent with a constant step size (Eq. 9).

    .. math:: y_{k+1} = y_k - \phi \nabla E(y_k), \qquad r_k(t) = (1 - \phi t)^k

    Table 1's stable region ends at :math:`2/(\mu + L)`, where the contraction is best; the
    iterates stay bounded up to :math:`2/L`.

    Examples
    --------
    >>> GradientDescent().residual([0.1, 1.0], k=2, step_size=1.0, mu=0.1, L=1.0)
    array([0.81, 0.  ])
    """

    name = "gd"
    also_called = (
        "gradient_descent",
        "steepest_descent",
        "landweber",
        "richardson",
        "proximal_gradient",
        "ista",
    )

    def step(self, state: State, problem: Problem, phi: Phi) -> State:
        """Move against the gradient."""
        (y,) = state
        return (problem.descend(y, phi),)

    def stable_region(self, mu: float, L: float) -> tuple[float, float]:
        """Return Table 1's region, from a hundredth of its end."""
        high = 2.0 / (mu + L)
        return high / 100.0, high

    def sensitivity_rate(self, step_size: Any, mu: float, L: float) -> Any:
        r"""Return the largest :math:`|1 - \phi t|`: the sensitivity is k times its power k - 1."""
        return np.maximum(np.abs(1.0 - step_size * mu), np.abs(1.0 - step_size * L))

    def _momentum(self, phi: Phi, mu: float) -> Momentum:
        return Momentum()

    def _residual(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        return power(1.0 - phi * t, binary_digits(k, t.dtype))

    def _filter(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        return evaluate(self._closed_filter(mu, L), phi, t, k)

    def _closed_filter(self, mu: float, L: float) -> SumOfPowers:
        return SumOfPowers()
