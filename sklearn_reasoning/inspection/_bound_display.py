"""A bound against what it bounds, measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.drawing import (
    at_least_one,
    axes_for,
    check_matplotlib,
    check_yscale,
    color,
    drawable,
    legend,
    line_options,
    scale_y,
)


@dataclass(frozen=True, eq=False)
class BoundCurve:
    """A bound and a measured gap, against one parameter, which rises.

    The label is None where there is a single line. All else has the shape (n_points,): the bound is
    inf where nothing is proven, the gap NaN where it was not measured; ``gap_error`` are its
    standard errors.
    """

    label: str | None
    x: NDArray[np.float64]
    bound: NDArray[np.float64]
    gap: NDArray[np.float64]
    gap_error: NDArray[np.float64] | None

    @property
    def looseness(self) -> NDArray[np.float64]:
        """Bound over gap; NaN where the gap is not above 0."""
        above = self.gap > 0.0
        return np.divide(self.bound, self.gap, out=np.full(len(self.x), np.nan), where=above)

    @property
    def rank_correlation(self) -> float:
        """Spearman's, of bound and gap over the points; NaN where one of them never changes."""
        return rank_correlation(self.bound, self.gap)


def rank_correlation(
    values: NDArray[np.float64], others: NDArray[np.float64], *, at_least: int = 2
) -> float:
    """Return Spearman's over the places where neither is NaN; NaN with too few, or no change."""
    both = ~np.isnan(values) & ~np.isnan(others)
    if both.sum() < at_least:
        return float("nan")
    first, second = (ranks - ranks.mean() for ranks in (_ranks(values[both]), _ranks(others[both])))
    norm = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / norm) if norm > 0.0 else float("nan")


class BoundDisplay:
    """A bound against the measured gap, over k, on a log axis.

    It is recommended to use :meth:`from_table`, which draws at once. A line is a bound, the
    markers in its colour are the gap, with bars of one standard error. Bounds of learning theory
    are loose; what can be asked of one is that it orders the candidates as the gap does, so the
    legend has the rank correlation (Spearman's rho) of the two.

    Parameters
    ----------
    curves : sequence of BoundCurve
        From :meth:`from_table`.
    x_name : str, default="k"
        Label of the x axis.

    Attributes
    ----------
    curves : list of BoundCurve
        The numbers drawn: ``label``, ``x``, ``bound``, ``gap``, ``gap_error``, and what follows,
        ``looseness`` and ``rank_correlation``.
    ax_ : matplotlib Axes
        Where they are drawn.
    figure_ : matplotlib Figure
        Its figure.
    lines_ : list of matplotlib Line2D
        The bounds, a line a curve.
    errorbar_ : list of matplotlib ErrorbarContainer
        The gaps, in the order of ``lines_``; without bars if there are no errors.

    Raises
    ------
    ValueError
        If there is no curve.

    See Also
    --------
    sklearn_reasoning.model_selection.gap_table : Measured gaps.

    Examples
    --------
    >>> from sklearn_reasoning.inspection import BoundDisplay
    >>> table = {"k": [1, 2, 4], "bound": [10.0, 30.0, 20.0], "gap": [0.1, 0.4, 0.3]}
    >>> display = BoundDisplay.from_table(table)
    >>> display.curves[0].looseness.round()
    array([100.,  75.,  67.])
    >>> display.lines_[0].get_label()
    'bound, rank correlation 1.00'
    """

    def __init__(self, *, curves: Sequence[BoundCurve], x_name: str = "k") -> None:
        self.curves = at_least_one(curves, "BoundCurve")
        self.x_name = x_name

    def plot(
        self,
        ax: Any = None,
        *,
        yscale: str = "log",
        line_kw: Mapping[str, Any] | None = None,
        errorbar_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw bounds and gaps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.
        yscale : {"log", "linear"}, default="log"
            A gap at or below 0 has no place on a log axis; the legend counts them.
        line_kw : mapping of str to object, default=None
            For ``Axes.plot``, of the bounds.
        errorbar_kw : mapping of str to object, default=None
            For ``Axes.errorbar``, of the gaps.

        Returns
        -------
        BoundDisplay
            Itself, with ``ax_``, ``figure_``, ``lines_`` and ``errorbar_`` set.

        Raises
        ------
        ValueError
            If an option is unknown.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sklearn_reasoning.inspection import BoundDisplay
        >>> table = {"k": [1, 2], "bound": [3.0, 5.0], "gap": [0.1, 0.2], "se": [0.05, 0.05]}
        >>> display = BoundDisplay.from_table(table, gap_error="se").plot(yscale="linear")
        >>> display.lines_[0].get_ydata()
        array([3., 5.])
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        check_yscale(yscale)
        (self.ax_,) = axes_for(ax, ["bound and gap"])
        self.figure_ = self.ax_.figure
        options, bar_options = line_options(line_kw), line_options(errorbar_kw)
        self.lines_, self.errorbar_ = [], []
        for number, curve in enumerate(self.curves):
            name = "" if curve.label is None else f"{curve.label}: "
            look = {"color": color(number), "label": f"{name}{_on_bound(curve)}"}
            self.lines_.extend(self.ax_.plot(curve.x, drawable(curve.bound), **{**look, **options}))
            gap = np.where(curve.gap > 0.0, curve.gap, np.nan) if yscale == "log" else curve.gap
            bar_look = {
                "color": color(number),
                "linestyle": ":",
                "linewidth": 1.0,
                "marker": "o",
                "markersize": 5,
                "capsize": 3,
                "label": f"{name}{_on_gap(curve, yscale)}",
            }
            self.errorbar_.append(
                self.ax_.errorbar(curve.x, gap, curve.gap_error, **{**bar_look, **bar_options})
            )
        scale_y(self.ax_, yscale)
        if yscale == "log":
            self._keep_foot()
        self.ax_.set_xlabel("steps k" if self.x_name == "k" else self.x_name)
        self.ax_.set_ylabel("bound and measured gap")
        handles = [
            handle for pair in zip(self.lines_, self.errorbar_, strict=True) for handle in pair
        ]
        legend([self.ax_], handles)
        return self

    @classmethod
    @documented_like(plot)
    def from_table(
        cls,
        table: Mapping[str, Any],
        *,
        x: str = "k",
        bound: str = "bound",
        gap: str = "gap",
        gap_error: str | None = None,
        line: str | None = None,
        ax: Any = None,
        yscale: str = "log",
        line_kw: Mapping[str, Any] | None = None,
        errorbar_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw columns of numbers.

        Parameters
        ----------
        table : mapping of str to array-like of shape (n_rows,)
            Plain columns, or a ``pandas.DataFrame``.
        x, bound, gap : str, default="k" and "bound" and "gap"
            Columns of the parameter on the x axis, the bound and the measured gap. A bound may be
            inf (nothing is proven: the line ends), a gap NaN (not measured).
        gap_error : str, default=None
            Column of the gap's standard errors. None: no bars.
        line : str, default=None
            Column of the lines' names, such as the algorithm. None: one line.
        ax, yscale, line_kw, errorbar_kw

        Returns
        -------
        BoundDisplay
            Drawn.

        Raises
        ------
        ValueError
            If a column is missing, empty, of another length, not numeric or out of its domain, x
            repeats within a line, or an option is unknown.
        ImportError

        Examples
        --------
        >>> from sklearn_reasoning.inspection import BoundDisplay
        >>> table = {
        ...     "algo": ["gd", "gd", "nag", "nag"],
        ...     "k": [1, 8, 1, 8],
        ...     "theorem_5_1": [40.0, 90.0, 40.0, 120.0],
        ...     "gap": [0.2, 0.5, 0.2, 0.6],
        ... }
        >>> display = BoundDisplay.from_table(table, bound="theorem_5_1", line="algo")
        >>> [curve.label for curve in display.curves]
        ['gd', 'nag']
        """
        check_matplotlib(f"{cls.__name__}.from_table")
        check_yscale(yscale)
        display = cls(curves=_curves(table, x, bound, gap, gap_error, line), x_name=x)
        return display.plot(ax, yscale=yscale, line_kw=line_kw, errorbar_kw=errorbar_kw)

    def _keep_foot(self) -> None:
        # A bar that reaches 0 has no end on a log axis, and would take the axis with it.
        drawn = drawable(np.concatenate([np.r_[curve.bound, curve.gap] for curve in self.curves]))
        drawn = drawn[drawn > 0.0]
        if drawn.size:
            self.ax_.set_ylim(drawn.min() / 3.0, drawn.max() * 3.0)


def _on_bound(curve: BoundCurve) -> str:
    correlation = curve.rank_correlation
    return "bound" + ("" if np.isnan(correlation) else f", rank correlation {correlation:.2f}")


def _on_gap(curve: BoundCurve, yscale: str) -> str:
    hidden = int((curve.gap <= 0.0).sum()) if yscale == "log" else 0
    return "measured gap" + (f" ({hidden} of {len(curve.gap)} not above 0)" if hidden else "")


def _curves(
    table: Mapping[str, Any], x: str, bound: str, gap: str, gap_error: str | None, line: str | None
) -> list[BoundCurve]:
    xs, bounds, gaps = (
        _numbers(table, role, name) for role, name in (("x", x), ("bound", bound), ("gap", gap))
    )
    errors = None if gap_error is None else _numbers(table, "gap_error", gap_error)
    names = None if line is None else np.asarray(_column(table, "line", line), dtype=object)
    lengths = {x: len(xs), bound: len(bounds), gap: len(gaps)}
    if errors is not None and gap_error is not None:
        lengths[gap_error] = len(errors)
    if names is not None and line is not None:
        lengths[line] = len(names)
    if len(set(lengths.values())) > 1 or not len(xs):
        raise ValueError(f"table must have columns of one length, at least 1; got {lengths}.")
    if not np.isfinite(xs).all():
        raise ValueError(f"x={x!r}: the column must be finite.")
    if np.isnan(bounds).any():
        raise ValueError(f"bound={bound!r}: the column holds NaN; inf says that nothing is proven.")
    if np.isinf(gaps).any():
        raise ValueError(f"gap={gap!r}: the column must be finite; NaN says that it is missing.")
    if errors is not None and (errors < 0.0).any():
        raise ValueError(f"gap_error={gap_error!r}: the column must not be negative.")
    curves = []
    for label in [None] if names is None else list(dict.fromkeys(names)):
        rows = np.arange(len(xs)) if names is None else np.flatnonzero(names == label)
        rows = rows[np.argsort(xs[rows], kind="stable")]
        if len(np.unique(xs[rows])) < len(rows):
            of = "" if label is None else f" for {label}"
            raise ValueError(f"x={x!r}: a value comes twice{of}; name the lines' column as line=.")
        curves.append(
            BoundCurve(
                label=None if label is None else str(label),
                x=xs[rows],
                bound=bounds[rows],
                gap=gaps[rows],
                gap_error=None if errors is None else errors[rows],
            )
        )
    return curves


def _column(table: Mapping[str, Any], role: str, name: str) -> Any:
    if name not in table:
        raise ValueError(f"{role}={name!r} is not a column of the table: {list(table)}.")
    return table[name]


def _numbers(table: Mapping[str, Any], role: str, name: str) -> NDArray[np.float64]:
    try:
        values = np.asarray(_column(table, role, name), dtype=np.float64)
    except (TypeError, ValueError) as error:
        if name not in table:
            raise
        raise ValueError(f"{role}={name!r}: the column must hold numbers.") from error
    if values.ndim != 1:
        raise ValueError(f"{role}={name!r}: the column must have one axis, got {values.shape}.")
    return values


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks from 1 on; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2.0)[places]
    return ranks
