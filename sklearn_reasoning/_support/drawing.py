"""What all displays share: axes, colours, looks and the place of the legend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

# Okabe and Ito's colours, which colour-blind readers tell apart, without their pale yellow.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_LINE_STYLES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))

_Curve = TypeVar("_Curve")

_HIGHEST = 1e100
LETTER = 0.083  # inches, at matplotlib's own size of letters


def color(number: int) -> str:
    """Return the colour of the first, second, ... line."""
    return _COLORS[number % len(_COLORS)]


def marker(number: int) -> str:
    """Return the marker of the first, second, ... line."""
    return _MARKERS[number % len(_MARKERS)]


def dashes(number: int) -> Any:
    """Return a line style, so that of two lines on one another both are seen."""
    return _LINE_STYLES[number % len(_LINE_STYLES)]


def axes_for(
    ax: Any, panels: Sequence[str], panel_size: tuple[float, float] = (4.4, 3.4)
) -> NDArray[Any]:
    """Return one Axes a panel: those given, or those of a new figure, of a size in inches.

    A ValueError, which names what is drawn, if there are more or fewer Axes than panels.
    """
    n_panels = len(panels)
    if ax is None:
        import matplotlib.pyplot as plt

        n_rows = 1 if n_panels <= 3 else 2
        n_columns = -(-n_panels // n_rows)
        if n_panels == 1:
            size = 6.4, 4.8
        else:
            # Of three panels or more the legend stands below.
            room = 0.9 if n_panels > 2 else 0.0
            size = panel_size[0] * n_columns, panel_size[1] * n_rows + room
        figure = plt.figure(figsize=size, layout="constrained")
        # Not subplots: with an odd number of panels one place of the grid stays empty.
        axes = [figure.add_subplot(n_rows, n_columns, i + 1) for i in range(n_panels)]
        return np.asarray(axes, dtype=object)
    return given_axes(ax, n_panels, str(list(panels)))


def has_room(axes: NDArray[Any] | Sequence[Any]) -> bool:
    """Return whether a figure is ours alone and makes room for what stands beside the axes."""
    figure = axes[0].figure
    return set(figure.axes) == set(axes) and figure.get_layout_engine() is not None


def legend(
    axes: NDArray[Any] | Sequence[Any], handles: Sequence[Any], *, at_most_inside: int = 3
) -> None:
    """Draw the one legend: below the axes where there are several or it is long."""
    if not handles:
        return
    if has_room(axes) and (len(axes) > 1 or len(handles) > at_most_inside):
        figure = axes[0].figure
        names = [handle.get_label() for handle in handles]
        n_columns = _n_columns(names, figure.bbox.width / figure.dpi)
        figure.legend(handles=handles, loc="outside lower center", ncols=n_columns)
    else:
        axes[-1].legend(handles=handles)


def _n_columns(labels: Sequence[str], inches: float) -> int:
    """Return how many columns of a legend fit into a width."""
    for n_columns in range(min(4, len(labels)), 1, -1):
        columns = np.array_split(np.array([len(label) for label in labels]), n_columns)
        # A line with its margins takes as much as eight letters.
        if LETTER * sum(8 + column.max() for column in columns) < inches:
            return n_columns
    return 1


def drawable(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return values with NaN for what is infinite or would overflow in matplotlib's limits."""
    return np.where(np.abs(values) < _HIGHEST, values, np.nan)


def scale_y(ax: Any, yscale: str) -> None:
    """Give the y axis its scale; a log one only where a line has a value above 0."""
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines])
    if yscale == "linear" or (np.isfinite(drawn) & (drawn > 0.0)).any():
        ax.set_yscale(yscale)


def whole_ticks(ax: Any) -> None:
    """Keep the ticks of the x axis on whole numbers."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def zero_line(ax: Any) -> None:
    """Draw a pale line at 0, below all else."""
    ax.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)


def line_options(line_kw: Mapping[str, Any] | None, artist: Any = None) -> dict[str, Any]:
    """Return options of an artist, a line by default, whose aliases do not clash with ours."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    options: dict[str, Any] = normalize_kwargs(dict(line_kw or {}), artist or Line2D)
    return options


def check_matplotlib(caller: str) -> None:
    """Raise an ImportError that says how to get matplotlib, if it is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib. Install it with pip install matplotlib, or with this "
            "package's extra [plot]."
        ) from error


def check_one_of(name: str, value: object, known: Sequence[object]) -> None:
    """Raise a ValueError that lists the options, for one that is unknown."""
    if value not in known:
        raise ValueError(f"{name}={value!r} is not one of {list(known)}.")


def check_yscale(yscale: object) -> None:
    """Raise a ValueError for an unknown scale of the y axis."""
    check_one_of("yscale", yscale, ("linear", "log"))


def at_least_one(curves: Iterable[_Curve], kind: str) -> list[_Curve]:
    """Return the curves that a display is made of; a ValueError if there is none."""
    found = list(curves)
    if not found:
        raise ValueError(f"curves must hold at least one {kind}, got none.")
    return found


def given_axes(ax: Any, n_panels: int, panels: str) -> NDArray[Any]:
    """Return the Axes that a user gives, one a panel; ``panels`` is for the message."""
    axes = np.asarray(ax, dtype=object).ravel()
    if len(axes) != n_panels:
        raise ValueError(
            f"ax must hold {n_panels} Axes, one for each panel, {panels}; got {len(axes)}."
        )
    return axes
