"""How far the output moves with the step size (Eq. 8)."""

from __future__ import annotations

from typing import Any

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning.algorithms import Algorithm, check_spectrum, get_algorithm
from sklearn_reasoning.penalties import Penalty

from ._analyses import analysis_of
from ._analysis import Analysis
from ._arguments import Case, resolve
from ._certificate import Certificate
from ._convergence import convergence


@documented_like(convergence)
def sensitivity(
    algo: str | Algorithm,
    k: Any,
    step_size: Any = None,
    mu: float = 0.1,
    L: float = 1.0,
    *,
    any_start: bool = False,
    penalty: Penalty | None = None,
) -> Certificate:
    r"""Bound how far the output moves with the step size, Sens(k) (Eq. 8).

    .. math:: \|Alg^k_\phi(Q, b) - Alg^k_{\phi'}(Q, b)\|_2 \le
        \mathrm{Sens} \, \|b\|_2 \, |\phi - \phi'|

    for every Q with its spectrum in [mu, L], of any dimension. From another start than 0 the
    gradient there, Qc + b, takes the place of b. At a single step size it is
    local: the largest derivative there. Over a range of step sizes it is the paper's Sens(k),
    for any two of them.

    Parameters
    ----------
    algo, k
    step_size : "stable", float, tuple, array-like, PerIteration, mapping or None, default=None
        A tuple (low, high) is a range, "stable" is ``stable_region(algo, mu, L)``. All else is
        as for :func:`convergence`; to have two step sizes, not a range, give a list. With
        step sizes for each iteration, or weights, the distance is the Euclidean one of all of
        them together.
    mu, L
    any_start : bool, default=False
        Whether the bound has to hold for every start. It makes no difference but for "rnn", where
        the start adds to what the weights move: ``certified`` is then inf.
    penalty : Penalty or None, default=None
        As for :func:`stability`.

    Returns
    -------
    Certificate
        Per unit of the norm of the gradient at the start, which is b for the start 0. Zero for
        algorithms without step size or weights.

    Raises
    ------
    TypeError, ValueError

    Notes
    -----
    For a polynomial method it is the largest :math:`|\partial q_k(t) / \partial\phi|` over
    [mu, L], certified by a Chebyshev series at a single step size. A range rests on the
    algorithm's ``sensitivity_rate``; for a method of your own without one ``certified`` is inf.
    In the stable region Sens(k) is :math:`k (1 - \phi_0\mu)^{k-1}` for gd and
    :math:`\tfrac12 k(k+1) (1 - \sqrt{\mu\phi_0})^{k-1}` for nag, where :math:`\phi_0` is the lower
    end: one power of k less than Table 1 allows for. With a penalty it is the same for gd; admm
    has a bound, nag, fista and heavy_ball have none. The documentation proves it
    (docs/theory.md).

    Examples
    --------
    >>> result = sensitivity("nag", k=[1, 2, 3], step_size=(0.4, 1.0), mu=0.1, L=1.0)
    >>> result.certified.round(6)  # 1, 3 * 0.8, 6 * 0.8^2
    array([1.  , 2.4 , 3.84])
    >>> float(sensitivity("chebyshev", k=5).certified)
    0.0
    """
    if isinstance(step_size, str):
        if step_size != "stable":
            raise ValueError(f"step_size={step_size!r} must be 'stable', a range or numbers.")
        mu, L = check_spectrum(mu, L)
        step_size = get_algorithm(algo).stable_region(mu, L)
    if not isinstance(step_size, tuple) or get_algorithm(algo).initial_step_size(mu, L) is None:
        case = resolve(algo, k, None if isinstance(step_size, tuple) else step_size, mu, L)
        return case.certificate(*_analysis(case, any_start, penalty).sensitivity(case))
    case = resolve(algo, k, None, mu, L)
    low, high = _range(step_size)
    analysis = _analysis(case, any_start, penalty)
    return case.certificate(*analysis.sensitivity_over_range(case, low, high))


def _analysis(case: Case, any_start: bool, penalty: Penalty | None) -> Analysis:
    analysis = analysis_of(case.algorithm, penalty)
    return analysis.from_any_start() if any_start else analysis


def _range(step_size: tuple[Any, ...]) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in step_size)
    except (TypeError, ValueError) as error:
        raise ValueError(f"step_size={step_size!r} must be a range (low, high).") from error
    if not 0.0 < low <= high < float("inf"):
        raise ValueError(f"step_size={step_size!r} must satisfy 0 < low <= high < inf.")
    return low, high
