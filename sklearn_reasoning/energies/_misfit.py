"""Whether given linear terms can have given minimisers, within bounds of the spectrum."""

from __future__ import annotations

from typing import Any

import numpy as np

_Array = np.ndarray[Any, Any]

# A relation of b and y that noise alone shows less than once in 10,000 times, that explains enough
# for its size to be told, and that does not come from one or two rows.
_DEVIATIONS, _SMALLEST_COSINE, _DEVIATIONS_OF_ROWS = 4.0, 0.2, 2.0
# How far beyond the bounds the eigenvalues may seem to be.
_MARGIN = 5.0


def misfit(b: _Array, y: _Array, weight: _Array, mu: float, L: float) -> float | None:
    r"""Return how many times too large b is for minimisers y; None where nothing says so.

    Where :math:`y = -Q^{-1} b`, the ratios :math:`-\sum b'y / \sum \|y\|^2` and
    :math:`-\sum \|b\|^2 / \sum b'y` are averages of eigenvalues. Noise in y makes the former
    smaller, noise in b the latter larger: between them is what Q would have to be. If that is
    apart from [mu, L] by more than a factor of 5, b has the wrong scale; if b'y is positive, the
    wrong sign. The rows must say so as they are and without their means: columns that are
    positive by nature are related by their means alone, and b may move with Q from row to row.

    Parameters
    ----------
    b, y : ndarray of shape (n, d)
        Finite numbers.
    weight : ndarray of shape (n,)
        Of the rows, positive.
    mu, L : float

    Returns
    -------
    float or None
        Above 1 if b is too large, below 1 if it is too small, and -1 if it has the wrong sign.
    """
    weight = weight[:, None] / weight.sum()
    # In units in which squares are ordinary numbers.
    sizes = [float(np.abs(values).max(initial=0.0)) for values in (b, y)]
    if min(sizes) == 0.0:
        return None
    b, y = (values / size for values, size in zip((b, y), sizes, strict=True))
    as_they_are = _factor(b, y, weight, sizes, mu, L)
    if as_they_are is None:
        return None
    b, y = (values - (weight * values).sum(axis=0) for values in (b, y))
    without_means = _factor(b, y, weight, sizes, mu, L)
    if without_means is None or (as_they_are < 1.0) != (without_means < 1.0):
        return None
    if min(as_they_are, without_means) < 0.0:
        return -1.0 if as_they_are == without_means else None
    return as_they_are


def _factor(
    b: _Array, y: _Array, weight: _Array, sizes: list[float], mu: float, L: float
) -> float | None:
    products = -(weight * b * y).sum(axis=1)
    product = float(products.sum())
    b_squared, y_squared = (float((weight * values**2).sum()) for values in (b, y))
    if b_squared * y_squared == 0.0 or len(b) <= 3:
        return None
    cosine = product / (b_squared * y_squared) ** 0.5
    # Fisher's transformation of a correlation; the outputs of a row are not independent.
    deviations = np.arctanh(min(abs(cosine), 1.0 - 1e-12)) * (len(b) - 3) ** 0.5
    if deviations < _DEVIATIONS or abs(cosine) < _SMALLEST_COSINE:
        return None
    if abs(product) < _DEVIATIONS_OF_ROWS * float(np.linalg.norm(products)):
        return None
    if product < 0.0:
        return -1.0
    unit = sizes[0] / sizes[1]
    smallest, largest = unit * product / y_squared, unit * b_squared / product
    if smallest > _MARGIN * L:
        return smallest / L
    return largest / mu if largest < mu / _MARGIN else None
