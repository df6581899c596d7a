"""A structure as arcs over its sequence, beside a known one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.drawing import (
    axes_for,
    check_matplotlib,
    color,
    legend,
    line_options,
)
from sklearn_reasoning.rna import pair_f1, read_structures

# Letters of more bases would touch one another.
_MOST_LETTERS = 100
_POINTS = 40


class StructureDisplay:
    """Arcs between paired bases, above the sequence; those of a known structure below it.

    Pairs that are in both are drawn in one colour, above those that are in one of the two alone in
    another. Where no structure is known, all arcs have one colour.

    Parameters
    ----------
    sequence : str
        The bases; up to 100 are written.
    structure : str or array-like of int of shape (m, 2)
        A dot-bracket string, or pairs i < j, counted from 0.
    known : str, array-like of int of shape (m, 2) or None, default=None
        The structure to compare with.

    Attributes
    ----------
    sequence : str
        As above.
    pairs : ndarray of int of shape (m, 2)
        Of ``structure``.
    known_pairs : ndarray of int of shape (m, 2) or None
        Of ``known``.
    f1 : float or None
        The F1 score of the pairs; None where no structure is known.
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : list of matplotlib Line2D
        The arcs above.
    known_lines_ : list of matplotlib Line2D
        The arcs below.

    Raises
    ------
    TypeError, ValueError
        If a structure is none of the sequence; the message numbers ``structure`` 0, ``known`` 1.

    Examples
    --------
    >>> from sklearn_reasoning.inspection import StructureDisplay
    >>> display = StructureDisplay("GGGGAAAACCCC", "((((....))))", known="(((......)))").plot()
    >>> len(display.lines_), len(display.known_lines_), round(display.f1, 3)
    (4, 3, 0.857)
    """

    def __init__(self, sequence: str, structure: Any, *, known: Any = None) -> None:
        self.sequence = sequence
        given = [structure] if known is None else [structure, known]
        pairs = read_structures(given, [len(sequence)] * len(given))
        self.pairs: NDArray[np.intp] = pairs[0]
        self.known_pairs: NDArray[np.intp] | None = None if known is None else pairs[1]
        self.f1 = None if known is None else pair_f1(pairs[1], pairs[0])

    def plot(self, ax: Any = None, *, line_kw: Mapping[str, Any] | None = None) -> Self:
        """Draw the arcs.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.
        line_kw : mapping of str to object, default=None
            For ``Axes.plot``.

        Returns
        -------
        StructureDisplay
            Itself, with ``ax_``, ``figure_``, ``lines_`` and ``known_lines_`` set.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sklearn_reasoning.inspection import StructureDisplay
        >>> StructureDisplay("GGGAAACCC", [[0, 8], [1, 7]]).plot().ax_.get_xlabel()
        'base, counted from 0'
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        (self.ax_,) = axes_for(ax, ["structure"])
        self.figure_ = self.ax_.figure
        known = self.known_pairs
        if ax is None:
            inches = float(np.clip(0.11 * len(self.sequence), 5.0, 14.0))
            self.figure_.set_size_inches(inches, 0.4 * inches if known is None else 0.62 * inches)
        options = line_options(line_kw)
        if known is None:
            self.lines_ = self._arcs(self.pairs, 1.0, lambda pair: color(0), options)
            self.known_lines_: list[Any] = []
        else:
            found, right = (set(map(tuple, own.tolist())) for own in (self.pairs, known))
            self.lines_ = self._arcs(
                self.pairs, 1.0, lambda pair: color(0) if pair in right else color(1), options
            )
            self.known_lines_ = self._arcs(
                known, -1.0, lambda pair: color(0) if pair in found else color(4), options
            )
            self._label(found, right)
        self._write_bases(below=known is not None)
        return self

    @classmethod
    @documented_like(plot)
    def from_estimator(
        cls,
        estimator: Any,
        sequence: str,
        *,
        known: Any = None,
        k: int | None = None,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Predict the structure of a sequence, and draw it.

        Parameters
        ----------
        estimator : fitted estimator
            A :class:`~sklearn_reasoning.HybridReasoningFolder`, or a search over one.
        sequence : str
            The bases.
        known : str, array-like of int of shape (m, 2) or None, default=None
            The structure to compare with.
        k : int or None, default=None
            Another number of steps than the one trained with.
        ax, line_kw

        Returns
        -------
        StructureDisplay
            Drawn.

        Raises
        ------
        TypeError
            If ``estimator`` is no folder.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``sequence`` or ``known`` is not what it should be.
        ImportError

        Examples
        --------
        >>> from sklearn_reasoning import HybridReasoningFolder
        >>> from sklearn_reasoning.datasets import make_hairpins
        >>> from sklearn_reasoning.inspection import StructureDisplay
        >>> sequences, structures = make_hairpins(8, random_state=0)
        >>> model = HybridReasoningFolder(
        ...     sequence_channels=8, sequence_layers=1, pair_channels=8, max_epochs=1,
        ...     random_state=0,
        ... ).fit(sequences, structures)
        >>> display = StructureDisplay.from_estimator(model, sequences[0], known=structures[0])
        >>> len(display.known_lines_) == len(display.known_pairs)
        True
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        folder = getattr(estimator, "best_estimator_", estimator)
        if not hasattr(folder, "predict_pairs"):
            raise TypeError(
                f"estimator={type(estimator).__name__} must be a fitted HybridReasoningFolder, or "
                "a search over one."
            )
        (pairs,) = folder.predict_pairs([sequence], k)
        return cls(sequence, pairs, known=known).plot(ax, line_kw=line_kw)

    def _arcs(
        self, pairs: NDArray[np.intp], side: float, color_of: Any, options: Mapping[str, Any]
    ) -> list[Any]:
        angle = np.linspace(0.0, np.pi, _POINTS)
        # Some way off the letters.
        gap = 0.02 * len(self.sequence) if self._has_letters() else 0.0
        lines = []
        for i, j in pairs.tolist():
            radius = 0.5 * (j - i)
            x, y = i + radius * (1.0 - np.cos(angle)), side * (gap + radius * np.sin(angle))
            look = {"color": color_of((i, j)), "linewidth": 1.1, **options}
            lines.extend(self.ax_.plot(x, y, **look))
        return lines

    def _has_letters(self) -> bool:
        return len(self.sequence) <= _MOST_LETTERS

    def _label(self, found: set[Any], right: set[Any]) -> None:
        from matplotlib.lines import Line2D

        counts = (
            (0, f"in both ({len(found & right)})"),
            (1, f"predicted only ({len(found - right)})"),
            (4, f"known only ({len(right - found)})"),
        )
        handles = [Line2D([], [], color=color(n), label=label) for n, label in counts]
        # Arcs fill the axes: the legend stands below.
        legend([self.ax_], handles, at_most_inside=2)

    def _write_bases(self, *, below: bool) -> None:
        ax, n = self.ax_, len(self.sequence)
        if self._has_letters():
            for place, letter in enumerate(self.sequence):
                ax.text(
                    place, 0.0, letter, ha="center", va="center", fontsize=7, family="monospace"
                )
        else:
            ax.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)
        ax.set_xlim(-1.0, n)
        ax.set_aspect("equal")
        ax.set_yticks([])
        ax.spines[["left", "right", "top"]].set_visible(False)
        ax.set_xlabel("base, counted from 0")
        if below:
            for height, name in ((0.98, "predicted"), (0.02, "known")):
                ax.text(
                    0.005, height, name, transform=ax.transAxes,
                    va="top" if height > 0.5 else "bottom",
                )  # fmt: skip
