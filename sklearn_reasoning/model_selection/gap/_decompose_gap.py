"""The generalisation gap, taken apart: what the algorithm, Q and the sample each add."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.parallel import Parallel, delayed

from sklearn_reasoning.datasets import QuadraticReasoningProblem

from ._decompose_data import checked_data, is_fitted
from ._decomposition import TITLES, GapDecomposition
from ._parts import Array, GapPart, part_of_folds, part_of_rows, row_values


def decompose_gap(
    estimator: Any,
    X: Any,
    y: Any,
    X_test: Any = None,
    y_test: Any = None,
    *,
    problem: QuadraticReasoningProblem | None = None,
    cv: Any = 5,
    n_jobs: int | None = None,
) -> GapDecomposition:
    r"""Take the held-out loss and the generalisation gap of a model apart.

    With the output :math:`f = Alg^k(Q_\theta, b)`, the exact minimiser of the learned energy
    :math:`f_{opt} = -Q_\theta^{-1} b` and the mean loss :math:`P\ell(f) = P\lVert f - y
    \rVert_2`,

    .. math::

        P\ell(f) = \underbrace{P\ell(f) - P\ell(f_{opt})}_{\text{algorithm bias}}
        + \underbrace{P\ell(f_{opt})}_{\text{representation error}},

    the same on the training rows with :math:`P_n`, and so :math:`P\ell - P_n\ell` (Eq. 13) is
    the gap of the bias plus the gap of the representation. Where a problem tells the labels
    without noise, y*, both parts are against y*, and the label noise, :math:`P\lVert f - y
    \rVert_2 - P\lVert f - y^* \rVert_2`, is a third part.

    What is held out are the rows ``X_test``, or else the whole population of ``problem``, or
    else each fold of ``cv`` in its turn.

    Parameters
    ----------
    estimator : HybridReasoningRegressor, or Pipeline that ends in one
        If fitted, ``X`` and ``y`` must be what it was fitted to. If not, and for folds, clones
        are fitted. The estimator itself is left as it is.
    X : array-like of shape (n, n_features)
        Training rows; all rows where folds are used.
    y : array-like of shape (n,) or (n, d)
        Their labels.
    X_test : array-like of shape (n_test, n_features), default=None
        Held-out rows, independent of the training rows.
    y_test : array-like of shape (n_test,) or (n_test, d), default=None
        Their labels.
    problem : QuadraticReasoningProblem, default=None
        What ``make_quadratic_reasoning(return_problem=True)`` returned beside X and y: the true
        Q*, the labels without noise, and the population, which is held out if ``X_test`` is
        None.
    cv : int, splitter or iterable of (train, test) indices, default=5
        The folds, as in scikit-learn. Used only where neither ``X_test`` nor ``problem`` is
        given.
    n_jobs : int, default=None
        Number of folds fitted at a time, as in scikit-learn.

    Returns
    -------
    GapDecomposition
        Prints as a table; ``to_dict()`` holds the columns.

    Raises
    ------
    TypeError
        If ``estimator`` is not ours, or ``problem`` is not a problem.
    ValueError
        If only one of ``X_test`` and ``y_test`` is given; if rows, columns or outputs do not
        match; if ``problem`` is not the one that ``X`` was drawn from.
    DivergenceError
        If a model had to be fitted, and its training left the finite numbers.

    See Also
    --------
    generalization_gap : The gap as a whole, of any estimator and scorer.

    Notes
    -----
    Standard errors over rows are those of means of independent rows, s / sqrt(n): of paired
    differences for the parts, and the root of the sum of squares for the gap, since the two
    samples are independent. They are about rows, for the model as it is: how it would differ
    had it been trained on other rows is not in them, and the training rows, to which it was
    fitted, are taken for a sample like any other. Where the population is held out, its means
    are exact, and the training rows a small part of it. Standard errors over folds have the
    refits in them. Folds share most of their training rows, though: errors of the empirical
    means come out far too small, while those of the gap are about right.

    All is computed in float64, of a model trained in float32 too.

    With a constraint or a penalty the minimiser is that of the energy and the penalty together, and
    with ``project="last_step"`` the projection of the free one: the limits of many steps.

    The energy is that of ``predict_energy``, and the output is what k steps make of the start
    (``predict_start``): with k = 0 the start itself. Training is through the k steps, and may well
    choose an energy whose minimiser is far from any label; the two parts are then large and
    opposite. A learned b also leaves the scale of Q open, so that ``Q_distance_frobenius`` and
    ``Q_distance_spectral`` mean something only with ``linear_term="given"``.

    Examples
    --------
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> from sklearn_reasoning.datasets import make_quadratic_reasoning
    >>> from sklearn_reasoning.model_selection import decompose_gap
    >>> X, y, problem = make_quadratic_reasoning(return_problem=True, random_state=0)
    >>> model = HybridReasoningRegressor(
    ...     "gd", k=5, linear_term="given", rotation="given", max_epochs=20, random_state=0
    ... )
    >>> parts = decompose_gap(model, X, y, problem=problem)
    >>> whole = parts.algorithm_bias.gap + parts.representation_error.gap
    >>> bool(abs(whole - parts.statistical_gap) < 1e-9)
    True
    >>> bool(parts.algorithm_bias.held_out > 0)  # five steps stop short
    True
    """
    data = checked_data(estimator, X, y, X_test, y_test, problem)
    if X_test is None and problem is None:
        return _over_folds(estimator, X, y, data.y, cv, n_jobs)
    if not is_fitted(estimator):
        estimator = clone(estimator).fit(X, y)
    training = row_values(estimator, X, data.y, data.noise_free, problem)
    held_out = row_values(estimator, data.X_test, data.y_test, data.noise_free_test, problem)
    parts = {
        name: part_of_rows(values, held_out[name], is_population=X_test is None)
        for name, values in training.items()
    }
    rows = "population" if X_test is None else "test"
    return _decomposition(
        parts, held_out_rows=rows, n_train=len(data.y), n_held_out=len(data.y_test), n_folds=None
    )


def _over_folds(
    estimator: Any, X: Any, y: Any, targets: Array, cv: Any, n_jobs: int | None
) -> GapDecomposition:
    X, y = indexable(X, y)
    folds = list(check_cv(cv).split(X, y))
    if not folds:
        raise ValueError(f"cv={cv!r} gives no folds.")
    means = Parallel(n_jobs=n_jobs)(
        delayed(_means_of_fold)(clone(estimator), X, y, targets, train, test)
        for train, test in folds
    )
    training, held_out = zip(*means, strict=True)
    parts = {
        name: part_of_folds(
            *(np.array([fold[name] for fold in side]) for side in (training, held_out))
        )
        for name in training[0]
    }
    n_held_out = sum(len(test) for _, test in folds)
    return _decomposition(
        parts,
        held_out_rows="folds",
        n_train=len(targets),
        n_held_out=n_held_out,
        n_folds=len(folds),
    )


def _means_of_fold(
    estimator: Any, X: Any, y: Any, targets: Array, train: Any, test: Any
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the means on the training rows and on the held-out rows."""
    estimator.fit(_safe_indexing(X, train), _safe_indexing(y, train))
    empirical, held_out = (
        row_values(estimator, _safe_indexing(X, rows), targets[rows]) for rows in (train, test)
    )
    return _means(empirical), _means(held_out)


def _means(values: dict[str, Array]) -> dict[str, float]:
    return {name: float(rows.mean()) for name, rows in values.items()}


def _decomposition(parts: dict[str, GapPart], **about: Any) -> GapDecomposition:
    named: dict[str, Any] = {name: parts.get(name) for name in TITLES}
    return GapDecomposition(**named, **about)
