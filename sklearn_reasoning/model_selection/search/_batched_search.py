"""How a search evaluates its candidates: plan stacks, train them, collect, resume."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import (
    check_cv,
)
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils import indexable
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import _check_method_params, _num_samples

from sklearn_reasoning._runs.checkpoint import Checkpoint
from sklearn_reasoning._runs.progress import ProgressBar
from sklearn_reasoning._runs.tasks import running
from sklearn_reasoning._support.documentation import Documented
from sklearn_reasoning.algorithms import own_algorithms

from ._evaluate import Evaluation
from ._fits import Fit, Plan, candidate_estimator, expand, has_seed, plan
from ._stackable import is_watched

_Results = dict[int, dict[str, Any]]
_LOGGER = logging.getLogger("sklearn_reasoning.model_selection")


class BatchedSearch(Documented, BaseSearchCV):
    """What the searches here do in place of scikit-learn's: the evaluation of candidates.

    The conventions around it (scorers, routing, results, ranks, refit) are those of the
    scikit-learn class that stands next to this one.
    """

    # Parameters that scikit-learn's searches do not have.
    n_repeats: int
    checkpoint_dir: str | os.PathLike[str] | None

    def fit(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Train and score all candidates, and the best one on all rows.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns, or whatever the estimator takes.
        y : array-like of shape (n,) or (n, d), default=None
            Targets.
        **params : dict
            For ``fit`` of the estimator, the scorers and the splitter, as scikit-learn's
            searches take them: ``sample_weight``, ``groups``, or what metadata routing asks
            for.

        Returns
        -------
        self
            The fitted search.

        Raises
        ------
        ValueError
            As from scikit-learn's searches; if ``n_repeats`` is above 1 and nothing in the
            estimator has a ``random_state``; if ``checkpoint_dir`` holds another search, or
            the search draws its candidates or splits without a fixed ``random_state``.
        """
        self._validate_params()
        self._check_own_parameters()
        if getattr(self, "_skl_callbacks", None) or is_watched(self.estimator):
            # They watch fits one at a time; scikit-learn knows how.
            self._refuse_with_callbacks()
            return super().fit(X, y, **params)
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        folds = self._folds(cv, X, y, routed.splitter.split)
        candidates = list(self._candidates())
        self._check_seeds(candidates)
        self.n_splits_ = self.n_repeats * len(folds)
        several = getattr(scorers, "_scorers", None)
        evaluation = Evaluation(
            clone(self.estimator),
            X,
            y,
            folds,
            scorers,
            tuple(several) if isinstance(several, dict) else None,
            routed.estimator.fit,
            routed.scorer.score,
            self.return_train_score,
            self.error_score,
        )
        fits = expand(candidates, self.n_repeats, len(folds))
        if not fits:
            raise ValueError(
                "No fits were performed. Was the CV iterator empty? Were there no candidates?"
            )
        checkpoint = self._checkpoint(evaluation, candidates)
        by_index = self._evaluate(evaluation, fits, checkpoint, len(candidates))
        out = [by_index[fit.index] for fit in fits]
        self._warn_of_divergence(fits, out)
        _warn_or_raise_about_fit_failures(out, self.error_score)
        if callable(self.scoring):
            _insert_error_scores(out, self.error_score)
        results = self._format_results(candidates, self.n_splits_, out)

        self.multimetric_ = isinstance(out[0]["test_scores"], dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(out[0]["test_scores"])
            refit_metric = self.refit
        self._choose(results, refit_metric)
        if self.refit:
            self._refit(X, y, routed.estimator.fit)
        self.scorer_ = several if isinstance(several, dict) else scorers
        self.cv_results_ = results
        return self

    # ------------------------------------------------------------------ before

    def _check_own_parameters(self) -> None:
        n_repeats, folder = self.n_repeats, self.checkpoint_dir
        if (
            isinstance(n_repeats, bool)
            or not isinstance(n_repeats, int | np.integer)
            or n_repeats < 1
        ):
            raise ValueError(f"n_repeats={n_repeats!r} must be a whole number, at least 1.")
        if folder is not None and not isinstance(folder, str | os.PathLike):
            raise ValueError(f"checkpoint_dir={folder!r} must be the path of a folder, or None.")

    def _check_seeds(self, candidates: list[dict[str, Any]]) -> None:
        estimators = (candidate_estimator(self.estimator, each) for each in ({}, *candidates))
        if self.n_repeats > 1 and not any(map(has_seed, estimators)):
            raise ValueError(
                f"n_repeats={self.n_repeats!r} asks for restarts with other seeds, and nothing in "
                "the estimator has a random_state."
            )

    def _refuse_with_callbacks(self) -> None:
        for name, default in (("n_repeats", 1), ("checkpoint_dir", None)):
            if getattr(self, name) != default:
                raise ValueError(f"{name} cannot be used together with scikit-learn's callbacks.")
        self._say("scikit-learn's callbacks are set: all fits are trained one by one.")

    def _say(self, message: str) -> None:
        """Log what the search does; with ``verbose`` print it, as scikit-learn's searches do."""
        _LOGGER.info(message)
        if self.verbose > 0:
            print(message)

    def _folds(self, cv: Any, X: Any, y: Any, split_params: dict[str, Any]) -> Any:
        folds = [
            (np.asarray(train), np.asarray(test)) for train, test in cv.split(X, y, **split_params)
        ]
        n_expected = cv.get_n_splits(X, y, **split_params)
        if len(folds) != n_expected:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. Expected "
                f"{n_expected} splits, got {len(folds)}"
            )
        if self.checkpoint_dir is not None:
            again = cv.split(X, y, **split_params)
            if not all(
                np.array_equal(rows, rows_again)
                for fold, fold_again in zip(folds, again, strict=True)
                for rows, rows_again in zip(fold, fold_again, strict=True)
            ):
                raise ValueError(
                    "checkpoint_dir needs splits that can be made again, and those of cv differ "
                    "from call to call: set its random_state to a number."
                )
        return folds

    def _candidates(self) -> Iterable[dict[str, Any]]:
        raise NotImplementedError

    def _checkpoint(
        self, evaluation: Evaluation, candidates: list[dict[str, Any]]
    ) -> Checkpoint | None:
        if self.checkpoint_dir is None:
            return None
        parameters = evaluation.estimator.get_params(deep=True)
        own = own_algorithms()  # candidates know them by name
        return Checkpoint(
            self.checkpoint_dir,
            {
                "the class of the estimator": type(evaluation.estimator),
                **{f"the estimator's {name}": parameters[name] for name in sorted(parameters)},
                # Requests of metadata and of output are no parameters.
                "the estimator": evaluation.estimator,
                **({"the registered algorithms": own} if own else {}),
                # As each fit will get them: what a candidate's estimator was fitted to is gone.
                "the candidates": [clone(candidate, safe=False) for candidate in candidates],
                "X": evaluation.X,
                "y": evaluation.y,
                "the parameters of fit": evaluation.fit_params,
                "the parameters of the scorers": evaluation.score_params,
                "the splits of cv": evaluation.folds,
                # The scorer that None stands for holds the estimator as it was given.
                "scoring": self.scoring,
                "n_repeats": int(self.n_repeats),
                "error_score": self.error_score,
                "return_train_score": bool(self.return_train_score),
                "scikit-learn's configuration": _configuration(),
            },
        )

    # ------------------------------------------------------------------ evaluation

    def _evaluate(
        self,
        evaluation: Evaluation,
        fits: list[Fit],
        checkpoint: Checkpoint | None,
        n_candidates: int,
    ) -> _Results:
        """Return the result of every fit, by its index."""
        results: _Results = {} if checkpoint is None else checkpoint.load()
        work = self._plan(evaluation, [fit for fit in fits if fit.index not in results])
        self._announce(n_candidates, work, len(results))
        metric = self.refit if isinstance(self.refit, str) else "score"
        bar = ProgressBar(len(fits), self.n_splits_, metric, shown=self.verbose > 0)
        tasks = (delayed(evaluation.run)(task) for task in work.tasks)
        kept = nullcontext() if checkpoint is None else checkpoint
        with bar, kept, running(tasks, self.n_jobs, self.pre_dispatch) as finished:
            bar.done(list(results.items()), before=True)
            for done in finished:
                if checkpoint is not None:
                    checkpoint.save(done)
                results.update(done)
                bar.done(done)
                if self.verbose > 1:
                    for index, result in done:
                        bar.write(_line(fits[index], result))
        return results

    def _plan(self, evaluation: Evaluation, fits: list[Fit]) -> Plan:
        columns = sum(
            1 if getattr(part, "ndim", 1) == 1 else part.shape[1]
            for part in (evaluation.X, evaluation.y)
        )
        n_train = [_num_samples(train) for train, _ in evaluation.folds]
        return plan(
            evaluation.estimator, fits, n_train, columns, max(effective_n_jobs(self.n_jobs), 1)
        )

    def _announce(self, n_candidates: int, work: Plan, n_done: int) -> None:
        n_fits = n_candidates * self.n_splits_
        n_alone = sum(work.alone.values())
        n_stacks = len(work.tasks) - n_alone
        stacks = "1 stack" if n_stacks == 1 else f"{n_stacks} stacks"
        self._say(
            f"Fitting {self.n_splits_} folds for each of {n_candidates} candidates, totalling "
            f"{n_fits} fits: {n_fits - n_done - n_alone} in {stacks}"
            + (f", {n_done} done before" if n_done else "")
            + "."
        )
        for reason, number in work.alone.items():
            self._say(f"{number} fits are trained one by one: {reason}.")

    def _warn_of_divergence(self, fits: list[Fit], out: list[dict[str, Any]]) -> None:
        diverged: dict[str, int] = {}
        for fit, result in zip(fits, out, strict=True):
            if result["diverged"]:
                name = str(fit.parameters)
                diverged[name] = diverged.get(name, 0) + 1
        if diverged:
            named = "; ".join(
                f"{name} in {number} of {self.n_splits_} fits" for name, number in diverged.items()
            )
            warnings.warn(
                f"Training left the finite numbers for the candidates {named}. The scores of "
                f"these fits are error_score={self.error_score}.",
                FitFailedWarning,
                stacklevel=3,
            )

    # ------------------------------------------------------------------ after

    def _choose(self, results: dict[str, Any], refit_metric: Any) -> None:
        if not self.refit and self.multimetric_:
            return
        self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]

    def _refit(self, X: Any, y: Any, fit_params: dict[str, Any]) -> None:
        best = clone(self.best_params_, safe=False)
        self.best_estimator_ = clone(self.estimator).set_params(**best)
        began = time.time()
        if y is None:
            self.best_estimator_.fit(X, **fit_params)
        else:
            self.best_estimator_.fit(X, y, **fit_params)
        self.refit_time_ = time.time() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _configuration() -> dict[str, Any]:
    """Return what scikit-learn's results may depend on."""
    return {
        name: value
        for name, value in get_config().items()
        if name not in ("display", "print_changed_only")
    }


def _line(fit: Fit, result: dict[str, Any]) -> str:
    """Return what ``verbose=2`` says of a fit."""
    parameters = ", ".join(f"{name}={value}" for name, value in sorted(fit.parameters.items()))
    return (
        f"fold {fit.fold}, restart {fit.repeat}: {parameters}; score={result['test_scores']}, "
        f"{result['fit_time']:.2f} s"
    )
