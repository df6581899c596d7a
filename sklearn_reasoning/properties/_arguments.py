"""Numbers of steps and step sizes, checked and broadcast against one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sklearn_reasoning._polynomials import check_steps
from sklearn_reasoning.algorithms import Algorithm, PerIteration, check_spectrum, get_algorithm

from ._certificate import Certificate
from ._chebyshev_series import Array


@dataclass(frozen=True)
class Case:
    """An algorithm on the matrices with their spectrum in [mu, L], at some k and step sizes.

    Parameters
    ----------
    algorithm : Algorithm
    k : ndarray of int, of shape (m,)
    phi : ndarray of shape (m,), PerIteration, mapping of weights, or None
        The step sizes; None for algorithms without any.
    mu, L : float
    shape : tuple of int
        That of the result: m entries.
    """

    algorithm: Algorithm
    k: Array
    phi: Any
    mu: float
    L: float
    shape: tuple[int, ...]

    def certificate(self, attained: Any, certified: Any, eigenvalue: Any = None) -> Certificate:
        """Return values of shape (m,), or single ones, in the shape of the result."""

        def shaped(values: Any) -> Any:
            # [()] turns an array without axes into a number.
            return np.broadcast_to(values, self.k.shape).reshape(self.shape)[()]

        return Certificate(
            shaped(attained), shaped(certified), None if eigenvalue is None else shaped(eigenvalue)
        )


def resolve(algo: str | Algorithm, k: Any, step_size: Any, mu: float, L: float) -> Case:
    """Check the arguments of a property, and broadcast k against the step sizes.

    A TypeError if one is of the wrong kind, a ValueError if one is out of its domain, or shapes
    do not broadcast.
    """
    algorithm = get_algorithm(algo)
    mu, L = check_spectrum(mu, L)
    steps = np.asarray(check_steps(k))
    phi: Any = None
    if isinstance(step_size, Mapping):
        phi = _weights(algorithm, step_size)
    elif isinstance(step_size, PerIteration):
        phi = _per_iteration(algorithm, step_size, steps, mu, L)
    elif (initial := algorithm.initial_step_size(mu, L)) is not None:
        phi = _step_sizes(step_size, initial)
        try:
            steps, phi = np.broadcast_arrays(steps, phi)
        except ValueError as error:
            raise ValueError(
                f"k of shape {steps.shape} and step_size of shape {phi.shape} do not broadcast."
            ) from error
        phi = phi.ravel()
    return Case(algorithm, steps.ravel(), phi, mu, L, steps.shape)


def _step_sizes(step_size: Any, initial: float) -> Array:
    if step_size is None:
        return np.asarray(initial)
    if isinstance(step_size, torch.Tensor):
        step_size = step_size.detach().cpu().numpy()
    try:
        sizes = np.asarray(step_size, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"step_size={step_size!r} must hold numbers.") from error
    if not ((sizes > 0.0) & np.isfinite(sizes)).all():
        raise ValueError(f"step_size={step_size!r} must be positive and finite.")
    return sizes


def _per_iteration(
    algorithm: Algorithm, step_size: PerIteration, steps: Array, mu: float, L: float
) -> PerIteration:
    if algorithm.initial_step_size(mu, L) is None:
        raise TypeError(f"{algorithm.name!r} has no step size, got step_size={step_size!r}.")
    sizes = tuple(float(size) for size in step_size.sizes)
    if not all(0.0 < size < np.inf for size in sizes):
        raise ValueError(f"step_size={step_size!r} must be positive and finite.")
    if steps.size and steps.max() > len(sizes):
        raise ValueError(f"k={steps.max()} steps need as many step sizes, got {len(sizes)}.")
    return PerIteration(sizes)


def _weights(algorithm: Algorithm, weights: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    expected = algorithm.initial_weights(1, 0.5, 1.0)
    if not expected:
        raise TypeError(f"{algorithm.name!r} has no weights, got step_size={weights!r}.")
    if set(weights) != set(expected):
        raise ValueError(
            f"step_size must map the weights of {algorithm.name!r}, {sorted(expected)}, to their "
            f"values; got {sorted(weights)}."
        )
    found: dict[str, torch.Tensor] = {}
    for name, value in weights.items():
        try:
            found[name] = torch.as_tensor(value).detach().to("cpu", torch.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(f"step_size[{name!r}]={value!r} must hold numbers.") from error
        if not bool(found[name].isfinite().all()):
            raise ValueError(f"step_size[{name!r}] must be finite.")
    d = min((size for value in found.values() for size in value.shape), default=0)
    for name, initial in algorithm.initial_weights(max(d, 1), 0.5, 1.0).items():
        if found[name].shape != initial.shape:
            raise ValueError(
                f"step_size[{name!r}] must be of shape {tuple(initial.shape)} for {d} outputs, "
                f"got {tuple(found[name].shape)}."
            )
    return found
