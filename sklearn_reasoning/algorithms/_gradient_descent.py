"""Gradient descent."""

from typing import Any

import numpy as np
from torch import Tensor

from ._base import Algorithm, Phi, Pullback, State
from ._doubling import power, sum_of_powers, sum_of_powers_with_pullback
from ._problem import Problem
from ._steps import Steps


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

    def _residual(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        return power(1.0 - phi * t, k)

    def _filter(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        return sum_of_powers(phi, t, k)

    def _filter_with_pullback(
        self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float
    ) -> tuple[Tensor, Pullback]:
        return sum_of_powers_with_pullback(phi, t, k)
