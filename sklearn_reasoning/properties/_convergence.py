"""How much of the distance to the minimiser is left after k steps (Eq. 6)."""

from __future__ import annotations

from typing import Any

from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.penalties import Penalty

from ._analyses import analysis_of
from ._arguments import resolve
from ._certificate import Certificate


def convergence(
    algo: str | Algorithm,
    k: Any,
    step_size: Any = None,
    mu: float = 0.1,
    L: float = 1.0,
    *,
    any_start: bool = False,
    penalty: Penalty | None = None,
) -> Certificate:
    r"""Bound how much of the distance to the minimiser is left after k steps, Cvg(k) (Eq. 6).

    .. math:: \|Alg^k(Q, b, c) - Opt(Q, b)\|_2 \le \mathrm{Cvg} \, \|c - Opt(Q, b)\|_2

    for every Q with its spectrum in [mu, L], of any dimension, and every b, where the steps begin
    at c = 0 or, with ``any_start``, anywhere.

    Parameters
    ----------
    algo : str or Algorithm
        A name of :func:`~sklearn_reasoning.algorithms.list_algorithms` or an instance.
    k : int or array-like of int
        Numbers of steps; an array broadcasts against the step sizes.
    step_size : float, array-like, PerIteration, mapping or None, default=None
        The step size, in 1/curvature; an array broadcasts against ``k``. A
        :class:`~sklearn_reasoning.algorithms.PerIteration` holds one for each iteration, a
        mapping the learned weights of "rnn" under the names of ``initial_weights``. None is
        1/L, for "admm" 1/sqrt(mu L), or the weights before training. Ignored by methods that have
        neither.
    mu, L : float, default=0.1 and 1.0
        Bounds of the spectrum of Q.
    any_start : bool, default=False
        Whether the bound has to hold for every start. It makes no difference but for "rnn", which
        need not stay at a minimiser that is not 0: ``certified`` is inf unless it does.
    penalty : Penalty or None, default=None
        The set that y lies in, or the term that is added to the energy. What is certified then
        holds for every one of them, with Opt the constrained minimiser; ``attained`` is what is
        reached without one.

    Returns
    -------
    Certificate
        ``attained`` and ``certified`` in the broadcast shape of ``k`` and ``step_size``; a
        number where both are. A fraction, without a unit. Values below 1e-308 are 0, values
        above 1e308 are inf.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If an argument is out of its domain, shapes do not broadcast, or the algorithm takes no
        penalty.

    Notes
    -----
    For a polynomial method Cvg is the largest :math:`|r_k(t)|` over [mu, L]; ``certified`` comes
    from its Chebyshev series and is at most 1.001 times ``attained``. In the stable region it is
    :math:`(1 - \phi\mu)^k` for gd and :math:`(1 - s)^k (1 + ks)`, :math:`s = \sqrt{\mu\phi}`, for
    nag and, for not too large step sizes, heavy_ball. For cg it is Chebyshev's bound, for rnn a
    product of norms. Of a non-polynomial method of your own nothing is proven: ``certified`` is
    inf. With a penalty it is :math:`\max(|1 - \phi\mu|, |1 - \phi L|)^k` for gd,
    :math:`\tfrac{3}{2s} (1 - s)^{k/2}` for nag and :math:`2 / (s (k + 1))` for fista, both up to
    1/L, and :math:`\delta^k \max(|1 - \phi\mu|, |1 - \phi L|)`, :math:`\delta = \max(1 / (1 +
    \phi\mu), \phi L / (1 + \phi L))` for admm. The documentation derives each (docs/theory.md).

    Examples
    --------
    >>> result = convergence("nag", k=[1, 10], step_size=1.0, mu=0.01, L=1.0)
    >>> result.certified.round(6)
    array([0.99    , 0.697357])
    >>> float(convergence("opt", k=1).certified)
    0.0
    >>> from sklearn_reasoning.penalties import Simplex
    >>> result = convergence("gd", k=10, step_size=1.0, mu=0.1, L=1.0, penalty=Simplex())
    >>> round(float(result.certified), 6)  # 0.9^10, as without it
    0.348678
    """
    case = resolve(algo, k, step_size, mu, L)
    analysis = analysis_of(case.algorithm, penalty)
    if any_start:
        analysis = analysis.from_any_start()
    return case.certificate(*analysis.convergence(case))
