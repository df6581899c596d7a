"""What a regressor's ``constraint``, ``penalty`` and ``project`` come to, and rows beside it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.layer import check_takes_penalty
from sklearn_reasoning.penalties import Penalty, penalty_of, rows_of_options
from sklearn_reasoning.training import Rows, one_thread

_Array = np.ndarray[Any, Any]


def resolve_penalty(estimator: Any, algorithm: Algorithm) -> Penalty | None:
    """Return the penalty that an estimator asks for.

    A TypeError or ValueError if it is none, or is none that its algorithm or ``project`` takes.
    """
    penalty = penalty_of(estimator.constraint, estimator.penalty)
    if penalty is None:
        return None
    if (n := rows_of_options(penalty)) > 1:
        raise ValueError(
            f"{penalty!r} has options for {n} samples, and the rows that a model meets change. "
            "Put them into columns of X, and Columns([...]) in their place."
        )
    if estimator.project == "last_step":
        if not penalty.is_set:
            raise ValueError(
                f"project='last_step' projects onto a set, and penalty={estimator.penalty!r} is "
                "none. Use project='each_step', or leave the penalty out."
            )
        return penalty
    try:
        check_takes_penalty(algorithm, penalty)
    except ValueError as error:
        instead = " Or project='last_step': all take a set after the steps."
        raise ValueError(f"{error}{instead if penalty.is_set else ''}") from None
    return penalty


def of_rows(penalty: Penalty, limits: _Array | None) -> Penalty:
    """Return the penalty of rows, with what it takes from columns of X, of shape (n, n_limits)."""
    if limits is None:
        return penalty
    return penalty.with_columns(torch.from_numpy(np.ascontiguousarray(limits, dtype=np.float64)))


def warn_of_rows_outside(penalty: Penalty, rows: Rows, dtype: type) -> None:
    """Warn, once, if targets do not obey, by more than rounding in the dtype they came in."""
    eps, y = float(np.finfo(dtype).eps), rows.y
    with torch.no_grad(), one_thread():
        distance = of_rows(penalty, rows.limits).distance(torch.from_numpy(y)).numpy()
    n_outside = int((distance > np.sqrt(eps) * (1.0 + np.abs(y).sum(axis=1))).sum())
    if n_outside:
        warnings.warn(
            f"{n_outside} of {len(y)} training rows of y are outside {penalty!r}, by up to "
            f"{distance.max():.6g}. No prediction can reach them; it is trained to come near.",
            UserWarning,
            stacklevel=3,
        )
