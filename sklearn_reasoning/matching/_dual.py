"""The dual of a matching: one multiplier a vertex."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sklearn_reasoning.energies import Energy


class DualMatching(Energy):
    r"""The dual of a soft matching: multipliers of what the pairs of a vertex may sum to.

    Of n vertices, pairs have scores U, a mask says which are allowed, and vertices have capacities
    c. The pairing is

    .. math::
        \min_y \; E(y) = \sum_{i<j} \tfrac12 y_{ij}^2 - U_{ij} y_{ij}
        \quad\text{with}\quad y_{ij} = y_{ji} \ge 0, \quad \sum_j y_{ij} \le c_i,

    and 0 where the mask forbids. This energy is minus its dual function. The multipliers
    :math:`\lambda \ge 0` are measured in a unit of each vertex, :math:`s_i = \sqrt{2 d_i}
    \lambda_i`:

    .. math::
        f(s) = \tfrac12 \sum_{i<j} \max(0, U_{ij} - \lambda_i - \lambda_j)^2 + c'\lambda .

    Parameters
    ----------
    scores : Tensor of shape (..., n, n)
        U. Of :math:`U_{ij}` and :math:`U_{ji}` the mean counts.
    mask : Tensor of bool, broadcasting against ``scores``, or None, default=None
        Which pairs are allowed, in both orders; None allows all. No vertex pairs with itself.
    capacity : float or Tensor broadcasting against (..., n), default=1.0
        Largest sums c, positive.

    Attributes
    ----------
    degree : Tensor of shape (..., n)
        :math:`d_i`, the allowed pairs of a vertex with a positive score, at least 1. Others stay 0
        at any multipliers.

    Raises
    ------
    ValueError
        If ``scores`` are not square, ``mask`` is not symmetric, or a capacity is not positive.

    Notes
    -----
    With A the incidence matrix of the graph of these pairs, the Hessian in :math:`\lambda` is at
    most :math:`AA'`, whose largest eigenvalue is at most the largest :math:`d_i + d_j` of a pair,
    and so at most twice the largest degree. As :math:`AA'` is dominated by the diagonal of
    :math:`2 d_i`, the curvature in s is at most 1, whatever the graph.

    Examples
    --------
    >>> import torch
    >>> scores = torch.tensor([[0.0, 2.0, 1.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    >>> energy = DualMatching(scores)
    >>> energy.pairing(energy.zeros())  # what the scores alone ask for
    tensor([[0., 2., 1.],
            [2., 0., 0.],
            [1., 0., 0.]])
    >>> energy.feasible(energy.zeros()).sum(dim=-1)
    tensor([1.0000, 0.6667, 0.3333])
    """

    def __init__(
        self, scores: Tensor, mask: Tensor | None = None, capacity: float | Tensor = 1.0
    ) -> None:
        n = scores.shape[-1]
        if scores.ndim < 2 or scores.shape[-2] != n:
            raise ValueError(
                f"scores of shape {tuple(scores.shape)} must be square in the last two axes; "
                "bipartite_scores makes them so."
            )
        apart = ~torch.eye(n, dtype=torch.bool, device=scores.device)
        allowed = apart if mask is None else mask & apart
        if mask is not None and not torch.equal(mask, mask.mT):
            raise ValueError("mask must be symmetric: a pair is allowed in both orders or in none.")
        self.capacity = torch.as_tensor(capacity, dtype=scores.dtype, device=scores.device)
        if not bool((self.capacity > 0.0).all()):
            raise ValueError(f"capacity={capacity!r} must be positive.")
        symmetric = 0.5 * (scores + scores.mT)
        # Pairs of negative scores are left out: multipliers would only take from them.
        self.scores = torch.where(allowed, symmetric, 0.0).clamp(min=0.0)
        self.degree = (self.scores > 0.0).sum(dim=-1).clamp(min=1).to(scores.dtype)
        self._unit = (2.0 * self.degree).rsqrt()

    # ------------------------------------------------------------------ the dual

    def zeros(self) -> Tensor:
        """Return multipliers 0, of shape (..., n).

        Returns
        -------
        Tensor of shape (..., n)
        """
        return torch.zeros_like(self.degree)

    def value(self, y: Tensor) -> Tensor:
        """Return minus the dual function.

        Parameters
        ----------
        y : Tensor of shape (..., n)
            Multipliers s, in the units of the vertices.

        Returns
        -------
        Tensor of shape (...)
        """
        multipliers = self.multipliers(y)
        squares = _allocate(self.scores, multipliers).square().sum(dim=(-2, -1))
        return 0.25 * squares + (self.capacity * multipliers).sum(dim=-1)

    def gradient(self, y: Tensor) -> Tensor:
        """Return the gradient: what is left of the capacities, in the units of the vertices.

        Parameters
        ----------
        y : Tensor of shape (..., n)
            Multipliers s.

        Returns
        -------
        Tensor of shape (..., n)
            Differentiable in scores and multipliers. What is kept for that does not grow with n
            squared times the number of calls.
        """
        apply: Any = _RowSums.apply
        sums: Tensor = apply(self.scores, self.multipliers(y))
        return self._unit * (self.capacity - sums)

    def multipliers(self, y: Tensor) -> Tensor:
        r"""Return :math:`\lambda`, in the units of the scores.

        Parameters
        ----------
        y : Tensor of shape (..., n)
            Multipliers s.

        Returns
        -------
        Tensor of shape (..., n)
        """
        return self._unit * y

    def curvature(self) -> Tensor:
        r"""Return a bound of the curvature in :math:`\lambda`, the largest :math:`d_i + d_j`.

        Returns
        -------
        Tensor of shape (...)
            At most twice the largest degree.
        """
        sums = self.degree.unsqueeze(-1) + self.degree.unsqueeze(-2)
        return torch.where(self.scores > 0.0, sums, 2.0).amax(dim=(-2, -1))

    # ------------------------------------------------------------------ the primal

    def pairing(self, y: Tensor) -> Tensor:
        r"""Return :math:`\max(0, U_{ij} - \lambda_i - \lambda_j)`, which capacities may not hold.

        Parameters
        ----------
        y : Tensor of shape (..., n)
            Multipliers s.

        Returns
        -------
        Tensor of shape (..., n, n)
            Symmetric, 0 where the mask forbids.
        """
        return _allocate(self.scores, self.multipliers(y))

    def feasible(self, y: Tensor) -> Tensor:
        r"""Return the pairing made feasible, for any multipliers.

        Each pair is divided by the larger excess of its two vertices,
        :math:`\max(1, r_i/c_i, r_j/c_j)` with the sums r.

        Parameters
        ----------
        y : Tensor of shape (..., n)
            Multipliers s.

        Returns
        -------
        Tensor of shape (..., n, n)
            Symmetric, at least 0, 0 where the mask forbids, sums of rows at most the capacities
            up to rounding.
        """
        return within_capacity(self.pairing(y), self.capacity)

    def primal_value(self, pairing: Tensor) -> Tensor:
        """Return E of a pairing.

        Parameters
        ----------
        pairing : Tensor of shape (..., n, n)
            Symmetric and feasible.

        Returns
        -------
        Tensor of shape (...)
        """
        return (pairing * (0.5 * pairing - self.scores)).sum(dim=(-2, -1)) / 2.0

    def gap(self, y: Tensor) -> Tensor:
        """Return the duality gap between the feasible pairing and the multipliers.

        Parameters
        ----------
        y : Tensor of shape (..., n)
            Multipliers s, at least 0.

        Returns
        -------
        Tensor of shape (...)
            At least 0 up to rounding: how far the pairing may be above the least E.
        """
        return self.primal_value(self.feasible(y)) + self.value(y)


def within_capacity(pairing: Tensor, capacity: float | Tensor = 1.0) -> Tensor:
    """Return a pairing of shape (..., n, n) whose sums of rows the capacities hold."""
    excess = (pairing.sum(dim=-1) / capacity).clamp(min=1.0)
    return pairing / torch.maximum(excess.unsqueeze(-1), excess.unsqueeze(-2))


def bipartite_scores(scores: Tensor) -> Tensor:
    """Return scores and vertices of one graph for pairs between two sides.

    Parameters
    ----------
    scores : Tensor of shape (..., p, q)
        Of each pair of a vertex of the first side with one of the second.

    Returns
    -------
    Tensor of shape (..., p + q, p + q)
        For :class:`DualMatching`: the first side's vertices come first, and minus infinity stands
        between those of one side. A pairing y of it is ``y[..., :p, p:]``.

    Examples
    --------
    >>> import torch
    >>> bipartite_scores(torch.tensor([[1.0, 2.0]]))
    tensor([[-inf, 1., 2.],
            [1., -inf, -inf],
            [2., -inf, -inf]])
    """
    *rest, p, q = scores.shape
    whole = scores.new_full((*rest, p + q, p + q), -torch.inf)
    whole[..., :p, p:] = scores
    whole[..., p:, :p] = scores.mT
    return whole


def _allocate(scores: Tensor, multipliers: Tensor) -> Tensor:
    # Added first: the two orders of a pair are then rounded alike.
    left = scores - (multipliers.unsqueeze(-1) + multipliers.unsqueeze(-2))
    # A pair that is left out has no score, and a negative multiplier must not give it any.
    return torch.where(scores > 0.0, left, 0.0).clamp(min=0.0)


class _RowSums(torch.autograd.Function):
    """Sums of the rows of a pairing; the pairing is made again for the gradient, not kept."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, multipliers: Tensor) -> Tensor:
        ctx.save_for_backward(scores, multipliers)
        return _allocate(scores, multipliers).sum(dim=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        scores, multipliers = ctx.saved_tensors
        active = (_allocate(scores, multipliers) > 0.0).to(scores.dtype)
        (grad,) = grads
        of_scores = active * grad.unsqueeze(-1)
        other = (active @ grad.unsqueeze(-1)).squeeze(-1)
        return of_scores, -(of_scores.sum(dim=-1) + other)
