"""From a document of JSON and tensors to estimators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm, get_algorithm

from ._stored_class import StoredClass
from ._stored_penalties import (
    infinity,
    restored_columns,
    restored_penalty,
    restored_together,
)
from ._writer import MAX_DEPTH

_CONTAINERS = ("default", "pandas", "polars")


class Reader:
    """Puts estimators together, from tensors as :class:`Writer` left them.

    Only the classes that it is given are ever made from a file. ``names`` are the classes of the
    estimators so far.
    """

    def __init__(self, classes: Mapping[str, StoredClass], tensors: Mapping[str, Tensor]) -> None:
        self.names: list[str] = []
        self._classes = classes
        self._depth = 0
        self._tensors: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            number, _, rest = name.partition(".")
            self._tensors.setdefault(number, {})[rest] = tensor

    def model(self, node: Any) -> Any:
        """Return the estimator of a whole document.

        AttributeError, KeyError, TypeError or ValueError if it is not what :class:`Writer` wrote.
        """
        estimator = self._estimator(node)
        if self._tensors:
            raise ValueError(f"no estimator has the tensors {sorted(self._tensors)[:3]}")
        if not any(self._classes[name].is_ours for name in self.names):
            raise ValueError("none of its estimators is one of this package")
        if not hasattr(estimator, "predict"):
            raise ValueError(f"a {self.names[0]} that does not predict is no model")
        return estimator

    def _estimator(self, node: Any) -> Any:
        if self._depth == MAX_DEPTH:
            raise ValueError(f"estimators are nested more than {MAX_DEPTH} deep")
        self._depth += 1
        name, output = node["class"], node.get("output")
        if set(node) - {"output"} != {"class", "number", "parameters", "fitted"}:
            raise ValueError("an estimator has class, number, parameters and fitted")
        if name not in self._classes:
            raise ValueError(f"class {name!r} is none of {sorted(self._classes)}")
        if type(node["number"]) is not int or node["number"] != len(self.names):
            raise ValueError(f"estimator {len(self.names)} has the number {node['number']!r}")
        self.names.append(name)
        stored = self._classes[name]
        parameters = self._values(node["parameters"])
        if unknown := sorted(set(parameters) - {*stored.parameters}):
            raise ValueError(f"{name} has no parameters {unknown} in a model file")
        estimator = stored.kind(**parameters)
        estimator._validate_params()
        if output is not None:
            if output not in _CONTAINERS:
                raise ValueError(f"the output of {name} is in {output!r}")
            estimator.set_output(transform=output)
        tensors = self._tensors.pop(str(node["number"]), {})
        if node["fitted"] is not None:
            stored.put(estimator, tensors, self._values(node["fitted"]))
        elif tensors:
            raise ValueError(f"a {name} that is not fitted has tensors")
        self._depth -= 1
        return estimator

    def _values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self._value(value) for key, value in values.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        kind = tuple(sorted(value))
        if kind == ("tuple",):
            return tuple(self._value(entry) for entry in value["tuple"])
        if kind == ("dict",):
            return self._values(value["dict"])
        if kind == ("items",):
            return _mapping([[self._value(part) for part in pair] for pair in value["items"]])
        if kind == ("nan",):
            return math.nan
        if kind == ("slice",):
            return _slice(*value["slice"])
        if kind == ("algorithm", "options"):
            return _algorithm(value["algorithm"], self._value(value["options"]))
        if kind == ("options", "penalty"):
            return restored_penalty(value["penalty"], self._value(value["options"]))
        if kind == ("together",):
            return restored_together([self._value(part) for part in value["together"]])
        if kind == ("columns",):
            return restored_columns(value["columns"])
        if kind == ("infinity",):
            return infinity(value["infinity"])
        if kind == ("estimator",):
            return self._estimator(value["estimator"])
        raise ValueError(f"there is no value of the kind {kind}")


def _mapping(pairs: list[Any]) -> dict[Any, Any]:
    if not all(len(pair) == 2 and isinstance(pair[0], str | int | float) for pair in pairs):
        raise ValueError("keys are neither numbers nor strings")
    return dict(pairs)


def _slice(start: Any, stop: Any, step: Any) -> slice:
    if not all(end is None or isinstance(end, int | str) for end in (start, stop)):
        raise ValueError("a slice has other ends than numbers and names")
    if step is not None and (type(step) is not int or step == 0):
        raise ValueError(f"a slice has the step {step!r}")
    return slice(start, stop, step)


def _algorithm(name: Any, options: Mapping[str, Any]) -> Algorithm:
    # The name must be registered: a user's own algorithm is imported before loading.
    return type(get_algorithm(name))(**options)
