"""Outputs that solve linear equations: balances, conservation, aggregates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._base import Penalty
from ._columns import Columns
from ._known import Known
from ._options import Numbers, constant, divided, option, resolve
from ._rows import ROUNDING, indicator, row_sum


class Affine(Penalty):
    r"""The set :math:`\{y : A y = c\}` of outputs that balance.

    Parameters
    ----------
    A : array-like of shape (m, d)
        The equations, a row each. Rows may depend on one another.
    c : float, array-like of shape (m,) or (n, m), Tensor, or Columns
        What they come to, in units of A times those of y: the same for all samples, or of each one.
        Derivatives reach a tensor.

    Raises
    ------
    TypeError
        If ``A`` is no matrix of numbers, or ``c`` neither numbers nor Columns.
    ValueError
        If they are not finite or do not go together, or the equations contradict each other.

    Notes
    -----
    The projection is :math:`v - A^+ (A v - c)`, with the pseudoinverse :math:`A^+` from a singular
    value decomposition that is made once. Equations hold to 1e-12 in float64, of the sum of the
    absolute values of their terms, which is what :meth:`value` allows for.

    Examples
    --------
    >>> import torch
    >>> balance = Affine([[1.0, 1.0, -1.0]], 0.0)  # what comes in goes out
    >>> balance.prox(torch.tensor([[1.0, 2.0, 6.0]]), 0.1)
    tensor([[2., 3., 5.]])
    >>> Affine([[1.0, 1.0], [2.0, 2.0]], [1.0, 3.0])
    Traceback (most recent call last):
    ...
    ValueError: Affine: A y = c has no solution: the rows of A depend on one another, ...
    """

    is_set = True

    def __init__(self, A: Any, c: Any) -> None:
        self.A = _matrix(A)
        self.c = option("c", c)
        self._rules(Known(self, None, tensors=False))

    def value(self, y: Tensor) -> Tensor:
        """Return 0 for rows that solve the equations, to 1e-12 in float64; inf for others."""
        terms = y.unsqueeze(-2) * resolve(self, "A", y)
        c = resolve(self, "c", y)
        size = terms.abs().sum(dim=-1) + abs(c) + 1.0
        off = (terms.sum(dim=-1) - c).abs()
        return indicator(~(off <= ROUNDING * torch.finfo(y.dtype).eps * size).all(dim=-1), y)

    def prox(self, v: Tensor, step: Tensor | float) -> Tensor:
        """Return v less what it lacks to solve the equations, twice for the rounding errors."""
        A, inverse, c = resolve(self, "A", v), self.A.inverse.to(v), resolve(self, "c", v)
        for _ in range(2):
            v = v - _times(inverse, _times(A, v) - c)
        return v

    def in_units(self, unit: float) -> Affine:
        """Return the set with its right-hand side divided by the unit."""
        return Affine(self.A, divided(self, "c", unit))

    def largest_norm(self, d: int) -> float:
        """Return the norm of the single solution, or inf where there are more."""
        A = np.array(self.A)
        if np.linalg.matrix_rank(A) < A.shape[1]:
            return math.inf
        c = Known(self, d, tensors=True).rows("c").expand(-1, len(A)).numpy()
        return float(np.linalg.norm(c @ np.linalg.pinv(A).T, axis=-1).max())

    def _rules(self, known: Known) -> None:
        A = np.array(self.A)
        if known.d is not None and A.shape[1] != known.d:
            raise ValueError(
                f"Affine: A has {A.shape[1]} columns, and there are {known.d} outputs."
            )
        known.width("c", len(A), "rows of A")
        known.no_nan("c")
        c = known.rows("c").expand(-1, len(A))
        nearest = c @ torch.from_numpy(A @ np.linalg.pinv(A)).mT
        rounding = ROUNDING * known.eps * c.abs().amax(dim=-1, keepdim=True)
        for row in ((nearest - c).abs() > rounding).any(dim=-1).nonzero()[:1, 0].tolist():
            raise ValueError(
                "Affine: A y = c has no solution: the rows of A depend on one another, and "
                f"c={c[row].tolist()} does not{known.in_row(row, len(c))}."
            )


class _Matrix(Numbers):
    """A matrix with its pseudoinverse."""

    inverse: Tensor


def _matrix(A: Any) -> _Matrix:
    if isinstance(A, _Matrix):
        return A
    if isinstance(A, Columns):
        raise TypeError(f"A={A!r} must be a matrix of numbers, the same for all samples.")
    try:
        array = np.asarray(A.tolist() if isinstance(A, Tensor) else A, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"A={A!r} must be a matrix of numbers.") from error
    if array.ndim != 2:
        raise TypeError(f"A has the shape {array.shape}; it must be a matrix, (m, d).")
    if not array.size or not np.isfinite(array).all():
        raise ValueError("A must hold finite numbers.")
    matrix = _Matrix(array)
    matrix.inverse = constant(np.linalg.pinv(array))
    return matrix


def _times(A: Tensor, v: Tensor) -> Tensor:
    """Return A v for each row of v, rounded as if it were alone."""
    return row_sum(v.unsqueeze(-2) * A).squeeze(-1)
