"""The fitted state of the regressor, as model files hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor

from sklearn_reasoning._networks import INITIAL_WEIGHTS
from sklearn_reasoning.algorithms import Algorithm, check_spectrum
from sklearn_reasoning.estimators._parameters import CONSTRAINTS, hidden_sizes
from sklearn_reasoning.estimators._stored_state import (
    COUNT,
    NUMBER,
    POSITIVE_COUNT,
    Shapes,
    StoredState,
    check_tensors,
    restored_names,
)
from sklearn_reasoning.layer import check_takes_penalty
from sklearn_reasoning.penalties import Penalty, rows_of_options
from sklearn_reasoning.training import (
    Architecture,
    ModelSettings,
    RegressionModel,
    state_shapes,
)

from ._columns import Columns

_COLUMNS = ("x", "b", "rotation", "limits")


class RegressorState(StoredState):
    """What a fitted regressor is made of."""

    model = RegressionModel
    architecture = Architecture
    architecture_domain: ClassVar[dict[str, list[Any]]] = {
        "n_features": COUNT,
        "n_outputs": POSITIVE_COUNT,
        "algorithm": [Algorithm],
        "mu": CONSTRAINTS["mu"],
        "L": CONSTRAINTS["L"],
        "q_hidden": [tuple, None],
        "b_hidden": [tuple, None],
        "spectrum": [StrOptions({"anchored", "free"})],
        "rotation": [StrOptions({"identity", "shared", "predicted", "given"})],
        "start": [StrOptions({"zero", "mean", "learned", "predicted"})],
        "start_hidden": [tuple],
        "initial_weights": [StrOptions(set(INITIAL_WEIGHTS))],
        "corrects": ["boolean"],
        "penalty": [Penalty, None],
        "project": CONSTRAINTS["project"],
    }
    architecture_defaults: ClassVar[dict[str, Any]] = {"penalty": None, "project": "each_step"}
    values_domain: ClassVar[dict[str, list[Any]]] = {
        "n_features_in_": COUNT,
        "n_outputs_": POSITIVE_COUNT,
        "n_iter_": COUNT,
        "empirical_loss_": NUMBER,
        "_is_1d": ["boolean"],
    }
    parts = ("columns",)

    def check_architecture(self, found: Architecture) -> None:
        """Refuse bounds that are none, sizes that are none, and too few outputs."""
        check_spectrum(found.mu, found.L)
        for name in ("q_hidden", "b_hidden", "start_hidden"):
            hidden_sizes(name, getattr(found, name))
        if found.spectrum == "anchored" and found.n_outputs < 3:
            raise ValueError("an anchored spectrum has at least 3 eigenvalues")
        if found.penalty is not None:
            found.penalty.check(found.n_outputs)
            if rows_of_options(found.penalty) > 1:
                raise ValueError("a penalty with numbers for several samples")
            if found.obeys_at_end and not found.penalty.is_set:
                raise ValueError("a term is projected onto")
            if not found.obeys_at_end:
                check_takes_penalty(found.algorithm, found.penalty)

    def shapes(
        self, architecture: Architecture, settings: ModelSettings, tensors: Mapping[str, Tensor]
    ) -> Shapes:
        """Return shapes and dtypes of the module's tensors."""
        weights = tensors["weights"]
        if weights.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"the weights are {weights.dtype}")
        n_sizes = len(settings.step_size)
        return state_shapes(architecture, n_sizes, weights.numel(), weights.dtype)

    def more_tensors(self, estimator: Any) -> dict[str, Tensor]:
        """Return where x, b, R and limits are among the columns of X."""
        columns = {name: getattr(estimator._columns, name) for name in _COLUMNS}
        return {
            f"columns.{name}": torch.from_numpy(indices.astype(np.int64))
            for name, indices in columns.items()
            if indices is not None
        }

    def more_values(self, estimator: Any) -> dict[str, Any]:
        """Return the names of the columns of X, None without any."""
        names = getattr(estimator, "feature_names_in_", None)
        return {"feature_names_in_": None if names is None else [str(name) for name in names]}

    def more_attributes(
        self, parts: dict[str, dict[str, Tensor]], architecture: Any, values: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the columns and their names."""
        n_features = values["n_features_in_"]
        if values["n_outputs_"] != architecture.n_outputs:
            raise ValueError("the numbers of outputs differ")
        names = values.pop("feature_names_in_")
        named = {} if names is None else {"feature_names_in_": restored_names(names, n_features)}
        columns = _columns(parts["columns"], architecture, n_features)
        return {"_columns": columns, "_penalty": architecture.penalty, **named}


def _columns(tensors: dict[str, Tensor], architecture: Architecture, n_features: int) -> Columns:
    """Return where x, b, R and limits are, if they share out the columns of X between them."""
    d = architecture.n_outputs
    lengths = {"x": architecture.n_features}
    if architecture.b_given:
        lengths["b"] = d
    if architecture.rotation == "given":
        lengths["rotation"] = d * d
    if architecture.n_limits:
        lengths["limits"] = architecture.n_limits
    check_tensors(tensors, {name: ((size,), torch.int64) for name, size in lengths.items()})
    taken = torch.cat(list(tensors.values())).sort().values
    if not torch.equal(taken, torch.arange(len(taken))) or len(taken) != n_features:
        raise ValueError("x, b, R and limits do not share out the columns of X between them")
    x, b, rotation, limits = (
        tensors[name].numpy().astype(np.intp) if name in tensors else None for name in _COLUMNS
    )
    assert x is not None
    return Columns(x, b, rotation, limits)
