"""The method of conjugate gradients."""

import torch
from torch import Tensor

from sklearn_reasoning._polynomials import Phi

from ._base import Algorithm, State
from ._problem import Problem


class ConjugateGradient(Algorithm):
    r"""Conjugate gradients (Hestenes and Stiefel 1952), with g_k the gradient at y_k.

    .. math::
        y_{k+1} = y_k + \alpha_k p_k, \quad g_{k+1} = g_k + \alpha_k Q p_k, \quad
        p_{k+1} = -g_{k+1} + \frac{\|g_{k+1}\|^2}{\|g_k\|^2} p_k, \qquad
        \alpha_k = \frac{\|g_k\|^2}{p_k' Q p_k}, \quad p_0 = -g_0

    The steps depend on b, so this is no polynomial method: :math:`Alg^k` is not linear in b.
    A row whose gradient has fallen to rounding level, relative to its first, stays where it is:
    at the minimiser, whose derivative it has from then on.

    Examples
    --------
    >>> ConjugateGradient().is_polynomial
    False
    """

    name = "cg"
    also_called = ("conjugate_gradient", "krylov")
    needs = frozenset({"gradient", "product", "minimizer"})
    has_step_size = False
    is_polynomial = False

    def start(self, y: Tensor, problem: Problem) -> State:
        """Begin along the steepest descent."""
        g = problem.gradient(y)
        unit = _unit_near(g.detach())
        g = g / unit
        floor = (torch.finfo(g.dtype).eps ** 2 * _square(g)).detach()
        return y, g, -g, floor, unit

    def step(self, state: State, problem: Problem, phi: Phi) -> State:
        """Minimise along p, then choose the next conjugate direction."""
        y, g, p, floor, unit = state
        Qp = problem.product(p)
        g_square = _square(g)
        unfinished = g_square > floor
        alpha = _ratio(g_square, torch.sum(p * Qp, dim=-1, keepdim=True), unfinished)
        g_next = g + alpha * Qp
        p_next = _ratio(_square(g_next), g_square, unfinished) * p - g_next
        y_next = _settled(y + alpha * unit * p, unfinished, problem)
        return y_next, g_next, p_next, floor, unit


def _unit_near(g: Tensor) -> Tensor:
    """Return the power of two below the largest entry of each row.

    In this unit squares of gradients are far from the ends of the floats, and no digit is another.
    """
    largest = g.abs().amax(dim=-1, keepdim=True) if g.shape[-1] else g.new_ones(1)
    info = torch.finfo(g.dtype)
    return torch.exp2(torch.log2(largest.clamp(info.tiny, info.max)).floor())


def _settled(y: Tensor, unfinished: Tensor, problem: Problem) -> Tensor:
    """Give finished rows the derivative of the minimiser.

    The steps that led to them depend on Q and b in a way that the next steps would have mended:
    nearby problems are not finished yet, and go on.
    """
    if not torch.is_grad_enabled() or _holds_for_all(unfinished):
        return y
    minimizer = problem.minimizer()
    return torch.where(unfinished, y, y.detach() + (minimizer - minimizer.detach()))


def _holds_for_all(mask: Tensor) -> bool:
    """Tell whether a mask is true everywhere; False where torch.func.vmap lets no one look."""
    try:
        return bool(mask.all())
    except RuntimeError:
        return False


def _square(v: Tensor) -> Tensor:
    return torch.sum(v * v, dim=-1, keepdim=True)


def _ratio(numerator: Tensor, denominator: Tensor, where: Tensor) -> Tensor:
    """Divide where asked to and return 0 elsewhere, with finite derivatives in both cases."""
    safe = torch.where(where, denominator, torch.ones_like(denominator))
    return torch.where(where, numerator / safe, torch.zeros_like(denominator))
