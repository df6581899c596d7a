"""What is certified of a fitted model, against what it does on rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.drawing import (
    axes_for,
    check_matplotlib,
    check_yscale,
    color,
    drawable,
    line_options,
    scale_y,
    whole_ticks,
)
from sklearn_reasoning.properties import (
    Certificate,
    ModelCertificate,
    certify,
    convergence_of,
    model_of,
)

from ._property_curves import rising_steps

_PANELS = ("distance to the minimiser", "spectrum of Q")


class CertificateDisplay:
    r"""The certificate of a fitted model against what is measured on rows.

    It is recommended to use :meth:`from_estimator`, which draws at once. The first panel shows
    how much of the distance to the exact minimiser of its own predicted energy each row has left
    after k steps, relative to that of its start, and the certified Cvg(k), which no row may
    exceed: for a single k as the share of rows at or below each distance, for several against k.
    The second shows the eigenvalues of :math:`Q_\theta(x)`, smallest to largest, over the rows,
    between mu and L.

    Parameters
    ----------
    certificate : ModelCertificate
        With ``rows``, from :func:`~sklearn_reasoning.properties.certify`.
    k : ndarray of int, of shape (n_k,), default=None
        Numbers of steps. None is the model's own.
    relative_distance : ndarray of shape (n_k, n), default=None
        The distance left, of each row. None is that of the certificate's rows.
    convergence : Certificate, default=None
        Cvg of shape (n_k,). None is that of the certificate.

    Attributes
    ----------
    certificate : ModelCertificate
        Of the model; ``certificate.rows.eigenvalues`` are drawn.
    k, relative_distance, convergence
        As above; always set.
    axes_ : ndarray of shape (2,) of matplotlib Axes
        Distances and spectrum.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure of ``ax_``.
    lines_ : list of matplotlib Line2D
        For a single k: shares of rows, certified Cvg. For several: the median, the largest, the
        certified Cvg. The certified line is missing if nothing is proven.
    eigenvalue_lines_ : list of matplotlib Line2D
        Medians of the eigenvalues, mu, L.

    Raises
    ------
    ValueError
        If the certificate has no rows, or the shapes do not fit.

    See Also
    --------
    sklearn_reasoning.properties.certify : The certificate itself.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> from sklearn_reasoning.inspection import CertificateDisplay
    >>> X, y = load_linnerud(return_X_y=True)
    >>> model = HybridReasoningRegressor(k=5, max_epochs=5, random_state=0).fit(X, y)
    >>> display = CertificateDisplay.from_estimator(model, X)
    >>> display.relative_distance.shape
    (1, 20)
    >>> bool(display.relative_distance.max() <= display.convergence.certified[0])
    True
    """

    def __init__(
        self,
        *,
        certificate: ModelCertificate,
        k: Any = None,
        relative_distance: Any = None,
        convergence: Certificate | None = None,
    ) -> None:
        if certificate.rows is None or not len(certificate.rows.relative_distance):
            raise ValueError("certificate must hold measured rows: pass X to certify.")
        own = certificate.convergence
        self.certificate = certificate
        self.k: NDArray[Any] = np.atleast_1d(certificate.k if k is None else k)
        self.relative_distance: NDArray[np.float64] = np.atleast_2d(
            certificate.rows.relative_distance if relative_distance is None else relative_distance
        )
        if convergence is None:
            convergence = Certificate(np.atleast_1d(own.attained), np.atleast_1d(own.certified))
        self.convergence = convergence
        sizes = {len(self.k), len(self.relative_distance), np.size(convergence.certified)}
        if len(sizes) > 1:
            raise ValueError(
                f"k, relative_distance and convergence must have one entry for each k; got "
                f"{len(self.k)}, {len(self.relative_distance)} and "
                f"{np.size(convergence.certified)}."
            )

    def plot(
        self,
        ax: Any = None,
        *,
        yscale: str = "log",
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw distances and spectrum.

        Parameters
        ----------
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Where to draw. None makes a new figure.
        yscale : {"log", "linear"}, default="log"
            Of the distances against several k. The shares of rows for a single k are linear.
        line_kw : mapping of str to object, default=None
            For ``Axes.plot``, of what is measured.

        Returns
        -------
        CertificateDisplay
            Itself, with ``axes_``, ``ax_``, ``figure_``, ``lines_`` and ``eigenvalue_lines_`` set.

        Raises
        ------
        ValueError
            If ``ax`` does not hold two Axes, or an option is unknown.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sklearn.datasets import load_linnerud
        >>> from sklearn_reasoning import HybridReasoningRegressor
        >>> from sklearn_reasoning.inspection import CertificateDisplay
        >>> X, y = load_linnerud(return_X_y=True)
        >>> model = HybridReasoningRegressor(max_epochs=5, random_state=0).fit(X, y)
        >>> display = CertificateDisplay(certificate=model.certify(X)).plot()
        >>> [ax.get_title() for ax in display.axes_]
        ['10 steps of nag on 20 rows', 'Eigenvalues of Q']
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        check_yscale(yscale)
        self.axes_ = axes_for(ax, _PANELS, panel_size=(4.6, 4.2))
        self.ax_, spectrum = self.axes_
        self.figure_ = self.ax_.figure
        options = line_options(line_kw)
        n_rows = f"{self.relative_distance.shape[1]:,} rows"
        name = self.certificate.layer.algorithm.name
        if len(self.k) == 1:
            self.lines_ = self._draw_shares(options)
            steps = "1 step" if self.k[0] == 1 else f"{self.k[0]} steps"
            self.ax_.set_title(f"{steps} of {name} on {n_rows}")
        else:
            self.lines_ = self._draw_over_k(options, yscale)
            self.ax_.set_title(f"{name} on {n_rows}, trained with k = {self.certificate.k}")
        self.ax_.legend()
        self.eigenvalue_lines_ = self._draw_spectrum(spectrum, options)
        return self

    @classmethod
    @documented_like(plot)
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        k: Any = None,
        ax: Any = None,
        yscale: str = "log",
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Certify a fitted model, measure it on X, and draw both.

        Parameters
        ----------
        estimator : fitted estimator
            A :class:`~sklearn_reasoning.HybridReasoningRegressor`, or a pipeline, search or
            TransformedTargetRegressor around one, as for
            :func:`~sklearn_reasoning.properties.certify`.
        X : array-like of shape (n, n_features)
            Rows to measure on.
        k : int, or array-like of int of shape (n_k,), default=None
            Other numbers of steps for the same energies. None is the model's own.
        ax, yscale, line_kw

        Returns
        -------
        CertificateDisplay
            Drawn.

        Raises
        ------
        TypeError
            If ``estimator`` holds no model of ours, or ``k`` is not whole.
        ValueError
            If X does not fit the model, ``k`` is negative or above the number of trained step
            sizes, or an option is unknown.
        NotFittedError
            If the estimator is not fitted.
        ImportError

        Examples
        --------
        >>> from sklearn.datasets import load_linnerud
        >>> from sklearn_reasoning import HybridReasoningRegressor
        >>> from sklearn_reasoning.inspection import CertificateDisplay
        >>> X, y = load_linnerud(return_X_y=True)
        >>> model = HybridReasoningRegressor("gd", k=5, max_epochs=5, random_state=0).fit(X, y)
        >>> display = CertificateDisplay.from_estimator(model, X, k=[1, 2, 4, 8])
        >>> median, largest, certified = display.lines_
        >>> bool((largest.get_ydata() <= certified.get_ydata()).all())
        True
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        check_yscale(yscale)
        if X is None:
            raise ValueError("X=None must be the rows to measure on.")
        steps = None if k is None else rising_steps(k)
        model, rows = model_of(estimator, X)
        certificate = certify(model, rows)
        if steps is None:
            display = cls(certificate=certificate)
        else:
            layer = certificate.layer
            # Before the measurement: it refuses more steps than there are step sizes for.
            bounds = convergence_of(layer, steps)
            measured = [model._measure_rows(rows, number) for number in steps.tolist()]
            display = cls(
                certificate=certificate,
                k=steps,
                relative_distance=np.stack([each.relative_distance for each in measured]),
                convergence=bounds,
            )
        return display.plot(ax, yscale=yscale, line_kw=line_kw)

    def _draw_shares(self, options: Mapping[str, Any]) -> list[Any]:
        """Draw the share of rows at or below each distance: no bins to choose."""
        distances = np.sort(self.relative_distance[0])
        shares = np.arange(1, len(distances) + 1) / len(distances)
        look = {"color": color(0), "drawstyle": "steps-post", "label": "measured"}
        lines = self.ax_.plot(
            np.r_[distances[0], distances], np.r_[0.0, shares], **{**look, **options}
        )
        certified = float(self.convergence.certified[0])
        if np.isfinite(certified):
            lines.append(
                self.ax_.axvline(
                    certified, color=color(1), linestyle="--", label=f"certified: {certified:.3g}"
                )
            )
        else:
            self._say_that_nothing_is_proven()
        # A row that begins at its minimiser and leaves it has no share of the way left: inf.
        shown = [*distances[np.isfinite(distances)], certified if np.isfinite(certified) else 0.0]
        highest = max(shown)
        widest = 1.08 * highest if highest > 0.0 else 1.0
        self.ax_.set_xlim(-0.02 * widest, widest)
        self.ax_.set_ylim(0.0, 1.02)
        self.ax_.set_xlabel("share of the distance to the minimiser left")
        self.ax_.set_ylabel("share of rows with at most this")
        return lines

    def _draw_over_k(self, options: Mapping[str, Any], yscale: str) -> list[Any]:
        distances, certified = self.relative_distance, self.convergence.certified
        lines = []
        for values, marker, label in (
            (np.median(distances, axis=1), "o", "measured, median row"),
            (distances.max(axis=1), "^", "measured, worst row"),
        ):
            look = {"color": color(0), "marker": marker, "markersize": 4, "label": label}
            look["linestyle"] = "-" if marker == "o" else ":"
            lines.extend(self.ax_.plot(self.k, drawable(values), **{**look, **options}))
        if np.isfinite(certified).any():
            look = {"color": color(1), "linestyle": "--", "label": "certified"}
            lines.extend(self.ax_.plot(self.k, drawable(certified), **look))
        else:
            self._say_that_nothing_is_proven()
        scale_y(self.ax_, yscale)
        self.ax_.set_xlabel("steps k")
        whole_ticks(self.ax_)
        self.ax_.set_ylabel("share of the distance to the minimiser left")
        return lines

    def _say_that_nothing_is_proven(self) -> None:
        self.ax_.plot([], [], color=color(1), linestyle="--", label="certified: nothing proven")

    def _draw_spectrum(self, ax: Any, options: Mapping[str, Any]) -> list[Any]:
        rows = self.certificate.rows
        assert rows is not None  # the constructor refuses a certificate without rows
        eigenvalues = np.sort(rows.eigenvalues, axis=1)
        place = np.arange(1, eigenvalues.shape[1] + 1)
        low, high = eigenvalues.min(axis=0), eigenvalues.max(axis=0)
        ax.vlines(place, low, high, color=color(0), alpha=0.4, linewidth=4, label="all rows")
        look = {"color": color(0), "marker": "o", "markersize": 4, "linestyle": ""}
        lines = ax.plot(
            place, np.median(eigenvalues, axis=0), label="median", **{**look, **options}
        )
        for name, value in (("mu", self.certificate.mu), ("L", self.certificate.L)):
            style = "--" if name == "mu" else "-."
            label = f"{name} = {value:.4g}"
            lines.append(ax.axhline(value, color=color(1), linestyle=style, label=label))
        if 20.0 * self.certificate.mu < self.certificate.L:
            ax.set_yscale("log")
        ax.set_xlim(0.5, len(place) + 0.5)
        whole_ticks(ax)
        ax.set_xlabel("rank, smallest first")
        ax.set_ylabel("eigenvalue")
        ax.set_title("Eigenvalues of Q")
        ax.legend()
        return lines
