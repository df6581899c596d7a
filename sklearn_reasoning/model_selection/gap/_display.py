"""The generalisation gap, drawn against the depth or another parameter."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.drawing import check_matplotlib

from ._curves import arrange, numbers
from ._drawing import axes_for, check_options, decorate, draw
from ._generalization_gap import generalization_gap, search_grid
from ._table import gap_table, metric_name


class GeneralizationGapDisplay:
    """The generalisation gap of a search's candidates, against one of their parameters.

    It is recommended to use :meth:`from_search`, :meth:`from_estimator` or :meth:`from_table`,
    which draw at once. One panel is drawn for each size of the network of Q, one line for each
    algorithm, against the number of steps k; the three parameters may be others.

    A point is the mean over the splits, and the band one standard deviation to either side.
    Candidates that differ in nothing but a parameter called ``random_state`` or ``seed`` are one
    point: their splits are pooled. Where candidates differ in other parameters that are not
    drawn, such as ``lr``, the point is the one with the best mean held-out result, which a search
    would take; ``curves[i].others`` tells which. Of a halving search a candidate's last iteration
    counts. A candidate that failed leaves a gap in its line, and one that does not set x is left
    out.

    Parameters
    ----------
    table : mapping of str to array-like of shape (n_candidates,)
        From :func:`gap_table`, or a ``pandas.DataFrame`` made of it, read back from CSV or not.
    x : str, default=None
        Numeric parameter on the x axis, with or without the prefix that a pipeline gives it.
        None is ``"k"``.
    line : str, default=None
        Parameter that tells lines apart. None is ``"algo"``, if the candidates have it.
    panel : str, default=None
        Parameter that tells panels apart. None is ``"q_hidden"``, if the candidates have it.
    score_name : str, default=None
        Name of the metric, for the y axis. None is ``"loss"`` or ``"score"``.

    Attributes
    ----------
    curves : list of GapCurve
        The numbers drawn, a curve a line, panel by panel: ``panel``, ``line``, and of shape
        (n_points,) ``x``, ``gap``, ``gap_std``, ``empirical``, ``empirical_std``, ``held_out``,
        ``held_out_std`` and ``n_values``, the number of splits over all seeds.
    panels : list
        The values of the panels' parameter, in the order drawn; ``[None]`` without one.
    axes_ : ndarray of shape (n_panels,) of matplotlib Axes
        Where the panels are drawn.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : list of matplotlib Line2D, or None
        A line a curve in the order of ``curves``, or with ``kind="losses"`` two, the held-out one
        first. None with error bars.
    fill_between_ : list of matplotlib PolyCollection, or None
        A band a curve. None with another style.
    errorbar_ : list of matplotlib ErrorbarContainer, or None
        In the order of ``lines_``, in their place. None with another style.

    Raises
    ------
    ValueError
        If the table is no gap table, a parameter is not in it or is ambiguous, or x is not
        numeric.

    See Also
    --------
    gap_table : The numbers.
    sklearn.model_selection.ValidationCurveDisplay : Both scores of one estimator.

    Examples
    --------
    >>> from sklearn_reasoning.model_selection import GeneralizationGapDisplay
    >>> table = {
    ...     "param_alpha": [1, 1000],
    ...     "split0_empirical_loss": [1.0, 2.0],
    ...     "split0_held_out_loss": [1.5, 2.0],
    ...     "split0_gap": [0.5, 0.0],
    ... }
    >>> display = GeneralizationGapDisplay(table=table, x="alpha").plot()
    >>> display.curves[0].x
    array([   1., 1000.])
    """

    def __init__(
        self,
        *,
        table: Mapping[str, Any],
        x: str | None = None,
        line: str | None = None,
        panel: str | None = None,
        score_name: str | None = None,
    ) -> None:
        self.table = table
        self.x = x
        self.line = line
        self.panel = panel
        self.score_name = score_name
        self._arranged = arrange(table, x=x, line=line, panel=panel)
        self.curves = self._arranged.curves
        self.panels = self._arranged.panels

    def plot(
        self,
        ax: Any = None,
        *,
        kind: str = "gap",
        score_name: str | None = None,
        std_display_style: str | None = "fill_between",
        line_kw: Mapping[str, Any] | None = None,
        fill_between_kw: Mapping[str, Any] | None = None,
        errorbar_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, or array-like of shape (n_panels,) of them, default=None
            Where to draw. None makes a new figure, whose panels share the y axis.
        kind : {"gap", "losses"}, default="gap"
            ``"gap"`` draws the gap. ``"losses"`` draws the held-out result as a solid line and
            the empirical one dashed, of a score too.
        score_name : str, default=None
            Name of the metric, for the y axis. None is that of the display.
        std_display_style : {"fill_between", "errorbar"} or None, default="fill_between"
            ``"fill_between"``: a band; one standard deviation to either side of a gap, or with
            ``kind="losses"`` the gap itself, between the two lines. ``"errorbar"``: bars of one
            standard deviation. None: lines only.
        line_kw : mapping of str to object, default=None
            For ``Axes.plot``.
        fill_between_kw : mapping of str to object, default=None
            For ``Axes.fill_between``.
        errorbar_kw : mapping of str to object, default=None
            For ``Axes.errorbar``.

        Returns
        -------
        GeneralizationGapDisplay
            Itself, with ``axes_``, ``ax_``, ``figure_``, ``lines_``, ``fill_between_`` and
            ``errorbar_`` set.

        Raises
        ------
        ValueError
            If ``ax`` does not hold one Axes a panel, or an option is unknown.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sklearn_reasoning.model_selection import GeneralizationGapDisplay
        >>> table = {
        ...     "param_k": [1, 5],
        ...     "split0_empirical_loss": [2.0, 1.0],
        ...     "split0_held_out_loss": [2.0, 1.5],
        ...     "split0_gap": [0.0, 0.5],
        ... }
        >>> display = GeneralizationGapDisplay(table=table).plot(kind="losses")
        >>> held_out, empirical = display.lines_
        >>> held_out.get_ydata()
        array([2. , 1.5])
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        check_options(kind, std_display_style)
        if score_name is None:
            score_name = self.score_name or self._arranged.kind
        self.axes_ = axes_for(self._arranged, ax)
        self.ax_ = self.axes_[0]
        self.figure_ = self.ax_.figure
        artists = draw(
            self._arranged,
            self.axes_,
            kind=kind,
            std_display_style=std_display_style,
            line_kw=line_kw,
            fill_between_kw=fill_between_kw,
            errorbar_kw=errorbar_kw,
        )
        decorate(self._arranged, artists, self.axes_, kind, score_name, own_figure=ax is None)
        self.lines_ = artists.lines or None
        self.fill_between_ = artists.bands or None
        self.errorbar_ = artists.bars or None
        return self

    @classmethod
    @documented_like(plot)
    def from_search(
        cls,
        search: Any,
        *,
        metric: str | None = None,
        x: str | None = None,
        line: str | None = None,
        panel: str | None = None,
        ax: Any = None,
        kind: str = "gap",
        score_name: str | None = None,
        std_display_style: str | None = "fill_between",
        line_kw: Mapping[str, Any] | None = None,
        fill_between_kw: Mapping[str, Any] | None = None,
        errorbar_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw the gap of the candidates of a fitted search.

        Parameters
        ----------
        search : fitted search of scikit-learn, or Pipeline that ends in one
            Run with ``return_train_score=True``, as for :func:`gap_table`.
        metric : str, default=None
            Which of several scorers to draw. None is the one named by ``refit``, or the only one.
        x, line, panel : str, default=None
            Parameters on the x axis and that tell lines and panels apart, as in the class. None
            is ``"k"``, ``"algo"``, ``"q_hidden"``.
        ax, kind
        score_name : str, default=None
            Name of the metric, for the y axis. None is the name of the scorer.
        std_display_style, line_kw, fill_between_kw, errorbar_kw

        Returns
        -------
        GeneralizationGapDisplay
            Drawn.

        Raises
        ------
        ValueError
            As :func:`gap_table`, the class and :meth:`plot` raise it.
        ImportError

        Examples
        --------
        >>> from sklearn.datasets import load_linnerud
        >>> from sklearn.model_selection import GridSearchCV
        >>> from sklearn_reasoning import HybridReasoningRegressor
        >>> from sklearn_reasoning.model_selection import GeneralizationGapDisplay, l2_loss_scorer
        >>> X, y = load_linnerud(return_X_y=True)
        >>> search = GridSearchCV(
        ...     HybridReasoningRegressor(max_epochs=5, random_state=0),
        ...     {"algo": ["gd", "nag"], "k": [2, 8]},
        ...     scoring=l2_loss_scorer,
        ...     cv=2,
        ...     return_train_score=True,
        ... )
        >>> display = GeneralizationGapDisplay.from_search(search.fit(X, y))
        >>> [curve.line for curve in display.curves]
        ['gd', 'nag']
        """
        check_matplotlib(f"{cls.__name__}.from_search")
        return cls.from_table(
            gap_table(search, metric),
            x=x,
            line=line,
            panel=panel,
            ax=ax,
            kind=kind,
            score_name=metric_name(search, metric) if score_name is None else score_name,
            std_display_style=std_display_style,
            line_kw=line_kw,
            fill_between_kw=fill_between_kw,
            errorbar_kw=errorbar_kw,
        )

    @classmethod
    @documented_like(plot, generalization_gap)
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        param_name: str = "k",
        param_range: Any,
        cv: Any = 5,
        scoring: Any = None,
        metric: str | None = None,
        groups: Any = None,
        params: Mapping[str, Any] | None = None,
        n_jobs: int | None = None,
        error_score: Any = np.nan,
        ax: Any = None,
        kind: str = "gap",
        score_name: str | None = None,
        std_display_style: str | None = "fill_between",
        line_kw: Mapping[str, Any] | None = None,
        fill_between_kw: Mapping[str, Any] | None = None,
        errorbar_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Cross-validate an estimator at each value of one parameter, and draw its gap.

        Parameters
        ----------
        estimator : estimator
            Any; it is cloned for each fit.
        X, y
        param_name : str, default="k"
            The numeric parameter. In a pipeline it has a prefix:
            ``"hybridreasoningregressor__k"``.
        param_range : array-like of shape (n_values,)
            Its values.
        cv, scoring
        metric : str, default=None
            Which of several scorers to draw.
        groups, params
        n_jobs : int, default=None
            Number of fits at a time, as in scikit-learn.
        error_score
        ax, kind
        score_name : str, default=None
            Name of the metric, for the y axis. None is the name of the scorer.
        std_display_style, line_kw, fill_between_kw, errorbar_kw

        Returns
        -------
        GeneralizationGapDisplay
            Drawn.

        Raises
        ------
        ValueError
            If ``param_name`` is not a parameter of the estimator or its values are not numbers,
            or as :func:`generalization_gap` and :meth:`plot` raise it.
        ImportError

        Examples
        --------
        >>> from sklearn.datasets import load_linnerud
        >>> from sklearn_reasoning import HybridReasoningRegressor
        >>> from sklearn_reasoning.model_selection import GeneralizationGapDisplay
        >>> X, y = load_linnerud(return_X_y=True)
        >>> display = GeneralizationGapDisplay.from_estimator(
        ...     HybridReasoningRegressor(max_epochs=5, random_state=0),
        ...     X,
        ...     y,
        ...     param_range=[2, 8],
        ...     cv=2,
        ... )
        >>> display.ax_.get_ylabel()
        'generalisation gap (mean l2 loss)'
        """
        # All that can be refused is, before the fits.
        check_matplotlib(f"{cls.__name__}.from_estimator")
        check_options(kind, std_display_style)
        values = list(param_range)
        numbers(param_name, np.array(values, dtype=object))
        search = search_grid(
            estimator,
            X,
            y,
            {param_name: values},
            cv=cv,
            scoring=scoring,
            metric=metric,
            groups=groups,
            params=params,
            n_jobs=n_jobs,
            error_score=error_score,
        )
        return cls.from_search(
            search,
            metric=metric,
            x=param_name,
            ax=ax,
            kind=kind,
            score_name=score_name,
            std_display_style=std_display_style,
            line_kw=line_kw,
            fill_between_kw=fill_between_kw,
            errorbar_kw=errorbar_kw,
        )

    @classmethod
    @documented_like(plot, from_search)
    def from_table(
        cls,
        table: Mapping[str, Any],
        *,
        x: str | None = None,
        line: str | None = None,
        panel: str | None = None,
        ax: Any = None,
        kind: str = "gap",
        score_name: str | None = None,
        std_display_style: str | None = "fill_between",
        line_kw: Mapping[str, Any] | None = None,
        fill_between_kw: Mapping[str, Any] | None = None,
        errorbar_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw a gap table, from memory or from a CSV file.

        Parameters
        ----------
        table : mapping of str to array-like of shape (n_candidates,)
            From :func:`gap_table`, or a ``pandas.DataFrame`` made of it, also of a selection of
            its rows.
        x, line, panel
        ax, kind, score_name, std_display_style, line_kw, fill_between_kw, errorbar_kw

        Returns
        -------
        GeneralizationGapDisplay
            Drawn.

        Raises
        ------
        ValueError
            As the class and :meth:`plot` raise it.
        ImportError

        Examples
        --------
        >>> from sklearn.datasets import load_linnerud
        >>> from sklearn.linear_model import Ridge
        >>> from sklearn.model_selection import GridSearchCV
        >>> from sklearn_reasoning.model_selection import GeneralizationGapDisplay, gap_table
        >>> X, y = load_linnerud(return_X_y=True)
        >>> search = GridSearchCV(Ridge(), {"alpha": [1, 1000]}, return_train_score=True)
        >>> table = gap_table(search.fit(X, y))
        >>> display = GeneralizationGapDisplay.from_table(table, x="alpha")
        >>> bool((display.curves[0].gap == table["gap"]).all())
        True
        """
        display = cls(table=table, x=x, line=line, panel=panel, score_name=score_name)
        return display.plot(
            ax,
            kind=kind,
            std_display_style=std_display_style,
            line_kw=line_kw,
            fill_between_kw=fill_between_kw,
            errorbar_kw=errorbar_kw,
        )
