"""The generalisation gap of models that adapt to groups, from a few rows of each."""

from collections.abc import Callable, Iterator
from itertools import product
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, check_cv
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.validation import column_or_1d

from sklearn_reasoning.model_selection._l2_loss import mean_l2_loss

_Rows: TypeAlias = NDArray[np.intp]
_Measured: TypeAlias = dict[str, float]


def few_shot_gap_table(
    estimator: Any,
    X: Any,
    y: Any,
    groups: Any,
    *,
    shots: int | list[int],
    k: int | list[int] | None = None,
    cv: Any = 5,
    metric: Callable[[Any, Any], float] = mean_l2_loss,
    n_jobs: int | None = None,
) -> dict[str, NDArray[Any]]:
    r"""Set losses on shots, on other rows of known groups, and on unseen groups, side by side.

    A model that adapts generalises twice: from a group's shots to the group's other rows, and from
    the groups that it was trained on to new ones. For each fold, and each pair of ``k`` and
    ``shots``, a model is trained on the training groups. Then it adapts to the first ``shots`` rows
    of every group, and the loss is measured on

    - the *support*: those rows, of training groups;
    - the *query*: the other rows of training groups, the loss that training minimises;
    - the other rows of the *unseen* groups.

    The first gap, query minus support, is the price of a few rows; the second, unseen minus query,
    is that of few groups: :math:`P\ell - P_n\ell` of Eq. 13, where a sample is a task.

    Parameters
    ----------
    estimator : estimator with ``fit``, ``adapt`` and ``predict``, all with ``groups``
        :class:`~sklearn_reasoning.FewShotReasoningRegressor`, or one like it. It is cloned, with
        its parameters ``k`` and ``shots`` set, and left as it is.
    X : array-like of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    groups : array-like of shape (n_samples,)
        Whose row it is: names that can be sorted, as splitters ask for. A group's first rows are
        its first in this order.
    shots : int or list of ints
        Known rows of each group, in training and here.
    k : int or list of ints, default=None
        Numbers of steps. None is that of the estimator.
    cv : int, splitter, iterable of (train, test) indices or None, default=5
        The folds, by groups; an int is that many folds of ``GroupKFold``, None five.
    metric : callable, default=mean_l2_loss
        Loss from ``metric(y_true, y_pred)``, of which less is better.
    n_jobs : int, default=None
        Number of models trained at a time, as in scikit-learn.

    Returns
    -------
    dict of str to ndarray of shape (n_candidates,)
        Rows are the pairs of ``k`` and ``shots``, k the slower. Columns, which
        :class:`GeneralizationGapDisplay` draws with ``line="shots"`` and ``pandas.DataFrame``
        accepts:

        - ``param_k`` and ``param_shots``;
        - ``support_loss``; ``empirical_loss``, that on the query; ``held_out_loss``, that on unseen
          groups; ``adaptation_gap``, query minus support; ``gap``, unseen minus query: means over
          the folds, each followed by its standard deviation over the folds (``gap_std``);
        - ``split0_support_loss`` and so on, the same of each fold.

        A group with no more rows than ``shots`` counts for the support only.

    Raises
    ------
    TypeError
        If ``estimator`` is no instance of an estimator with ``fit``, ``adapt`` and ``predict``, or
        ``metric`` cannot be called.
    ValueError
        If ``shots`` or ``k`` is no positive int (of k, 0 is one) or list of them, lengths are
        unlike, groups cannot be sorted, a group is on both sides of a fold, or no group of one side
        has rows beyond its shots.

    See Also
    --------
    gap_table : Gaps of the candidates of a search.
    generalization_gap : The gap of an estimator whose rows are no groups.

    Examples
    --------
    >>> from sklearn_reasoning import FewShotReasoningRegressor
    >>> from sklearn_reasoning.datasets import make_few_shot
    >>> from sklearn_reasoning.model_selection import few_shot_gap_table
    >>> X, y, groups = make_few_shot(n_tasks=30, n_rows=10, task="linear", random_state=0)
    >>> model = FewShotReasoningRegressor(max_epochs=3, random_state=0)
    >>> table = few_shot_gap_table(model, X, y, groups, shots=[2, 5], k=[1, 10], cv=2)
    >>> print(*[name for name in table if not name.startswith("split")], sep="\n")
    param_k
    param_shots
    support_loss
    support_loss_std
    empirical_loss
    empirical_loss_std
    held_out_loss
    held_out_loss_std
    adaptation_gap
    adaptation_gap_std
    gap
    gap_std
    >>> table["param_k"].tolist(), table["param_shots"].tolist()
    ([1, 1, 10, 10], [2, 5, 2, 5])
    """
    _check_estimator(estimator)
    all_shots = _counts("shots", shots, least=1)
    all_k = [estimator.get_params()["k"]] if k is None else _counts("k", k, least=0)
    if groups is None:
        raise ValueError("groups=None: give the group of each row, of which there are several.")
    if not callable(metric):
        raise TypeError(f"metric={metric!r} must be callable: metric(y_true, y_pred).")
    check_consistent_length(X, y, groups)
    groups = _sortable(groups)
    splits = list(_splits(cv, X, y, groups, all_shots))
    if not splits:
        raise ValueError(f"cv={cv!r} has no folds.")
    candidates = list(product(all_k, all_shots))
    measured = Parallel(n_jobs=n_jobs)(
        delayed(_measure)(clone(estimator), X, y, groups, train, test, steps, n, metric)
        for steps, n in candidates
        for train, test in splits
    )
    table: dict[str, NDArray[Any]] = {
        "param_k": np.array([steps for steps, _ in candidates]),
        "param_shots": np.array([n for _, n in candidates]),
    }
    by_split = {
        name: np.reshape([each[name] for each in measured], (len(candidates), len(splits)))
        for name in measured[0]
    }
    for name, values in by_split.items():
        table[name] = values.mean(axis=1)
        table[f"{name}_std"] = values.std(axis=1)
    for i in range(len(splits)):
        for name, values in by_split.items():
            table[f"split{i}_{name}"] = values[:, i]
    return table


def _measure(
    estimator: Any,
    X: Any,
    y: Any,
    groups: NDArray[Any],
    train: _Rows,
    test: _Rows,
    k: int,
    shots: int,
    metric: Callable[[Any, Any], float],
) -> _Measured:
    def part(rows: _Rows) -> tuple[Any, Any, NDArray[Any]]:
        return _safe_indexing(X, rows), _safe_indexing(y, rows), groups[rows]

    def loss(rows: _Rows) -> float:
        X_rows, y_rows, groups_rows = part(rows)
        return float(metric(y_rows, adapted.predict(X_rows, groups=groups_rows)))

    X_train, y_train, groups_train = part(train)
    model = estimator.set_params(k=k, shots=shots).fit(X_train, y_train, groups=groups_train)
    support, query = _cut(train, groups, shots)
    known, unseen = _cut(test, groups, shots)
    X_known, y_known, groups_known = part(np.concatenate([support, known]))
    # What fit knew of the training groups is replaced: their query rows are not known any more.
    adapted = model.adapt(X_known, y_known, groups=groups_known)
    losses = {
        "support_loss": loss(support),
        "empirical_loss": loss(query),
        "held_out_loss": loss(unseen),
    }
    return {
        **losses,
        "adaptation_gap": losses["empirical_loss"] - losses["support_loss"],
        "gap": losses["held_out_loss"] - losses["empirical_loss"],
    }


def _cut(rows: _Rows, groups: NDArray[Any], shots: int) -> tuple[_Rows, _Rows]:
    """Return the first rows of each group, and all others."""
    _, inverse = np.unique(groups[rows], return_inverse=True)
    by_group = np.argsort(inverse, kind="stable")
    sizes = np.bincount(inverse)
    place = np.empty(len(rows), dtype=np.intp)
    place[by_group] = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return rows[place < shots], rows[place >= shots]


def _splits(
    cv: Any, X: Any, y: Any, groups: NDArray[Any], all_shots: list[int]
) -> Iterator[tuple[_Rows, _Rows]]:
    """Return the folds, once they are known to be measurable."""
    cv = 5 if cv is None else cv
    cv = GroupKFold(cv) if isinstance(cv, Integral) else check_cv(cv)
    for i, (train, test) in enumerate(cv.split(X, y, groups)):
        train, test = (np.arange(len(groups))[rows] for rows in (train, test))
        both = np.intersect1d(groups[train], groups[test])
        if both.size:
            raise ValueError(
                f"Fold {i} of cv has {both.size} groups on both sides, {both[0]!r} among them, and "
                "none of those is unseen. Take a splitter by groups, such as GroupKFold."
            )
        for side, rows in (("training", train), ("held-out", test)):
            if not rows.size:
                raise ValueError(f"Fold {i} of cv has no {side} rows.")
            largest = np.unique(groups[rows], return_counts=True)[1].max()
            if largest <= max(all_shots):
                raise ValueError(
                    f"shots={max(all_shots)} leaves no row to predict: no {side} group of fold {i} "
                    f"has more than {largest} rows. Take shots below that."
                )
        yield train, test


def _sortable(groups: Any) -> NDArray[Any]:
    """Return the names of the rows' groups, once they are known to have an order."""
    try:
        names: NDArray[Any] = column_or_1d(groups)
        np.unique(names)
    except (TypeError, ValueError):
        raise ValueError(
            "groups must hold one name for each row, none of them missing, that can be sorted: "
            "numbers, or strings. Give other names numbers of their own first."
        ) from None
    return names


def _counts(name: str, value: Any, least: int) -> list[int]:
    values = [value] if isinstance(value, Integral) else value
    try:
        counts = [int(v) for v in values if isinstance(v, Integral) and not isinstance(v, bool)]
        if not counts or len(counts) < len(values) or min(counts) < least:
            raise TypeError
    except TypeError:
        raise ValueError(
            f"{name}={value!r} must be an int of at least {least}, or a list of such ints."
        ) from None
    return counts


def _check_estimator(estimator: Any) -> None:
    needed = ("fit", "adapt", "predict", "get_params")
    missing = [name for name in needed if not hasattr(estimator, name)]
    if isinstance(estimator, type) or missing:
        raise TypeError(
            "estimator must be an instance that adapts to groups, such as "
            f"FewShotReasoningRegressor(), got {estimator!r}"
            + (f", which has no {' and no '.join(missing)}." if missing else ".")
        )
