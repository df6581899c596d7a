"""Theorem 5.1: the local Rademacher complexity of the losses (Eq. 15 and 16)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning.penalties import Penalty

from ._approximation import approximation_bound
from ._arguments import Array, above_zero, at_least_zero, first_distance_of, plain, times, whole
from ._rademacher_transfer import rademacher_transfer_bound


class LocalTerms(Protocol):
    """What stands for C_1, C_2 and C_3 in Theorem 5.1: any object with these methods.

    Examples
    --------
    >>> class Constants:
    ...     def c1(self, log_covering, n_samples):
    ...         return 2.0 * log_covering
    ...
    ...     def c2(self, log_covering, n_samples, t):
    ...         return log_covering / n_samples**0.5
    ...
    ...     def c3(self, log_covering, n_samples, t):
    ...         return 0.0 * log_covering
    >>> terms: LocalTerms = Constants()
    >>> terms.c1(3.0, 100), terms.c2(3.0, 100, 2.0), terms.c3(3.0, 100, 2.0)
    (6.0, 0.3, 0.0)
    >>> from sklearn_reasoning.bounds import local_rademacher_bound
    >>> properties = {"convergence": 0.5, "stability": 1.0}
    >>> bound = local_rademacher_bound(
    ...     3.0, n_samples=100, d=1, level=1.0, M=0.0, terms=terms, **properties
    ... )
    >>> round(bound, 4)
    0.9207
    """

    def c1(self, log_covering: Array, n_samples: Array) -> Array:
        """Return C_1(n).

        Parameters
        ----------
        log_covering : ndarray
            The logarithm log N(n), at least 0; broadcasts against ``n_samples``.
        n_samples : ndarray
            The number of rows n, of a shape that broadcasts.

        Returns
        -------
        ndarray
            Of the broadcast shape.
        """

    def c2(self, log_covering: Array, n_samples: Array, t: Array) -> Array:
        """Return C_2(n, t).

        Parameters
        ----------
        log_covering, n_samples : ndarray
            As for :meth:`c1`.
        t : ndarray
            The t of the theorem, of a shape that broadcasts.

        Returns
        -------
        ndarray
            Of the broadcast shape.
        """

    def c3(self, log_covering: Array, n_samples: Array, t: Array) -> Array:
        """Return C_3(n, t).

        Parameters
        ----------
        log_covering, n_samples, t : ndarray
            As for :meth:`c2`.

        Returns
        -------
        ndarray
            Of the broadcast shape.
        """


@dataclass(frozen=True)
class CoveringTerms(LocalTerms):
    r"""C_1, C_2 and C_3 of Theorem 5.1 in their orders, each times a constant.

    .. math::

        C_1 &= c_1 \log N, \qquad
        C_3 = c_3 \left(\frac{\log N}{\sqrt n} + e^{-t} \sqrt{\log N}\right), \\
        C_2 &= c_2 \left(\frac{t \log N}{n} + (C_3 + 1) \frac{\log N}{\sqrt n}\right).

    The paper gives orders, O(.), no constants. **With the constants of 1 here the bound shows
    how the complexity moves with k, n and the level; its absolute value is not proven.**

    Parameters
    ----------
    constant_1, constant_2, constant_3 : float, default=1.0
        The constants in the O(.), positive.

    Raises
    ------
    TypeError, ValueError
        If a constant is no positive number.

    Examples
    --------
    >>> terms = CoveringTerms(constant_1=2.0)
    >>> float(terms.c1(3.0, 100))
    6.0
    >>> round(float(terms.c2(3.0, 100, 0.0)), 4), round(float(terms.c3(3.0, 100, 0.0)), 4)
    (0.9096, 2.0321)
    """

    constant_1: float = 1.0
    constant_2: float = 1.0
    constant_3: float = 1.0

    def __post_init__(self) -> None:
        above_zero(
            constant_1=self.constant_1, constant_2=self.constant_2, constant_3=self.constant_3
        )

    def c1(self, log_covering: ArrayLike, n_samples: ArrayLike) -> Array:
        """Return C_1(n), of the shape of ``log_covering``; n itself is not used here."""
        return self.constant_1 * np.asarray(log_covering, dtype=np.float64)

    def c2(self, log_covering: ArrayLike, n_samples: ArrayLike, t: ArrayLike) -> Array:
        """Return C_2(n, t)."""
        log_N, n, t_ = (np.asarray(v, dtype=np.float64) for v in (log_covering, n_samples, t))
        share = (self.c3(log_N, n, t_) + 1.0) * log_N / np.sqrt(n)
        return self.constant_2 * (t_ * log_N / n + share)

    def c3(self, log_covering: ArrayLike, n_samples: ArrayLike, t: ArrayLike) -> Array:
        """Return C_3(n, t)."""
        log_N, n, t_ = (np.asarray(v, dtype=np.float64) for v in (log_covering, n_samples, t))
        return self.constant_3 * (log_N / np.sqrt(n) + np.sqrt(log_N) * np.exp(-t_))


@documented_like(approximation_bound, rademacher_transfer_bound)
def local_rademacher_bound(
    log_covering_number: ArrayLike | Callable[[Any], Any],
    *,
    n_samples: ArrayLike,
    d: ArrayLike,
    convergence: ArrayLike,
    stability: ArrayLike,
    sensitivity: ArrayLike = 0.0,
    level: ArrayLike,
    M: ArrayLike | None = None,
    first_distance: ArrayLike | None = None,
    step_size_radius: ArrayLike = 0.0,
    start_radius: ArrayLike = 0.0,
    start_stability: ArrayLike = math.inf,
    t: ArrayLike | None = None,
    terms: LocalTerms | None = None,
    penalty: Penalty | None = None,
) -> Any:
    r"""Bound the expected local Rademacher complexity of the losses (Theorem 5.1, Eq. 15-16).

    .. math:: E R_n \ell_F^{loc}(r) \le
        \frac{\sqrt2 \, d}{\sqrt n} \, \mathrm{Stab}(k) \left(
        \sqrt{(\mathrm{Cvg}(k) M + \sqrt r)^2 C_1(n) + C_2(n, t)} + C_3(n, t) + 4 \right)
        + \mathrm{Sens}(k) B_\Phi + S_0(k) B_0

    From another start c than 0 the first distance :math:`\sup\|c - Opt\|` takes the place of M.
    The last term is 0 unless the start is trained. All arrays broadcast against one another.

    With a penalty small losses set no level of the representations of Q, and nothing is proven of
    the local complexity: inf.

    Parameters
    ----------
    log_covering_number : array-like or callable
        :math:`\log N(n)`, the logarithm of the covering number of the representations of Q at
        :math:`1/\sqrt n` in :math:`L_\infty`; or a callable that takes eps and returns it, such
        as ``lambda eps: mlp_log_covering_number(eps, norms)``.
    n_samples : array-like of int
        The number of rows n, at least 1.
    d
    convergence : array-like
        The largest Cvg(k, phi) of the step sizes of the class. From a start that is not 0,
        ``convergence(..., any_start=True)``.
    stability : array-like
        Stab(k) in Q: ``stability(...).in_Q.certified`` times the largest :math:`\|b\|_2`. From a
        start c other than 0 it is ``stability(...).in_Q_at(gradient_norm, start_norm).certified``,
        with the largest norms of Qc + b, over the class and the rows, and of c.
    sensitivity
    level : array-like
        The mean square r of the class :math:`\{\ell : P\ell^2 \le r\}`, in squared units of y,
        at least 0.
    M, first_distance, step_size_radius, start_radius, start_stability
    t : array-like or None, default=None
        The t of C_2 and C_3, at least 0. None is :math:`\frac12 \log n`, for which
        :math:`e^{-t} = 1/\sqrt n`.
    terms : object or None, default=None
        C_1, C_2 and C_3, any object with the methods of :class:`CoveringTerms`. None is
        ``CoveringTerms()``, whose constants are 1: then only ratios of bounds mean something.
    penalty : Penalty or None, default=None
        The set that y lies in, or the term that is added to the energy.

    Returns
    -------
    float or ndarray
        In the units of y, of the broadcast shape: arrays over k for the three properties give
        the bound against k; inf with a penalty.

    Raises
    ------
    TypeError, ValueError

    Examples
    --------
    >>> from sklearn_reasoning.properties import convergence, stability
    >>> case = {"step_size": 1.0, "mu": 0.1, "L": 1.0}
    >>> k = [1, 5, 20]
    >>> bound = local_rademacher_bound(
    ...     30.0,
    ...     n_samples=100,
    ...     d=5,
    ...     convergence=convergence("nag", k, **case).certified,
    ...     stability=stability("nag", k, **case).in_Q.certified * 11.2,
    ...     level=0.5,
    ...     M=112.0,
    ... )
    >>> (bound / bound[1]).round(3)
    array([0.   , 1.   , 0.314])
    """
    n, d_ = whole("n_samples", n_samples, least=1), whole("d", d, least=1)
    cvg, stab, sens, r, radius, start, in_start, t_ = at_least_zero(
        convergence=convergence,
        stability=stability,
        sensitivity=sensitivity,
        level=level,
        step_size_radius=step_size_radius,
        start_radius=start_radius,
        start_stability=start_stability,
        t=0.5 * np.log(n) if t is None else t,
    )
    if callable(log_covering_number):
        log_covering_number = log_covering_number(1.0 / np.sqrt(n))
    (log_N,) = at_least_zero(log_covering_number=log_covering_number)
    parts = CoveringTerms() if terms is None else terms
    radius_of_losses = times(cvg, first_distance_of(M, first_distance)) + np.sqrt(r)
    root = np.sqrt(times(radius_of_losses**2, parts.c1(log_N, n)) + parts.c2(log_N, n, t_))
    inner = root + parts.c3(log_N, n, t_) + 4.0
    statistical = times(math.sqrt(2.0) * d_ / np.sqrt(n) * stab, inner)
    if penalty is not None:
        statistical = np.full_like(statistical, np.inf)
    return plain(statistical + times(sens, radius) + times(in_start, start))
