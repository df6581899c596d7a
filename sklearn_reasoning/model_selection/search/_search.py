"""scikit-learn's searches, training their candidates side by side."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GridSearchCV,
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
)

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.random_state import independent_random_state

from ._batched_search import BatchedSearch


class BatchedGridSearchCV(BatchedSearch, GridSearchCV):
    r"""``GridSearchCV`` that trains the models of a grid side by side, with the same results.

    Every candidate is fitted on every fold, as by :class:`sklearn.model_selection.GridSearchCV`,
    but up to 256 of these fits are one tensor program (a *stack*): a small network costs the
    processor less than the calls that it is made of. Every model gets the bits that its own
    fit would give it, whatever shares its stack and however many workers there are.

    In one stack go fits of equal shapes: the same ``algo``, ``q_hidden``, ``b_hidden``, ``mu``,
    ``L``, ``spectrum``, ``rotation``, ``linear_term``, ``initial_weights`` and ``optimizer``,
    and batches of one padded length. They may differ in ``k``, step sizes, learning rates,
    decays, losses, epochs, early stopping's patience, ``keep``, seeds, folds and sample
    weights. Estimators are :class:`~sklearn_reasoning.HybridReasoningRegressor`, alone, as the
    last step of a Pipeline or inside a ``TransformedTargetRegressor``. All else is fitted one
    by one, as by scikit-learn: other estimators, callbacks, ``verbose`` models.

    Parameters
    ----------
    estimator : estimator
        What to fit; it is cloned for each fit.
    param_grid : dict or list of dict
        Names of parameters and the values to try.
    scoring : str, callable, list, tuple, dict or None, default=None
        As for ``GridSearchCV``; several scorers need ``refit`` to name one.
    n_jobs : int or None, default=None
        Number of workers; each trains one stack at a time, on one thread. joblib's
        ``parallel_config`` chooses where they are.
    refit : bool, str or callable, default=True
        Whether, and by which score, to fit the best candidate on all rows.
    cv : int, splitter, iterable or None, default=None
        The folds, as in scikit-learn; None is 5.
    verbose : int, default=0
        1 shows a bar with the models done, their rate, the time left and the best score so
        far, and says what is fitted one by one; 2 also prints a line a fit.
    pre_dispatch : int or str, default="2*n_jobs"
        How many tasks joblib has on their way to the workers at a time.
    error_score : "raise" or float, default=nan
        The score of a fit that fails; a training that diverges is one, and a warning names
        its candidate.
    return_train_score : bool, default=False
        Needed by :func:`~sklearn_reasoning.model_selection.gap_table`.
    n_repeats : int, default=1
        How often to fit each candidate on each fold, each time with other seeds: every
        ``random_state`` s of the estimator becomes a function of s and of the number of the
        restart. The first has the estimator's own. Restarts are further splits in
        ``cv_results_``.
    checkpoint_dir : str, path-like or None, default=None
        A folder to keep finished fits in. The same search with the same folder goes on where
        one that was killed had been, and ends with the same bits. With ``random_state=None``
        in the estimator there are no same bits: finished fits are kept, the others, and the
        refit, get fresh seeds. The folder of another search, of other data or of other
        versions of the libraries is refused.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray of shape (n_candidates,)
        As of ``GridSearchCV``. Splits are numbered restart by restart; ``mean_fit_time`` has
        each fit's share of its stack's time.
    best_estimator_, best_score_, best_params_, best_index_, refit_time_
        As of ``GridSearchCV``.
    scorer_, multimetric_, n_features_in_, feature_names_in_
        As of ``GridSearchCV``.
    n_splits_ : int
        Number of splits: folds times ``n_repeats``.

    Raises
    ------
    ValueError
        From ``fit``, as from ``GridSearchCV``; for ``n_repeats`` where nothing has a
        ``random_state``; for a ``checkpoint_dir`` that holds another search or other files.
    OSError
        From ``fit``, for a ``checkpoint_dir`` that cannot be made or written to. What was saved
        before is kept.

    Notes
    -----
    scikit-learn's callbacks watch fits one at a time; with them, on the search or on the
    estimator, this is ``GridSearchCV``.

    Restart r > 0 of an estimator with seed s is that with the seed
    ``int(np.random.SeedSequence([s, r]).generate_state(1)[0] >> 1)``. With
    ``random_state=None`` every fit takes fresh entropy.

    Examples
    --------
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> from sklearn_reasoning.datasets import make_quadratic_reasoning
    >>> from sklearn_reasoning.model_selection import BatchedGridSearchCV
    >>> X, y = make_quadratic_reasoning(n_samples=60, random_state=0)
    >>> model = HybridReasoningRegressor(
    ...     linear_term="given", rotation="given", max_epochs=20, random_state=0
    ... )
    >>> grid = {"algo": ["gd", "nag"], "k": [1, 5], "lr": [1e-3, 1e-2]}
    >>> search = BatchedGridSearchCV(model, grid, cv=3, n_repeats=2).fit(X, y)
    >>> search.n_splits_, len(search.cv_results_["params"])
    (6, 8)
    >>> search.best_params_["k"]
    5
    """

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        n_repeats: int = 1,
        checkpoint_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.n_repeats = n_repeats
        self.checkpoint_dir = checkpoint_dir

    def _candidates(self) -> Iterable[dict[str, Any]]:
        return ParameterGrid(self.param_grid)


@documented_like(BatchedGridSearchCV)
class BatchedRandomizedSearchCV(BatchedSearch, RandomizedSearchCV):
    """``RandomizedSearchCV`` that trains its candidates side by side.

    It draws the candidates of :class:`sklearn.model_selection.RandomizedSearchCV` and trains
    them as :class:`BatchedGridSearchCV` does: draw what may differ inside a stack (``k``, rates,
    decays, step sizes) and candidates cost little.

    Parameters
    ----------
    estimator : estimator
        What to fit; it is cloned for each fit.
    param_distributions : dict or list of dict
        Names of parameters, and distributions or lists to draw from.
    n_iter : int, default=10
        Number of candidates.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch
    random_state : int, RandomState instance or None, default=None
        Seed of the candidates; None draws from fresh entropy, never from the global state.
    error_score, return_train_score, n_repeats
    checkpoint_dir : str, path-like or None, default=None
        A folder to keep finished fits in, as for :class:`BatchedGridSearchCV`; it needs a
        ``random_state``.

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, refit_time_
        As of ``RandomizedSearchCV``.
    scorer_, multimetric_, n_features_in_, feature_names_in_
        As of ``RandomizedSearchCV``.
    n_splits_

    Raises
    ------
    ValueError
        As from :class:`BatchedGridSearchCV`.

    Examples
    --------
    >>> from scipy.stats import loguniform, randint
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> from sklearn_reasoning.datasets import make_quadratic_reasoning
    >>> from sklearn_reasoning.model_selection import BatchedRandomizedSearchCV
    >>> X, y = make_quadratic_reasoning(n_samples=60, random_state=0)
    >>> model = HybridReasoningRegressor(
    ...     linear_term="given", rotation="given", max_epochs=20, random_state=0
    ... )
    >>> drawn_from = {"k": randint(1, 20), "lr": loguniform(1e-4, 1e-1)}
    >>> search = BatchedRandomizedSearchCV(model, drawn_from, n_iter=30, cv=3, random_state=0)
    >>> len(search.fit(X, y).cv_results_["params"])
    30
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        n_repeats: int = 1,
        checkpoint_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.n_repeats = n_repeats
        self.checkpoint_dir = checkpoint_dir

    def _candidates(self) -> Iterable[dict[str, Any]]:
        if self.checkpoint_dir is not None and self.random_state is None:
            raise ValueError(
                "checkpoint_dir needs random_state to be a number: a resumed search must draw "
                "the same candidates."
            )
        return ParameterSampler(
            self.param_distributions,
            self.n_iter,
            random_state=independent_random_state(self.random_state),
        )
