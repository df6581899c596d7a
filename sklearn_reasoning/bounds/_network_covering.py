"""A covering number of the networks that predict Q, from their norms."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._arguments import at_least_zero, plain
from ._network_norms import NetworkNorms


def mlp_log_covering_number(eps: ArrayLike, norms: NetworkNorms) -> Any:
    r"""Bound the logarithm of the covering number of the predicted Q.

    The class is that of all networks within ``norms``. The distance of two members is the largest
    Frobenius norm of the difference of their Q(x) over all x up to ``input_norm``; with the
    ``input_norm`` of ``metric="l2"`` it is the root mean square over the rows.

    Parameters
    ----------
    eps : array-like of any shape
        Radius of the balls, in the units of Q, at least 0; at 0 the result is inf, unless the class
        is one Q.
    norms : NetworkNorms
        Of :func:`network_norms`, or written down.

    Returns
    -------
    float or ndarray
        The logarithm log N, of the shape of ``eps``.

    Raises
    ------
    TypeError
        If ``eps`` holds no numbers, or ``norms`` are no NetworkNorms.
    ValueError
        If ``eps`` is negative or NaN.

    Notes
    -----
    Let :math:`s_i`, :math:`f_i` and :math:`\beta_i` bound the spectral and Frobenius norm of
    :math:`W_i` and the norm of its bias, and :math:`\|x\| \le a_0`.

    1. Layer i has outputs of norm at most :math:`a_i = s_i a_{i-1} + \beta_i`, since ReLU lengthens
       nothing.
    2. Change the layers one at a time, from the first on. Changing layer i moves its outputs by at
       most :math:`\|\Delta W_i\|_F a_{i-1} + \|\Delta c_i\|`, the layers above multiply that by at
       most :math:`\prod_{j>i} s_j`, and the head by its Lipschitz constant. So Q moves by at most
       :math:`\sum_g \kappa_g \|\Delta w_g\|` over the groups g of weights (matrices, biases, the
       rotation that rows share).
    3. The vectors of p numbers of norm at most f have a net of :math:`(1 + 2f/\delta)^p` of
       themselves with distance :math:`\delta`: balls of radius :math:`\delta/2` around points
       :math:`\delta` apart are disjoint and lie in the ball of radius :math:`f + \delta/2`.
    4. With :math:`\delta_g = \varepsilon p_g / (\kappa_g p)`, :math:`p = \sum_g p_g`, the shares of
       the groups add up to eps:

    .. math:: \log N(\varepsilon) \le \sum_g p_g
        \log\left(1 + \frac{2 f_g \kappa_g}{\varepsilon} \frac{p}{p_g}\right)

    From ``radius`` on, one ball is enough: log N = 0.

    Examples
    --------
    >>> norms = NetworkNorms(
    ...     sizes=(3, 2),
    ...     spectral=(1.0,),
    ...     frobenius=(1.4,),
    ...     bias=(0.1,),
    ...     input_norm=2.0,
    ...     lipschitz=0.5,
    ...     radius=1.0,
    ... )
    >>> mlp_log_covering_number([0.01, 0.1, 1.0], norms).round(2)
    array([42.98, 25.1 ,  0.  ])
    """
    (eps_,) = at_least_zero(eps=eps)
    if not isinstance(norms, NetworkNorms):
        raise TypeError(f"norms={norms!r} must be NetworkNorms, as network_norms() returns them.")
    # A group that moves nothing needs no share of eps.
    groups = [(count, reach) for count, reach in _groups(norms) if count and reach > 0.0]
    p = sum(count for count, _ in groups)
    total = np.zeros_like(eps_)
    with np.errstate(divide="ignore"):
        for count, reach in groups:
            total = total + count * np.log1p(2.0 * reach * p / count / eps_)
    return plain(np.where(eps_ >= norms.radius, 0.0, total))


def _groups(norms: NetworkNorms) -> list[tuple[int, float]]:
    """Return of each group of weights how many they are, and how far they can move Q."""
    sizes = list(pairwise(norms.sizes))
    groups = [(norms.n_skew, norms.skew * norms.skew_lipschitz)]
    activation = norms.input_norm
    for i, (n_in, n_out) in enumerate(sizes):
        above = norms.lipschitz * math.prod(norms.spectral[i + 1 :])
        groups.append((n_in * n_out, norms.frobenius[i] * activation * above))
        groups.append((n_out, norms.bias[i] * above))
        activation = norms.spectral[i] * activation + norms.bias[i]
    return groups
