"""The paper's loss as a scikit-learn metric and scorer."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import make_scorer
from sklearn.utils import assert_all_finite, check_array, check_consistent_length

from sklearn_reasoning._support.numbers import moderate_weights, readable_numbers


def mean_l2_loss(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    r"""Mean over samples of the Euclidean distance between label and prediction.

    .. math:: P_n \ell = \frac1n \sum_i \lVert f(x_i, b_i) - y_i \rVert_2

    This is the paper's loss (Eq. 5, 10) averaged as in Eq. 13: a norm for each sample, not its
    square, and not divided by the number of outputs.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, d)
        Labels. One dimension means d = 1.
    y_pred : array-like of shape (n_samples,) or (n_samples, d)
        Predictions.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the samples; None weighs all alike.

    Returns
    -------
    float
        The (weighted) mean, in the units of y; 0.0 is best.

    Raises
    ------
    ValueError
        If an argument is empty, not finite, or of unlike length or number of outputs, or if the
        weights are negative or all zero.

    Examples
    --------
    >>> from sklearn_reasoning.model_selection import mean_l2_loss
    >>> mean_l2_loss([[0.0, 0.0], [1.0, 1.0]], [[3.0, 4.0], [1.0, 1.0]])
    2.5
    >>> mean_l2_loss([0.0, 1.0], [3.0, 1.0], sample_weight=[1, 2])
    1.0
    """
    true = _as_columns(y_true, "y_true")
    predicted = _as_columns(y_pred, "y_pred")
    check_consistent_length(true, predicted)
    if true.shape[1] != predicted.shape[1]:
        raise ValueError(
            f"y_true has {true.shape[1]} outputs and y_pred has {predicted.shape[1]}; "
            "they must have the same number."
        )
    losses = np.linalg.norm(true - predicted, axis=1)
    if sample_weight is None:
        return float(losses.mean())
    return float(np.average(losses, weights=_checked_weights(sample_weight, losses)))


def _as_columns(y: ArrayLike, name: str) -> NDArray[np.float64]:
    array: NDArray[np.float64]
    if type(y) is np.ndarray and y.dtype == np.float64 and y.ndim in (1, 2) and y.size:
        # On the few rows of a fold check_array takes longer than all the rest.
        array = y
        assert_all_finite(array, input_name=name)
    else:
        array = check_array(
            readable_numbers(name, y), ensure_2d=False, dtype=np.float64, input_name=name
        )
    return array.reshape(-1, 1) if array.ndim == 1 else array


def _checked_weights(sample_weight: ArrayLike, losses: NDArray[np.float64]) -> NDArray[np.float64]:
    name = "sample_weight"
    weights: NDArray[np.float64] = check_array(
        readable_numbers(name, sample_weight), ensure_2d=False, dtype=np.float64, input_name=name
    )
    if weights.ndim != 1:
        raise ValueError(f"sample_weight must have one dimension, got shape {weights.shape}.")
    check_consistent_length(losses, weights)
    if weights.min() < 0:
        raise ValueError(f"sample_weight must not be negative, got {weights.min()}.")
    if not weights.any():
        raise ValueError("sample_weight is zero for every sample; one at least must count.")
    return moderate_weights(weights)


#: For ``scoring=``: minus ``mean_l2_loss`` (Eq. 13), in the units of y.
l2_loss_scorer = make_scorer(mean_l2_loss, greater_is_better=False)
"""Scorer for ``scoring=`` of scikit-learn: minus :func:`mean_l2_loss` (Eq. 13).

Examples
--------
>>> from sklearn.datasets import load_linnerud
>>> from sklearn.linear_model import Ridge
>>> from sklearn_reasoning.model_selection import l2_loss_scorer, mean_l2_loss
>>> X, y = load_linnerud(return_X_y=True)
>>> ridge = Ridge().fit(X, y)
>>> l2_loss_scorer(ridge, X, y) == -mean_l2_loss(y, ridge.predict(X))
True
"""
