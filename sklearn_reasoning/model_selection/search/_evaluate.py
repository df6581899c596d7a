"""One task of a search: train some fits, as a stack where that is possible, and score them.

The results, and what happens to a fit that fails, are those of scikit-learn's own searches.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from traceback import format_exc
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection._validation import _score
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params, _num_samples

from sklearn_reasoning.estimators import DeferredFit, deferred_fits
from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.training import TrainedModel, TrainedStack

from ._fits import Fit, Task, candidate_estimator, restarted
from ._plain_fits import PlainFit, SharedRows, StackOutputs, is_plain
from ._prediction_scores import from_predictions

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

    def run(self, task: Task) -> list[tuple[int, dict[str, Any]]]:
        """Return index and result of each fit; those that can be are trained in one stack."""
        shared = _Shared(self)
        pending = [_Pending(shared, fit) for fit in task.fits]
        stacks: dict[Hashable, list[tuple[Any, _Pending]]] = defaultdict(list)
        for one in pending:
            wanted = one.begin(task.stacked)
            if wanted is not None:
                stacks[wanted.stack_key].append((wanted, one))
        for stack in stacks.values():
            _train_and_complete(*zip(*stack, strict=True))
        return [(one.fit.index, one.result()) for one in pending]

    def failed(self, traceback: str, diverged: bool) -> dict[str, Any]:
        """Return what the scores of a failed fit are."""
        score = self.error_score
        scores = score if self.names is None else dict.fromkeys(self.names, score)
        result = {"fit_error": traceback, "diverged": diverged, "test_scores": scores}
        if self.return_train_score:
            result["train_scores"] = scores if self.names is None else dict(scores)
        return result


class _Shared:
    """What the fits of one task share: candidates and rows are made once."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.read = SharedRows()
        # A scorer that asks for predictions alone needs no estimator for each fit.
        self.scores = from_predictions(evaluation.scorer, evaluation.score_params)
        self._candidates: dict[tuple[int, int], tuple[Any, bool]] = {}
        self._rows: dict[tuple[int, int], Any] = {}

    def candidate(self, fit: Fit) -> tuple[Any, bool]:
        """Return an estimator for all fits of a candidate and restart, and whether it is plain.

        A plain one is scored from predictions, and its parameters are valid.
        """
        key = id(fit.parameters), fit.repeat
        if key not in self._candidates:
            shared = self.evaluation
            made = restarted(candidate_estimator(shared.estimator, fit.parameters), fit.repeat)
            plain = self.scores is not None and shared.y is not None
            plain = plain and is_plain(made, shared.fit_params) and _is_valid(made)
            self._candidates[key] = made, plain
        return self._candidates[key]

    def rows(self, estimator: Any, fold: int, part: int) -> Any:
        """Return X and y of a fold, its training (0) or its test part (1)."""
        shared = self.evaluation
        plain = type(shared.X) is np.ndarray and type(shared.y) is np.ndarray
        if not plain or get_tags(estimator).input_tags.pairwise:
            return self._split(estimator, fold, part)
        if (fold, part) not in self._rows:
            self._rows[fold, part] = self._split(estimator, fold, part)
        X, y = self._rows[fold, part]
        return X.copy(), y.copy()  # a step of a pipeline may work in place

    def _split(self, estimator: Any, fold: int, part: int) -> Any:
        shared = self.evaluation
        train = shared.folds[fold][0] if part else None
        return _safe_split(estimator, shared.X, shared.y, shared.folds[fold][part], train)

    def params(self, params: dict[str, Any], fold: int, part: int) -> dict[str, Any]:
        """Return the rows of a part of a fold, of those parameters that have rows."""
        if not params:
            return params
        indices = self.evaluation.folds[fold][part]
        checked: dict[str, Any] = _check_method_params(
            self.evaluation.X, params=params, indices=indices
        )
        return checked

    def plain_fit(self, regressor: Any, fold: int) -> PlainFit:
        """Return the fit of a plain regressor to a fold."""

        def train() -> tuple[Any, Any, Any]:
            params = self.params(self.evaluation.fit_params, fold, 0)
            return *self.rows(regressor, fold, 0), params.get("sample_weight")

        def X_of(part: int) -> Any:
            return self.rows(regressor, fold, part)[0]

        return self.read.plain_fit(regressor, fold, train, X_of)


def _is_valid(regressor: Any) -> bool:
    try:
        regressor._check_parameters()
    except Exception:  # raised again, for each fit
        return False
    return True


class _Pending:
    """A fit on its way: begun, trained with others or by itself, and scored."""

    def __init__(self, shared: _Shared, fit: Fit) -> None:
        self.shared = shared
        self._evaluation = shared.evaluation
        self.fit = fit
        self._seconds, self._score_seconds = 0.0, 0.0
        self._failure: dict[str, Any] | None = None
        self._scored: dict[str, Any] | None = None
        self._deferred: DeferredFit | None = None
        self.plain: PlainFit | None = None

    def begin(self, stacked: bool) -> Any:
        """Begin the fit, and return what is to be trained in a stack, if anything is."""
        with self._timed():
            candidate, plain = self.shared.candidate(self.fit)
            if stacked and plain:
                with suppress(Exception):  # what is wrong with it, its own fit will say
                    self.plain = self.shared.plain_fit(candidate, self.fit.fold)
                    return self.plain.task
            if stacked and self._put_off():
                assert self._deferred is not None
                return self._deferred.task
        with self.guarded():
            self._fit()
        return None

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds += time.perf_counter() - began

    def _put_off(self) -> bool:
        """Call ``fit`` up to its training; False if it is to be called as ever."""
        try:
            with deferred_fits() as deferred:
                self._fit()
            (self._deferred,) = deferred
        except Exception:
            # A fit that fails does so in its own way; one with a second model inside needs it
            # trained at once.
            return False
        return True

    def _fit(self) -> None:
        self._estimator = clone(self.shared.candidate(self.fit)[0])
        fold = self.fit.fold
        self._train_rows = X, y = self.shared.rows(self._estimator, fold, 0)
        arguments = (X,) if y is None else (X, y)
        params = self.shared.params(self._evaluation.fit_params, fold, 0)
        self._estimator.fit(*arguments, **params)

    def complete(self, trained: TrainedModel, seconds: float) -> None:
        """Take what was trained, and this fit's share of the time."""
        self._seconds += seconds
        with self.guarded():
            if self.plain is not None and self._put_off():
                # With the rows that were trained on: those of a fresh seed may be others.
                self._deferred = DeferredFit(self._estimator, self.plain.task)
            assert self._deferred is not None
            self._deferred.complete(trained)

    def score_predictions(
        self, predicted: Sequence[Any], seconds: float, score_seconds: float
    ) -> None:
        """Score what the fitted estimator predicts on test rows, and on training rows if wanted.

        The seconds are this fit's share of training and of predictions. Where a scorer fails,
        nothing is noted.
        """
        assert self.shared.scores is not None
        began = time.perf_counter()
        scored = {}
        for part, name, y_predicted in zip((1, 0), _SCORES, predicted, strict=False):
            _, y = self.shared.rows(self.shared.candidate(self.fit)[0], self.fit.fold, part)
            params = self.shared.params(self._evaluation.score_params, self.fit.fold, part)
            scored[name] = self.shared.scores(y, y_predicted, **params)
        self._scored = {"fit_error": None, "diverged": False, **scored}
        self._seconds += seconds
        self._score_seconds = time.perf_counter() - began + score_seconds

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep the error of a fit for its result, unless errors are to be raised."""
        try:
            with self._timed():
                yield
        except Exception as error:
            if self._evaluation.error_score == "raise":
                error.add_note(f"Raised by the candidate {self.fit.parameters}.")
                raise
            diverged = isinstance(error, DivergenceError)
            self._failure = self._evaluation.failed(format_exc(), diverged)

    def result(self) -> dict[str, Any]:
        """Score the fit; the keys are those of scikit-learn's results, and ``diverged``."""
        result = self._failure or self._scored
        if result is None:
            began = time.perf_counter()
            test_rows = self.shared.rows(self._estimator, self.fit.fold, 1)
            test_scores = self._scores(test_rows, 1)
            result = {"fit_error": None, "diverged": False, "test_scores": test_scores}
            self._score_seconds = time.perf_counter() - began
            if self._evaluation.return_train_score:
                # The rows that fit had: like scikit-learn's, also where a step works in place.
                result["train_scores"] = self._scores(self._train_rows, 0)
        return {
            **result,
            "n_test_samples": _num_samples(self._evaluation.folds[self.fit.fold][1]),
            "fit_time": self._seconds,
            "score_time": self._score_seconds,
        }

    def _scores(self, rows: tuple[Any, Any], part: int) -> Any:
        X, y = rows
        shared = self._evaluation
        params = self.shared.params(shared.score_params, self.fit.fold, part)
        return _score(self._estimator, X, y, shared.scorer, params, shared.error_score)


_SCORES = ("test_scores", "train_scores")


def _train_and_complete(tasks: Sequence[Any], stack: Sequence[_Pending]) -> None:
    """Train fits side by side; where that fails, each by itself, so that one fails alone."""
    began = time.perf_counter()
    try:
        trained = TrainedStack(tasks[0].train_beside(tasks))
    except Exception:
        if len(stack) > 1:
            for task, one in zip(tasks, stack, strict=True):
                _train_and_complete([task], [one])
            return
        with stack[0].guarded():
            raise
        return
    share = (time.perf_counter() - began) / len(stack)
    scored = _score_plain(trained, stack, share)
    for i, one in enumerate(stack):
        if i not in scored:
            one.complete(trained[i], share)


def _score_plain(trained: TrainedStack, stack: Sequence[_Pending], seconds: float) -> set[int]:
    """Score plain fits of a stack whose training went well, and return their numbers.

    All else needs an estimator that is fitted.
    """
    diverged = trained.net.progress_.diverged
    fits = [
        (i, one.plain) for i, one in enumerate(stack) if one.plain is not None and not diverged[i]
    ]
    scored: set[int] = set()
    if not fits:
        return scored
    with suppress(Exception):  # raised again where the fit is scored by itself
        began = time.perf_counter()
        outputs = StackOutputs(trained, fits)
        finite = outputs.finite()
        now = time.perf_counter()
        seconds += (now - began) / len(fits)
        parts = (1, 0) if stack[0].shared.evaluation.return_train_score else (1,)
        predicted = list(zip(*map(outputs.predictions, parts), strict=True))
        score_seconds = (time.perf_counter() - now) / len(fits)
        for (i, _), is_finite, each in zip(fits, finite, predicted, strict=True):
            if is_finite:
                with suppress(Exception):
                    stack[i].score_predictions(each, seconds, score_seconds)
                    scored.add(i)
    return scored
