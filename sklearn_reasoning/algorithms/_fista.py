"""The fast iterative shrinkage-thresholding algorithm."""

from torch import Tensor

from sklearn_reasoning._polynomials import Phi

from ._base import Algorithm, State
from ._momentum import Momentum
from ._problem import Problem


class FISTA(Algorithm):
    r"""Accelerated gradient steps whose momentum knows no mu (Beck and Teboulle 2009).

    .. math::
        y_{i+1} = z_i - \phi \nabla E(z_i), \quad
        z_{i+1} = y_{i+1} + \tfrac{i}{i+3} (y_{i+1} - y_i), \quad i = 0, 1, \ldots

    The momentum is that of Su, Boyd and Candes (2016). It grows towards 1, so that energies need
    not be strongly convex; where they are, nag is faster after many steps. The stable region ends
    at 1/L, up to which the proofs go.

    Examples
    --------
    >>> fista = FISTA()
    >>> float(fista.residual(0.5, k=2, step_size=1.0, mu=0.5, L=1.0))  # as two gradient steps
    0.25
    >>> float(fista.residual(0.5, k=3, step_size=1.0, mu=0.5, L=1.0))  # momentum 1/4
    0.09375
    """

    name = "fista"
    also_called = ("fast_ista", "accelerated_proximal_gradient", "apg", "shrinkage_thresholding")

    def start(self, y: Tensor, problem: Problem) -> State:
        """Begin with y_0 = z_0."""
        return y, y, 0

    def step(self, state: State, problem: Problem, phi: Phi) -> State:
        """Take a gradient step from z, then extrapolate by i / (i + 3)."""
        y, z, i = state
        y_next = problem.descend(z, phi)
        return y_next, y_next + _beta(i) * (y_next - y), i + 1

    def stable_region(self, mu: float, L: float) -> tuple[float, float]:
        """Return the region up to 1/L, from a hundredth of its end."""
        return 0.01 / L, 1.0 / L

    def _momentum(self, phi: Phi, mu: float) -> Momentum:
        return Momentum(_beta)


def _beta(i: int) -> float:
    return i / (i + 3)
