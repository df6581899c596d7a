"""Convergence, stability and sensitivity of algorithms, drawn against k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.drawing import (
    at_least_one,
    axes_for,
    check_matplotlib,
    check_one_of,
    check_yscale,
    color,
    dashes,
    legend,
    line_options,
    scale_y,
    whole_ticks,
)

from ._properties_drawing import HOLLOW, SHORT, draw, top_of, unproven
from ._property_curves import QUANTITIES, PropertyCurve, describe_step_size, property_curves

_TITLES = {
    "convergence": "Convergence",
    "stability": "Stability",
    "stability_in_Q": "Stability in Q",
    "stability_in_b": "Stability in b",
    "product": "Stability x convergence",
    "sensitivity": "Sensitivity",
}
_DEFAULT = ("convergence", "stability", "product", "sensitivity")


class AlgorithmPropertiesDisplay:
    r"""Convergence, stability and sensitivity of algorithms against k (the paper's Fig. 2).

    It is recommended to use :meth:`from_algorithms`, which draws at once. A panel a quantity,
    a line an algorithm. The line is the certified, proven bound. Where some Q and b are known to
    reach visibly less, hollow markers show what they attain. A line ends where nothing is
    proven, and the legend says so; the axis follows what is attained, so that a line may also
    leave a panel.

    Parameters
    ----------
    curves : sequence of PropertyCurve
        From :meth:`from_algorithms`.
    mu, L : float
        Bounds of the spectrum of Q.
    b_norm : float, default=1.0
        The largest norm of b, in the units of b, that ``stability`` and ``product`` are for.
    sensitivity_range : (float, float), "stable" or None, default=None
        What the sensitivity is over; None: local at the step size.

    Attributes
    ----------
    curves : list of PropertyCurve
        The numbers drawn, a curve a line: ``label``, ``algorithm``, ``step_size``,
        ``stable_region``, ``k``, and the certificates ``convergence``, ``stability``,
        ``stability_in_Q``, ``stability_in_b``, ``product``, ``sensitivity``.
    axes_ : ndarray of shape (n_panels,) of matplotlib Axes
        Where the panels are drawn.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : ndarray of shape (n_panels, n_curves) of matplotlib Line2D
        The certified bounds.
    attained_lines_ : ndarray of shape (n_panels, n_curves) of matplotlib Line2D or None
        What is attained; None where it looks like the certified bound throughout.

    Raises
    ------
    ValueError
        If there is no curve.

    See Also
    --------
    properties_table : The numbers as a table.

    Examples
    --------
    >>> from sklearn_reasoning.inspection import AlgorithmPropertiesDisplay
    >>> display = AlgorithmPropertiesDisplay.from_algorithms(["gd", "nag"], k=[1, 2, 3])
    >>> display.curves[0].convergence.certified
    array([0.9  , 0.81 , 0.729])
    >>> [ax.get_title() for ax in display.axes_]
    ['Convergence', 'Stability', 'Stability x convergence', 'Sensitivity']
    """

    def __init__(
        self,
        *,
        curves: Sequence[PropertyCurve],
        mu: float,
        L: float,
        b_norm: float = 1.0,
        sensitivity_range: Any = None,
    ) -> None:
        self.curves = at_least_one(curves, "PropertyCurve")
        self.mu = mu
        self.L = L
        self.b_norm = b_norm
        self.sensitivity_range = sensitivity_range

    def plot(
        self,
        ax: Any = None,
        *,
        quantities: Sequence[str] = _DEFAULT,
        yscale: str = "linear",
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, or array-like of shape (n_panels,) of them, default=None
            Where to draw. None makes a new figure.
        quantities : sequence of str, default=("convergence", "stability", "product", "sensitivity")
            A panel each, of "convergence", "stability", "stability_in_Q", "stability_in_b",
            "product" (stability times convergence) and "sensitivity".
        yscale : {"linear", "log"}, default="linear"
            A bound of 0 has no place on a log axis.
        line_kw : mapping of str to object, default=None
            For ``Axes.plot``, of the certified bounds.

        Returns
        -------
        AlgorithmPropertiesDisplay
            Itself, with ``axes_``, ``ax_``, ``figure_``, ``lines_`` and ``attained_lines_`` set.

        Raises
        ------
        ValueError
            If ``ax`` does not hold one Axes a panel, or an option is unknown.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sklearn_reasoning.inspection import AlgorithmPropertiesDisplay
        >>> display = AlgorithmPropertiesDisplay.from_algorithms("cg", k=range(1, 11))
        >>> display = display.plot(quantities=["convergence"], yscale="log")
        >>> display.lines_[0, 0].get_ydata()[:3]
        array([1.  , 1.  , 0.87])
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        _check_options(quantities, yscale)
        self.axes_ = axes_for(ax, quantities)
        self.ax_ = self.axes_[0]
        self.figure_ = self.ax_.figure
        options = line_options(line_kw)
        labels = [curve.label + unproven(curve, quantities) for curve in self.curves]
        shape = len(quantities), len(self.curves)
        self.lines_ = np.empty(shape, dtype=object)
        self.attained_lines_ = np.full(shape, None, dtype=object)
        for row, (quantity, panel) in enumerate(zip(quantities, self.axes_, strict=True)):
            for number, curve in enumerate(self.curves):
                look = {"label": labels[number], "color": color(number), "linewidth": 1.8}
                look["linestyle"] = dashes(number)
                line, attained = draw(panel, curve, quantity, {**look, **options})
                self.lines_[row, number], self.attained_lines_[row, number] = line, attained
            scale_y(panel, yscale)
            if yscale == "linear":
                panel.set_ylim(0.0, top_of(self.curves, quantity))
            panel.set_title(_TITLES[quantity])
            panel.set_xlabel("steps k")
            whole_ticks(panel)
            panel.set_ylabel(self._ylabel(quantity))
        if ax is None:
            self.figure_.suptitle(self.heading)
        legend(self.axes_, self._legend_entries())
        return self

    @classmethod
    @documented_like(plot)
    def from_algorithms(
        cls,
        algos: Any,
        k: Any = range(1, 31),
        step_size: Any = None,
        mu: float = 0.1,
        L: float = 1.0,
        *,
        b_norm: float = 1.0,
        sensitivity_range: Any = None,
        ax: Any = None,
        quantities: Sequence[str] = _DEFAULT,
        yscale: str = "linear",
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        r"""Compute the properties of algorithms, and draw them.

        Parameters
        ----------
        algos : str, Algorithm or sequence of them
            Names of :func:`~sklearn_reasoning.algorithms.list_algorithms` or instances. The same
            one may come several times with other step sizes.
        k : int, or array-like of int of shape (n_k,), default=range(1, 31)
            Numbers of steps.
        step_size : float, PerIteration, mapping, None or list of them, default=None
            As for :func:`~sklearn_reasoning.properties.convergence`, for all algorithms that have
            one; a list holds one for each algorithm. None is 1/L.
        mu, L : float, default=0.1 and 1.0
            Bounds of the spectrum of Q.
        b_norm : float, default=1.0
            The largest norm of b, in the units of b: stability is the one constant of Eq. 7,
            :math:`\max(S_Q \sup\|b\|, S_b)`.
        sensitivity_range : (float, float), "stable" or None, default=None
            None: the local sensitivity at the step size. A range or "stable" (the stable region):
            the paper's Sens(k), for any two step sizes of it.
        ax, quantities, yscale, line_kw

        Returns
        -------
        AlgorithmPropertiesDisplay
            Drawn.

        Raises
        ------
        TypeError
            If an argument is of the wrong kind.
        ValueError
            If an argument is out of its domain, or an option is unknown.
        ImportError

        Examples
        --------
        >>> from sklearn_reasoning.inspection import AlgorithmPropertiesDisplay
        >>> display = AlgorithmPropertiesDisplay.from_algorithms(
        ...     ["gd", "gd"], k=range(1, 11), step_size=[0.5, 1.0], quantities=["sensitivity"]
        ... )
        >>> [curve.label for curve in display.curves]
        ['gd, 0.5', 'gd, 1']
        """
        check_matplotlib(f"{cls.__name__}.from_algorithms")
        _check_options(quantities, yscale)
        curves = property_curves(
            algos,
            k,
            step_size=step_size,
            mu=mu,
            L=L,
            b_norm=b_norm,
            sensitivity_range=sensitivity_range,
        )
        display = cls(curves=curves, mu=mu, L=L, b_norm=b_norm, sensitivity_range=sensitivity_range)
        return display.plot(ax, quantities=quantities, yscale=yscale, line_kw=line_kw)

    def _ylabel(self, quantity: str) -> str:
        name = "Stab(k) x Cvg(k)" if quantity == "product" else f"{SHORT[quantity]}(k)"
        if quantity in ("stability", "product"):
            return f"{name}, ||b|| at most {self.b_norm:.4g}"
        if quantity == "sensitivity":
            over = self.sensitivity_range
            if over is None:
                return f"{name}, at the step size"
            if isinstance(over, str):
                return f"{name}, over the stable region"
            return f"{name}, over [{over[0]:.4g}, {over[1]:.4g}]"
        return name

    @property
    def heading(self) -> str:
        """What all panels share: the spectra, and the step size if it is the same for all."""
        spectrum = f"spectra in [{self.mu:.4g}, {self.L:.4g}]"
        sized = [curve for curve in self.curves if curve.stable_region is not None]
        if not sized or len({str(curve.step_size) for curve in sized}) > 1:
            return spectrum
        return f"{spectrum}, {describe_step_size(sized[0].algorithm, sized[0].step_size)}"

    def _legend_entries(self) -> list[Any]:
        from matplotlib.lines import Line2D

        entries = list(self.lines_[0])
        if any(line is not None for line in self.attained_lines_.ravel()):
            label = "attained, visibly below the bound"
            entries.append(Line2D([], [], color="0.3", label=label, **HOLLOW))
        return entries


def _check_options(quantities: Sequence[str], yscale: str) -> None:
    if isinstance(quantities, str) or not len(quantities):
        raise ValueError(f"quantities={quantities!r} must be a list of some of {list(QUANTITIES)}.")
    for quantity in quantities:
        check_one_of("quantities", quantity, QUANTITIES)
    check_yscale(yscale)
