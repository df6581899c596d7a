"""Lemma 4.2: what a small loss says about the representation of Q (Eq. 12)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning.penalties import Penalty

from ._approximation import approximation_bound
from ._arguments import above_zero, at_least_zero, first_distance_of, plain, times


@documented_like(approximation_bound)
def representation_bound(
    mean_squared_loss: ArrayLike,
    convergence: ArrayLike,
    *,
    sigma_b: ArrayLike,
    L: ArrayLike,
    M: ArrayLike | None = None,
    first_distance: ArrayLike | None = None,
    penalty: Penalty | None = None,
) -> Any:
    r"""Bound the error of the representation of Q by the loss (Lemma 4.2, Eq. 12).

    .. math:: P\|Q_\theta - Q^*\|_F^2 \le
        \sigma_b^{-2} L^4 \left(\sqrt{P\ell^2} + M \, \mathrm{Cvg}(k, \phi)\right)^2

    From another start c than 0 the first distance :math:`\sup\|c - Opt\|` takes the place of M.
    With a penalty no loss says anything of Q: two matrices may have the same minimiser at the
    boundary, for every b that occurs. All arguments broadcast against one another.

    Parameters
    ----------
    mean_squared_loss : array-like
        :math:`P\ell^2`, the mean squared norm of the error, at least 0.
    convergence
    sigma_b : array-like
        Standard deviation of each component of b, in the units of b, positive:
        :math:`E[bb'] = \sigma_b^2 I` at every x. On a sample with one b for each x it holds only as
        far as the sample resembles the population.
    L : array-like
        Largest eigenvalue of every Q, positive.
    M : array-like or None, default=None
        :math:`\sup \|Opt(Q, b)\|_2`, in the units of y; over all Q it is :math:`\sup\|b\|_2 / \mu`.
        For one theta, the largest norm of :math:`Q_\theta^{-1} b` is enough.
    first_distance
    penalty : Penalty or None, default=None
        The set that y lies in, or the term that is added to the energy.

    Returns
    -------
    float or ndarray
        A bound of the mean squared Frobenius norm, in squared units of Q, of the broadcast
        shape; inf with a penalty.

    Raises
    ------
    TypeError, ValueError

    Examples
    --------
    >>> representation_bound(0.04, convergence=[0.0, 0.1], sigma_b=2.0, L=1.0, M=10.0).round(4)
    array([0.01, 0.36])
    """
    sigma, L_ = above_zero(sigma_b=sigma_b, L=L)
    squared, cvg = at_least_zero(mean_squared_loss=mean_squared_loss, convergence=convergence)
    first = first_distance_of(M, first_distance)
    bound = L_**4 / sigma**2 * (np.sqrt(squared) + times(first, cvg)) ** 2
    return plain(bound if penalty is None else np.full_like(bound, np.inf))
