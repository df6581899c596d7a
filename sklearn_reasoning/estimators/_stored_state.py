"""What ``fit`` leaves behind, as tensors and values, and back: the content of a model file."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor

from sklearn_reasoning.training import (
    Model,
    ModelSettings,
    build_net,
    history_to_columns,
)

from ._parameters import CONSTRAINTS, check_values

# Beyond it, an algorithm that steps k times would run for hours at the word of a file.
MAX_STEPS = 1_000_000

STEPS = [Interval(Integral, 0, MAX_STEPS, closed="both")]
COUNT = [Interval(Integral, 0, None, closed="left")]
POSITIVE_COUNT = [Interval(Integral, 1, None, closed="left")]
NUMBER = [Interval(Real, 0, np.inf, closed="left")]

_AS_IN_THE_CONSTRUCTOR = (
    "learn_step_size",
    "optimizer",
    "lr",
    "max_epochs",
    "keep",
    "tol",
)
_SETTINGS = {
    **{name: CONSTRAINTS[name] for name in _AS_IN_THE_CONSTRUCTOR},
    "loss": [*CONSTRAINTS["loss"], StrOptions({"pairs", "f1"})],
    "weight_decay": NUMBER,
    "lr_schedule": [StrOptions({"constant", "cosine", "one_cycle"})],
    "k": STEPS,
    "step_size": [tuple],
    "step_size_range": [tuple],
    "batch_size": POSITIVE_COUNT,
    "patience": [*POSITIVE_COUNT, None],
    "seed": [Interval(Integral, 0, 2**31, closed="left")],
    "max_steps": [*POSITIVE_COUNT, None],
}

Shapes = Mapping[str, tuple[tuple[int, ...], torch.dtype]]


class StoredState(ABC):
    """How the fitted state of one class of estimators is stored.

    Attributes
    ----------
    model : type
        The kind of model in its net; a class whose estimators have several kinds overrides
        ``kind_of`` instead.
    architecture : type
        The dataclass that such a model is made of.
    architecture_domain, values_domain : dict
        What its fields, and the estimator's own fitted attributes, may be.
    architecture_defaults : dict
        Fields that a file holds only where they differ from these, so that others stay as they
        were before there were these fields.
    parts : tuple of str
        What else than "module" and "history" there are tensors of.
    learns_step_sizes : bool
        Whether step sizes are parameters; else they follow from what is learned.
    """

    model: ClassVar[type[Model]]
    architecture: ClassVar[type[Any]]
    architecture_domain: ClassVar[dict[str, list[Any]]]
    values_domain: ClassVar[dict[str, list[Any]]]
    architecture_defaults: ClassVar[dict[str, Any]] = {}
    parts: ClassVar[tuple[str, ...]] = ()
    learns_step_sizes: ClassVar[bool] = True

    def take(self, estimator: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return all that ``fit`` left: tensors, and values that JSON can hold.

        A ValueError if its k is too large for a model file.
        """
        net = estimator.net_
        stored_steps(net.models[0].k)
        tensors = {f"module.{name}": v.cpu() for name, v in net.module_.state_dict().items()}
        for name, column in history_to_columns(net.history).items():
            # Callbacks may record what is no number.
            if column.dtype.kind in "biuf":
                tensors[f"history.{name}"] = torch.from_numpy(column)
        tensors.update(self.more_tensors(estimator))
        # Not asdict: it would take the algorithm apart.
        architecture = {
            field.name: getattr(net.module_.architecture, field.name)
            for field in fields(self.architecture)
        }
        defaults = self.architecture_defaults
        return tensors, {
            "architecture": {
                name: value
                for name, value in architecture.items()
                if name not in defaults or value != defaults[name]
            },
            "settings": asdict(net.models[0]),
            **self.more_values(estimator),
            **{name: getattr(estimator, name) for name in self.values_domain},
        }

    def put(self, estimator: Any, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Make an estimator fitted, on the CPU, with what :meth:`take` returned.

        Whether everything fits together is checked before anything of the model's size is made: a
        KeyError, TypeError or ValueError if something is missing or does not.
        """
        stored = values.pop("architecture")
        if isinstance(stored, dict):
            stored = self.architecture_defaults | stored
        architecture = checked("architecture", stored, self.architecture_domain, self.architecture)
        self.check_architecture(architecture)
        settings = _checked_settings(
            values.pop("settings"), architecture if self.learns_step_sizes else None
        )
        parts = in_parts(tensors, ("module", "history", *self.parts))
        more = self.more_attributes(parts, architecture, values)
        checked("fitted", values, self.values_domain)
        shapes = self.shapes(architecture, settings, parts["module"])
        check_tensors(parts["module"], shapes)
        (dtype, *_) = (kind for _, kind in shapes.values())
        kind = self.kind_of(architecture)
        net = build_net(kind, architecture, [settings], dtype, verbose=estimator.verbose)
        net.module_.load_state_dict(parts["module"])
        net.history_ = restored_history(parts["history"])
        for name, value in (values | more).items():
            setattr(estimator, name, value)
        estimator.algorithm_ = architecture.algorithm
        estimator.net_ = net

    # ------------------------------------------------------------------ what a class writes

    def kind_of(self, architecture: Any) -> type[Model]:
        """Return the kind of model of an architecture: ``model``, unless there are several."""
        return self.model

    @abstractmethod
    def check_architecture(self, found: Any) -> None:
        """Refuse an architecture whose fields do not go together."""

    @abstractmethod
    def shapes(
        self, architecture: Any, settings: ModelSettings, tensors: Mapping[str, Tensor]
    ) -> Shapes:
        """Return shapes and dtypes of the module's tensors; the first is of the weights.

        No more is worked out than the tensors that there are can hold.
        """

    def more_tensors(self, estimator: Any) -> dict[str, Tensor]:
        """Return tensors beside those of module and history."""
        return {}

    def more_values(self, estimator: Any) -> dict[str, Any]:
        """Return values that are no attributes as they are."""
        return {}

    def more_attributes(
        self, parts: dict[str, dict[str, Tensor]], architecture: Any, values: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the attributes that the two above were made of, taken out of the values."""
        return {}


def _checked_settings(values: Any, architecture: Any) -> ModelSettings:
    """Return settings; step sizes are asked for where an architecture is given."""
    found: ModelSettings = checked("settings", values, _SETTINGS, ModelSettings)
    sizes, ends = found.step_size, found.step_size_range
    if len(ends) != 2 or not all(_is_positive(number) for number in (*sizes, *ends)):
        raise ValueError("step sizes and their range must be positive numbers")
    initial = (
        None
        if architecture is None
        else architecture.algorithm.initial_step_size(architecture.mu, architecture.L)
    )
    if len(sizes) not in ({0} if initial is None else {1, found.k}):
        raise ValueError(f"k={found.k} steps do not go with {len(sizes)} step sizes")
    return found


def _is_positive(number: Any) -> bool:
    return type(number) in (int, float) and 0.0 < number < math.inf


def stored_steps(k: int) -> int:
    """Return a number of steps, or a ValueError if it is too large for a model file."""
    if k > MAX_STEPS:
        raise ValueError(
            f"k={k!r} is above {MAX_STEPS}, the most that a model file may ask of its reader."
        )
    return k


def in_parts(tensors: Mapping[str, Tensor], parts: Collection[str]) -> dict[str, dict[str, Tensor]]:
    """Return tensors by what stands before the first dot of their names.

    A ValueError if that is none of the parts.
    """
    found: dict[str, dict[str, Tensor]] = {part: {} for part in parts}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if part not in found:
            raise ValueError(f"there is no place for the tensor {name!r}")
        found[part][rest] = tensor
    return found


def check_tensors(
    tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[tuple[int, ...], torch.dtype]]
) -> None:
    """Check that tensors are those of an architecture, before anything of their size is made.

    A ValueError if one is missing, left over, or of another shape or dtype.
    """
    if wrong := sorted(set(tensors) ^ set(shapes)):
        raise ValueError(f"tensors are missing or left over: {wrong[:3]}")
    for name, (shape, dtype) in shapes.items():
        tensor = tensors[name]
        if (tuple(tensor.shape), tensor.dtype) != (shape, dtype):
            raise ValueError(
                f"the tensor {name!r} has shape {tuple(tensor.shape)} in {tensor.dtype}, where "
                f"the architecture has {shape} in {dtype}"
            )


def restored_history(tensors: Mapping[str, Tensor]) -> Any:
    """Return the columns of a history, or a ValueError if they are not equally long.

    A net makes rows of them when it is asked for: a short file may hold very many.
    """
    columns = {name: tensor.numpy() for name, tensor in tensors.items()}
    lengths = {len(column) if column.ndim else -1 for column in columns.values()}
    # An axis of length 0 lets a tensor without bytes have any number of rows. One column may have
    # it beside others: the step sizes of no steps.
    shapes = all(
        0 not in column.shape[1:] or (name == "step_size" and len(columns) > 1)
        for name, column in columns.items()
    )
    if len(lengths) > 1 or lengths == {-1} or not shapes:
        raise ValueError("the columns of the history are not equally long")
    return columns


def restored_names(names: Any, n: int | None) -> np.ndarray[Any, Any]:
    """Return the names of columns that were stored.

    A ValueError if they are no strings, or not n of them; n is None where they are not counted.
    """
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not is_list or n not in (None, len(names)):
        raise ValueError("feature_names_in_ must be a string for every column")
    return np.array(names, dtype=object)


def checked(
    what: str, values: Any, constraints: Mapping[str, list[Any]], kind: type | None = None
) -> Any:
    """Return values that a file holds, once they are in their domains.

    ``what`` they are is for the message. The constraints are scikit-learn's, and the values must
    have just their names; the ValueError names the first that is not in its domain. ``kind`` is
    what to make of the values; None leaves them as they are.
    """
    if not isinstance(values, dict) or set(values) != set(constraints):
        raise ValueError(f"{what} must hold {sorted(constraints)}")
    check_values(what, values, constraints)
    return values if kind is None else kind(**values)
