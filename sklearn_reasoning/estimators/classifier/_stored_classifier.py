"""The fitted state of the classifier, as model files hold it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor

from sklearn_reasoning.algorithms import Algorithm, check_takes_penalty
from sklearn_reasoning.estimators._parameters import hidden_sizes
from sklearn_reasoning.estimators._stored_state import (
    COUNT,
    POSITIVE_COUNT,
    Shapes,
    StoredState,
    restored_names,
)
from sklearn_reasoning.penalties import Simplex
from sklearn_reasoning.training import ModelSettings

from ._coupled_model import CoupledModel
from ._labels import Labels
from ._parameters import CONSTRAINTS, check_blocks
from ._perception import shapes_of
from ._settings import ClassifierArchitecture

_KINDS = ("single", "cells", "multilabel")


class ClassifierState(StoredState):
    """What a fitted classifier is made of; not where its perception is a module of one's own."""

    model = CoupledModel
    learns_step_sizes = False
    architecture = ClassifierArchitecture
    architecture_domain: ClassVar[dict[str, list[Any]]] = {
        "algorithm": [Algorithm],
        "n_features": POSITIVE_COUNT,
        "n_cells": POSITIVE_COUNT,
        "n_classes": POSITIVE_COUNT,
        "allowed": [tuple, None],
        "perception": [StrOptions({"joint", "per_cell", "per_cell_image"})],
        "perception_hidden": [tuple],
        "coupling": CONSTRAINTS["coupling"],
        "rank": COUNT,
        "coupling_start": CONSTRAINTS["coupling_start"],
        "concavity": CONSTRAINTS["concavity"],
    }
    values_domain: ClassVar[dict[str, list[Any]]] = {
        "n_features_in_": POSITIVE_COUNT,
        "n_outputs_": POSITIVE_COUNT,
        "n_iter_": COUNT,
    }
    parts = ("classes",)

    def check_architecture(self, found: ClassifierArchitecture) -> None:
        """Refuse sizes that are none, blocks that do not divide X, and unknown classes."""
        hidden_sizes("perception_hidden", found.perception_hidden)
        check_blocks(found.perception, found.n_features, found.n_cells)
        check_takes_penalty(found.algorithm, Simplex())
        if (found.coupling is None) != (found.rank == 0):
            raise ValueError("a coupling has a rank, and without one there is none")
        if found.allowed is not None:
            _check_allowed(found)

    def shapes(
        self,
        architecture: ClassifierArchitecture,
        settings: ModelSettings,
        tensors: Mapping[str, Tensor],
    ) -> Shapes:
        """Return shapes and dtypes of the module's tensors."""
        a = architecture
        dtypes = {tensor.dtype for tensor in tensors.values()}
        if len(dtypes) != 1 or not dtypes <= {torch.float32, torch.float64}:
            raise ValueError(f"the weights are {sorted(map(str, dtypes))}")
        (dtype,) = dtypes
        n_weights = sum(tensor.numel() for tensor in tensors.values())
        _check_size(a, n_weights)
        shapes: dict[str, tuple[tuple[int, ...], torch.dtype]] = {}
        if a.coupling is not None:
            shapes["coupling"] = ((a.rank, a.n_coupled), dtype)
            shapes["curvature"] = ((), dtype)
        for name, shape in shapes_of(a):
            shapes[f"perception.{name}"] = (shape, dtype)
        return shapes

    def more_tensors(self, estimator: Any) -> dict[str, Tensor]:
        """Return the classes of each cell, where they are numbers."""
        classes = estimator._labels.classes
        return {
            f"classes.{cell}": torch.from_numpy(own.copy())
            for cell, own in enumerate(classes)
            if own.dtype.kind in "biuf"
        }

    def more_values(self, estimator: Any) -> dict[str, Any]:
        """Return the names of columns, the kind of y, and classes that are words."""
        if callable(estimator.net_.module_.architecture.perception):
            raise ValueError(
                "perception is a module of your own, whose code a model file does not hold. Use "
                "joblib, or one of 'joint', 'per_cell' and 'per_cell_image'."
            )
        labels: Labels = estimator._labels
        words = [own.dtype.kind not in "biuf" for own in labels.classes]
        if any(words) and not all(
            isinstance(value, str) for own in labels.classes for value in own.tolist()
        ):
            raise ValueError("classes are neither numbers nor strings")
        names = getattr(estimator, "feature_names_in_", None)
        return {
            "kind": labels.kind,
            "words": [own.tolist() for own in labels.classes] if any(words) else None,
            "are_objects": bool(any(words) and labels.classes[0].dtype.kind == "O"),
            "feature_names_in_": None if names is None else [str(name) for name in names],
        }

    def more_attributes(
        self, parts: dict[str, dict[str, Tensor]], architecture: Any, values: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the labels, the classes and the names of columns."""
        a: ClassifierArchitecture = architecture
        kind, words, are_objects = (values.pop(n) for n in ("kind", "words", "are_objects"))
        if kind not in _KINDS:
            raise ValueError(f"kind={kind!r}")
        if (values["n_outputs_"], values["n_features_in_"]) != (a.n_cells, a.n_features):
            raise ValueError("the numbers of cells or columns differ")
        if words is None:
            names = [str(cell) for cell in range(a.n_cells)]
            if sorted(parts["classes"]) != sorted(names):
                raise ValueError("there are not as many cells as classes")
            classes = tuple(parts["classes"][name].numpy() for name in names)
        else:
            classes = _classes_of(words, bool(are_objects))
        labels = Labels(kind, classes)
        _check_labels(labels, a)
        found = {"_labels": labels, "classes_": labels.attribute}
        feature_names = values.pop("feature_names_in_")
        if feature_names is not None:
            found["feature_names_in_"] = restored_names(feature_names, a.n_features)
        return found


def _classes_of(words: Any, are_objects: bool) -> tuple[np.ndarray[Any, Any], ...]:
    if not isinstance(words, list) or not all(
        isinstance(own, list) and all(isinstance(word, str) for word in own) for own in words
    ):
        raise ValueError("classes are no lists of words")
    return tuple(np.array(own, dtype=object if are_objects else None) for own in words)


def _check_labels(labels: Labels, a: ClassifierArchitecture) -> None:
    if any(own.ndim != 1 or not len(own) for own in labels.classes):
        raise ValueError("a cell has no classes")
    if any((np.unique(own) != own).any() for own in labels.classes if len(own) > 1):
        raise ValueError("classes are not sorted")
    if (labels.n_cells, labels.n_classes) != (a.n_cells, a.n_classes):
        raise ValueError("the numbers of cells or classes differ")
    if labels.allowed != a.allowed:
        raise ValueError("the classes of cells differ")


def _check_allowed(a: ClassifierArchitecture) -> None:
    assert a.allowed is not None
    places = range(a.n_classes)
    if len(a.allowed) != a.n_cells or not all(
        isinstance(own, tuple) and own and all(type(i) is int and i in places for i in own)
        for own in a.allowed
    ):
        raise ValueError("the classes of cells are none that there are")


def _check_size(a: ClassifierArchitecture, n_weights: int) -> None:
    """Refuse an architecture that needs more weights than there are, before it is made."""
    width = a.n_features if a.perception == "joint" else a.n_features // a.n_cells
    n_outputs = a.n_classes * (a.n_cells if a.perception == "joint" else 1)
    sizes = [*a.perception_hidden, n_outputs]
    if a.perception != "per_cell_image":
        sizes = [width, *sizes]
    needed = sum(m * n for m, n in pairwise(sizes)) + a.rank * a.n_coupled
    if needed > n_weights:
        raise ValueError(f"the architecture has more than the {n_weights} weights that there are")
