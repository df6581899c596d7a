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
    r"""How far the output may move with Q and with b (Eq. 7).

    .. math:: \|Alg^k(Q, b) - Alg^k(Q', b')\|_2 \le
        S_Q \min(\|b\|_2, \|b'\|_2)\,\|Q - Q'\|_2 + S_b \|b - b'\|_2

    Parameters
    ----------
    in_Q : Certificate
        :math:`S_Q`, per unit of the norm of b.
    in_b : Certificate
        :math:`S_b`.

    Examples
    --------
    >>> from sklearn_reasoning.properties import stability
    >>> result = stability("opt", k=1, mu=0.5, L=1.0)
    >>> float(result.in_Q.certified), float(result.in_b.certified)
    (4.0, 2.0)
    >>> float(result.overall(b_norm=3.0).certified)
    12.0
    """

    in_Q: Certificate
    in_b: Certificate

    def overall(self, b_norm: float) -> Certificate:
        r"""Return the single constant of Eq. 7, :math:`\max(S_Q \sup\|b\|, S_b)`.

        Parameters
        ----------
        b_norm : float
            The largest norm of b, in the units of b, at least 0.

        Returns
        -------
        Certificate
            Of the shape of ``in_Q`` and ``in_b``, without an eigenvalue.

        Raises
        ------
        ValueError
            If ``b_norm`` is negative, not finite or no number.
        """
        if not (isinstance(b_norm, Real) and 0.0 <= b_norm < float("inf")):
            raise ValueError(f"b_norm={b_norm!r} must be a number, not negative and finite.")

        def larger(in_Q: Values, in_b: Values) -> Values:
            # For b = 0 the output is 0, whatever is proven of others.
            moved = np.multiply(in_Q, b_norm) if b_norm else np.zeros_like(in_Q)
            return np.maximum(moved, in_b)

        in_Q, in_b = self.in_Q, self.in_b
        return Certificate(
            larger(in_Q.attained, in_b.attained), larger(in_Q.certified, in_b.certified)
        )
