"""The exact minimiser as a layer."""

import torch
from torch import Tensor

from sklearn_reasoning._polynomials import Phi, Steps

from ._base import Algorithm, State
from ._problem import Problem


class ExactMinimizer(Algorithm):
    r"""The minimiser itself, :math:`-Q^{-1} b` (Eq. 4): the limit of many steps, whatever k.

    .. math:: r_k(t) = 0, \qquad q_k(t) = 1/t

    Examples
    --------
    >>> ExactMinimizer().filter([0.5, 2.0], k=1)
    array([2. , 0.5])
    """

    name = "opt"
    also_called = ("exact", "minimizer", "minimiser", "argmin", "optnet", "newton")
    needs = frozenset({"minimizer"})
    has_step_size = False
    is_exact = True

    def step(self, state: State, problem: Problem, phi: Phi) -> State:
        """Refuse: the minimiser is not reached by steps but solved for.

        Raises
        ------
        NotImplementedError
            Always; an energy's ``minimizer()`` solves for it.
        """
        raise NotImplementedError("'opt' is solved for, not stepped; use the energy's minimizer().")

    def _residual(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        return torch.zeros_like(t)

    def _filter(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        return 1.0 / t
