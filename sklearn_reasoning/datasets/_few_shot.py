"""Regression tasks with a handful of rows each, which share what they are made of."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from sklearn_reasoning._support.random_state import seed_of

_Array: TypeAlias = NDArray[np.float64]

_LARGEST_X = 5.0


def _sinusoid(x: _Array, u: _Array) -> _Array:
    amplitude, phase = 0.1 + 4.9 * u[0], np.pi * u[1]
    return amplitude * np.sin(x - phase)


def _linear(x: _Array, u: _Array) -> _Array:
    slope, intercept = -1.0 + 2.0 * u[0], -5.0 + 10.0 * u[1]
    return slope * x + intercept


def _step(x: _Array, u: _Array) -> _Array:
    place, left, right = -4.0 + 8.0 * u[0], -5.0 + 10.0 * u[1], -5.0 + 10.0 * u[2]
    return np.where(x < place, left, right)


# By name: y of x (n_tasks, n_rows) and of three uniform numbers a task, (3, n_tasks, 1).
_TASKS: dict[str, Callable[[_Array, _Array], _Array]] = {
    "sinusoid": _sinusoid,
    "linear": _linear,
    "step": _step,
}

_PARAMETER_CONSTRAINTS: dict[str, list[Any]] = {
    "n_tasks": [Interval(Integral, 1, None, closed="left")],
    "n_rows": [Interval(Integral, 1, None, closed="left")],
    "task": [StrOptions(set(_TASKS))],
    "noise": [Interval(Real, 0, None, closed="left")],
    "random_state": ["random_state"],
}


def make_few_shot(
    n_tasks: int = 100,
    n_rows: int = 20,
    *,
    task: Literal["sinusoid", "linear", "step"] = "sinusoid",
    noise: float = 0.0,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[_Array, _Array, NDArray[np.int64]]:
    """Generate regression tasks of one kind, each a group with few rows.

    x is uniform in [-5, 5]. What is the same for all tasks can be learned from many of them, so
    that a few rows of a new one suffice; see :class:`~sklearn_reasoning.FewShotReasoningRegressor`.

    Parameters
    ----------
    n_tasks : int, default=100
        Number of tasks.
    n_rows : int, default=20
        Rows of each task, those to adapt to and those to be predicted together.
    task : {"sinusoid", "linear", "step"}, default="sinusoid"
        "sinusoid": ``amplitude * sin(x - phase)``, amplitude uniform in [0.1, 5] and phase in
        [0, pi], the problem of MAML's authors. "linear": ``slope * x + intercept``, slope uniform
        in [-1, 1] and intercept in [-5, 5]. "step": one level left of a place and another from
        there on, levels uniform in [-5, 5] and the place in [-4, 4].
    noise : float, default=0.0
        Standard deviation of Gaussian noise that is added to y, in units of y.
    random_state : int, RandomState instance or None, default=None
        Seed of the tasks. None is fresh entropy; numpy's global random state is never used. With
        the same int, the tasks of a smaller ``n_tasks`` are the first of a larger one, ``noise``
        changes y only, and a task is the same function whatever ``n_rows``.

    Returns
    -------
    X : ndarray of shape (n_tasks * n_rows, 1)
        Features, of which there is one, task by task.
    y : ndarray of shape (n_tasks * n_rows,)
        Targets.
    groups : ndarray of shape (n_tasks * n_rows,)
        The task of each row, 0 to n_tasks - 1.

    Raises
    ------
    ValueError
        If a parameter is outside its domain.

    See Also
    --------
    load_groups : Measured groups.

    References
    ----------
    C. Finn, P. Abbeel and S. Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep
    Networks", ICML 2017, Section 5.1.

    Examples
    --------
    >>> from sklearn_reasoning.datasets import make_few_shot
    >>> X, y, groups = make_few_shot(n_tasks=3, n_rows=10, random_state=0)
    >>> X.shape, y.shape, groups[::5]
    ((30, 1), (30,), array([0, 0, 1, 1, 2, 2]))
    """
    validate_parameter_constraints(
        _PARAMETER_CONSTRAINTS, dict(locals()), caller_name="make_few_shot"
    )
    # A stream each, so that neither noise nor the number of rows changes a task.
    streams = np.random.SeedSequence(seed_of(random_state)).spawn(3)
    parameters, places, errors = (np.random.default_rng(stream) for stream in streams)
    u = parameters.random((n_tasks, 3)).T[:, :, None]
    x = places.uniform(-_LARGEST_X, _LARGEST_X, size=(n_tasks, n_rows))
    y = _TASKS[task](x, u)
    if noise:
        y = y + noise * errors.standard_normal(y.shape)
    return x.reshape(-1, 1), y.ravel(), np.repeat(np.arange(n_tasks), n_rows)
