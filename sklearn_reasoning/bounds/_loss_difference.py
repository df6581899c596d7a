"""How far the losses of two models can lie apart (Eq. 17)."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from ._arguments import at_least_zero, plain, times


def loss_difference_bound(
    Q_distance: ArrayLike,
    step_size_distance: ArrayLike = 0.0,
    *,
    stability: ArrayLike,
    sensitivity: ArrayLike = 0.0,
) -> Any:
    r"""Bound the difference of the losses of two models on a row (Eq. 17).

    .. math:: |\ell_{\phi,\theta}(x, b) - \ell_{\phi',\theta'}(x, b)| \le
        \mathrm{Stab}(k) \|Q_\theta(x) - Q_{\theta'}(x)\|_2 + \mathrm{Sens}(k) \|\phi - \phi'\|

    for two models of one algorithm and one k. All arguments broadcast against one another.

    Parameters
    ----------
    Q_distance : array-like
        Spectral norms of the differences, in the units of Q, at least 0. Larger norms, Frobenius
        among them, do too.
    step_size_distance : array-like, default=0.0
        :math:`\|\phi - \phi'\|`, in 1/curvature, at least 0.
    stability : array-like
        Stab(k) in Q at the step size of either model, for this b:
        ``stability(...).in_Q.certified`` times :math:`\|b\|_2`.
    sensitivity : array-like, default=0.0
        Sens(k) over a range that holds both step sizes, for this b:
        ``sensitivity(...).certified`` times :math:`\|b\|_2`.

    Returns
    -------
    float or ndarray
        In the units of y, of the broadcast shape.

    Raises
    ------
    TypeError
        If an argument holds no numbers.
    ValueError
        If an argument is negative or NaN.

    Examples
    --------
    >>> round(loss_difference_bound(0.1, 0.2, stability=3.0, sensitivity=1.0), 6)
    0.5
    """
    distance, step, stab, sens = at_least_zero(
        Q_distance=Q_distance,
        step_size_distance=step_size_distance,
        stability=stability,
        sensitivity=sensitivity,
    )
    return plain(times(stab, distance) + times(sens, step))
