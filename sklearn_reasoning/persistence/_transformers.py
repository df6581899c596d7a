"""How scikit-learn's scalers and their like are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from torch import Tensor

from ._stored_class import State, StoredClass, feature_names, put_features

# Whether a value is what an attribute holds where X has n columns.
_Check = Callable[[Any, int], bool]


def _is_number(value: Any, n: int) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_text(value: Any, n: int) -> bool:
    return isinstance(value, str)


def _is_vector(value: Any, n: int) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "if" and value.shape == (n,)


def _is_vector_or_none(value: Any, n: int) -> bool:
    return value is None or _is_vector(value, n)


def _is_count(value: Any, n: int) -> bool:
    # One for all columns, or, where values were missing, one for each.
    return _is_number(value, n) or _is_vector(value, n)


def _is_any_vector(value: Any, n: int) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim == 1


def _is_matrix(value: Any, n: int) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind == "f"
        and value.ndim == 2
        and value.shape[1] == n
    )


class _Transformer(StoredClass):
    """A transformer whose fitted attributes are numbers and arrays.

    ``attributes`` are the checks of all that it has when it is fitted, but for the number and names
    of the columns.
    """

    def __init__(
        self, kind: type[Any], parameters: tuple[str, ...], attributes: Mapping[str, _Check]
    ) -> None:
        super().__init__(kind, parameters)
        self.attributes = attributes

    def take(self, estimator: Any) -> State | None:
        if "n_features_in_" not in vars(estimator):
            return None
        tensors: dict[str, Tensor] = {}
        values = {"n_features_in_": estimator.n_features_in_, **feature_names(estimator)}
        turned = []
        for name in self.attributes:
            value = getattr(estimator, name)
            if not isinstance(value, np.ndarray):
                values[name] = value
                continue
            if value.ndim == 2 and not value.flags.c_contiguous:
                # Products round differently when their matrices lie differently in memory.
                turned.append(name)
                value = value.T
            tensors[name] = torch.from_numpy(np.ascontiguousarray(value))
        return tensors, {**values, "turned": turned}

    def put(self, estimator: Any, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        n = put_features(estimator, values)
        turned = values.pop("turned")
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        found = {**values, **{k: a.T if k in turned else a for k, a in arrays.items()}}
        if len(found) < len(values) + len(arrays) or set(found) != set(self.attributes):
            raise ValueError(f"it must hold {sorted(self.attributes)}, not {sorted(found)}")
        for name, check in self.attributes.items():
            if not check(found[name], n):
                raise ValueError(f"{name} is not what {n} columns have")
            setattr(estimator, name, found[name])
        self._check(estimator)

    def _check(self, estimator: Any) -> None:
        """Check what neither an attribute nor scikit-learn's own constraints tell."""


class _MinMaxScaler(_Transformer):
    def _check(self, estimator: Any) -> None:
        ends = estimator.feature_range
        if len(ends) != 2 or not all(_is_number(end, 0) for end in ends):
            raise ValueError(f"feature_range={ends!r} must be two numbers")


class _PCA(_Transformer):
    def _check(self, estimator: Any) -> None:
        m = len(estimator.components_)
        vectors = (
            estimator.explained_variance_,
            estimator.explained_variance_ratio_,
            estimator.singular_values_,
        )
        if estimator.n_components_ != m or any(len(vector) != m for vector in vectors):
            raise ValueError("there are not as many variances as components")


TRANSFORMERS: list[StoredClass] = [
    _Transformer(
        StandardScaler,
        ("copy", "with_mean", "with_std"),
        {
            "mean_": _is_vector_or_none,
            "var_": _is_vector_or_none,
            "scale_": _is_vector_or_none,
            "n_samples_seen_": _is_count,
        },
    ),
    _MinMaxScaler(
        MinMaxScaler,
        ("feature_range", "copy", "clip"),
        {
            "min_": _is_vector,
            "scale_": _is_vector,
            "data_min_": _is_vector,
            "data_max_": _is_vector,
            "data_range_": _is_vector,
            "n_samples_seen_": _is_count,
        },
    ),
    _Transformer(
        MaxAbsScaler,
        ("copy", "clip"),
        {"scale_": _is_vector, "max_abs_": _is_vector, "n_samples_seen_": _is_count},
    ),
    _Transformer(
        RobustScaler,
        ("with_centering", "with_scaling", "quantile_range", "copy", "unit_variance"),
        {"center_": _is_vector_or_none, "scale_": _is_vector_or_none},
    ),
    _Transformer(Normalizer, ("norm", "copy"), {}),
    _PCA(
        PCA,
        (
            "n_components",
            "copy",
            "whiten",
            "svd_solver",
            "tol",
            "iterated_power",
            "n_oversamples",
            "power_iteration_normalizer",
            "random_state",
        ),
        {
            "components_": _is_matrix,
            "explained_variance_": _is_any_vector,
            "explained_variance_ratio_": _is_any_vector,
            "singular_values_": _is_any_vector,
            "mean_": _is_vector,
            "n_components_": _is_number,
            "n_samples_": _is_number,
            "noise_variance_": _is_number,
            "_fit_svd_solver": _is_text,
        },
    ),
    # Without a function it hands X on: what "passthrough" becomes in a ColumnTransformer.
    _Transformer(
        FunctionTransformer, ("validate", "accept_sparse", "check_inverse", "feature_names_out"), {}
    ),
]
