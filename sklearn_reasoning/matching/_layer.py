"""From scores of pairs to pairings that are feasible after any number of steps."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from torch import Tensor, nn

from sklearn_reasoning.algorithms import Algorithm, Problem, get_algorithm
from sklearn_reasoning.layer import minimize
from sklearn_reasoning.penalties import Nonnegative

from ._certificate import MatchingCertificate, certificate_of
from ._dual import DualMatching

#: The algorithms whose rates are proven for a curvature from 0 to 1.
MATCHING_ALGORITHMS = ("fista", "gd")


class MatchingLayer(nn.Module):
    r"""Take k steps of dual ascent on a soft matching; return a pairing that obeys its constraints.

    The steps go up the concave dual function of :class:`DualMatching`, of size 1 in the units of
    the vertices, from 0. What is returned is feasible for every k.

    Parameters
    ----------
    algo : {"fista", "gd"}, default="fista"
        Accelerated dual ascent, or plain.
    k : int, default=20
        Number of steps, at least 0.

    Raises
    ------
    ValueError
        If ``algo`` is none of these, or k is negative.
    TypeError
        If k is no whole number.

    Notes
    -----
    Scores get gradients through all steps. For these the pairing of each step is made again from
    its multipliers, so that memory grows with n k and not with n squared k.

    Examples
    --------
    >>> import torch
    >>> scores = torch.tensor([[0.0, 2.0, 1.9], [2.0, 0.0, 0.1], [1.9, 0.1, 0.0]])
    >>> MatchingLayer(k=50)(scores)
    tensor([[0.0000, 0.5500, 0.4500],
            [0.5500, 0.0000, 0.1000],
            [0.4500, 0.1000, 0.0000]])

    An assignment of two tasks to a worker who has room for both:

    >>> from sklearn_reasoning.matching import bipartite_scores
    >>> pairing = MatchingLayer(k=50)(
    ...     bipartite_scores(torch.tensor([[3.0, 2.0]])), capacity=torch.tensor([2.0, 1.0, 1.0])
    ... )
    >>> pairing[:1, 1:]
    tensor([[1., 1.]])
    """

    def __init__(self, algo: str = "fista", k: int = 20) -> None:
        super().__init__()
        self.algorithm = matching_algorithm(algo)
        self.k = _number_of_steps(k)

    def forward(
        self,
        scores: Tensor,
        mask: Tensor | None = None,
        capacity: float | Tensor = 1.0,
        k: int | None = None,
    ) -> Tensor:
        """Return feasible pairings.

        Parameters
        ----------
        scores : Tensor of shape (..., n, n)
            Of pairs; of both orders of a pair the mean counts.
        mask : Tensor of bool broadcasting against ``scores``, or None, default=None
            Which pairs are allowed; None allows all.
        capacity : float or Tensor broadcasting against (..., n), default=1.0
            Largest sums of rows, positive.
        k : int or None, default=None
            Another number of steps.

        Returns
        -------
        Tensor of shape (..., n, n)
            Symmetric, at least 0, 0 where the mask forbids, sums of rows at most the capacities
            up to rounding.

        Examples
        --------
        >>> import torch
        >>> scores = torch.tensor([[0.0, 5.0, 5.0], [5.0, 0.0, 1.0], [5.0, 1.0, 0.0]])
        >>> MatchingLayer(k=100)(scores).sum(dim=-1)
        tensor([1., 1., 1.])
        >>> MatchingLayer()(scores, scores < 5.0)  # one pair alone
        tensor([[0., 0., 0.],
                [0., 0., 1.],
                [0., 1., 0.]])
        """
        energy = DualMatching(scores, mask, capacity)
        return energy.feasible(self.multipliers(energy, k))

    def multipliers(self, energy: DualMatching, k: int | None = None) -> Tensor:
        """Return the multipliers after k steps, in the units of the vertices.

        Parameters
        ----------
        energy : DualMatching
            What is climbed.
        k : int or None, default=None
            Another number of steps.

        Returns
        -------
        Tensor of shape (..., n)
            At least 0.

        Examples
        --------
        >>> import torch
        >>> layer = MatchingLayer(k=1)
        >>> layer.multipliers(DualMatching(torch.tensor([[0.0, 2.0], [2.0, 0.0]])))
        tensor([0.7071, 0.7071])
        """
        steps = self.k if k is None else _number_of_steps(k)
        return minimize(self.algorithm, dual_problem(energy), steps, 1.0)

    def certify(self, energy: DualMatching, k: int | None = None) -> MatchingCertificate:
        """Certify how far the feasible pairings are from the minimisers.

        Parameters
        ----------
        energy : DualMatching
            What is climbed.
        k : int or None, default=None
            Another number of steps.

        Returns
        -------
        MatchingCertificate
            Of each sample.

        Examples
        --------
        >>> import torch
        >>> scores = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> layer, energy = MatchingLayer(), DualMatching(scores.double())
        >>> [layer.certify(energy, k).gap.item() < bound for k, bound in ((5, 1e-1), (80, 1e-3))]
        [True, True]
        """
        steps = self.k if k is None else _number_of_steps(k)
        s = self.multipliers(energy, steps)
        return certificate_of(energy, s, steps, is_accelerated=self.algorithm.name == "fista")


def dual_problem(energy: DualMatching) -> Problem:
    """Return the dual as algorithms take it; its curvature is at most 1, and may be 0."""
    return Problem(energy, mu=0.0, L=1.0, penalty=Nonnegative())


def matching_algorithm(name: Any) -> Algorithm:
    """Return an algorithm for the dual; a ValueError if it is another."""
    if name not in MATCHING_ALGORITHMS:
        raise ValueError(
            f"algo={name!r} is not one of {list(MATCHING_ALGORITHMS)}: the dual of a matching is "
            "not strongly convex, and has no spectrum."
        )
    return get_algorithm(name)


def _number_of_steps(k: Any) -> int:
    if isinstance(k, bool) or not isinstance(k, Integral):
        raise TypeError(f"k={k!r} must be a whole number.")
    if k < 0:
        raise ValueError(f"k={k!r} must not be negative.")
    return int(k)
