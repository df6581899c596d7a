"""What is known of a property: a value that is reached, and a proven upper bound."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

Values = Any  # a float, or an ndarray with one value for each k and step size


@dataclass(frozen=True, eq=False)
class Certificate:
    """A supremum, from below and from above.

    Parameters
    ----------
    attained : float or ndarray
        A lower bound, in the broadcast shape of k and the step sizes: some Q with its spectrum
        in [mu, L], and some b, come as near to it as rounding allows.
    certified : float or ndarray
        A proven upper bound, of the same shape; inf where nothing is proven.
    eigenvalue : float, ndarray or None, default=None
        The eigenvalue of Q at which ``attained`` is found, of the same shape; NaN where it is
        not found at an eigenvalue, and None where it was not asked for.

    Notes
    -----
    What it bounds, and in which units, is said by what returns it: Cvg (Eq. 6), Stab (Eq. 7) or
    Sens (Eq. 8).

    Examples
    --------
    >>> from sklearn_reasoning.properties import convergence
    >>> result = convergence("gd", k=2, step_size=1.0, mu=0.5, L=1.0)
    >>> round(float(result.attained), 6), round(float(result.certified), 6)
    (0.25, 0.25)
    >>> float(result.eigenvalue)
    0.5
    """

    attained: Values
    certified: Values
    eigenvalue: Values = None


@dataclass(frozen=True, eq=False)
class StabilityCertificate:
    r"""How far the output may move with Q, with b and with the start (Eq. 7).

    For two problems whose steps begin at c and c', with g = Qc + b the gradient at the start,

    .. math:: \|Alg^k(Q, b, c) - Alg^k(Q', b', c')\|_2 \le
        (S_Q \|g\|_2 + S_c \|c\|_2) \, \|Q - Q'\|_2 + S_b \|b - b'\|_2 + S_0 \|c - c'\|_2

    with g and c of either problem. For the start 0 it is the paper's
    :math:`S_Q \|b\| \|Q - Q'\| + S_b \|b - b'\|`.

    Parameters
    ----------
    in_Q : Certificate
        :math:`S_Q`, per unit of the norm of b; from another start than 0, of the gradient there.
    in_b : Certificate
        :math:`S_b`.
    in_Q_per_start : Certificate
        :math:`S_c`, per unit of the norm of the start: :math:`S_b` for a method that sees b in the
        gradients alone, and begins no other way at another start.
    in_start : Certificate
        :math:`S_0`.
    in_Q_per_norm : Certificate or None, default=None
        In a bounded set: how far the output may move with Q per unit of the largest norm in it,
        whatever the start and the gradient; None where that is not known.

    Examples
    --------
    >>> from sklearn_reasoning.properties import stability
    >>> result = stability("gd", k=2, step_size=1.0, mu=0.5, L=1.0)
    >>> float(result.in_Q.certified), float(result.in_b.certified)
    (1.0, 1.5)
    >>> float(result.overall(b_norm=3.0).certified)  # from the start 0
    3.0
    >>> float(result.in_Q_at(gradient_norm=3.0, start_norm=2.0).certified)
    6.0
    >>> result.change(Q_distance=0.1, gradient_norm=3.0, start_norm=2.0)
    0.6
    """

    in_Q: Certificate
    in_b: Certificate
    in_Q_per_start: Certificate
    in_start: Certificate
    in_Q_per_norm: Certificate | None = None

    def in_Q_at(
        self, gradient_norm: Any, start_norm: Any = 0.0, *, largest_norm: Any = np.inf
    ) -> Certificate:
        r"""Return how far the output may move with Q, :math:`S_Q \|g\| + S_c \|c\|`.

        All arguments broadcast against one another and against ``in_Q``.

        Parameters
        ----------
        gradient_norm : array-like
            The norm of the gradient at the start, g = Qc + b, in the units of b, at least 0. Of
            two problems, the smaller one will do.
        start_norm : array-like, default=0.0
            The norm of the start, in the units of y, at least 0.
        largest_norm : array-like, default=inf
            The largest norm in a bounded set, ``penalty.largest_norm(d)``: beyond
            ``in_Q_per_norm`` times that the output does not move. Without a penalty, or where that
            is not known, it is not used.

        Returns
        -------
        Certificate
            Of the broadcast shape, without an eigenvalue.

        Raises
        ------
        ValueError
            If a norm is negative, not finite or no number; ``largest_norm`` may be inf.
        """
        g = _norms("gradient_norm", gradient_norm)
        c = _norms("start_norm", start_norm)
        first, second = self.in_Q, self.in_Q_per_start
        parts = times(first.attained, g), times(second.attained, c)
        # Found at one eigenvalue, both are reached together: g and c along its eigenvector.
        together = np.equal(
            np.nan if first.eigenvalue is None else first.eigenvalue,
            np.nan if second.eigenvalue is None else second.eigenvalue,
        )
        attained = np.where(together, np.add(*parts), np.maximum(*parts))[()]
        certified = times(first.certified, g) + times(second.certified, c)
        if self.in_Q_per_norm is not None:
            longest = _norms("largest_norm", largest_norm, finite=False)
            certified = np.minimum(certified, times(self.in_Q_per_norm.certified, longest))
        return Certificate(np.minimum(attained, certified), certified)

    def change(
        self,
        Q_distance: Any = 0.0,
        b_distance: Any = 0.0,
        start_distance: Any = 0.0,
        *,
        gradient_norm: Any,
        start_norm: Any = 0.0,
        largest_norm: Any = np.inf,
    ) -> Any:
        r"""Bound how far the outputs of two problems lie apart (Eq. 7, for any start).

        .. math:: (S_Q \|g\| + S_c \|c\|) \, \|Q - Q'\| + S_b \|b - b'\| + S_0 \|c - c'\|

        All arguments broadcast against one another and against ``in_Q``.

        Parameters
        ----------
        Q_distance : array-like, default=0.0
            :math:`\|Q - Q'\|_2`, in the units of Q, at least 0.
        b_distance : array-like, default=0.0
            :math:`\|b - b'\|_2`, in the units of b, at least 0.
        start_distance : array-like, default=0.0
            :math:`\|c - c'\|_2`, in the units of y, at least 0.
        gradient_norm : array-like
            The norm of the gradient at one of the two starts, in the units of b: at c the smaller
            one of :math:`\|Qc + b\|` and :math:`\|Q'c + b'\|` will do.
        start_norm : array-like, default=0.0
            The norm of that start, in the units of y, at least 0.
        largest_norm : array-like, default=inf
            The largest norm in a bounded set, as for :meth:`in_Q_at`.

        Returns
        -------
        float or ndarray
            In the units of y, of the broadcast shape; inf where nothing is proven.

        Raises
        ------
        ValueError
            If an argument is negative, not finite or no number.
        """
        in_Q = self.in_Q_at(gradient_norm, start_norm, largest_norm=largest_norm)
        moved = times(in_Q.certified, _norms("Q_distance", Q_distance))
        moved = moved + times(self.in_b.certified, _norms("b_distance", b_distance))
        moved = moved + times(self.in_start.certified, _norms("start_distance", start_distance))
        return moved.item() if np.ndim(moved) == 0 else moved

    def overall(self, b_norm: float, start_norm: float = 0.0) -> Certificate:
        r"""Return the single constant of Eq. 7, :math:`\max(S_Q \sup\|g\| + S_c \sup\|c\|, S_b)`.

        Parameters
        ----------
        b_norm : float
            The largest norm of the gradient at the start, in the units of b, at least 0; for the
            start 0 it is that of b.
        start_norm : float, default=0.0
            The largest norm of the start, in the units of y, at least 0.

        Returns
        -------
        Certificate
            Of the shape of ``in_Q`` and ``in_b``, without an eigenvalue.

        Raises
        ------
        ValueError
            If a norm is negative, not finite or no number.
        """
        for name, norm in (("b_norm", b_norm), ("start_norm", start_norm)):
            if not (isinstance(norm, Real) and 0.0 <= norm < float("inf")):
                raise ValueError(f"{name}={norm!r} must be a number, not negative and finite.")
        in_Q, in_b = self.in_Q_at(b_norm, start_norm), self.in_b
        return Certificate(
            np.maximum(in_Q.attained, in_b.attained), np.maximum(in_Q.certified, in_b.certified)
        )


def times(constant: Any, length: Any) -> Any:
    """Return the product, in which 0 times inf is 0.

    An infinite constant says that nothing is proven, and where nothing moves nothing need be.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        product = np.multiply(constant, length)
    return np.where(np.equal(constant, 0.0) | np.equal(length, 0.0), 0.0, product)[()]


def _norms(name: str, value: Any, *, finite: bool = True) -> Values:
    try:
        norms = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}={value!r} must hold numbers.") from error
    if not ((norms >= 0.0) & (np.isfinite(norms) | (not finite))).all():
        raise ValueError(f"{name}={value!r} must be a number, not negative and finite.")
    return norms
