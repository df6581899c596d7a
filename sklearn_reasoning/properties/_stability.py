"""How far the output moves with Q, with b and with the start (Eq. 7)."""

from __future__ import annotations

from typing import Any

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.penalties import Penalty

from ._analyses import analysis_of
from ._arguments import resolve
from ._certificate import StabilityCertificate
from ._convergence import convergence


@documented_like(convergence)
def stability(
    algo: str | Algorithm,
    k: Any,
    step_size: Any = None,
    mu: float = 0.1,
    L: float = 1.0,
    *,
    penalty: Penalty | None = None,
) -> StabilityCertificate:
    r"""Bound how far the output moves with Q, with b and with the start, Stab(k) (Eq. 7).

    .. math:: \|Alg^k(Q, b) - Alg^k(Q', b')\|_2 \le
        S_Q \, \|b\|_2 \, \|Q - Q'\|_2 + S_b \, \|b - b'\|_2

    for all Q and Q' with their spectra in [mu, L], of any dimension, from the start 0. From
    another start c the gradient there, Qc + b, takes the place of b, and c itself adds to what Q
    moves:

    .. math:: \|Alg^k(Q, b, c) - Alg^k(Q', b', c')\|_2 \le
        (S_Q \|Qc + b\|_2 + S_c \|c\|_2) \, \|Q - Q'\|_2 + S_b \|b - b'\|_2 + S_0 \|c - c'\|_2

    :meth:`~StabilityCertificate.change` is the right side, :meth:`~StabilityCertificate.in_Q_at`
    its first bracket, and :meth:`~StabilityCertificate.overall` the one constant of Eq. 7.

    Parameters
    ----------
    algo, k, step_size
    mu, L
    penalty : Penalty or None, default=None
        As for :func:`convergence`. Starts lie in a set. Of a term, the shortest sum of the gradient
        and a slope of the term at the start takes the place of the gradient there; for gd the
        first step over its size will do.

    Returns
    -------
    StabilityCertificate
        ``in_Q`` (per unit of the norm of the gradient at the start), ``in_b``,
        ``in_Q_per_start`` (per unit of the norm of the start) and ``in_start``, each with
        ``attained`` and ``certified`` in the broadcast shape of ``k`` and ``step_size``.

    Raises
    ------
    TypeError, ValueError

    Notes
    -----
    For a polynomial method :math:`S_b = \max |q_k|` over [mu, L], and :math:`S_Q` is the
    operator-Lipschitz constant of :math:`q_k`: at least :math:`\max |q_k'|` and at most
    :math:`\sum_j (j + 1) |u_j|`, with :math:`u_j` the coefficients of :math:`q_k'` in Chebyshev
    polynomials of the second kind. The two are equal for gd, nag, heavy_ball and chebyshev.
    :math:`S_c` is :math:`S_b`, and :math:`S_0` is Cvg. For cg the output need not be Lipschitz
    beyond the first step: inf. "opt" has no start: with c = 0 the bound holds for it wherever the
    other methods begin. With a penalty gd keeps the bounds that it has without one, up to
    :math:`2/(\mu + L)`, and admm has some like them; those of nag and fista grow with k (nag's
    only where :math:`\sqrt{\mu\phi} < 0.375`), and heavy_ball has none. The documentation derives
    each (docs/theory.md).

    Examples
    --------
    >>> result = stability("gd", k=[1, 2, 1000], step_size=1.0, mu=0.1, L=1.0)
    >>> result.in_b.certified.round(6)  # (1 - 0.9^k) / 0.1
    array([ 1. ,  1.9, 10. ])
    >>> result.in_Q.certified.round(3)
    array([  0.,   1., 100.])
    >>> result.change(Q_distance=0.1, gradient_norm=2.0, start_norm=5.0).round(3)
    array([ 0.5 ,  1.15, 25.  ])
    >>> from sklearn_reasoning.penalties import Simplex
    >>> result = stability("gd", k=[1, 2, 1000], step_size=1.0, penalty=Simplex())
    >>> result.in_b.certified.round(6)
    array([ 1. ,  1.9, 10. ])
    >>> far = {"gradient_norm": 8.0, "start_norm": 1.0}
    >>> float(result.in_Q_at(**far).certified[1].round(6))
    9.9
    >>> float(result.in_Q_at(**far, largest_norm=Simplex().largest_norm(5)).certified[1].round(6))
    1.9
    """
    case = resolve(algo, k, step_size, mu, L)
    analysis = analysis_of(case.algorithm, penalty)
    per_norm = analysis.in_Q_per_norm(case)
    return StabilityCertificate(
        in_Q=case.certificate(*analysis.in_Q(case)),
        in_b=case.certificate(*analysis.in_b(case)),
        in_Q_per_start=case.certificate(*analysis.in_Q_per_start(case)),
        in_start=case.certificate(*analysis.in_start(case)),
        in_Q_per_norm=None if per_norm is None else case.certificate(*per_norm),
    )
