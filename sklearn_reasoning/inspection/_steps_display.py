"""A classifier's answers against the number of steps, with how far each step still moves."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.drawing import (
    axes_for,
    check_matplotlib,
    color,
    drawable,
    line_options,
    scale_y,
    whole_ticks,
)
from sklearn_reasoning.estimators import HybridReasoningClassifier
from sklearn_reasoning.estimators.classifier import missing_of, read_cells
from sklearn_reasoning.properties import model_of

_PANELS = ("right answers", "movement")

# Without k: so many times the steps of training, or what predictions take if that is more.
_BEYOND_TRAINING = 6


class StepsDisplay:
    r"""What more steps than in training make of a classifier's answers.

    It is recommended to use :meth:`from_estimator`, which draws at once. The first panel shows the
    shares of rows and of cells that are right after 0, 1, ... steps; the second how far the next
    step moves a row, :math:`\|y_{j+1} - y_j\|` in the norm of its probabilities: the median row
    and the one that moves most. Vertical lines mark the steps of training, k, and those of
    ``predict_k``.

    Parameters
    ----------
    rows_right, cells_right : array-like of shape (n_steps + 1,)
        Shares after 0, 1, ..., n_steps steps; of the cells that were asked for.
    median_movement, largest_movement : array-like of shape (n_steps + 1,)
        Over the rows.
    trained_k : int
        The steps of training.
    predict_k : int, "converged" or None, default=None
        The steps that the estimator predicts with; None are those of training.

    Attributes
    ----------
    k : ndarray of int and shape (n_steps + 1,)
        0, 1, ..., n_steps.
    rows_right, cells_right, median_movement, largest_movement, trained_k, predict_k
        As above.
    axes_ : ndarray of shape (2,) of matplotlib Axes
        Right answers and movement.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : list of matplotlib Line2D
        Rows and cells; rows alone where a row is one cell.
    movement_lines_ : list of matplotlib Line2D
        The median and the largest movement.
    marks_ : list of matplotlib Line2D
        The steps of training in both panels, then those of ``predict_k`` where they are others
        and a number within the steps shown.

    Raises
    ------
    ValueError
        If the arrays are empty or not of one length.

    See Also
    --------
    sklearn_reasoning.HybridReasoningClassifier.predict : Takes ``k``, or ``until`` a movement.

    Examples
    --------
    Permutations of three digits, of which two are given:

    >>> import itertools
    >>> import numpy as np
    >>> from sklearn_reasoning import HybridReasoningClassifier
    >>> from sklearn_reasoning.inspection import StepsDisplay
    >>> y = np.array(list(itertools.permutations([1, 2, 3])) * 10)
    >>> X = np.eye(3)[y - 1]
    >>> X[:, 2] = 0.0
    >>> X = X.reshape(60, 9)
    >>> model = HybridReasoningClassifier(k=4, perception="per_cell", random_state=0).fit(X, y)
    >>> display = StepsDisplay.from_estimator(model, X, y, k=20)
    >>> display.rows_right[[0, 20]], display.trained_k
    (array([0., 1.]), 4)
    >>> bool(display.median_movement[20] < display.median_movement[1])
    True
    """

    def __init__(
        self,
        *,
        rows_right: Any,
        cells_right: Any,
        median_movement: Any,
        largest_movement: Any,
        trained_k: int,
        predict_k: int | str | None = None,
    ) -> None:
        self.rows_right: NDArray[np.float64] = np.asarray(rows_right, dtype=np.float64)
        self.cells_right: NDArray[np.float64] = np.asarray(cells_right, dtype=np.float64)
        self.median_movement: NDArray[np.float64] = np.asarray(median_movement, dtype=np.float64)
        self.largest_movement: NDArray[np.float64] = np.asarray(largest_movement, dtype=np.float64)
        self.trained_k = trained_k
        # numpy's whole numbers are no ints.
        self.predict_k = int(predict_k) if isinstance(predict_k, Integral) else predict_k
        shapes = [
            np.shape(each)
            for each in (
                self.rows_right,
                self.cells_right,
                self.median_movement,
                self.largest_movement,
            )
        ]
        if len(set(shapes)) > 1 or len(shapes[0]) != 1 or not shapes[0][0]:
            raise ValueError(
                "rows_right, cells_right, median_movement and largest_movement must have one entry "
                f"for each number of steps, 0 included; got shapes {shapes}."
            )
        self.k: NDArray[np.int64] = np.arange(shapes[0][0])

    def plot(
        self,
        ax: Any = None,
        *,
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw right answers and movement.

        Parameters
        ----------
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Where to draw. None makes a new figure.
        line_kw : mapping of str to object, default=None
            For ``Axes.plot``.

        Returns
        -------
        StepsDisplay
            Itself, with ``axes_``, ``ax_``, ``figure_``, ``lines_``, ``movement_lines_`` and
            ``marks_`` set.

        Raises
        ------
        ValueError
            If ``ax`` does not hold two Axes.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sklearn_reasoning.inspection import StepsDisplay
        >>> display = StepsDisplay(
        ...     rows_right=[0.0, 0.5, 1.0],
        ...     cells_right=[0.5, 0.8, 1.0],
        ...     median_movement=[0.4, 0.1, 0.02],
        ...     largest_movement=[0.6, 0.3, 0.1],
        ...     trained_k=1,
        ... ).plot()
        >>> [ax.get_ylabel() for ax in display.axes_]
        ['share that is right', 'movement of the next step']
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        self.axes_ = axes_for(ax, _PANELS, panel_size=(4.6, 3.8))
        self.ax_, movement = self.axes_
        self.figure_ = self.ax_.figure
        options = line_options(line_kw)
        self.lines_ = self._draw_right(options)
        self.movement_lines_ = self._draw_movement(movement, options)
        self.marks_ = self._draw_marks()
        for each in self.axes_:
            each.set_xlabel("steps k")
            whole_ticks(each)
            each.legend()
        return self

    @classmethod
    @documented_like(plot)
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        k: int | None = None,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Compare a fitted classifier's answers with y after each number of steps, and draw.

        All numbers of steps are those of one run, so the curve takes as long as one prediction of
        k steps. Restarts are left out.

        Parameters
        ----------
        estimator : fitted estimator
            A :class:`~sklearn_reasoning.HybridReasoningClassifier`, or a pipeline or search that
            ends with one.
        X : array-like of shape (n, n_features)
            Rows to predict.
        y : array-like of shape (n,) or (n, cells)
            Their labels. Those equal to the estimator's ``missing_label`` are not asked for.
        k : int or None, default=None
            The largest number of steps. None is six times that of training, or ``predict_k`` if
            that is a larger number.
        ax, line_kw

        Returns
        -------
        StepsDisplay
            Drawn.

        Raises
        ------
        TypeError
            If ``estimator`` holds no classifier of ours, or ``k`` is not whole.
        ValueError
            If X or y does not fit the model, a row of y has no label, or ``k`` is negative.
        NotFittedError
            If the estimator is not fitted.
        ImportError

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_reasoning import HybridReasoningClassifier
        >>> from sklearn_reasoning.inspection import StepsDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> model = HybridReasoningClassifier(k=2, max_epochs=20, random_state=0).fit(X, y)
        >>> display = StepsDisplay.from_estimator(model, X, y, k=5)
        >>> bool(display.rows_right[2] == model.score(X, y))
        True
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        model, x = _classifier_of(estimator, X)
        x = model._features(x)
        right, asked = _asked(model, len(x), y)
        trained, predicts = int(model.module_.k[0]), model.predict_k
        n_steps = _n_steps(k, trained, predicts)
        display = cls(
            **_along(model, x, right, asked, n_steps), trained_k=trained, predict_k=predicts
        )
        return display.plot(ax, line_kw=line_kw)

    def _draw_right(self, options: Mapping[str, Any]) -> list[Any]:
        shares = {"rows, all cells right": self.rows_right, "cells": self.cells_right}
        if np.array_equal(self.rows_right, self.cells_right):
            shares = {"rows": self.rows_right}
        lines = []
        for number, (label, values) in enumerate(shares.items()):
            look = {"color": color(number), "label": label, "linestyle": "-" if not number else ":"}
            lines.extend(self.ax_.plot(self.k, values, **{**look, **options}))
        self.ax_.set_ylim(-0.02, 1.02)
        self.ax_.set_ylabel("share that is right")
        return lines

    def _draw_movement(self, ax: Any, options: Mapping[str, Any]) -> list[Any]:
        lines = []
        for values, style, label in (
            (self.median_movement, "-", "median row"),
            (self.largest_movement, ":", "row that moves most"),
        ):
            # No movement at all has no place on a log axis: the line ends.
            shown = np.where(values > 0.0, drawable(values), np.nan)
            look = {"color": color(0), "linestyle": style, "label": label}
            lines.extend(ax.plot(self.k, shown, **{**look, **options}))
        scale_y(ax, "log")
        ax.set_ylabel("movement of the next step")
        return lines

    def _draw_marks(self) -> list[Any]:
        marks = {self.trained_k: (f"trained with k = {self.trained_k}", "--")}
        if isinstance(self.predict_k, int) and self.predict_k in self.k:
            predicts = f"predicts with k = {self.predict_k}"
            if self.predict_k == self.trained_k:
                predicts = f"trained, and predicts, with k = {self.trained_k}"
            marks[self.predict_k] = (predicts, "--" if self.predict_k == self.trained_k else "-.")
        return [
            ax.axvline(step, color="0.4", linewidth=1.0, linestyle=style, label=label, zorder=0)
            for step, (label, style) in marks.items()
            for ax in self.axes_
        ]


def _classifier_of(estimator: Any, X: Any) -> tuple[HybridReasoningClassifier, Any]:
    if X is None:
        raise ValueError("X=None must be the rows to predict.")
    try:
        model, rows = model_of(estimator, X)
    except TypeError:
        model, rows = None, X
    if not isinstance(model, HybridReasoningClassifier):
        raise TypeError(
            f"estimator={type(estimator).__name__} must be a fitted HybridReasoningClassifier, or "
            "a pipeline or search that ends with one."
        )
    return model, rows


def _asked(
    model: HybridReasoningClassifier, n: int, y: Any
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the right labels, and which of them are asked for, (n, n_cells)."""
    cells = read_cells(y)
    if cells.shape != (n, model.n_outputs_):
        raise ValueError(
            f"y of shape {np.shape(y)} does not go with {n} rows of {model.n_outputs_} cells."
        )
    return cells, ~missing_of(cells, model.missing_label)


def _n_steps(k: Any, trained: int, predicts: int | str | None) -> int:
    if k is None:
        return max(
            _BEYOND_TRAINING * trained, int(predicts) if isinstance(predicts, Integral) else 1
        )
    if isinstance(k, bool) or not isinstance(k, Integral):
        raise TypeError(f"k={k!r} must be a whole number.")
    if k < 0:
        raise ValueError(f"k={k!r} must be at least 0.")
    return int(k)


def _along(
    model: HybridReasoningClassifier,
    x: NDArray[Any],
    cells: NDArray[Any],
    asked: NDArray[np.bool_],
    n_steps: int,
) -> dict[str, NDArray[np.float64]]:
    """Return shares and movements after 0, 1, ..., n_steps steps, from one run of each block."""
    relaxation = model._relaxation()
    rows, right = np.zeros((2, n_steps + 1))
    movement = np.empty((n_steps + 1, len(x)))
    length = relaxation.rows_at_once()
    for first in range(0, len(x), length):
        block = slice(first, first + length)
        for step, (outputs, moved) in enumerate(relaxation.curve(x[block], n_steps)):
            answers = model._labels.decode(outputs).reshape(len(outputs), -1)
            known = asked[block]
            correct = np.zeros(known.shape, dtype=bool)
            correct[known] = answers[known] == cells[block][known]
            rows[step] += (correct | ~known).all(axis=1).sum()
            right[step] += correct.sum()
            movement[step, block] = moved
    return {
        "rows_right": rows / len(x),
        "cells_right": right / asked.sum(),
        "median_movement": np.median(movement, axis=1),
        "largest_movement": movement.max(axis=1),
    }
