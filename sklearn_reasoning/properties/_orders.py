"""The orders in k of Table 1, and those that the exact values follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_reasoning._polynomials import check_steps
from sklearn_reasoning.algorithms import Algorithm, PerIteration, check_spectrum, get_algorithm

from ._chebyshev_series import Array
from ._convergence import convergence
from ._sensitivity import sensitivity
from ._stability import stability

# What is left of the limit must be worth more than the rounding of the limit itself.
_SMALLEST_REMAINDER = 1e-7


@dataclass(frozen=True)
class Order:
    r"""An order in k, :math:`k^p \rho^k`, as those of Table 1.

    Parameters
    ----------
    exponent : float
        The power p of k.
    rate : float
        The rate :math:`\rho` at which each step shrinks it.

    Examples
    --------
    >>> order = Order(exponent=1.0, rate=0.9)  # what Table 1 says of nag's convergence
    >>> k = 10
    >>> round(k**order.exponent * order.rate**k, 4)
    3.4868
    """

    exponent: float
    rate: float


@dataclass(frozen=True)
class OrderFit:
    """The order that values follow, beside the paper's (Table 1).

    Parameters
    ----------
    fitted : Order or None
        By least squares in the logarithm; None where there are too few values to fit.
    table : Order or None
        Table 1's; None for algorithms that are not in it.

    Examples
    --------
    >>> from sklearn_reasoning.properties import fit_orders
    >>> fit = fit_orders("gd", k=[10, 20, 40], step_size=1.0, mu=0.1)["convergence"]
    >>> round(fit.fitted.rate, 6), fit.table.rate
    (0.9, 0.9)
    """

    fitted: Order | None
    table: Order | None


def fit_orders(
    algo: str | Algorithm,
    k: Any = None,
    step_size: float | None = None,
    mu: float = 0.01,
    L: float = 1.0,
) -> dict[str, OrderFit]:
    r"""Fit the orders in k of an algorithm's properties, beside those of Table 1.

    Convergence and sensitivity are fitted by :math:`C k^p \rho^k`. Stability rises to the limit
    that the exact minimiser has, :math:`1/\mu` in b and :math:`1/\mu^2` in Q; what is left to it
    is fitted.

    Parameters
    ----------
    algo : str or Algorithm
        A name of :func:`~sklearn_reasoning.algorithms.list_algorithms` or an instance.
    k : array-like of int of any shape or None, default=None
        At least 3 numbers of steps; None takes 20 from 50 to 400.
    step_size : float or None, default=None
        The step size, in 1/curvature, and the c_0 of Table 1's Sens(k); None is 1/L.
    mu, L : float, default=0.01 and 1.0
        Bounds of the spectrum of Q.

    Returns
    -------
    dict of str to OrderFit
        For "convergence", "stability_in_Q", "stability_in_b" and "sensitivity" (the local one at
        ``step_size``).

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    Table 1 bounds Sens(k) of nag by :math:`k^3`; the exact order is :math:`k^2`
    (:func:`sensitivity`). It bounds Stab by a constant times :math:`1 - \rho^k`, which says how
    fast the limit is reached at most.

    Examples
    --------
    >>> orders = fit_orders("nag", step_size=1.0, mu=0.01)
    >>> fit = orders["sensitivity"]
    >>> round(fit.fitted.exponent, 2), round(fit.fitted.rate, 4)
    (1.98, 0.9)
    >>> fit.table
    Order(exponent=3.0, rate=0.9)
    """
    algorithm = get_algorithm(algo)
    if isinstance(step_size, PerIteration):
        raise TypeError("step_size must be a single number: an order needs any number of steps.")
    steps = np.unique(check_steps(np.geomspace(50, 400, 20).astype(int) if k is None else k))
    if steps.size < 3 or steps.min() < 1:
        raise ValueError(f"k={k!r} must hold at least three numbers of steps from 1 on.")
    mu, L = check_spectrum(mu, L)
    stab = stability(algorithm, steps, step_size, mu, L)
    decays = {
        "convergence": convergence(algorithm, steps, step_size, mu, L).certified,
        "stability_in_Q": _remainder(stab.in_Q.certified, mu**-2),
        "stability_in_b": _remainder(stab.in_b.certified, 1.0 / mu),
        "sensitivity": sensitivity(algorithm, steps, step_size, mu, L).certified,
    }
    table = _TABLE_1.get(algorithm.name)
    rate = 0.0 if table is None else table.rate(1.0 / L if step_size is None else step_size, mu)
    return {
        name: OrderFit(
            _fit(steps, values),
            None if table is None else Order(table.exponents[name], rate),
        )
        for name, values in decays.items()
    }


def _remainder(values: Array, limit: float) -> Array:
    remainder: Array = limit - values
    return np.where(remainder > _SMALLEST_REMAINDER * limit, remainder, np.nan)


def _fit(k: Array, values: Array) -> Order | None:
    good = np.isfinite(values) & (values > 1e-290)
    if good.sum() < 3:
        return None
    k, values = k[good].astype(float), values[good]
    design = np.stack([np.ones_like(k), np.log(k), k], axis=1)
    _, exponent, log_rate = np.linalg.lstsq(design, np.log(values), rcond=None)[0]
    return Order(float(exponent), float(np.exp(log_rate)))


@dataclass(frozen=True)
class _TableRow:
    rate: Callable[[float, float], float]
    exponents: dict[str, float]


# A constant times 1 - rho^k: what is left to the limit has no power of k in it.
_STABILITY = {"stability_in_Q": 0.0, "stability_in_b": 0.0}

_TABLE_1 = {
    "gd": _TableRow(
        lambda phi, mu: 1.0 - phi * mu, {"convergence": 0.0, "sensitivity": 1.0, **_STABILITY}
    ),
    "nag": _TableRow(
        lambda phi, mu: 1.0 - float(np.sqrt(phi * mu)),
        {"convergence": 1.0, "sensitivity": 3.0, **_STABILITY},
    ),
}
