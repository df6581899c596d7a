"""Losses of probabilities for one cell, several cells and labels alike, and their scorers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics._scorer import _Scorer
from sklearn.utils import check_consistent_length

from ._cells import Cells, read_cells
from ._l2_loss import _checked_weights
from .gap import last_step


def cell_log_loss(
    y_true: ArrayLike,
    y_proba: Any,
    *,
    classes: Any = None,
    sample_weight: ArrayLike | None = None,
    missing_label: Any = None,
) -> float:
    r"""Mean over rows and cells of minus the logarithm of the right class's probability.

    .. math:: \frac1n \sum_i \frac1{|C_i|} \sum_{c \in C_i} -\log p_{ic}(y_{ic})

    A mean over rows of means over :math:`C_i`, the cells of row i whose label is known. For one
    cell it is scikit-learn's ``log_loss``.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, cells)
        Classes, or a multilabel indicator of zeros and ones.
    y_proba : array-like of shape (n, classes) or (n,), list of such, or array-like (n, labels)
        What ``predict_proba`` returns. Of a y of one dimension: a column a class, or the
        probabilities of the last of two classes. Of several cells: a list of the former. Of a
        multilabel indicator: the probabilities that labels are there, or such a list.
    classes : array-like of shape (n_classes,), list of such or None, default=None
        ``classes_`` of the classifier: the classes of the columns; a list for several cells. None:
        those in ``y_true``, sorted. Not used where ``y_proba`` has a column a label.
    sample_weight : array-like of shape (n,), default=None
        Non-negative weights of the rows; None weighs all alike.
    missing_label : object, default=None
        Entries of ``y_true`` that are equal to it are left out, cell by cell, and rows that have
        no others; ``np.nan`` is allowed. None: there are none.

    Returns
    -------
    float
        The (weighted) mean, in nats; 0.0 is best.

    Raises
    ------
    ValueError
        If shapes do not go together, ``y_proba`` holds no probabilities, all labels are missing,
        or the weights are negative or all zero.

    See Also
    --------
    cell_brier_loss : Squares; an answer that is certain and wrong costs no more than another.

    Notes
    -----
    Probabilities are kept from 0 and 1 by the eps of their dtype, as in scikit-learn. A class that
    is not in ``classes``, since no row had it in training, has the probability 0. Answers of
    :class:`~sklearn_reasoning.HybridReasoningClassifier` are often whole: each wrong one then costs
    36 in float64, and this loss counts them.

    Examples
    --------
    >>> from sklearn_reasoning.model_selection import cell_log_loss
    >>> round(cell_log_loss([0, 1], [[0.5, 0.5], [0.0, 1.0]]), 3)
    0.347
    >>> round(cell_log_loss([[0, 1], [1, 1]], [[0.5, 1.0], [1.0, 1.0]]), 3)  # two labels
    0.173
    """
    cells = read_cells(y_true, y_proba, classes, missing_label)
    eps = cells.eps
    return _mean(
        cells, [-np.log(np.clip(p, eps, 1.0 - eps)) for p in cells.of_right], sample_weight
    )


def cell_brier_loss(
    y_true: ArrayLike,
    y_proba: Any,
    *,
    classes: Any = None,
    sample_weight: ArrayLike | None = None,
    missing_label: Any = None,
) -> float:
    r"""Mean over rows of the mean over cells of the Brier score.

    The Brier score of a cell is the squared distance of its distribution to the right answer,
    :math:`\sum_j (p_j - [y = j])^2`; half of it where there are two classes, so that it is
    :math:`(p - y)^2` of the one or the other. For one cell it is scikit-learn's
    ``brier_score_loss``.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, cells)
        Classes, or a multilabel indicator of zeros and ones.
    y_proba : array-like of shape (n, classes) or (n,), list of such, or array-like (n, labels)
        As in :func:`cell_log_loss`.
    classes : array-like of shape (n_classes,), list of such or None, default=None
        As in :func:`cell_log_loss`.
    sample_weight : array-like of shape (n,), default=None
        Non-negative weights of the rows; None weighs all alike.
    missing_label : object, default=None
        Entries of ``y_true`` to leave out.

    Returns
    -------
    float
        The (weighted) mean, from 0.0, the best, to 1 for two classes and 2 for more.

    Raises
    ------
    ValueError
        As from :func:`cell_log_loss`.

    Examples
    --------
    >>> from sklearn_reasoning.model_selection import cell_brier_loss
    >>> cell_brier_loss([0, 1], [[0.5, 0.5], [0.0, 1.0]])
    0.125
    >>> cell_brier_loss([[0, 2], [1, 1]], [[[1, 0], [0, 1]], [[0.5, 0.5], [1, 0]]])  # two cells
    0.0625
    """
    cells = read_cells(y_true, y_proba, classes, missing_label)
    shares = [0.5 if few else 1.0 for few in cells.has_two]
    each = [share * error for share, error in zip(shares, cells.squares, strict=True)]
    return _mean(cells, each, sample_weight)


def cell_l2_loss(
    y_true: ArrayLike,
    y_proba: Any,
    *,
    classes: Any = None,
    sample_weight: ArrayLike | None = None,
    missing_label: Any = None,
) -> float:
    r"""Mean over rows of the Euclidean distance between the probabilities and the right answer.

    The paper's loss (Eq. 10), averaged as in Eq. 13: a norm over all classes of all cells of a row,
    whose right answer is 1 for the right classes. Labels of a multilabel indicator count once, as
    :math:`p - y`.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, cells)
        Classes, or a multilabel indicator of zeros and ones.
    y_proba : array-like of shape (n, classes) or (n,), list of such, or array-like (n, labels)
        As in :func:`cell_log_loss`.
    classes : array-like of shape (n_classes,), list of such or None, default=None
        As in :func:`cell_log_loss`.
    sample_weight : array-like of shape (n,), default=None
        Non-negative weights of the rows; None weighs all alike.
    missing_label : object, default=None
        Entries of ``y_true`` to leave out.

    Returns
    -------
    float
        The (weighted) mean; 0.0 is best. Unlike the others it grows with the number of cells.

    Raises
    ------
    ValueError
        As from :func:`cell_log_loss`.

    See Also
    --------
    mean_l2_loss : The same of a regressor's predictions.

    Examples
    --------
    >>> from sklearn_reasoning.model_selection import cell_l2_loss
    >>> cell_l2_loss([[0, 1], [1, 1]], [[0.3, 0.6], [1.0, 1.0]])  # two labels: 0.5 and 0
    0.25
    """
    cells = read_cells(y_true, y_proba, classes, missing_label)
    share = 0.5 if cells.are_labels else 1.0
    squares = share * np.stack(cells.squares, axis=1)
    norms = np.sqrt((squares * cells.known).sum(axis=1))
    return _average(norms, cells.known.sum(axis=1) > 0, sample_weight)


def _mean(cells: Cells, each: list[NDArray[np.float64]], sample_weight: ArrayLike | None) -> float:
    """Return the mean over rows of the mean over known cells."""
    n_known = cells.known.sum(axis=1)
    sums = (np.stack(each, axis=1) * cells.known).sum(axis=1)
    return _average(sums / np.maximum(n_known, 1), n_known > 0, sample_weight)


def _average(
    losses: NDArray[np.float64], counts: NDArray[np.bool_], sample_weight: ArrayLike | None
) -> float:
    if sample_weight is None:
        return float(losses[counts].mean())
    check_consistent_length(losses, sample_weight)
    weights = np.asarray(sample_weight)[counts]
    return float(np.average(losses[counts], weights=_checked_weights(weights, losses[counts])))


class _CellScorer(_Scorer):
    """A scorer that tells its loss which classes the columns of ``predict_proba`` stand for.

    Those of ``make_scorer`` do not, and cannot read ``classes_`` of cells with unlike classes.
    """

    def _score(
        self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any
    ) -> float:
        if not hasattr(estimator, "predict_proba"):
            raise AttributeError(
                f"{type(estimator).__name__} has no predict_proba, of which this is a loss."
            )
        if "missing_label" not in kwargs:
            kwargs["missing_label"] = getattr(last_step(estimator), "missing_label", None)
        classes = getattr(estimator, "classes_", None)
        loss = self._score_func(y_true, estimator.predict_proba(X), classes=classes, **kwargs)
        return float(self._sign * loss)


def _scorer(loss: Callable[..., float]) -> _CellScorer:
    return _CellScorer(loss, -1, {}, "predict_proba")


#: For ``scoring=``: minus ``cell_log_loss``, of any classifier with predict_proba.
cell_log_loss_scorer = _scorer(cell_log_loss)
"""Scorer for ``scoring=`` of scikit-learn: minus :func:`cell_log_loss` of ``predict_proba``.

It reads the classifier's ``classes_``, and its ``missing_label`` where it has one.

Examples
--------
>>> from sklearn.datasets import load_iris
>>> from sklearn.linear_model import LogisticRegression
>>> from sklearn.metrics import log_loss
>>> from sklearn_reasoning.model_selection import cell_log_loss_scorer
>>> X, y = load_iris(return_X_y=True)
>>> model = LogisticRegression(max_iter=1000).fit(X, y)
>>> bool(np.isclose(cell_log_loss_scorer(model, X, y), -log_loss(y, model.predict_proba(X))))
True
"""

#: For ``scoring=``: minus ``cell_brier_loss``, of any classifier with predict_proba.
cell_brier_loss_scorer = _scorer(cell_brier_loss)
"""Scorer for ``scoring=`` of scikit-learn: minus :func:`cell_brier_loss` of ``predict_proba``.

It reads the classifier's ``classes_``, and its ``missing_label`` where it has one.

Examples
--------
>>> from sklearn.datasets import make_multilabel_classification
>>> from sklearn.ensemble import RandomForestClassifier
>>> from sklearn_reasoning.model_selection import cell_brier_loss_scorer
>>> X, y = make_multilabel_classification(random_state=0)
>>> model = RandomForestClassifier(random_state=0).fit(X, y)
>>> bool(-0.25 < cell_brier_loss_scorer(model, X, y) < 0.0)
True
"""

#: For ``scoring=``: minus ``cell_l2_loss`` (Eq. 10), of any classifier with predict_proba.
cell_l2_loss_scorer = _scorer(cell_l2_loss)
"""Scorer for ``scoring=`` of scikit-learn: minus :func:`cell_l2_loss` of ``predict_proba``.

It reads the classifier's ``classes_``, and its ``missing_label`` where it has one.

Examples
--------
>>> from sklearn.model_selection import GridSearchCV
>>> from sklearn_reasoning import HybridReasoningClassifier
>>> from sklearn_reasoning.model_selection import cell_l2_loss_scorer, gap_table
>>> X, y = np.eye(3)[np.arange(30) % 3], np.arange(30) % 3
>>> search = GridSearchCV(
...     HybridReasoningClassifier(max_epochs=5, random_state=0),
...     {"k": [2, 8]},
...     scoring=cell_l2_loss_scorer,
...     cv=2,
...     return_train_score=True,
... )
>>> gap_table(search.fit(X, y))["gap"].shape
(2,)
"""
