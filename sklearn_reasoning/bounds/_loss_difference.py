"""How far the losses of two models can lie apart (Eq. 17)."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike

from ._arguments import at_least_zero, plain, times


def loss_difference_bound(
    Q_distance: ArrayLike,
    step_size_distance: ArrayLike = 0.0,
    *,
    stability: ArrayLike,
    sensitivity: ArrayLike = 0.0,
    start_distance: ArrayLike = 0.0,
    start_stability: ArrayLike = math.inf,
) -> Any:
    r"""Bound the difference of the losses of two models on a row (Eq. 17).

    .. math:: |\ell_{\phi,\theta}(x, b) - \ell_{\phi',\theta'}(x, b)| \le
        \mathrm{Stab}(k) \|Q_\theta(x) - Q_{\theta'}(x)\|_2 + \mathrm{Sens}(k) \|\phi - \phi'\|
        + S_0(k) \|c - c'\|_2

    for two models of one algorithm and one k, which begin at c and c'. The last term is 0 in the
    paper, where both begin at 0. With a penalty it holds as it stands, with the properties that
    ``stability`` and ``sensitivity`` give for one. All arguments broadcast against one another.

    Parameters
    ----------
    Q_distance : array-like
        Spectral norms of the differences, in the units of Q, at least 0. Larger norms, Frobenius
        among them, do too.
    step_size_distance : array-like, default=0.0
        :math:`\|\phi - \phi'\|`, in 1/curvature, at least 0.
    stability : array-like
        Stab(k) in Q at the step size of either model, for this b:
        ``stability(...).in_Q.certified`` times :math:`\|b\|_2`. From a start c other than 0 it is
        ``stability(...).in_Q_at(gradient_norm, start_norm).certified``, with the larger norm of
        Qc + b of the two models and that of c.
    sensitivity : array-like, default=0.0
        Sens(k) over a range that holds both step sizes, for this b:
        ``sensitivity(...).certified`` times :math:`\|b\|_2`; from a start c other than 0,
        ``sensitivity(..., any_start=True).certified`` times that larger norm.
    start_distance : array-like, default=0.0
        :math:`\|c - c'\|_2`, in the units of y, where the models have starts of their own, such
        as learned or predicted ones. The norms above are then those at one of the two, the same
        for both models.
    start_stability : array-like, default=inf
        :math:`S_0`, how far the output moves with the start:
        ``stability(...).in_start.certified``, the larger one of the two step sizes. It is Cvg(k)
        but for cg and rnn.

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
    >>> both = {"start_distance": 2.0, "start_stability": 0.25}  # each its own start
    >>> round(loss_difference_bound(0.1, 0.2, stability=3.0, sensitivity=1.0, **both), 6)
    1.0
    """
    distance, step, stab, sens, start, in_start = at_least_zero(
        Q_distance=Q_distance,
        step_size_distance=step_size_distance,
        stability=stability,
        sensitivity=sensitivity,
        start_distance=start_distance,
        start_stability=start_stability,
    )
    return plain(times(stab, distance) + times(sens, step) + times(in_start, start))
