"""The properties of algorithms over k, as curves and as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_reasoning.algorithms import Algorithm, PerIteration, get_algorithm
from sklearn_reasoning.properties import (
    Certificate,
    convergence,
    resolve,
    sensitivity,
    stability,
    times,
)

QUANTITIES = (
    "convergence",
    "stability",
    "stability_in_Q",
    "stability_in_b",
    "product",
    "sensitivity",
)


@dataclass(frozen=True, eq=False)
class PropertyCurve:
    """The properties of one algorithm over k, which rises.

    ``label`` tells the curve from the others: the algorithm's name, if that does. ``step_size`` and
    ``stable_region`` are None for an algorithm without a step size; the former may hold the initial
    weights of a cell. The certificates, of shape (n_k,), are those of
    :mod:`sklearn_reasoning.properties`; ``stability`` is the one constant of Eq. 7, for
    ``norm(b) <= b_norm``, and ``product`` is ``stability`` times ``convergence``, bound by bound.
    """

    label: str
    algorithm: Algorithm
    step_size: Any
    stable_region: tuple[float, float] | None
    k: NDArray[Any]
    convergence: Certificate
    stability: Certificate
    stability_in_Q: Certificate
    stability_in_b: Certificate
    product: Certificate
    sensitivity: Certificate


def each_algorithm(algos: Any) -> list[Algorithm]:
    """Return the algorithms of one or several names or instances; an error if there is none."""
    if isinstance(algos, str | Algorithm):
        algos = [algos]
    try:
        algorithms = [get_algorithm(algo) for algo in algos]
    except TypeError as error:
        raise TypeError(f"algos={algos!r} must hold names or Algorithm instances.") from error
    if not algorithms:
        raise ValueError("algos must name at least one algorithm, got none.")
    return algorithms


def rising_steps(k: Any) -> NDArray[Any]:
    """Return the numbers of steps, each once, from the smallest on.

    A TypeError if one is not a whole number; a ValueError if one is negative, there is none, or
    they are in more than one row.
    """
    steps = np.atleast_1d(np.asarray(list(k) if isinstance(k, range) else k))
    if steps.ndim != 1 or not steps.size:
        raise ValueError(f"k must be a number or one row of at least one, got shape {steps.shape}.")
    if steps.dtype.kind not in "iu":
        raise TypeError(f"k={k!r} must hold whole numbers.")
    if steps.min() < 0:
        raise ValueError(f"k must not be negative, got {int(steps.min())} among its entries.")
    return np.unique(steps)


def each_step_size(step_size: Any, algorithms: Sequence[Algorithm]) -> list[Any]:
    """Return a step size for each algorithm; a list or an array holds one for each already.

    A ValueError if a list is not as long as there are algorithms, or holds more than one size for
    one.
    """
    is_row = isinstance(step_size, list) or (isinstance(step_size, np.ndarray) and step_size.ndim)
    if is_row and len(step_size) != len(algorithms):
        raise ValueError(
            f"step_size holds {len(step_size)} values for {len(algorithms)} algorithms; give a "
            "single one, or a list with one for each."
        )
    sizes = list(step_size) if is_row else [step_size] * len(algorithms)
    for size in sizes:
        if not isinstance(size, PerIteration | Mapping) and np.ndim(size):
            raise ValueError(
                f"step_size={size!r} must be a single one; give a list with one for each algorithm."
            )
    return [
        size if isinstance(size, Mapping) or _region(algorithm, 0.1, 1.0) else None
        for size, algorithm in zip(sizes, algorithms, strict=True)
    ]


def _region(algorithm: Algorithm, mu: float, L: float) -> tuple[float, float] | None:
    """Return the stable region, or None for a method without a step size."""
    sized = algorithm.initial_step_size(mu, L) is not None
    return algorithm.stable_region(mu, L) if sized else None


def property_curves(
    algos: Any,
    k: Any,
    *,
    step_size: Any = None,
    mu: float = 0.1,
    L: float = 1.0,
    b_norm: float = 1.0,
    sensitivity_range: Any = None,
) -> list[PropertyCurve]:
    """Return the properties of each algorithm over k.

    The parameters are those of :meth:`AlgorithmPropertiesDisplay.from_algorithms`.
    """
    algorithms, steps = each_algorithm(algos), rising_steps(k)
    sizes = each_step_size(step_size, algorithms)
    # All that can be refused is, before any of the work.
    cases = [
        resolve(algorithm, steps, size, mu, L)
        for algorithm, size in zip(algorithms, sizes, strict=True)
    ]
    resolved = [single(case.phi) for case in cases]
    for algorithm, phi in zip(algorithms, resolved, strict=True):
        stability(algorithm, 0, phi, mu, L).overall(b_norm)
        _sensitivity(algorithm, 0, phi, mu, L, sensitivity_range)
    curves = []
    for label, algorithm, phi in zip(
        labels(algorithms, resolved), algorithms, resolved, strict=True
    ):
        arguments = (algorithm, steps, phi, mu, L)
        left, moved = convergence(*arguments), stability(*arguments)
        overall = moved.overall(b_norm)
        curves.append(
            PropertyCurve(
                label=label,
                algorithm=algorithm,
                step_size=phi,
                stable_region=_region(algorithm, mu, L),
                k=steps,
                convergence=left,
                stability=overall,
                stability_in_Q=moved.in_Q,
                stability_in_b=moved.in_b,
                product=Certificate(
                    times(overall.attained, left.attained),
                    times(overall.certified, left.certified),
                ),
                sensitivity=_sensitivity(*arguments, sensitivity_range),
            )
        )
    return curves


def _sensitivity(
    algorithm: Algorithm, k: Any, phi: Any, mu: float, L: float, sensitivity_range: Any
) -> Certificate:
    if sensitivity_range is None:
        return sensitivity(algorithm, k, phi, mu, L)
    if not isinstance(sensitivity_range, tuple) and sensitivity_range != "stable":
        raise ValueError(
            f"sensitivity_range={sensitivity_range!r} must be None, 'stable' or a tuple "
            "(low, high)."
        )
    try:
        return sensitivity(algorithm, k, sensitivity_range, mu, L)
    except ValueError as error:
        raise ValueError(f"sensitivity_range={sensitivity_range!r}: {error}") from error


def single(phi: Any) -> Any:
    """Return one step size as a plain number."""
    return float(phi[0]) if isinstance(phi, np.ndarray) else phi


def labels(algorithms: Sequence[Algorithm], step_sizes: Sequence[Any]) -> list[str]:
    """Return a label for each: its name, with the step size or options where that is not enough.

    A ValueError if two are the same in all.
    """
    names = [algorithm.name for algorithm in algorithms]
    if len(set(names)) < len(names):
        names = [
            f"{name}, {phi:.4g}" if isinstance(phi, float) else name
            for name, phi in zip(names, step_sizes, strict=True)
        ]
    if len(set(names)) < len(names):
        names = [
            repr(algorithm) if phi is None else f"{algorithm!r}, {phi!r}"
            for algorithm, phi in zip(algorithms, step_sizes, strict=True)
        ]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"algos holds {twice} twice, with the same step size.")
    return names


def describe_step_size(algorithm: Algorithm, phi: Any) -> str:
    """Return what an algorithm runs with, in words."""
    if isinstance(phi, float):
        return f"step size {phi:.4g}"
    if isinstance(phi, PerIteration):
        return f"{len(phi)} step sizes, one for each iteration"
    if algorithm.initial_weights(1, 0.5, 1.0):
        return "trained weights" if isinstance(phi, Mapping) else "weights as before training"
    return "no step size"
