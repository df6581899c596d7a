"""From estimators to a document of JSON and tensors."""

from __future__ import annotations

import math
from collections.abc import KeysView, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm, get_algorithm, list_algorithms
from sklearn_reasoning.penalties import Columns, Penalty, parts_of

from ._stored_class import StoredClass
from ._stored_penalties import name_and_options

# Far above what anybody nests, far below what Python's stack holds.
MAX_DEPTH = 16


class Writer:
    """Takes estimators apart.

    Of all estimators so far: ``tensors`` are theirs, each under the number of its estimator,
    ``left_out`` the parameters that are not in the document, and where they are, and ``names``
    their classes.
    """

    def __init__(self, classes: Mapping[str, StoredClass]) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.left_out: list[str] = []
        self.names: list[str] = []
        self._classes = classes
        self._depth = 0

    def estimator(self, estimator: Any, where: str = "") -> dict[str, Any]:
        """Return an estimator, and what is inside it, as JSON has it; messages name its step.

        A TypeError if it is of a class, or has a parameter, that a model file cannot hold; a
        ValueError if a parameter is out of its domain.
        """
        name = type(estimator).__name__
        stored = self._classes.get(name)
        if stored is None or stored.kind is not type(estimator):
            raise TypeError(
                f"{where}save_model knows {sorted(self._classes)}, not {name}. Of a search, save "
                "the best_estimator_; joblib.dump takes others, in a file that may run code when "
                "it is loaded."
            )
        if self._depth == MAX_DEPTH:
            raise ValueError(f"{where}estimators are nested more than {MAX_DEPTH} deep.")
        where = f"{where}{name}: "
        self._depth += 1
        number = len(self.names)
        self.names.append(name)
        estimator._validate_params()
        node = {
            "class": name,
            "number": number,
            "parameters": self._parameters(estimator, stored, where),
            "fitted": None,
        }
        if (output := vars(estimator).get("_sklearn_output_config")) is not None:
            node["output"] = output["transform"]
        if (state := stored.take(estimator)) is not None:
            tensors, values = state
            node["fitted"] = self._values(values, where)
            self.tensors |= {f"{number}.{key}": tensor for key, tensor in tensors.items()}
        self._depth -= 1
        return node

    def _parameters(self, estimator: Any, stored: StoredClass, where: str) -> dict[str, Any]:
        parameters: dict[str, Any] = {}
        for key, value in stored.parameters_of(estimator).items():
            if key in stored.left_out or isinstance(value, np.random.RandomState):
                # How many processes compute it is the reader's affair.
                if key != "n_jobs":
                    self.left_out.append(f"{where}{key}")
                if key == "random_state":
                    parameters[key] = None
            elif key not in stored.parameters:
                raise TypeError(
                    f"{where}a model file cannot hold {key}={_brief(value)}. joblib.dump takes "
                    "functions and other objects with code, in a file that runs code when it is "
                    "loaded."
                )
            else:
                parameters[key] = value
        return self._values(parameters, where)

    def _values(self, values: Mapping[str, Any], where: str) -> dict[str, Any]:
        return {key: self._value(value, f"{where}{key}: ") for key, value in values.items()}

    def _value(self, value: Any, where: str) -> Any:
        """Return a value as JSON, with tags for what JSON has no word for."""
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, np.bool_):
            return bool(value)
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real):
            number = float(value)
            if math.isnan(number):
                return {"nan": None}
            return {"infinity": "-" if number < 0.0 else "+"} if math.isinf(number) else number
        if isinstance(value, tuple):
            if value and isinstance(value[0], str):
                where = f"{where}the step {value[0]!r}: "
            return {"tuple": [self._value(entry, where) for entry in value]}
        if hasattr(value, "__array__"):  # arrays, tensors, indices and series of frames
            return self._value(np.asarray(value).tolist(), where)
        if isinstance(value, Sequence | KeysView) and not isinstance(value, bytes | bytearray):
            return [self._value(entry, where) for entry in value]
        if isinstance(value, Mapping):
            if all(isinstance(key, str) for key in value):
                return {"dict": {str(key): self._value(v, where) for key, v in value.items()}}
            pairs = [[key, v] for key, v in value.items()]
            return {"items": [[self._value(part, where) for part in pair] for pair in pairs]}
        if isinstance(value, slice):
            ends = (value.start, value.stop, value.step)
            return {"slice": [self._value(end, where) for end in ends]}
        if isinstance(value, Algorithm):
            return self._algorithm(value, where)
        if isinstance(value, Penalty):
            return self._penalty(value, where)
        if isinstance(value, Columns):
            return {"columns": list(value.names)}
        if isinstance(value, torch.device):
            return str(value)
        if hasattr(value, "get_params") and not isinstance(value, type):
            return {"estimator": self.estimator(value, where)}
        raise TypeError(
            f"{where}{_brief(value)} cannot be written to a model file, which holds no code. "
            "joblib.dump takes it, in a file that runs code when it is loaded."
        )

    def _algorithm(self, value: Algorithm, where: str) -> dict[str, Any]:
        known = value.name in list_algorithms() and type(get_algorithm(value.name)) is type(value)
        if not known:
            raise TypeError(
                f"{value!r} cannot be found by its name when the model is loaded; call "
                "register_algorithm on its class first, and whenever the model is loaded."
            )
        return {"algorithm": value.name, "options": self._value(dict(vars(value)), where)}

    def _penalty(self, value: Penalty, where: str) -> dict[str, Any]:
        if (parts := parts_of(value)) is not None:
            return {"together": [self._penalty(part, where) for part in parts]}
        try:
            name, options = name_and_options(value)
        except TypeError as error:
            raise TypeError(f"{where}{error}") from None
        return {"penalty": name, "options": self._value(options, where)}


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
