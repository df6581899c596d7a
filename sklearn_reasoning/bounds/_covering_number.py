"""The covering number of the losses from those of Q and of the step sizes (Eq. 19)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._arguments import above_zero, at_least_zero, plain, whole


def covering_number_bound(
    eps: ArrayLike,
    *,
    stability: ArrayLike,
    log_covering_Q: Callable[[Any], Any],
    sensitivity: ArrayLike = 0.0,
    log_covering_step_size: Callable[[Any], Any] | None = None,
) -> Any:
    r"""Bound the logarithm of the covering number of the losses (Eq. 19).

    .. math:: \log N(\varepsilon, \ell_F, L_2(P_n)) \le
        \log N\!\left(\frac{\varepsilon}{2\,\mathrm{Stab}(k)}, Q, L_2(P_n)\right)
        + \log N\!\left(\frac{\varepsilon}{2\,\mathrm{Sens}(k)}, \Phi, \|\cdot\|\right)

    Convergence plays no part: this is the standard complexity, which only grows with k. All
    arguments that are no callables broadcast against one another.

    Parameters
    ----------
    eps : array-like
        Radius of the balls, in the units of y, positive.
    stability : array-like
        Stab(k) in Q at every step size of the class:
        ``stability(...).in_Q.certified`` times the largest :math:`\|b\|_2`. From a start c other
        than 0, one that is not trained, it is
        ``stability(...).in_Q_at(gradient_norm, start_norm).certified`` with the largest norms of
        Qc + b and c.
    log_covering_Q : callable
        Takes a radius (an array, inf included) and returns the logarithm of a covering number of
        the representations, in the Frobenius or the spectral norm. For our networks:
        ``lambda eps: mlp_log_covering_number(eps, norms)``.
    sensitivity : array-like, default=0.0
        Sens(k) over the step sizes of the class, times the largest :math:`\|b\|_2`, or Qc + b.
    log_covering_step_size : callable or None, default=None
        The same for the step sizes: ``lambda eps: step_size_log_covering_number(eps, radius)``.
        None is a single step size, 0.

    Returns
    -------
    float or ndarray
        The logarithm log N, of the broadcast shape. The numbers themselves would overflow.

    Raises
    ------
    TypeError
        If an argument holds no numbers, or a covering number cannot be called.
    ValueError
        If an argument is outside its domain, or a covering number is below 1.

    Examples
    --------
    >>> from sklearn_reasoning.bounds import step_size_log_covering_number
    >>> bound = covering_number_bound(
    ...     [0.1, 0.01],
    ...     stability=5.0,
    ...     log_covering_Q=lambda eps: 100 / eps,
    ...     sensitivity=2.0,
    ...     log_covering_step_size=lambda eps: step_size_log_covering_number(eps, 0.5),
    ... )
    >>> bound.round(2)
    array([ 10003. , 100005.3])
    """
    (eps_,) = above_zero(eps=eps)
    stab, sens = at_least_zero(stability=stability, sensitivity=sensitivity)
    parts = {"log_covering_Q": (log_covering_Q, stab)}
    if log_covering_step_size is not None:
        parts["log_covering_step_size"] = (log_covering_step_size, sens)
    for name, (part, _) in parts.items():
        if not callable(part):
            raise TypeError(f"{name}={part!r} must be callable: eps -> log of a covering number.")
    total = np.zeros(())
    for name, (part, constant) in parts.items():
        with np.errstate(divide="ignore"):
            # A constant of 0 moves nothing: one ball is enough.
            radius = eps_ / (2.0 * constant)
        (log_N,) = at_least_zero(**{name: part(radius)})
        total = total + log_N
    return plain(total)


def step_size_log_covering_number(
    eps: ArrayLike, step_size_radius: ArrayLike, n_step_sizes: ArrayLike = 1
) -> Any:
    r"""Bound the logarithm of the covering number of a range of step sizes.

    An interval of half its width B takes :math:`\lceil B/\varepsilon \rceil` intervals of half
    width eps. Of p step sizes in one range, :math:`B = \sqrt p` times half its width, and a grid
    with :math:`\varepsilon/\sqrt p` along each takes :math:`\lceil B/\varepsilon \rceil^p` balls.
    All arguments broadcast against one another.

    Parameters
    ----------
    eps : array-like
        Radius of the balls in the Euclidean norm, in 1/curvature, at least 0; inf takes one ball.
    step_size_radius : array-like
        :math:`B_\Phi = \frac12 \sup \|\phi - \phi'\|`, in 1/curvature, finite and at least 0.
    n_step_sizes : array-like of int, default=1
        The number p of iterations, where each has a step size.

    Returns
    -------
    float or ndarray
        The logarithm log N, of the broadcast shape.

    Raises
    ------
    TypeError
        If an argument holds no numbers.
    ValueError
        If an argument is outside its domain.

    Notes
    -----
    It is the second term of Eq. 19.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(step_size_log_covering_number([0.1, 0.3, 2.0], 0.5)).round()
    array([5., 2., 1.])
    """
    eps_, radius = at_least_zero(eps=eps, step_size_radius=step_size_radius)
    p = whole("n_step_sizes", n_step_sizes, least=1)
    if not np.isfinite(radius).all():
        raise ValueError(f"step_size_radius={step_size_radius!r} must be finite.")
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.where(radius == 0.0, 1.0, np.ceil(radius / eps_))
    return plain(p * np.log(np.maximum(count, 1.0)))
