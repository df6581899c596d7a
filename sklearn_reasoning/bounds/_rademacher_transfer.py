"""From the complexity of the representations of Q to that of the losses (Eq. 18)."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning.penalties import Penalty

from ._arguments import at_least_zero, plain, times, whole
from ._representation import representation_bound


@documented_like(representation_bound)
def representation_level(
    level: ArrayLike,
    convergence: ArrayLike,
    *,
    sigma_b: ArrayLike,
    L: ArrayLike,
    M: ArrayLike | None = None,
    first_distance: ArrayLike | None = None,
    penalty: Penalty | None = None,
) -> Any:
    r"""Return the level of the representations that belongs to a level of the losses (Eq. 18).

    .. math:: r_q = \sigma_b^{-2} L^4 \left(\sqrt{r} + M \, \mathrm{Cvg}(k)\right)^2

    Lemma 4.2: every model with :math:`P\ell^2 \le r` has :math:`P\|Q_\theta - Q^*\|_F^2 \le r_q`.
    All arguments broadcast against one another.

    Parameters
    ----------
    level : array-like
        The mean square r of the losses, in squared units of y, at least 0.
    convergence : array-like
        The largest Cvg(k, phi) of the step sizes of the class.
    sigma_b, L
    M, first_distance : array-like or None, default=None
        As for :func:`representation_bound`; the largest over the class.
    penalty

    Returns
    -------
    float or ndarray
        The mean square r_q, in squared units of Q, of the broadcast shape; inf with a penalty,
        where a level of the losses sets none of the representations.

    Raises
    ------
    TypeError, ValueError

    Examples
    --------
    >>> round(representation_level(0.04, convergence=0.1, sigma_b=2.0, L=1.0, M=10.0), 4)
    0.36
    """
    at_least_zero(level=level)
    return representation_bound(
        level,
        convergence,
        sigma_b=sigma_b,
        L=L,
        M=M,
        first_distance=first_distance,
        penalty=penalty,
    )


def rademacher_transfer_bound(
    complexity: ArrayLike,
    *,
    d: ArrayLike,
    stability: ArrayLike,
    sensitivity: ArrayLike = 0.0,
    step_size_radius: ArrayLike = 0.0,
    start_radius: ArrayLike = 0.0,
    start_stability: ArrayLike = math.inf,
) -> Any:
    r"""Bound the complexity of the losses by that of the representations of Q (Eq. 18).

    .. math:: R_n \ell_F^{loc}(r) \le
        \sqrt2 \, d \, \mathrm{Stab}(k) \, R_n \ell_Q^{loc}(r_q) + \mathrm{Sens}(k) B_\Phi
        + S_0(k) B_0

    The last term is 0 unless the start is trained. With a penalty it holds for the class as a
    whole: :math:`r_q` is then inf. All arguments broadcast against one another.

    Parameters
    ----------
    complexity : array-like
        :math:`R_n \ell_Q^{loc}(r_q)` as in the notes, at the level of
        :func:`representation_level`, in the units of Q, at least 0.
    d : array-like of int
        Number of outputs.
    stability : array-like
        The largest Stab(k) in Q over the rows at the middle of the step sizes:
        ``stability(...).in_Q.certified`` times the largest :math:`\|b\|_2`. From a start c other
        than 0 it is ``stability(...).in_Q_at(gradient_norm, start_norm).certified``, with the
        largest norms of Qc + b, over the class and the rows, and of c.
    sensitivity : array-like, default=0.0
        Sens(k) over the step sizes of the class, times the largest :math:`\|b\|_2`, or Qc + b.
    step_size_radius : array-like, default=0.0
        :math:`B_\Phi = \frac12 \sup \|\phi - \phi'\|`, half the width of their range, in
        1/curvature.
    start_radius : array-like, default=0.0
        :math:`B_0 = \sup \|c - c_0\|_2` over the class and the rows, in the units of y, where the
        start is trained: the largest distance of a start from a fixed one, at which ``stability``
        and ``sensitivity`` are taken.
    start_stability : array-like, default=inf
        :math:`S_0` over the step sizes of the class, ``stability(...).in_start.certified``, which
        is Cvg(k) but for cg and rnn.

    Returns
    -------
    float or ndarray
        In the units of y, of the broadcast shape.

    Raises
    ------
    TypeError
        If an argument holds no numbers.
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    The complexity of the representations is taken with a whole matrix of independent signs for
    each row, scaled to Frobenius norm 1:

    .. math:: R_n \ell_Q^{loc}(r_q) = E_\Sigma \sup_\theta \frac{1}{n} \sum_{i=1}^n
        \left\langle \tfrac1d \Sigma_i, \, Q_\theta(x_i) - Q^*(x_i) \right\rangle_F,
        \quad P\|Q_\theta - Q^*\|_F^2 \le r_q

    With it Eq. 18 follows from Maurer's contraction for vector-valued classes (2016), as each
    loss is Stab-Lipschitz in :math:`Q_\theta(x_i)`. With one sign for the norm
    :math:`\|Q_\theta - Q^*\|_F` of each row it would be false: where all norms are equal that
    complexity is 0, while the losses still differ. ``empirical_rademacher(target="Q")``
    estimates the quantity above.

    Examples
    --------
    >>> round(rademacher_transfer_bound(0.01, d=5, stability=10.0), 4)
    0.7071
    """
    d_ = whole("d", d, least=1)
    R, stab, sens, radius, start, in_start = at_least_zero(
        complexity=complexity,
        stability=stability,
        sensitivity=sensitivity,
        step_size_radius=step_size_radius,
        start_radius=start_radius,
        start_stability=start_stability,
    )
    moved = times(sens, radius) + times(in_start, start)
    return plain(math.sqrt(2.0) * d_ * times(stab, R) + moved)
