"""The fitted state of the few-shot regressor, as model files hold it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from sklearn_reasoning._networks import padded
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.estimators._parameters import hidden_sizes
from sklearn_reasoning.estimators._stored_state import (
    COUNT,
    POSITIVE_COUNT,
    Shapes,
    StoredState,
    restored_names,
)
from sklearn_reasoning.training import ModelSettings

from ._groups import ONE_GROUP, GroupedRows
from ._head_model import HeadModel
from ._known_groups import KnownGroups
from ._parameters import CONSTRAINTS
from ._settings import FewShotArchitecture
from ._weights_model import WeightsModel


class FewShotState(StoredState):
    """What a fitted few-shot regressor is made of, with the rows of the groups that it knows."""

    architecture = FewShotArchitecture
    architecture_domain: ClassVar[dict[str, list[Any]]] = {
        "algorithm": [Algorithm],
        "n_features": POSITIVE_COUNT,
        "n_outputs": POSITIVE_COUNT,
        "basis_hidden": [tuple],
        "n_basis": POSITIVE_COUNT,
        "adapt": CONSTRAINTS["adapt"],
    }
    values_domain: ClassVar[dict[str, list[Any]]] = {
        "n_features_in_": POSITIVE_COUNT,
        "n_outputs_": POSITIVE_COUNT,
        "n_iter_": COUNT,
    }
    parts = ("groups",)

    def kind_of(self, architecture: Any) -> type[HeadModel] | type[WeightsModel]:
        """Return the kind of model of an architecture."""
        return WeightsModel if architecture.adapt == "all" else HeadModel

    def check_architecture(self, found: FewShotArchitecture) -> None:
        """Refuse sizes that are none, and algorithms with weights."""
        hidden_sizes("basis_hidden", found.basis_hidden)
        if not {"rotations", "lengths"} <= found.algorithm.provides:
            raise ValueError(f"{found.algorithm.name!r} has learned weights")

    def shapes(
        self,
        architecture: FewShotArchitecture,
        settings: ModelSettings,
        tensors: Mapping[str, Tensor],
    ) -> Shapes:
        """Return shapes and dtypes of the module's tensors."""
        a = architecture
        weights = tensors.get("weights")
        if weights is None or weights.dtype not in (torch.float32, torch.float64):
            raise ValueError("there are no weights")
        is_head = a.adapt == "head"
        sizes = [a.n_features, *a.basis_hidden, a.n_basis if is_head else a.n_outputs]
        n = sum(padded(m) * padded(n) + padded(n) for m, n in pairwise(sizes))
        if is_head:
            n += padded(a.n_outputs) * padded(a.n_weights) + 16
        else:
            n += padded(2 * (len(sizes) - 1), 16)
        shapes: dict[str, tuple[tuple[int, ...], torch.dtype]] = {
            "weights": ((1, padded(n, 16)), weights.dtype)
        }
        if settings.step_size and is_head:
            shapes["step_size"] = ((1,), torch.float64)
        for name, size in (("x", a.n_features), ("y", a.n_outputs)):
            shapes |= {f"{name}_{kind}": ((1, size), torch.float64) for kind in ("mean", "scale")}
        return shapes

    def more_tensors(self, estimator: Any) -> dict[str, Tensor]:
        """Return the rows of the known groups, and their heads."""
        known: KnownGroups = estimator._known
        arrays = {name: getattr(known.rows, name) for name in ("x", "y", "sizes")}
        if known.heads is not None:
            arrays["heads"] = known.heads
        return {
            f"groups.{name}": torch.from_numpy(np.require(array, requirements=["C", "W"]))
            for name, array in arrays.items()
        }

    def more_values(self, estimator: Any) -> dict[str, Any]:
        """Return the names of groups and columns, and whether y had one dimension."""
        names = [None if n is ONE_GROUP else _plain(n) for n in estimator._known.rows.names]
        columns = getattr(estimator, "feature_names_in_", None)
        return {
            "groups": names,
            "is_1d": bool(estimator._is_1d),
            "feature_names_in_": None if columns is None else [str(name) for name in columns],
        }

    def more_attributes(
        self, parts: dict[str, dict[str, Tensor]], architecture: Any, values: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the groups that are known and the names of columns."""
        a: FewShotArchitecture = architecture
        names, is_1d, columns = (values.pop(n) for n in ("groups", "is_1d", "feature_names_in_"))
        if (values["n_outputs_"], values["n_features_in_"]) != (a.n_outputs, a.n_features):
            raise ValueError("the numbers of outputs or columns differ")
        if not isinstance(is_1d, bool) or (is_1d and a.n_outputs != 1):
            raise ValueError(f"is_1d={is_1d!r}")
        tensors = parts["groups"]
        heads = tensors.pop("heads", None)
        rows = _restored(names, tensors, a)
        found: dict[str, Any] = {
            "_is_1d": is_1d,
            "_known": KnownGroups(rows, _restored_heads(heads, len(rows.names), a)),
        }
        if columns is not None:
            found["feature_names_in_"] = restored_names(columns, a.n_features)
        return found


def _plain(name: Hashable) -> Any:
    if isinstance(name, np.generic):
        name = name.item()
    if not isinstance(name, str | int | float | bool):
        raise ValueError(
            f"groups hold {name!r}, and a model file holds names that are numbers or strings. Use "
            "joblib, or name the groups so."
        )
    return name


def _restored(names: Any, tensors: dict[str, Tensor], a: FewShotArchitecture) -> GroupedRows:
    """Return the rows of groups, once they go together."""
    if sorted(tensors) != ["sizes", "x", "y"] or not isinstance(names, list):
        raise ValueError("the rows of the groups are missing")
    x, y, sizes = (tensors[name].numpy() for name in ("x", "y", "sizes"))
    if not all(n is None or isinstance(n, str | int | float | bool) for n in names):
        raise ValueError("names of groups are neither numbers nor strings")
    if len(set(names)) != len(names) or sizes.shape != (len(names),):
        raise ValueError("there are not as many groups as names")
    is_count = sizes.dtype == np.int64 and bool((sizes >= 1).all())
    if not is_count or x.dtype != np.float64 or y.dtype != np.float64:
        raise ValueError("the rows of the groups are no numbers")
    n = int(sizes.sum())
    if (x.shape, y.shape) != ((n, a.n_features), (n, a.n_outputs)):
        raise ValueError("the rows of the groups have another shape")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("the rows of the groups are not finite")
    return GroupedRows(tuple(ONE_GROUP if n is None else n for n in names), x, y, sizes)


def _restored_heads(
    heads: Tensor | None, n_groups: int, a: FewShotArchitecture
) -> np.ndarray[Any, Any] | None:
    if (heads is None) != (a.adapt == "all"):
        raise ValueError("the heads of the groups are missing or left over")
    if heads is None:
        return None
    if heads.dtype != torch.float64 or heads.shape != (n_groups, a.n_weights, a.n_outputs):
        raise ValueError("the heads of the groups have another shape")
    return heads.numpy()
