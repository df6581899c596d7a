"""Bounds of the spectrum that given linear terms and their minimisers call for."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_reasoning._support.numbers import readable_numbers

# How far beyond the central part of the rows the bounds lie.
_QUANTILE, _MARGIN = 0.05, 2.0


def suggest_spectrum(b: Any, y: Any) -> tuple[float, float]:
    r"""Propose ``mu`` and ``L`` for linear terms b that are given, and targets y.

    Where :math:`y = -Q^{-1} b`, both :math:`-b'y / \|y\|^2` and :math:`-\|b\|^2 / b'y` lie between
    the smallest and the largest eigenvalue of Q. The bounds are half of what the
    former is in all but a twentieth of the rows, and twice what the latter is: targets are noisy,
    and the eigenvectors of the outermost eigenvalues may be in no y.

    Parameters
    ----------
    b : array-like of shape (n, d)
        Linear terms, as the columns of X have them.
    y : array-like of shape (n, d)
        Targets, in the units of which b is a gradient.

    Returns
    -------
    mu, L : float
        Bounds of the spectrum of Q, in units of b over those of y; mu is below L.

    Raises
    ------
    ValueError
        If the shapes differ, something is not finite or all 0, or b points the wrong way in most
        rows: where y minimises :math:`\tfrac12 y'Qy + b'y` for a positive Q, b'y is negative.

    Notes
    -----
    The former is Rayleigh's quotient of Q at y, the latter that at :math:`Q^{1/2} y`: both are
    averages of the eigenvalues.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> b = rng.normal(size=(200, 3))
    >>> y = -b / np.array([0.2, 1.0, 4.0])
    >>> mu, L = suggest_spectrum(b, y)
    >>> bool(mu < 0.25 and L > 3.0)
    True
    """
    b, y = _numbers("b", b), _numbers("y", y)
    if b.shape != y.shape or b.ndim != 2:
        raise ValueError(f"b of shape {b.shape} and y of shape {y.shape} must be of one (n, d).")
    sizes = [np.abs(values).max(initial=0.0) for values in (b, y)]
    if min(sizes) == 0.0:
        raise ValueError("b and y must have rows, and entries that are not 0.")
    # In units in which squares are ordinary numbers.
    b, y = b / sizes[0], y / sizes[1]
    product = -(b * y).sum(axis=1)
    if np.median(product) < 0.0 or not (product > 0.0).any():
        raise ValueError(
            "b points the wrong way: for a minimiser y of y'Qy/2 + b'y with a positive Q, b'y is "
            "negative, and for most of these rows it is not. Hand over -b."
        )
    # Of rows that noise has turned round nothing can be told.
    told = product > 0.0
    smallest = product[told] / np.square(y[told]).sum(axis=1)
    largest = np.square(b[told]).sum(axis=1) / product[told]
    unit = sizes[0] / sizes[1]
    mu = float(np.quantile(smallest, _QUANTILE) * unit) / _MARGIN
    return mu, max(float(np.quantile(largest, 1.0 - _QUANTILE) * unit) * _MARGIN, 2.0 * mu)


def _numbers(name: str, values: Any) -> np.ndarray[Any, Any]:
    """Return an array of float64; a ValueError or TypeError for what is none, or not finite."""
    array = np.asarray(readable_numbers(name, values))
    if np.iscomplexobj(array):
        raise ValueError(f"{name} is complex; it must hold real numbers.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity.")
    return array
