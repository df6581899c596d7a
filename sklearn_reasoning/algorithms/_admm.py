"""The alternating direction method of multipliers."""

import math

from torch import Tensor

from sklearn_reasoning._polynomials import (
    Phi,
    StepCounts,
    Steps,
    SumOfPowers,
    binary_digits,
    evaluate,
    power,
)

from ._base import Algorithm, State
from ._problem import Problem


class ADMM(Algorithm):
    r"""Energy and penalty in turns, each by an implicit step, with a multiplier u.

    .. math::
        x_{k+1} = \mathrm{argmin}_x \; E(x) + \tfrac{1}{2\phi} \|x - (y_k - \phi u_k)\|^2, \quad
        y_{k+1} = prox_{\phi g}(x_{k+1} + \phi u_k), \quad
        u_{k+1} = u_k + \tfrac{1}{\phi} (x_{k+1} - y_{k+1})

    from :math:`y_0 - \phi \nabla E(y_0)`, which the first step splits in the same way. The step
    size :math:`\phi` is the reciprocal of the usual penalty parameter; in :math:`x + \phi u` it is
    Douglas-Rachford splitting (Eckstein and Bertsekas 1992). It converges for every positive
    :math:`\phi`, and fastest where :math:`\phi = 1/\sqrt{\mu L}` (Giselsson and Boyd 2017). Output
    is y, which obeys a set at every k. It needs the energy's resolvent: cheap in an eigenbasis, a
    linear solve a step for a plain matrix.

    Without a penalty it is the proximal point method after an explicit step,
    :math:`r_k(t) = (1 - \phi t) / (1 + \phi t)^k` from k = 1 on: a function of Q as the filters of
    polynomial methods are, though no polynomial.

    Examples
    --------
    >>> ADMM().residual(0.25, k=[0, 1, 2], step_size=1.0, mu=0.25, L=4.0)
    array([1.  , 0.6 , 0.48])
    >>> ADMM().initial_step_size(mu=0.5, L=2.0)
    1.0
    """

    name = "admm"
    also_called = (
        "alternating_direction_method_of_multipliers",
        "douglas_rachford",
        "split_bregman",
        "proximal_point",
    )
    needs = frozenset({"explicit", "prox", "resolvent"})

    def start(self, y: Tensor, problem: Problem) -> State:
        """Begin without a multiplier: it depends on the step size."""
        return y, None

    def step(self, state: State, problem: Problem, phi: Phi) -> State:
        """Take the implicit step of the energy, then that of the penalty."""
        y, u = state
        if u is None:
            y, u = _split(problem.explicit(y, phi), problem, phi)
        x = problem.resolvent(y - phi * u, phi)
        return _split(x + phi * u, problem, phi)

    def initial_step_size(self, mu: float, L: float) -> float:
        r"""Return :math:`1/\sqrt{\mu L}`."""
        return 1.0 / (math.sqrt(mu) * math.sqrt(L))

    def stable_region(self, mu: float, L: float) -> tuple[float, float]:
        """Return [1/L, 1/mu], in which the best step size is; every positive one is stable."""
        return 1.0 / L, 1.0 / mu

    def _residual(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        fallen = power(1.0 / (1.0 + phi * t), binary_digits(k, t.dtype))
        return fallen * (1.0 - _after_first(k, t) * (phi * t))

    def _filter(self, t: Tensor, k: Steps, phi: Phi, mu: float, L: float) -> Tensor:
        # phi times the sum of v^1, ..., v^k and v^k once more, v = 1 / (1 + phi t) = 1 - size t.
        v = 1.0 / (1.0 + phi * t)
        size = phi * v
        last = _after_first(k, t) * power(v, binary_digits(k, t.dtype))
        return evaluate(SumOfPowers(), size, t, k) + phi * last


def _split(w: Tensor, problem: Problem, phi: Phi) -> State:
    """Return the proximal point y of w = y + phi u, and u, a slope of the penalty there."""
    y = problem.prox(w, phi)
    return y, (w - y) / phi


def _after_first(k: Steps, like: Tensor) -> Tensor | float:
    """Return 1 from the first step on, and 0 before."""
    steps = k.k if isinstance(k, StepCounts) else k
    return (steps > 0).to(like.dtype) if isinstance(steps, Tensor) else float(steps > 0)
