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
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params, _num_samples

from sklearn_reasoning.estimators._deferred import DeferredFit, deferred_fits
from sklearn_reasoning.estimators._stacking import why_not_stacked
from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.training import TrainedModel, TrainingTask, fit_stack, trained_models

from ._fits import Fit

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Evaluation:
    """What all fits of a search share.

    Parameters
    ----------
    estimator : estimator
    X, y : array-like
    folds : list of (ndarray, ndarray)
        Training and test rows of each split of ``cv``.
    scorer : callable
        As scikit-learn makes them of ``scoring``.
    names : tuple of str or None
        Names of the scores, where there are several.
    fit_params, score_params : dict
        For ``fit`` and the scorer; what has the length of X is split with it.
    return_train_score : bool
    error_score : "raise" or float
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
        """Train and score some fits.

        Parameters
        ----------
        fits : sequence of Fit
            Those that can be are trained in one stack.

        Returns
        -------
        list of (int, dict)
            The index of each fit and its result.
        """
        pending = [_Pending(self, fit) for fit in fits]
        stacks: dict[Hashable, list[_Pending]] = defaultdict(list)
        for one in pending:
            one.begin()
            if one.deferred is not None:
                stacks[one.deferred.task.stack_key].append(one)
        for stack in stacks.values():
            _train_and_complete(stack)
        return [(one.fit.index, one.result()) for one in pending]

    def rows(self, estimator: Any, indices: _Array, train: _Array | None = None) -> Any:
        """Return some rows of X and y."""
        return _safe_split(estimator, self.X, self.y, indices, train)

    def failed(self, traceback: str, diverged: bool) -> dict[str, Any]:
        """Return what the scores of a failed fit are."""
        score = self.error_score
        scores = score if self.names is None else dict.fromkeys(self.names, score)
        result = {"fit_error": traceback, "diverged": diverged, "test_scores": scores}
        if self.return_train_score:
            result["train_scores"] = scores if self.names is None else dict(scores)
        return result


class _Pending:
    """A fit on its way: begun, trained with others or by itself, and scored."""

    def __init__(self, evaluation: Evaluation, fit: Fit) -> None:
        self._evaluation = evaluation
        self.fit = fit
        self._train, self._test = evaluation.folds[fit.fold]
        self._seconds = 0.0
        self._failure: dict[str, Any] | None = None
        self.deferred: DeferredFit | None = None

    def begin(self) -> None:
        """Call ``fit``; what can be trained in a stack stops before training."""
        shared, train = self._evaluation, self._train
        self._estimator = self.fit.estimator(shared.estimator)
        fit_params = _check_method_params(shared.X, params=shared.fit_params, indices=train)
        X, y = shared.rows(self._estimator, train)
        arguments = (X,) if y is None else (X, y)
        if why_not_stacked(self._estimator) is not None:
            with self.guarded():
                self._estimator.fit(*arguments, **fit_params)
            return
        with self.guarded(), deferred_fits() as deferred:
            self._estimator.fit(*arguments, **fit_params)
            (self.deferred,) = deferred

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
        began = time.perf_counter()
        result = self._failure
        if result is None:
            result = {"fit_error": None, "diverged": False, "test_scores": self._scores(self._test)}
            if self._evaluation.return_train_score:
                result["train_scores"] = self._scores(self._train)
        return {
            **result,
            "n_test_samples": _num_samples(self._test),
            "fit_time": self._seconds,
            "score_time": time.perf_counter() - began if self._failure is None else 0.0,
        }

    def _scores(self, indices: _Array) -> Any:
        shared = self._evaluation
        X, y = shared.rows(self._estimator, indices, self._train)
        params = _check_method_params(shared.X, params=shared.score_params, indices=indices)
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
