"""The properties of algorithms over k, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._property_curves import PropertyCurve, property_curves

_NAMES = ("convergence", "stability_in_Q", "stability_in_b", "sensitivity")


def properties_table(
    algos: Any,
    k: Any,
    *,
    step_size: Any = None,
    mu: float = 0.1,
    L: float = 1.0,
) -> dict[str, NDArray[Any]]:
    r"""Return the certified and attained properties of algorithms, a row for each k.

    Parameters
    ----------
    algos : str, Algorithm or sequence of them
        Names of :func:`~sklearn_reasoning.algorithms.list_algorithms` or instances.
    k : int, or array-like of int of shape (n_k,)
        Numbers of steps.
    step_size : float, PerIteration, mapping, None or list of them, default=None
        As for :meth:`AlgorithmPropertiesDisplay.from_algorithms`.
    mu, L : float, default=0.1 and 1.0
        Bounds of the spectrum of Q.

    Returns
    -------
    dict of str to ndarray of shape (n_algorithms * n_k,)
        ``algo``, ``k``, ``step_size`` (NaN where there is no single one), ``mu``, ``L``, and, each
        with ``_attained`` and ``_certified``, ``convergence``, ``stability_in_Q``,
        ``stability_in_b`` and ``sensitivity`` (local at the step size). ``pandas.DataFrame``
        accepts it.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If an argument is out of its domain, or two algorithms are the same.

    Examples
    --------
    >>> from sklearn_reasoning.inspection import properties_table
    >>> table = properties_table(["gd", "nag"], k=[1, 10], mu=0.1, L=1.0)
    >>> table["algo"].tolist()
    ['gd', 'gd', 'nag', 'nag']
    >>> table["convergence_certified"].round(3)
    array([0.9  , 0.349, 0.9  , 0.093])
    """
    return table_of(property_curves(algos, k, step_size=step_size, mu=mu, L=L), mu, L)


def table_of(curves: Sequence[PropertyCurve], mu: float, L: float) -> dict[str, NDArray[Any]]:
    """Return the columns of :func:`properties_table` for curves that are there."""
    sizes = [c.step_size if isinstance(c.step_size, float) else np.nan for c in curves]
    columns: dict[str, NDArray[Any]] = {
        "algo": np.repeat(np.array([c.algorithm.name for c in curves], dtype=object), _n_k(curves)),
        "k": np.concatenate([c.k for c in curves]),
        "step_size": np.repeat(sizes, _n_k(curves)),
    }
    columns |= {
        name: np.full(len(columns["k"]), float(value)) for name, value in (("mu", mu), ("L", L))
    }
    for name in _NAMES:
        for side in ("attained", "certified"):
            values = [getattr(getattr(curve, name), side) for curve in curves]
            columns[f"{name}_{side}"] = np.concatenate(values)
    return columns


def _n_k(curves: Sequence[PropertyCurve]) -> list[int]:
    return [len(curve.k) for curve in curves]
