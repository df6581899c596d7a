"""How many steps a prediction takes."""

from __future__ import annotations

from typing import Any

from sklearn_reasoning.estimators._parameters import check_k

from ._relax import is_tolerance

# predict_k="converged": steps until no row moves further than this, and the most of them.
_STANDS_STILL = 1e-6
_MOST_STEPS = 5000


def steps_to_take(k: Any, until: Any, predict_k: Any, trained_k: int) -> tuple[int, float | None]:
    """Return the number of steps, and the movement after which they end sooner.

    ``k`` and ``until`` are what a prediction is asked for, ``predict_k`` is the estimator's own.
    """
    if until is not None:
        if not is_tolerance(until):
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
