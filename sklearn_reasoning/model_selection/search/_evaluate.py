"""One task of a search: train some fits, as a stack where that is possible, and score them.

The results, and what happens to a fit that fails, are those of scikit-learn's own searches.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import format_exc
from typing import Any

import numpy as np
from sklearn.model_selection._validation import _score
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params, _num_samples

from sklearn_reasoning.estimators.regressor import DeferredFit, deferred_fits, why_not_stacked
from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.training import TrainedModel, TrainingTask, fit_stack, trained_models

from ._fits import Fit, candidate_estimator, restarted

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Evaluation:
    """What all fits of a search share.

    ``folds`` holds training and test rows of each split of ``cv``, ``names`` the names of the
    scores, where there are several. What has the length of X in ``fit_params`` and ``score_params``
    is split with it.
    """

    estimator: Any
    X: Any
    y: Any
    folds: list[tuple[_Array, _Array]]
    scorer: Any
    names: tuple[str, ...] | None
    fit_params: dict[str, Any]
    score_params: dict[str, Any]
    return_train_score: bool
    error_score: Any

    def run(self, fits: Sequence[Fit]) -> list[tuple[int, dict[str, Any]]]:
        """Return index and result of each fit; those that can be are trained in one stack."""
        task = _Task(self)
        pending = [_Pending(task, fit) for fit in fits]
        stacks: dict[Hashable, list[_Pending]] = defaultdict(list)
        for one in pending:
            one.begin()
            if one.deferred is not None:
                wanted = one.deferred.task
                # No step carries the offset of y where k = 0: that takes code of its own.
                stacks[wanted.stack_key, wanted.settings.k == 0].append(one)
        for stack in stacks.values():
            _train_and_complete(stack)
        return [(one.fit.index, one.result()) for one in pending]

    def failed(self, traceback: str, diverged: bool) -> dict[str, Any]:
        """Return what the scores of a failed fit are."""
        score = self.error_score
        scores = score if self.names is None else dict.fromkeys(self.names, score)
        result = {"fit_error": traceback, "diverged": diverged, "test_scores": scores}
        if self.return_train_score:
            result["train_scores"] = scores if self.names is None else dict(scores)
        return result


class _Task:
    """What the fits of one task share: candidates and rows are made once."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self._candidates: dict[int, tuple[Any, bool]] = {}
        self._rows: dict[tuple[int, int], Any] = {}

    def estimator(self, fit: Fit) -> tuple[Any, bool]:
        """Return the estimator of a fit, and whether it can be trained in a stack."""
        key = id(fit.parameters)
        if key not in self._candidates:
            made = candidate_estimator(self.evaluation.estimator, fit.parameters)
            self._candidates[key] = made, why_not_stacked(made) is None
        candidate, stacked = self._candidates[key]
        return restarted(candidate, fit.repeat), stacked

    def rows(self, estimator: Any, fold: int, part: int) -> Any:
        """Return X and y of a fold, its training (0) or its test part (1)."""
        shared = self.evaluation
        indices = shared.folds[fold][part]
        train = shared.folds[fold][0] if part else None
        plain = type(shared.X) is np.ndarray and type(shared.y) is np.ndarray
        if not plain or get_tags(estimator).input_tags.pairwise:
            return _safe_split(estimator, shared.X, shared.y, indices, train)
        if (fold, part) not in self._rows:
            self._rows[fold, part] = _safe_split(estimator, shared.X, shared.y, indices, train)
        X, y = self._rows[fold, part]
        return X.copy(), y.copy()  # a step of a pipeline may work in place


class _Pending:
    """A fit on its way: begun, trained with others or by itself, and scored."""

    def __init__(self, task: _Task, fit: Fit) -> None:
        self._task = task
        self._evaluation = task.evaluation
        self.fit = fit
        self._seconds = 0.0
        self._failure: dict[str, Any] | None = None
        self.deferred: DeferredFit | None = None

    def begin(self) -> None:
        """Call ``fit``; what can be trained in a stack stops before training."""
        self._estimator, stacked = self._task.estimator(self.fit)
        if stacked and self._put_off():
            return
        with self.guarded():
            self._fit()

    def _put_off(self) -> bool:
        """Call ``fit`` up to its training; False if it is to be called as ever."""
        began = time.perf_counter()
        try:
            with deferred_fits() as deferred:
                self._fit()
            (self.deferred,) = deferred
        except Exception:
            # A fit that fails does so in its own way; one with a second model inside needs it
            # trained at once.
            self._estimator, _ = self._task.estimator(self.fit)
            return False
        self._seconds += time.perf_counter() - began
        return True

    def _fit(self) -> None:
        self._train_rows = X, y = self._task.rows(self._estimator, self.fit.fold, 0)
        arguments = (X,) if y is None else (X, y)
        self._estimator.fit(*arguments, **self._params(self._evaluation.fit_params, 0))

    def _params(self, params: dict[str, Any], part: int) -> dict[str, Any]:
        """Return the rows of a part of the fold, of those parameters that have rows."""
        indices = self._evaluation.folds[self.fit.fold][part]
        checked: dict[str, Any] = _check_method_params(
            self._evaluation.X, params=params, indices=indices
        )
        return checked

    def complete(self, trained: Any, seconds: float) -> None:
        """Take what was trained, and this fit's share of the time."""
        self._seconds += seconds
        assert self.deferred is not None
        with self.guarded():
            self.deferred.complete(trained)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep the error of a fit for its result, unless errors are to be raised."""
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            if self._evaluation.error_score == "raise":
                error.add_note(f"Raised by the candidate {self.fit.parameters}.")
                raise
            diverged = isinstance(error, DivergenceError)
            self._failure = self._evaluation.failed(format_exc(), diverged)
        finally:
            self._seconds += time.perf_counter() - began

    def result(self) -> dict[str, Any]:
        """Score the fit; the keys are those of scikit-learn's results, and ``diverged``."""
        result, score_time = self._failure, 0.0
        if result is None:
            began = time.perf_counter()
            test_rows = self._task.rows(self._estimator, self.fit.fold, 1)
            test_scores = self._scores(test_rows, 1)
            result = {"fit_error": None, "diverged": False, "test_scores": test_scores}
            score_time = time.perf_counter() - began
            if self._evaluation.return_train_score:
                # The rows that fit had: like scikit-learn's, also where a step works in place.
                result["train_scores"] = self._scores(self._train_rows, 0)
        return {
            **result,
            "n_test_samples": _num_samples(self._evaluation.folds[self.fit.fold][1]),
            "fit_time": self._seconds,
            "score_time": score_time,
        }

    def _scores(self, rows: tuple[Any, Any], part: int) -> Any:
        X, y = rows
        shared = self._evaluation
        params = self._params(shared.score_params, part)
        return _score(self._estimator, X, y, shared.scorer, params, shared.error_score)


def _train_and_complete(stack: Sequence[_Pending]) -> None:
    """Train fits side by side; where that fails, each by itself, so that one fails alone."""
    began = time.perf_counter()
    try:
        trained = _train([one.deferred.task for one in stack if one.deferred is not None])
    except Exception:
        if len(stack) > 1:
            for one in stack:
                _train_and_complete([one])
            return
        with stack[0].guarded():
            raise
        return
    share = (time.perf_counter() - began) / len(stack)
    for one, model in zip(stack, trained, strict=True):
        one.complete(model, share)


def _train(tasks: Sequence[TrainingTask]) -> Iterator[TrainedModel]:
    """Train tasks of one stack."""
    first = tasks[0]
    validation = [task.validation for task in tasks if task.validation is not None]
    net = fit_stack(
        first.architecture,
        [task.settings for task in tasks],
        [task.rows for task in tasks],
        validation=validation or None,
        dtype=first.dtype,
        device=first.device,
    )
    return trained_models(net)
