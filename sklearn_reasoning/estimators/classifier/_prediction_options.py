"""What predictions are asked for, checked: steps, restarts and the scale of the evidence."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from sklearn_reasoning.estimators._parameters import check_k

# predict_k="converged": steps until no row moves further than this, and the most of them.
_STANDS_STILL = 1e-6
_MOST_STEPS = 5000


def steps_to_take(k: Any, until: Any, predict_k: Any, trained_k: int) -> tuple[int, float | None]:
    """Return the number of steps, and the movement after which they end sooner.

    ``k`` and ``until`` are what a prediction is asked for, ``predict_k`` is the estimator's own.
    """
    if until is not None:
        if not _is_tolerance(until):
            raise ValueError(f"until={until!r} must be a number of at least 0.")
        return _MOST_STEPS if k is None else check_k(k), float(until)
    if k is not None:
        return check_k(k), None
    if predict_k is None:
        return trained_k, None
    if isinstance(predict_k, str):
        if predict_k != "converged":
            raise ValueError(
                f"predict_k={predict_k!r} must be a whole number, 'converged' or None."
            )
        return _MOST_STEPS, _STANDS_STILL
    return check_k(predict_k, "predict_k"), None


def check_n_restarts(n_restarts: Any) -> int:
    """Return a number of restarts; a TypeError if it is none, a ValueError if it is negative."""
    if isinstance(n_restarts, bool) or not isinstance(n_restarts, Integral):
        raise TypeError(f"n_restarts={n_restarts!r} must be a whole number.")
    if n_restarts < 0:
        raise ValueError(f"n_restarts={n_restarts!r} must not be negative.")
    return int(n_restarts)


def readable_scale(value: Any) -> float:
    """Return a scale of evidence; a ValueError if it is no finite number above 0."""
    if not _is_tolerance(value) or not value:
        raise ValueError(f"evidence_scale={value!r} must be a finite number above 0.")
    return float(value)


def _is_tolerance(value: Any) -> bool:
    """Tell whether a value is a finite number that is not negative."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and 0.0 <= float(value) < math.inf
