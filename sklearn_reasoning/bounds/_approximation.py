"""Lemma 4.1: what error a representation of Q leaves in the output (Eq. 11)."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from sklearn_reasoning.penalties import Penalty

from ._arguments import above_zero, at_least_zero, first_distance_of, plain, times


def approximation_bound(
    representation_error: ArrayLike,
    convergence: ArrayLike,
    *,
    sigma_b: ArrayLike | None = None,
    mu: ArrayLike,
    M: ArrayLike | None = None,
    first_distance: ArrayLike | None = None,
    penalty: Penalty | None = None,
) -> Any:
    r"""Bound the expected loss by the error of the representation of Q (Lemma 4.1, Eq. 11).

    .. math:: P\ell \le \sigma_b \mu^{-2} \, P\|Q_\theta - Q^*\|_F + M \, \mathrm{Cvg}(k, \phi)

    From another start c than 0 the first distance :math:`\sup\|c - Opt\|` takes the place of M.
    It holds for every theta and phi; with the smallest value of each term on the right it bounds
    the smallest loss of the class, as in the paper. All arguments broadcast against one another.

    With a penalty the minimiser is not linear in b, and the bound is

    .. math:: P\ell \le \frac{M}{\mu} \, P\|Q_\theta - Q^*\|_2
        + \sup\|c - Opt\| \, \mathrm{Cvg}(k, \phi)

    Parameters
    ----------
    representation_error : array-like
        :math:`P\|Q_\theta - Q^*\|_F`, in the units of Q, at least 0. With a penalty spectral norms
        are enough.
    convergence : array-like
        Cvg(k, phi), at least 0; inf where nothing is proven. From a start that is not 0,
        ``convergence(..., any_start=True)``.
    sigma_b : array-like or None, default=None
        Standard deviation of each component of b, in the units of b: :math:`E[bb'] = \sigma_b^2 I`
        at every x. Not asked for with a penalty.
    mu : array-like
        Smallest eigenvalue of every Q, positive.
    M : array-like or None, default=None
        :math:`\sup \|Opt(Q, b)\|_2`, in the units of y; over all Q it is :math:`\sup\|b\|_2 / \mu`.
        With a penalty it is the largest norm of a true minimiser, which ``largest_norm`` of a
        bounded set is.
    first_distance : array-like or None, default=None
        :math:`\sup \|c - Opt(Q, b)\|_2`, in the units of y, for steps that begin at c. It takes
        the place of M. With a penalty both are needed.
    penalty : Penalty or None, default=None
        The set that y lies in, or the term that is added to the energy; ``convergence`` is then
        ``convergence(..., penalty=penalty)``.

    Returns
    -------
    float or ndarray
        In the units of y, of the broadcast shape.

    Raises
    ------
    TypeError
        If an argument holds no numbers.
    ValueError
        If an argument is outside its domain; without a penalty, if ``sigma_b`` is missing, or both
        or neither of M and ``first_distance`` are given; with one, if one of them is missing.

    Examples
    --------
    >>> from sklearn_reasoning.properties import convergence
    >>> cvg = convergence("gd", k=[0, 10, 100], step_size=1.0, mu=0.1, L=1.0).certified
    >>> approximation_bound(0.05, cvg, sigma_b=1.0, mu=0.1, M=20.0).round(3)
    array([25.   , 11.974,  5.001])
    >>> from sklearn_reasoning.penalties import Simplex
    >>> inside = {"penalty": Simplex(), "M": 1.0, "first_distance": 2**0.5}
    >>> approximation_bound(0.05, cvg, mu=0.1, **inside).round(3)
    array([1.914, 0.993, 0.5  ])
    """
    (mu_,) = above_zero(mu=mu)
    error, cvg = at_least_zero(representation_error=representation_error, convergence=convergence)
    if penalty is not None:
        if M is None or first_distance is None:
            raise ValueError(
                f"M={M!r} and first_distance={first_distance!r} are both needed with {penalty=}."
            )
        longest, first = at_least_zero(M=M, first_distance=first_distance)
        return plain(times(longest / mu_, error) + times(first, cvg))
    if sigma_b is None:
        raise ValueError("sigma_b=None is for bounds with a penalty; without one it is needed.")
    (sigma,) = at_least_zero(sigma_b=sigma_b)
    first = first_distance_of(M, first_distance)
    return plain(times(sigma / mu_**2, error) + times(first, cvg))
