"""How the estimators of one class are stored."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from sklearn_reasoning.estimators import restored_names

State = tuple[dict[str, Tensor], dict[str, Any]]


class StoredClass(ABC):
    """What a model file holds of the estimators of one class.

    ``parameters`` are those of the constructor that a file may hold; ``left_out`` those that say
    how to compute and not what: the loaded model has their defaults.
    """

    # Whether it is what a model file is for, and not something around it.
    is_ours = False

    def __init__(
        self, kind: type[Any], parameters: tuple[str, ...], left_out: tuple[str, ...] = ()
    ) -> None:
        self.kind = kind
        self.parameters = parameters
        self.left_out = left_out

    def parameters_of(self, estimator: Any) -> dict[str, Any]:
        """Return the parameters of an estimator that are not the defaults.

        Releases add parameters and drop others; a file names only those that were used.
        """
        return {
            name: value
            for name, value in estimator.get_params(deep=False).items()
            if not self._is_default(name, value)
        }

    def _is_default(self, name: str, value: Any) -> bool:
        default = inspect.signature(self.kind).parameters[name].default
        return type(value) is type(default) and bool(value == default)

    @abstractmethod
    def take(self, estimator: Any) -> State | None:
        """Return what ``fit`` left, as tensors and values; None if it is not fitted."""

    @abstractmethod
    def put(self, estimator: Any, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Give an estimator what :meth:`take` returned, once it is checked.

        KeyError, TypeError or ValueError if it is not what such an estimator has.
        """


def feature_names(estimator: Any) -> dict[str, Any]:
    """Return the names of the columns as a list, where an estimator has them."""
    names = vars(estimator).get("feature_names_in_")
    return {} if names is None else {"feature_names_in_": [str(name) for name in names]}


def put_features(estimator: Any, values: dict[str, Any]) -> int:
    """Take the number of columns and their names out of values, and return the number.

    KeyError or ValueError if there is no number, or the names are not as many strings.
    """
    n = values.pop("n_features_in_")
    names = values.pop("feature_names_in_", None)
    if type(n) is not int or n < 0:
        raise ValueError(f"n_features_in_={n!r}")
    estimator.n_features_in_ = n
    put_names(estimator, names, n)
    return n


def put_names(estimator: Any, names: Any, n: int | None) -> None:
    """Set the names of the columns, where there are any."""
    if names is not None:
        estimator.feature_names_in_ = restored_names(names, n)
