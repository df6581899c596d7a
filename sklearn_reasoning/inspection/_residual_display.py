"""Residual and filter polynomials, drawn over the spectrum."""

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
    check_one_of,
    check_yscale,
    color,
    dashes,
    drawable,
    legend,
    line_options,
    scale_y,
    zero_line,
)
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.properties import convergence, resolve, stability

from ._property_curves import each_algorithm, each_step_size, labels, rising_steps, single

_QUANTITIES = ("residual", "filter")


@dataclass(frozen=True, eq=False)
class PolynomialCurve:
    """A polynomial of an algorithm over the spectrum.

    ``label`` tells the algorithm from the others; ``step_size`` is None for one without. ``t``
    holds eigenvalues from mu to L, ``values`` of the same shape are r_k(t), or q_k(t) with
    ``quantity="filter"``, and ``largest`` is the certified largest modulus over [mu, L]: Cvg(k), or
    Stab(k) in b.
    """

    label: str
    algorithm: Algorithm
    k: int
    step_size: Any
    t: NDArray[np.float64]
    values: NDArray[np.float64]
    largest: float


class ResidualPolynomialDisplay:
    r"""Residual polynomials r_k(t), or filters q_k(t), over [mu, L].

    It is recommended to use :meth:`from_algorithms`, which draws at once. The error of a
    polynomial method after k steps is :math:`r_k(Q)` times the first, and its output is
    :math:`-q_k(Q) b`, with :math:`r_k(t) = 1 - t q_k(t)`. So the picture shows which eigenvalues
    of Q the steps have dealt with. An algorithm has a colour; with several algorithms each k has
    a line style.

    Parameters
    ----------
    curves : sequence of PolynomialCurve
        From :meth:`from_algorithms`.
    mu, L : float
        Bounds of the spectrum of Q.
    quantity : {"residual", "filter"}, default="residual"
        Which of the two polynomials the curves are.

    Attributes
    ----------
    curves : list of PolynomialCurve
        The numbers drawn, a curve a line: ``label``, ``algorithm``, ``k``, ``step_size``, ``t``,
        ``values`` and ``largest``.
    ax_ : matplotlib Axes
        Where they are drawn.
    figure_ : matplotlib Figure
        Its figure.
    lines_ : list of matplotlib Line2D
        A line a curve.
    reference_ : matplotlib Line2D or None
        Of filters: 1/t, the exact minimiser.

    Raises
    ------
    ValueError
        If there is no curve, or the quantity is unknown.

    Examples
    --------
    >>> from sklearn_reasoning.inspection import ResidualPolynomialDisplay
    >>> display = ResidualPolynomialDisplay.from_algorithms(["gd", "chebyshev"], k=5)
    >>> gd, chebyshev = display.curves
    >>> round(float(gd.values[0]), 4), round(gd.largest, 4)  # 0.9^5, at t = mu
    (0.5905, 0.5905)
    >>> round(chebyshev.largest, 4)
    0.0756
    """

    def __init__(
        self,
        *,
        curves: Sequence[PolynomialCurve],
        mu: float,
        L: float,
        quantity: str = "residual",
    ) -> None:
        check_one_of("quantity", quantity, _QUANTITIES)
        self.curves = at_least_one(curves, "PolynomialCurve")
        self.mu = mu
        self.L = L
        self.quantity = quantity

    def plot(
        self,
        ax: Any = None,
        *,
        yscale: str = "linear",
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.
        yscale : {"linear", "log"}, default="linear"
            "log" draws the modulus; eigenvalues that the steps remove are dips.
        line_kw : mapping of str to object, default=None
            For ``Axes.plot``.

        Returns
        -------
        ResidualPolynomialDisplay
            Itself, with ``ax_``, ``figure_``, ``lines_`` and ``reference_`` set.

        Raises
        ------
        ValueError
            If an option is unknown.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sklearn_reasoning.inspection import ResidualPolynomialDisplay
        >>> display = ResidualPolynomialDisplay.from_algorithms("chebyshev", k=3)
        >>> display = display.plot(yscale="log")
        >>> bool((display.lines_[0].get_ydata() >= 0.0).all())
        True
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        check_yscale(yscale)
        (self.ax_,) = axes_for(ax, [self.quantity])
        self.figure_ = self.ax_.figure
        options = line_options(line_kw)
        names = list(dict.fromkeys(curve.label for curve in self.curves))
        steps = list(dict.fromkeys(curve.k for curve in self.curves))
        self.lines_ = []
        for curve in self.curves:
            name, step = names.index(curve.label), steps.index(curve.k)
            look = {
                "color": color(name if len(names) > 1 else step),
                "linestyle": dashes(step if len(names) > 1 and len(steps) > 1 else 0),
                "label": f"{curve.label}, k = {curve.k} (max {curve.largest:.3g})",
            }
            values = drawable(np.abs(curve.values) if yscale == "log" else curve.values)
            self.lines_.extend(self.ax_.plot(curve.t, values, **{**look, **options}))
        self.reference_ = self._draw_reference(yscale)
        scale_y(self.ax_, yscale)
        if yscale == "log":
            self._keep_foot()
        self.ax_.set_xlabel("eigenvalue t of Q")
        symbol = "r_k(t)" if self.quantity == "residual" else "q_k(t)"
        self.ax_.set_ylabel(f"|{symbol}|" if yscale == "log" else symbol)
        handles = [*self.lines_, *([self.reference_] if self.reference_ else [])]
        legend([self.ax_], handles)
        return self

    @classmethod
    @documented_like(plot)
    def from_algorithms(
        cls,
        algos: Any,
        k: Any,
        step_size: Any = None,
        mu: float = 0.1,
        L: float = 1.0,
        *,
        quantity: str = "residual",
        n_points: int = 1001,
        ax: Any = None,
        yscale: str = "linear",
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Compute the polynomials of algorithms, and draw them.

        Parameters
        ----------
        algos : str, Algorithm or sequence of them
            Polynomial methods: names of :func:`~sklearn_reasoning.algorithms.list_algorithms` or
            instances. The same one may come several times with other step sizes.
        k : int, or array-like of int of shape (n_k,)
            Numbers of steps; a line for each.
        step_size : float, PerIteration, None or list of them, default=None
            For all algorithms that have one, in 1/curvature; a list holds one for each algorithm.
            None is 1/L.
        mu, L : float, default=0.1 and 1.0
            Bounds of the spectrum of Q.
        quantity : {"residual", "filter"}, default="residual"
            r_k or q_k.
        n_points : int, default=1001
            Number of eigenvalues, at least 2; denser at the ends, where polynomials turn faster.
        ax, yscale, line_kw

        Returns
        -------
        ResidualPolynomialDisplay
            Drawn.

        Raises
        ------
        TypeError
            If an argument is of the wrong kind, or a method has no polynomial.
        ValueError
            If an argument is out of its domain, or an option is unknown.
        ImportError

        Examples
        --------
        >>> from sklearn_reasoning.inspection import ResidualPolynomialDisplay
        >>> display = ResidualPolynomialDisplay.from_algorithms(
        ...     "nag", k=[1, 10], quantity="filter"
        ... )
        >>> [line.get_label() for line in display.lines_]
        ['nag, k = 1 (max 1)', 'nag, k = 10 (max 9.07)']
        """
        check_matplotlib(f"{cls.__name__}.from_algorithms")
        check_one_of("quantity", quantity, _QUANTITIES)
        check_yscale(yscale)
        if isinstance(n_points, bool) or not isinstance(n_points, int | np.integer) or n_points < 2:
            raise ValueError(f"n_points={n_points!r} must be a whole number, at least 2.")
        curves = _curves(algos, k, step_size, mu, L, quantity, int(n_points))
        display = cls(curves=curves, mu=mu, L=L, quantity=quantity)
        return display.plot(ax, yscale=yscale, line_kw=line_kw)

    def _keep_foot(self) -> None:
        # How deep the dip at a root is drawn says only how near to it a point of the grid lies.
        largest = min(np.abs(curve.values).max() for curve in self.curves)
        if largest > 0.0:
            self.ax_.set_ylim(bottom=1e-4 * largest)

    def _draw_reference(self, yscale: str) -> Any:
        if self.quantity == "filter":
            t = self.curves[0].t
            (line,) = self.ax_.plot(
                t, 1.0 / t, color="0.5", linewidth=1.0, zorder=1, label="1/t, the exact minimiser"
            )
            return line
        if yscale == "linear":
            zero_line(self.ax_)
        return None


def _curves(
    algos: Any, k: Any, step_size: Any, mu: float, L: float, quantity: str, n_points: int
) -> list[PolynomialCurve]:
    algorithms, steps = each_algorithm(algos), rising_steps(k)
    for algorithm in algorithms:
        if "polynomial" not in algorithm.provides:
            raise TypeError(f"algos holds {algorithm.name!r}, which is no polynomial method.")
    sizes = each_step_size(step_size, algorithms)
    resolved = [
        single(resolve(algorithm, steps, size, mu, L).phi)
        for algorithm, size in zip(algorithms, sizes, strict=True)
    ]
    t = _points(mu, L, n_points)
    curves = []
    for label, algorithm, phi in zip(
        labels(algorithms, resolved), algorithms, resolved, strict=True
    ):
        if quantity == "residual":
            formula, bounds = algorithm.residual, convergence(algorithm, steps, phi, mu, L)
        else:
            formula, bounds = algorithm.filter, stability(algorithm, steps, phi, mu, L).in_b
        for step, largest in zip(steps.tolist(), bounds.certified.tolist(), strict=True):
            values = formula(t, step, phi, mu, L)
            curves.append(PolynomialCurve(label, algorithm, step, phi, t, values, largest))
    return curves


def _points(mu: float, L: float, n_points: int) -> NDArray[np.float64]:
    """Return the extrema of a Chebyshev polynomial, between which no polynomial can hide much."""
    middle, half = (mu + L) / 2.0, (L - mu) / 2.0
    t: NDArray[np.float64] = middle - half * np.cos(np.pi * np.arange(n_points) / (n_points - 1))
    t[0], t[-1] = mu, L
    return t
