"""How what scikit-learn puts around estimators is stored."""

from __future__ import annotations

from collections import UserList
from numbers import Real
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from torch import Tensor

from ._stored_class import State, StoredClass, feature_names, put_features, put_names


def _check_role(estimator: Any, method: str, where: str) -> None:
    if not hasattr(estimator, method):
        raise ValueError(f"{where} has no {method}")


def _check_names(entries: Any, length: int) -> list[str]:
    """Return the names of (name, ...) tuples, if they are such and differ."""
    tuples = isinstance(entries, list) and all(
        isinstance(entry, tuple) and len(entry) == length and isinstance(entry[0], str)
        for entry in entries
    )
    if not tuples:
        raise ValueError("its steps are no tuples with a name")
    names = [entry[0] for entry in entries]
    if len(set(names)) < len(names):
        raise ValueError(f"the names {names} are not unique")
    return names


class _Pipeline(StoredClass):
    def take(self, estimator: Any) -> State:
        # All that it fits is in its steps.
        return {}, {}

    def put(self, estimator: Any, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        if tensors or values:
            raise ValueError("a Pipeline holds nothing of its own")
        names = _check_names(estimator.steps, 2)
        if not names:
            raise ValueError("a Pipeline without steps")
        for name, step in estimator.steps[:-1]:
            if step != "passthrough" or not isinstance(step, str):
                _check_role(step, "transform", f"the step {name!r}")
        last = estimator.steps[-1][1]
        if not hasattr(last, "predict") and not isinstance(last, str):
            _check_role(last, "transform", "the last step")
        columns = estimator.transform_input
        if columns is not None and not all(isinstance(name, str) for name in columns):
            raise ValueError("transform_input must be strings")


class _TransformedTargetRegressor(StoredClass):
    def take(self, estimator: Any) -> State | None:
        if "regressor_" not in vars(estimator):
            return None
        return {}, {
            "regressor_": estimator.regressor_,
            "transformer_": estimator.transformer_,
            "training_dim": estimator._training_dim,
            **feature_names(estimator),
        }

    def put(self, estimator: Any, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        put_names(estimator, values.pop("feature_names_in_", None), None)
        if tensors or set(values) != {"regressor_", "transformer_", "training_dim"}:
            raise ValueError("it must hold a regressor, a transformer and a dimension")
        _check_role(values["regressor_"], "predict", "its regressor")
        _check_role(values["transformer_"], "inverse_transform", "its transformer")
        if type(values["training_dim"]) is not int or values["training_dim"] not in (1, 2):
            raise ValueError(f"training_dim={values['training_dim']!r}")
        estimator.regressor_ = values["regressor_"]
        estimator.transformer_ = values["transformer_"]
        estimator._training_dim = values["training_dim"]


class _ColumnTransformer(StoredClass):
    def parameters_of(self, estimator: Any) -> dict[str, Any]:
        parameters = super().parameters_of(estimator)
        parameters["transformers"] = _with_plain_columns(estimator.transformers)
        return parameters

    def take(self, estimator: Any) -> State | None:
        if "transformers_" not in vars(estimator):
            return None
        inputs = estimator._transformer_to_input_indices
        return {}, {
            "n_features_in_": estimator.n_features_in_,
            **feature_names(estimator),
            "transformers_": _with_plain_columns(estimator.transformers_),
            "inputs": {name: list(map(int, indices)) for name, indices in inputs.items()},
            "outputs": dict(estimator.output_indices_),
            "sparse_output_": bool(estimator.sparse_output_),
        }

    def put(self, estimator: Any, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        n = put_features(estimator, values)
        names = list(getattr(estimator, "feature_names_in_", ()))
        if tensors or set(values) != {"transformers_", "inputs", "outputs", "sparse_output_"}:
            raise ValueError("it must hold transformers, their inputs and outputs")
        _check_column_parameters(estimator)
        fitted = values["transformers_"]
        given, found = _check_names(estimator.transformers, 3), _check_names(fitted, 3)
        if found not in (given, [*given, "remainder"]):
            raise ValueError(f"the fitted transformers are {found}, the given ones {given}")
        for name, transformer, columns in fitted:
            if not (isinstance(transformer, str) and transformer in ("drop", "passthrough")):
                _check_role(transformer, "transform", repr(name))
            _check_columns(name, columns, n, names)
        inputs, outputs = values["inputs"], values["outputs"]
        if set(inputs) != {*given, "remainder"} or not all(
            _are_indices(indices, n) for indices in inputs.values()
        ):
            raise ValueError("the inputs are no columns of X")
        if not set(outputs) <= {*found, "remainder"} or not all(
            isinstance(output, slice) for output in outputs.values()
        ):
            raise ValueError("the outputs are no slices")
        estimator.transformers_ = fitted
        estimator._columns = [columns for _, _, columns in fitted[: len(given)]]
        rest = fitted[len(given) :]
        estimator._remainder = ("remainder", estimator.remainder, rest[0][2] if rest else [])
        estimator._transformer_to_input_indices = inputs
        estimator.output_indices_ = outputs
        estimator.sparse_output_ = bool(values["sparse_output_"])


def _check_column_parameters(estimator: Any) -> None:
    if not isinstance(estimator.verbose_feature_names_out, bool):
        raise ValueError("verbose_feature_names_out must be True or False in a model file")
    weights = estimator.transformer_weights or {}
    if not all(isinstance(weight, Real) for weight in weights.values()):
        raise ValueError("transformer_weights must be numbers")


def _with_plain_columns(transformers: Any) -> list[tuple[str, Any, Any]]:
    """Return (name, transformer, columns) tuples whose columns are lists, slices or scalars."""
    plain = []
    for name, transformer, columns in transformers:
        if isinstance(columns, UserList):
            # scikit-learn 1.6 has one that warns of itself when it is looked at.
            columns = columns.data
        if not isinstance(columns, str | int | slice) and not callable(columns):
            columns = np.asarray(list(columns)).tolist()
        plain.append((name, transformer, columns))
    return plain


def _check_columns(name: str, columns: Any, n: int, names: list[str]) -> None:
    """Check that columns are some of X; a slice may go beyond them."""
    is_slice = isinstance(columns, slice)
    ends = [columns.start, columns.stop] if is_slice else columns
    for column in ends if isinstance(ends, list) else [ends]:
        if isinstance(column, str):
            known = column in names
        elif isinstance(column, bool):
            known = not is_slice and isinstance(columns, list) and len(columns) == n
        elif isinstance(column, int):
            known = is_slice or -n <= column < n
        else:
            known = is_slice and column is None
        if not known:
            raise ValueError(f"{name!r} takes the column {column!r}, which is none of X")
    if isinstance(columns, list) and len({type(column) for column in columns}) > 1:
        raise ValueError(f"{name!r} takes columns by names and by numbers")


def _are_indices(indices: Any, n: int) -> bool:
    return isinstance(indices, list) and all(type(i) is int and 0 <= i < n for i in indices)


COMPOSITIONS: list[StoredClass] = [
    _Pipeline(Pipeline, ("steps", "transform_input", "verbose"), left_out=("memory",)),
    _ColumnTransformer(
        ColumnTransformer,
        (
            "transformers",
            "remainder",
            "sparse_threshold",
            "transformer_weights",
            "verbose",
            "verbose_feature_names_out",
            "force_int_remainder_cols",
        ),
        left_out=("n_jobs",),
    ),
    _TransformedTargetRegressor(
        TransformedTargetRegressor, ("regressor", "transformer", "check_inverse")
    ),
]
