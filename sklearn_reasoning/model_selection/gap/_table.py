"""The generalisation gap of every candidate of a scikit-learn search."""

from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline


def gap_table(search: Any, metric: str | None = None) -> dict[str, NDArray[Any]]:
    r"""Set the empirical and the held-out result of each candidate side by side, with their gap.

    The gap is the estimate by cross-validation of :math:`P\ell - P_n\ell` (Eq. 13). A positive
    gap is always the price of generalising: held-out minus empirical for a loss, empirical minus
    held-out for a score.

    Parameters
    ----------
    search : fitted search of scikit-learn, or Pipeline that ends in one
        ``GridSearchCV``, ``RandomizedSearchCV``, ``HalvingGridSearchCV``,
        ``HalvingRandomSearchCV`` or one derived from them, run with ``return_train_score=True``,
        around any estimator.
    metric : str, default=None
        Which scorer to tabulate where the search had several. None is the one named by
        ``refit``, or the only one.

    Returns
    -------
    dict of str to ndarray of shape (n_candidates,)
        Columns in this order, which ``pandas.DataFrame`` accepts as they are:

        - ``iter``, ``n_resources``: of halving searches only, where a row is a candidate at one
          iteration;
        - ``param_*``: the candidate's parameters; NaN where it does not have one (None may be a
          value);
        - ``empirical_loss``, ``held_out_loss``, ``gap``: means over the splits, each followed by
          its standard deviation over the splits, ``empirical_loss_std``, ``held_out_loss_std``,
          ``gap_std``. ``gap_std`` is that of the splits' own gaps;
        - ``split0_empirical_loss``, ``split0_held_out_loss``, ``split0_gap``, and so on for each
          split. A search that repeats its folds has the more splits.

        Losses are for scorers made with ``greater_is_better=False``, such as ``l2_loss_scorer``
        and scikit-learn's ``"neg_..."``, and have the metric's own sign. For every other scorer
        the columns are ``empirical_score`` and ``held_out_score`` in their place.

    Raises
    ------
    TypeError
        If ``search`` is neither a search nor a pipeline that ends in one.
    sklearn.exceptions.NotFittedError
        If the search is not fitted.
    ValueError
        If the search was run without ``return_train_score=True``, ``metric`` is not one of its
        scorers, or it is None and ``refit`` does not say which of several scorers to take.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_reasoning.model_selection import gap_table, l2_loss_scorer
    >>> X, y = load_linnerud(return_X_y=True)
    >>> search = GridSearchCV(
    ...     Ridge(), {"alpha": [1, 10_000]}, scoring=l2_loss_scorer, return_train_score=True
    ... )
    >>> table = gap_table(search.fit(X, y))
    >>> print(*[name for name in table if not name.startswith("split")], sep="\n")
    param_alpha
    empirical_loss
    empirical_loss_std
    held_out_loss
    held_out_loss_std
    gap
    gap_std
    >>> bool(table["gap"][0] > table["gap"][1])
    True
    """
    search = last_step(search)
    results = _checked_results(search)
    metric = chosen_metric(search, metric)
    # `_sign` is scikit-learn's only record of whether a metric is a loss.
    sign = getattr(scorer_of(search, metric), "_sign", 1)
    kind = "loss" if sign < 0 else "score"

    # Counted in the results, since a search may repeat its folds beyond `search.n_splits_`.
    n_splits = next(i for i in count() if f"split{i}_test_{metric}" not in results)
    train, test = (
        # Adding zero turns the -0.0 of a perfect fit into 0.0.
        sign * np.stack([results[f"split{i}_{part}_{metric}"] for i in range(n_splits)], axis=1)
        + 0.0
        for part in ("train", "test")
    )
    measured = {
        f"empirical_{kind}": train,
        f"held_out_{kind}": test,
        "gap": test - train if kind == "loss" else train - test,
    }

    table: dict[str, NDArray[Any]] = {
        name: np.array(results[name]) for name in ("iter", "n_resources") if name in results
    }
    for name, values in results.items():
        if name.startswith("param_"):
            table[name] = _without_mask(values)
    for name, values in measured.items():
        table[name] = values.mean(axis=1)
        table[f"{name}_std"] = values.std(axis=1)
    for i in range(n_splits):
        for name, values in measured.items():
            table[f"split{i}_{name}"] = values[:, i]
    return table


def last_step(search: Any) -> Any:
    """Return the search itself, or the one in which a pipeline ends."""
    while isinstance(search, Pipeline):
        search = search.steps[-1][1]
    return search


def _checked_results(search: Any) -> dict[str, Any]:
    name = type(search).__name__
    if not hasattr(search, "return_train_score"):
        raise TypeError(
            f"gap_table takes a fitted search such as GridSearchCV, got {name}. "
            "For one estimator without a search, call generalization_gap."
        )
    results: dict[str, Any] | None = getattr(search, "cv_results_", None)
    if results is None:
        raise NotFittedError(f"This {name} is not fitted yet. Call fit before gap_table.")
    if not any(column.startswith("mean_train_") for column in results):
        raise ValueError(
            f"This {name} kept no training scores, and the gap is between these and the held-out "
            "ones. Fit it again with return_train_score=True."
        )
    return results


def chosen_metric(search: Any, metric: str | None) -> str:
    """Return the name that a fitted search has for the scorer to tabulate.

    A ValueError if there is no such scorer, or if it is not said which of several it is.
    """
    prefix = "mean_test_"
    known = [name.removeprefix(prefix) for name in search.cv_results_ if name.startswith(prefix)]
    if metric is None:
        if len(known) == 1:
            return known[0]
        if isinstance(search.refit, str):
            return search.refit
        raise ValueError(
            f"The search has several scorers, {known}, and refit={search.refit!r} names none of "
            "them. Pass one as metric."
        )
    if metric not in known:
        raise ValueError(f"metric={metric!r} is not one of the scorers of the search: {known}.")
    return metric


def scorer_of(search: Any, metric: str) -> Any:
    """Return the scorer of that name, or the callable that computes it among others."""
    scorer = getattr(search, "scorer_", None)
    # Several scorers are a dict, or one object around a dict; a callable that returns a dict of
    # scores stands for itself and says nothing of their signs.
    scorers = getattr(scorer, "_scorers", scorer)
    return scorers.get(metric) if isinstance(scorers, dict) else scorer


def _without_mask(values: Any) -> NDArray[Any]:
    if not np.ma.getmaskarray(values).any():
        return np.array(values)
    filled: NDArray[Any] = values.astype(object).filled(np.nan)
    return filled


def metric_name(search: Any, metric: str | None) -> str:
    """Return the name of a fitted search's metric in words, without scikit-learn's sign."""
    search = last_step(search)
    name = chosen_metric(search, metric)
    if name == "score":  # scikit-learn's name for the only scorer
        scorer = scorer_of(search, name)
        function = getattr(scorer, "_score_func", scorer)
        name = getattr(function, "__name__", name)
    return name.removeprefix("neg_").replace("_", " ")
