"""How far the output moves with Q and with b (Eq. 7)."""

from __future__ import annotations

from typing import Any

from sklearn_reasoning.algorithms import Algorithm

from ._analyses import analysis_of
from ._arguments import resolve
from ._certificate import StabilityCertificate


def stability(
    algo: str | Algorithm, k: Any, step_size: Any = None, mu: float = 0.1, L: float = 1.0
) -> StabilityCertificate:
    r"""Bound how far the output moves with Q and with b, Stab(k) (Eq. 7).

    .. math:: \|Alg^k(Q, b) - Alg^k(Q', b')\|_2 \le
        S_Q \, \|b\|_2 \, \|Q - Q'\|_2 + S_b \, \|b - b'\|_2

    for all Q and Q' with their spectra in [mu, L], of any dimension. The one constant of Eq. 7
    is the larger of :math:`S_b` and :math:`S_Q \sup\|b\|`:
    :meth:`~StabilityCertificate.overall`.

    Parameters
    ----------
    algo : str or Algorithm
        A name of :func:`~sklearn_reasoning.algorithms.list_algorithms` or an instance.
    k : int or array-like of int
        Numbers of steps; an array broadcasts against the step sizes.
    step_size : float, array-like, PerIteration, mapping or None, default=None
        As for :func:`convergence`; None is 1/L.
    mu, L : float, default=0.1 and 1.0
        Bounds of the spectrum of Q.

    Returns
    -------
    StabilityCertificate
        ``in_Q`` (per unit of the norm of b) and ``in_b``, each with ``attained`` and
        ``certified`` in the broadcast shape of ``k`` and ``step_size``.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If an argument is out of its domain, or shapes do not broadcast.

    Notes
    -----
    For a polynomial method :math:`S_b = \max |q_k|` over [mu, L], and :math:`S_Q` is the
    operator-Lipschitz constant of :math:`q_k`: at least :math:`\max |q_k'|` and at most
    :math:`\sum_j (j + 1) |u_j|`, with :math:`u_j` the coefficients of :math:`q_k'` in Chebyshev
    polynomials of the second kind. The two are equal for gd, nag, heavy_ball and chebyshev. For
    cg the output need not be Lipschitz beyond the first step: inf. The documentation derives
    each (docs/theory.md).

    Examples
    --------
    >>> result = stability("gd", k=[1, 2, 1000], step_size=1.0, mu=0.1, L=1.0)
    >>> result.in_b.certified.round(6)  # (1 - 0.9^k) / 0.1
    array([ 1. ,  1.9, 10. ])
    >>> result.in_Q.certified.round(3)
    array([  0.,   1., 100.])
    """
    case = resolve(algo, k, step_size, mu, L)
    analysis = analysis_of(case.algorithm)
    return StabilityCertificate(
        in_Q=case.certificate(*analysis.in_Q(case)), in_b=case.certificate(*analysis.in_b(case))
    )
