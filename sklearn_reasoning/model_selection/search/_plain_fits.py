"""Fits of plain regressors: rows are read once a fold, and models are scored side by side."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import _num_samples

from sklearn_reasoning.estimators.regressor import (
    HybridReasoningRegressor,
    hold_out,
    mean_norm,
    output_dtypes,
    read_given,
    read_rows,
    task_of,
)
from sklearn_reasoning.training import Given, Rows, TrainedStack, TrainingTask, predict_stack

_Array = np.ndarray[Any, Any]

# What reading X and y tells an estimator.
_TOLD = ("n_features_in_", "feature_names_in_", "n_outputs_", "_is_1d", "_columns")


@dataclass(frozen=True)
class PlainFit:
    """What a regressor would train on a fold; it has no estimator of its own yet.

    ``given`` has for training and test rows of the fold what a model predicts from; ``is_whole``
    says that the model trains on all of its training rows.
    """

    task: TrainingTask
    is_1d: bool
    is_whole: bool
    given: Callable[[int], Given]


def is_plain(estimator: Any, fit_params: dict[str, Any]) -> bool:
    """Return whether an estimator is a regressor by itself, with all its columns by position.

    A generator as ``random_state`` needs a copy for each fit.
    """
    return (
        type(estimator) is HybridReasoningRegressor
        and fit_params.keys() <= {"sample_weight"}
        and not isinstance(estimator.random_state, np.random.RandomState)
        and isinstance(estimator.linear_term, str)
        and isinstance(estimator.rotation, str)
    )


class SharedRows:
    """The rows of the folds, as plain regressors read them: once."""

    def __init__(self) -> None:
        self._read: dict[Hashable, tuple[Rows, torch.dtype, dict[str, Any], int]] = {}
        self._halves: dict[Hashable, tuple[Rows, Rows | None]] = {}
        self._given: dict[Hashable, Given] = {}

    def plain_fit(
        self,
        regressor: HybridReasoningRegressor,
        fold: int,
        train: Callable[[], tuple[Any, Any, Any]],
        X_of: Callable[[int], Any],
    ) -> PlainFit:
        """Return the fit of a regressor with valid parameters to a fold.

        ``train`` returns X, y and the weights, ``X_of`` the training (0) or test (1) part of X.
        """
        # An anchored spectrum is refused by the number of outputs, and a set by the rows.
        r = regressor
        key = fold, r.linear_term, r.rotation, r.spectrum, r._penalty
        if key not in self._read:
            data = train()
            rows, dtype = read_rows(regressor, *data, reset=True)
            told = {name: vars(regressor)[name] for name in _TOLD if name in vars(regressor)}
            self._read[key] = rows, dtype, told, _num_samples(data[0])
        rows, dtype, told, n = self._read[key]
        regressor.__dict__.update(told)
        task = task_of(regressor, rows, dtype, self._hold_out)

        def given(part: int) -> Given:
            if (*key, part) not in self._given:
                self._given[*key, part] = read_given(regressor, X_of(part), dtype)
            return self._given[*key, part]

        return PlainFit(task, regressor._is_1d, len(task.rows.y) == n, given)

    def _hold_out(self, regressor: Any, rows: Rows, seed: int) -> tuple[Rows, Rows | None]:
        if not regressor.early_stopping:
            return rows, None
        key = id(rows), regressor.validation_fraction, seed
        if key not in self._halves:
            self._halves[key] = hold_out(regressor, rows, seed)
        return self._halves[key]


class StackOutputs:
    """What models of a trained stack make of the rows of their fits, and how far it is off.

    ``fits`` are numbers of models, each with its fit.
    """

    def __init__(self, stack: TrainedStack, fits: Sequence[tuple[int, PlainFit]]) -> None:
        self._module = stack.net.module_
        self._dtypes = output_dtypes(self._module)
        given = {id(r := fit.task.rows): r.given for _, fit in fits}
        wanted = [(model, given[id(fit.task.rows)]) for model, fit in fits]
        self._fits = fits
        self._on_rows = predict_stack(self._module, wanted)

    def finite(self) -> list[bool]:
        """Return which models have a finite loss on the rows that they were trained on."""
        losses = (
            mean_norm(y, fit.task.rows)
            for y, (_, fit) in zip(self._on_rows, self._fits, strict=True)
        )
        return [bool(np.isfinite(loss)) for loss in losses]

    def predictions(self, part: int) -> Iterator[_Array]:
        """Yield what the fitted regressors predict on a part of their folds."""
        outputs: dict[int, _Array] = dict(enumerate(self._on_rows)) if part == 0 else {}
        new = [i for i, (_, fit) in enumerate(self._fits) if part or not fit.is_whole]
        wanted = [(self._fits[i][0], self._fits[i][1].given(part)) for i in new]
        outputs.update(zip(new, predict_stack(self._module, wanted), strict=True))
        for i, (model, fit) in enumerate(self._fits):
            y: _Array = outputs[i].astype(self._dtypes[model], copy=False)
            yield y[:, 0] if fit.is_1d else y
