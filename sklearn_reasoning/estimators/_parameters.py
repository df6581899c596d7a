"""The domain of every constructor parameter of the regressor, and their relations.

This file and the denoiser's twin are the ones that use scikit-learn's private validation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

from sklearn_reasoning._networks import INITIAL_WEIGHTS
from sklearn_reasoning.algorithms import Algorithm, check_spectrum, get_algorithm
from sklearn_reasoning.layer import resolve_step_size
from sklearn_reasoning.penalties import Penalty
from sklearn_reasoning.training import check_callbacks

_POSITIVE = Interval(Real, 0, np.inf, closed="neither")

CONSTRAINTS: dict[str, list[Any]] = {
    "algo": [str, Algorithm],
    "k": [Interval(Integral, 0, None, closed="left")],
    "q_hidden": ["array-like", Interval(Integral, 0, None, closed="left"), None],
    "step_size": [_POSITIVE, None],
    "step_size_range": [StrOptions({"stable"}), tuple, list],
    "learn_step_size": ["boolean"],
    "step_size_per_iteration": ["boolean"],
    "mu": [_POSITIVE],
    "L": [_POSITIVE],
    "spectrum": [StrOptions({"auto", "anchored", "free"})],
    "rotation": [StrOptions({"identity", "shared", "predicted", "given"}), "array-like"],
    "linear_term": [StrOptions({"learned", "given", "corrected"}), "array-like"],
    "b_hidden": ["array-like", Interval(Integral, 0, None, closed="left")],
    "loss": [StrOptions({"l2", "squared"})],
    "optimizer": [StrOptions({"adam", "sgd"})],
    "lr": [_POSITIVE],
    "weight_decay": [StrOptions({"auto"}), Interval(Real, 0, np.inf, closed="left")],
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "lr_schedule": [StrOptions({"cosine", "constant"})],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "tol": [Interval(Real, 0, np.inf, closed="left")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "keep": [StrOptions({"best", "last"})],
    "warm_start": ["boolean"],
    "device": [str, torch.device],
    "callbacks": [list, tuple, None],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
    "initial_weights": [StrOptions(set(INITIAL_WEIGHTS))],
    "start": [StrOptions({"auto", "zero", "mean", "learned", "predicted"})],
    # Its words are told from one another where it becomes a set.
    "constraint": [str, tuple, list, Penalty, None],
    "penalty": [Penalty, None],
    "project": [StrOptions({"each_step", "last_step"})],
}


def check_relations(estimator: Any) -> Algorithm:
    """Return the algorithm, and check what the constraints cannot say of one parameter alone.

    The ValueError names the parameter.
    """
    algorithm = get_algorithm(estimator.algo)
    check_numbers(estimator, CONSTRAINTS)
    check_spectrum(estimator.mu, estimator.L)
    resolve_step_size(
        algorithm, estimator.step_size, estimator.step_size_range, estimator.mu, estimator.L
    )
    hidden_sizes("q_hidden", estimator.q_hidden)
    hidden_sizes("b_hidden", estimator.b_hidden)
    check_callbacks(estimator.callbacks, has_validation=bool(estimator.early_stopping))
    check_device(estimator.device)
    return algorithm


def hidden_sizes(name: str, value: Any) -> tuple[int, ...] | None:
    """Return hidden sizes as a tuple; 0 and () are none, an int is one layer.

    A ValueError if a size is not a positive whole number.
    """
    if value is None:
        return None
    if isinstance(value, Integral) and not isinstance(value, bool):
        return (int(value),) if value else ()
    try:
        sizes = tuple(value)
    except TypeError:
        sizes = (value,)
    if all(isinstance(s, Integral) and not isinstance(s, bool) and int(s) >= 1 for s in sizes):
        return tuple(int(size) for size in sizes)
    raise ValueError(f"{name}={value!r} must hold positive whole numbers, or be 0 or ().")


def check_numbers(estimator: Any, constraints: Mapping[str, Sequence[Any]]) -> None:
    """Refuse True and False for numbers: to Python, and to the constraints, they are whole ones.

    The ValueError names the parameter.
    """
    _refuse_booleans({name: getattr(estimator, name) for name in constraints}, constraints)


def check_values(
    what: str, values: Mapping[str, Any], constraints: Mapping[str, Sequence[Any]]
) -> None:
    """Check values that are no estimator's parameters; the ValueError names one.

    ``what`` they are is for the message. The constraints are of the same names.
    """
    _refuse_booleans(values, constraints)
    validate_parameter_constraints(constraints, values, caller_name=what)


def _refuse_booleans(values: Mapping[str, Any], constraints: Mapping[str, Sequence[Any]]) -> None:
    for name, options in constraints.items():
        is_number = any(isinstance(option, Interval) for option in options)
        if is_number and isinstance(values[name], bool | np.bool_):
            raise ValueError(f"{name}={values[name]!r} must be a number.")


def check_device(device: Any) -> None:
    """Raise a ValueError unless torch can compute on a device."""
    try:
        torch.zeros(1, device=device).item()  # torch's "meta" device has tensors without numbers
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={device!r} cannot be used: {error}") from error


def check_outputs(estimator: Any, n_outputs: int) -> None:
    """Raise a ValueError if an anchored spectrum is asked for with fewer than three outputs."""
    if estimator.spectrum == "anchored" and n_outputs < 3:
        raise ValueError(
            f"spectrum='anchored' needs at least 3 outputs, y has {n_outputs}. Use "
            "spectrum='free' or 'auto'."
        )


def check_k(k: Any, name: str = "k") -> int:
    """Return a number of steps: a TypeError if it is no whole number, a ValueError if negative."""
    if isinstance(k, bool) or not isinstance(k, Integral):
        raise TypeError(f"{name}={k!r} must be a whole number.")
    if k < 0:
        raise ValueError(f"{name}={k!r} must not be negative.")
    return int(k)
