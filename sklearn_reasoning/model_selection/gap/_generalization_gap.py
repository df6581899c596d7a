"""The generalisation gap of one estimator."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning.model_selection._l2_loss import l2_loss_scorer

from ._table import gap_table


def generalization_gap(
    estimator: Any,
    X: Any,
    y: Any,
    cv: Any = 5,
    *,
    scoring: Any = None,
    metric: str | None = None,
    groups: Any = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    error_score: Any = np.nan,
) -> dict[str, NDArray[Any]]:
    r"""Estimate the generalisation gap of one estimator by cross-validation.

    The gap is :math:`P\ell - P_n\ell` (Eq. 13): the loss on held-out folds minus that on the
    folds trained on. For a score, of which more is better, it is empirical minus held-out, so
    that a positive gap is always the price of generalising.

    Parameters
    ----------
    estimator : estimator
        Any estimator with ``fit``: ours, a pipeline, a search. It is cloned for each fold and
        left as it is.
    X : array-like of shape (n_samples, n_features)
        Features, or whatever the estimator takes.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    cv : int, splitter or iterable of (train, test) indices, default=5
        The folds, as in scikit-learn.
    scoring : str, callable, list or dict, default=None
        Any scorer of scikit-learn, or several. None is ``l2_loss_scorer``, the mean Euclidean
        norm of the error, in the units of y; a classifier has none and needs a name.
    metric : str, default=None
        Which of several scorers to tabulate.
    groups : array-like of shape (n_samples,), default=None
        Groups for a splitter that goes by them.
    params : mapping of str to object, default=None
        Metadata such as ``sample_weight``, handed on as by ``GridSearchCV.fit``: to the ``fit``
        of the estimator and, of ``sample_weight``, to scorers that take it; or as requested,
        where metadata routing is enabled.
    n_jobs : int, default=None
        Number of folds fitted at a time, as in scikit-learn.
    error_score : float or "raise", default=nan
        Result of a fold whose fit fails; ``"raise"`` lets the error out.

    Returns
    -------
    dict of str to ndarray of shape (1,)
        The columns of :func:`gap_table` in their order, one row: ``empirical_loss``,
        ``held_out_loss`` and ``gap``, each followed by its standard deviation over the splits
        (``empirical_loss_std`` and so on), then those of each split (``split0_gap``). For a
        scorer of which more is better the names have ``score`` in place of ``loss``.

    Raises
    ------
    TypeError
        If ``estimator`` is not an estimator.
    ValueError
        If ``estimator`` is a classifier and ``scoring`` None, if ``scoring`` holds several
        scorers and ``metric`` names none of them, or if every fold failed; and, as from
        scikit-learn, for a parameter out of its domain.

    See Also
    --------
    gap_table : The same for every candidate of a search.
    GeneralizationGapDisplay : Draws the gap against a parameter.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_reasoning.model_selection import generalization_gap
    >>> X, y = load_linnerud(return_X_y=True)
    >>> measured = generalization_gap(Ridge(), X, y, cv=5)
    >>> print(*[name for name in measured if not name.startswith("split")], sep="\n")
    empirical_loss
    empirical_loss_std
    held_out_loss
    held_out_loss_std
    gap
    gap_std
    >>> bool(measured["gap"][0] > 0)
    True
    """
    search = search_grid(
        estimator,
        X,
        y,
        {},  # one candidate: the estimator as it is
        cv=cv,
        scoring=scoring,
        metric=metric,
        groups=groups,
        params=params,
        n_jobs=n_jobs,
        error_score=error_score,
    )
    return gap_table(search, metric)


def search_grid(
    estimator: Any,
    X: Any,
    y: Any,
    grid: Mapping[str, Any],
    *,
    cv: Any,
    scoring: Any,
    metric: str | None,
    groups: Any,
    params: Mapping[str, Any] | None,
    n_jobs: int | None,
    error_score: Any,
) -> GridSearchCV:
    """Cross-validate each candidate of a grid, with training scores and without a refit.

    The parameters are those of :func:`generalization_gap`.
    """
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(f"estimator must be an instance of an estimator, got {estimator!r}.")
    for param_name in grid:
        _check_param_name(estimator, param_name)
    if scoring is None:
        if is_classifier(estimator):
            raise ValueError(
                "scoring=None is the mean l2 loss, and the labels of a classifier have no "
                "distance. Pass the scorer that you mean, such as scoring='accuracy'."
            )
        scoring = l2_loss_scorer
    # Found out before the fits; a callable shows only afterwards what it returns.
    if isinstance(scoring, Mapping | list | tuple | set):
        known = list(scoring)
        if metric not in known and (metric is not None or len(known) > 1):
            raise ValueError(f"metric={metric!r} must be one of the scorers in scoring: {known}.")
    metadata = dict(params or {})
    if groups is not None:
        metadata["groups"] = groups
    search = GridSearchCV(
        estimator,
        dict(grid),
        scoring=scoring,
        cv=cv,
        n_jobs=n_jobs,
        refit=False,
        error_score=error_score,
        return_train_score=True,
    )
    return search.fit(X, y, **metadata)


def _check_param_name(estimator: Any, param_name: str) -> None:
    known = estimator.get_params()
    if param_name not in known:
        inside = [name for name in known if name.endswith(f"__{param_name}")]
        hint = f"Did you mean one of {inside}?" if inside else f"It has {sorted(known)}."
        raise ValueError(
            f"param_name={param_name!r} is not a parameter of {type(estimator).__name__}. {hint}"
        )
