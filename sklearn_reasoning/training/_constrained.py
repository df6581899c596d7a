"""The minimiser of an energy and a penalty, to which outputs are compared."""

from __future__ import annotations

import math

from torch import Tensor

from sklearn_reasoning.algorithms import NesterovAcceleratedGradient, Problem


def constrained_minimizer(problem: Problem) -> Tensor:
    r"""Return the minimiser of a problem with a penalty, to rounding errors.

    The distance after k steps of proximal nag of the size 1/L is at most
    :math:`2 \sqrt\kappa (1 - 1/\sqrt\kappa)^{k/2}` times the first one, with
    :math:`\kappa = L / \mu` (docs/theory.md): they are enough for 1e-17 of it, unless all stand
    still before.
    """
    root = math.sqrt(problem.L / problem.mu)
    n_steps = math.ceil(2.0 * root * math.log(2e17 * root)) + 1
    nag, y = NesterovAcceleratedGradient(), problem.start_point()
    state = nag.start(y, problem)
    for i in range(n_steps):
        state = nag.step(state, problem, 1.0 / problem.L)
        if i % 16 == 15:
            if bool((state[0] == y).all()):
                break
            y = state[0]
    result: Tensor = state[0]
    return result
