"""One name for the parameter ``loss`` and the method ``loss(X, y)``."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_reasoning._support.numbers import readable_numbers


class CallableLoss(str):
    """The value of the parameter ``loss``, which can also be called to measure the loss.

    It is the string that was set, for every purpose of a string.
    """

    _estimator: Any

    def __new__(cls, value: str, estimator: Any) -> CallableLoss:
        """Bind the value to the estimator that it is a parameter of."""
        bound = super().__new__(cls, value)
        bound._estimator = estimator
        return bound

    def __call__(self, X: Any, y: Any) -> float:
        """Return the mean norm of the error of the fitted estimator (Eq. 13).

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns as in ``fit``.
        y : array-like of shape (n,) or (n, d)
            Targets, as many as the predictions. One dimension means d = 1.

        Returns
        -------
        float
            In the units of y.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If y has another number of rows or of outputs than the predictions.
        """
        predicted = self._estimator.predict(X)
        y = np.asarray(readable_numbers("y", y), dtype=np.float64)
        # With one output (n,) and (n, 1) are the same targets, and must not be broadcast.
        columns = [a.reshape(-1, 1) if a.ndim == 1 else a for a in (predicted, y)]
        if columns[0].shape != columns[1].shape:
            raise ValueError(f"y has shape {y.shape}, the predictions have {predicted.shape}.")
        return float(np.linalg.norm(columns[0] - columns[1], axis=1).mean())

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies and pickles are plain strings: a parameter must not carry its estimator along.
        return str, (str(self),)


class LossParameter:
    """Data descriptor: stores what is set, gives it back callable."""

    def __get__(self, estimator: Any, owner: type) -> Any:
        """Return the loss of an estimator."""
        if estimator is None:
            return self
        value = vars(estimator)["loss"]
        return CallableLoss(value, estimator) if isinstance(value, str) else value

    def __set__(self, estimator: Any, value: Any) -> None:
        """Store the loss as it is given."""
        vars(estimator)["loss"] = value
