"""The dual of a matching: one multiplier a vertex."""

from __future__ import annotations

import copy
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
    pairs : Tensor of int of shape (m, n_pairs)
        Indices of the allowed pairs i < j of positive scores, one row for each axis of ``scores``.
    scores : Tensor of shape (n_pairs,)
        Their scores.
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
        upper = allowed.expand(scores.shape).triu(1)
        *sample, i, j = torch.nonzero(upper, as_tuple=True)
        each = 0.5 * (scores[(*sample, i, j)] + scores[(*sample, j, i)])
        # Pairs of negative scores stay 0: multipliers would only take from them.
        self.pairs = torch.stack([*sample, i, j])[:, each > 0.0]
        self.scores = each[each > 0.0]
        self.shape = scores.shape
        self._ends = _flat(self.pairs, scores.shape)
        ones = torch.ones_like(self.scores.detach())
        degree = _sums_of_vertices(ones, self._ends, self.shape[:-1])
        self.degree = degree.clamp(min=1.0)
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
        squares = self._of_samples(self._weights(multipliers).square())
        return 0.5 * squares + (self.capacity * multipliers).sum(dim=-1)

    def gradient(self, y: Tensor) -> Tensor:
        """Return the gradient: what is left of the capacities, in the units of the vertices.

        Parameters
        ----------
        y : Tensor of shape (..., n)
            Multipliers s.

        Returns
        -------
        Tensor of shape (..., n)
            Differentiable in scores and multipliers. What is kept for that are the multipliers of
            each call, not the pairs.
        """
        apply: Any = _RowSums.apply
        sums: Tensor = apply(self.scores, self.multipliers(y), self._ends)
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
            :math:`s_i / \sqrt{2 d_i}`.

        Examples
        --------
        >>> import torch
        >>> energy = DualMatching(torch.tensor([[0.0, 2.0, 1.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
        >>> energy.degree, energy.multipliers(torch.ones(3))
        (tensor([2., 1., 1.]), tensor([0.5000, 0.7071, 0.7071]))
        """
        return self._unit * y

    def curvature(self) -> Tensor:
        r"""Return a bound of the curvature in :math:`\lambda`, the largest :math:`d_i + d_j`.

        Returns
        -------
        Tensor of shape (...)
            At most twice the largest degree.

        Examples
        --------
        >>> import torch
        >>> energy = DualMatching(torch.tensor([[0.0, 2.0, 1.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
        >>> energy.curvature()
        tensor(3.)
        """
        i, j = self._ends
        sums = self.degree.reshape(-1)[i] + self.degree.reshape(-1)[j]
        least = torch.full_like(self.degree[..., 0], 2.0).reshape(-1)
        largest = least.scatter_reduce(0, self._sample(), sums, "amax")
        return largest.reshape(self.shape[:-2])

    def _largest_scores(self) -> Tensor:
        """Return the largest score of each vertex, at least 0, of shape (..., n)."""
        i, j = self._ends
        largest = torch.zeros_like(self.degree).reshape(-1)
        for end in (i, j):
            largest = largest.scatter_reduce(0, end, self.scores, "amax")
        return largest.reshape(self.degree.shape)

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
        weights = self._weights(self.multipliers(y))
        whole = weights.new_zeros(self.shape)
        whole[tuple(self.pairs)] = weights
        return whole + whole.mT

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
            Symmetric and feasible, 0 where a pair is not allowed or has no positive score.

        Returns
        -------
        Tensor of shape (...)
            Of each sample.

        Examples
        --------
        >>> import torch
        >>> energy = DualMatching(torch.tensor([[0.0, 2.0, 1.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
        >>> energy.primal_value(energy.feasible(energy.zeros()))
        tensor(-1.3889)
        """
        weights = pairing[tuple(self.pairs)]
        return self._of_samples(weights * (0.5 * weights - self.scores))

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

        Examples
        --------
        >>> import torch
        >>> energy = DualMatching(torch.tensor([[0.0, 2.0, 1.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
        >>> energy.gap(energy.zeros())
        tensor(1.1111)
        """
        return self.primal_value(self.feasible(y)) + self.value(y)

    def _norm(self) -> Tensor:
        """Return the norm of the positive scores."""
        return self._of_samples(self.scores.square()).sqrt()

    def _double(self) -> DualMatching:
        """Return the same energy in double precision."""
        twin = copy.copy(self)
        for name in ("scores", "capacity", "degree", "_unit"):
            setattr(twin, name, getattr(self, name).double())
        return twin

    # ------------------------------------------------------------------ sums

    def _weights(self, multipliers: Tensor) -> Tensor:
        return _weights(self.scores, multipliers, self._ends)

    def _sample(self) -> Tensor:
        """Return which sample each pair is of."""
        return self._ends[0] // self.shape[-1]

    def _of_samples(self, values: Tensor) -> Tensor:
        """Return the sums over the pairs of each sample."""
        sums = values.new_zeros(self.shape[:-2].numel())
        return sums.index_add(0, self._sample(), values).reshape(self.shape[:-2])


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


def _flat(pairs: Tensor, shape: torch.Size) -> Tensor:
    """Return the ends of pairs, (2, n_pairs), as places among the vertices of all samples."""
    *sample, i, j = pairs
    first = torch.zeros_like(i)
    for index, size in zip(sample, shape, strict=False):
        first = first * size + index
    return shape[-1] * first + torch.stack([i, j])


def _weights(scores: Tensor, multipliers: Tensor, ends: Tensor) -> Tensor:
    flat = multipliers.reshape(-1)
    return (scores - (flat[ends[0]] + flat[ends[1]])).clamp(min=0.0)


def _sums_of_vertices(weights: Tensor, ends: Tensor, shape: torch.Size) -> Tensor:
    sums = weights.new_zeros(shape.numel())
    return sums.index_add_(0, ends[0], weights).index_add_(0, ends[1], weights).reshape(shape)


class _RowSums(torch.autograd.Function):
    r"""Sums of the rows of a pairing; its weights are made again for the gradient, not kept.

    With A the incidence matrix it is :math:`A \max(0, U - A' \lambda)`, and so its adjoint goes by
    the same two maps.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, multipliers: Tensor, ends: Tensor) -> Tensor:
        ctx.save_for_backward(scores, multipliers, ends)
        return _sums_of_vertices(_weights(scores, multipliers, ends), ends, multipliers.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        scores, multipliers, ends = ctx.saved_tensors
        flat = grads[0].reshape(-1)
        active = _weights(scores, multipliers, ends) > 0.0
        of_pairs = torch.where(active, flat[ends[0]] + flat[ends[1]], 0.0)
        return of_pairs, -_sums_of_vertices(of_pairs, ends, multipliers.shape), None
