"""The figure of a sweep: the gap against the setting that varies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_reasoning._support.drawing import LETTER, check_matplotlib, dashes
from sklearn_reasoning.experiments._claims import hidden_roles
from sklearn_reasoning.experiments._figures import (
    _draw_line,
    _in_order,
    _look,
    _new_figure,
    _share_y,
    _title,
    _what_bands_are,
    own_settings,
    save,
)
from sklearn_reasoning.experiments._measurements import Matrix, evenly_by_rank
from sklearn_reasoning.experiments._protocol import Protocol

from ._sweep import RATE, VARIED, gap_matrix, read_sweep

_MOST_K = 4  # there are as many line styles, and more lines are not told apart
_BESIDE_PANEL = 0.9  # inches, for labels and what is between panels
_LEGEND_LINE = 0.23  # inches
_BAND_ALPHA = 0.1  # up to four times as many bands as in other figures lie on one another
_GUIDE = {"color": "0.6", "linewidth": 1.0, "zorder": 0}


def draw_sweep(
    table: Mapping[str, Any], setting: str, folder: str | Path, protocol: Protocol
) -> list[Path]:
    """Draw the gap against the setting that varies, as PNG and SVG, and return their paths.

    There is a panel for each hidden size, and a line for each algorithm and k with a band of one
    standard error. Of more than four k the smallest, the largest and two between are drawn. An
    axis is logarithmic if all that it shows is above 0. Against ``n_samples`` a grey line has
    the slope -1/2. The order of the protocol's algorithms decides colours and markers. The same
    table gives the same bytes.
    """
    check_matplotlib("Drawing figures")
    with own_settings():
        return save(sweep_figure_of(table, setting, protocol), folder, f"sweep_{setting}")


def sweep_figure_of(table: Mapping[str, Any], setting: str, protocol: Protocol) -> Any:
    """Return a matplotlib figure; see :func:`draw_sweep`.

    The label of a line is its algorithm and k, such as "gd, k = 1".
    """
    by_value = read_sweep(table, setting)
    values = list(by_value)
    data = by_value[values[0]]
    roles = hidden_roles(protocol.q_hidden)
    algos = _in_order(data.algos, protocol)
    shown_k = evenly_by_rank(data.k, _MOST_K)
    drawn, axes = _new_figure(len(data.q_hidden), len(data.q_hidden))
    inches = drawn.get_size_inches()[0] / len(axes) - _BESIDE_PANEL
    for ax, q_hidden in zip(axes, data.q_hidden, strict=True):
        for place, k in enumerate(shown_k):
            for number, algo in algos.items():
                gaps = gap_matrix(by_value, algo, q_hidden, k)
                _draw_line(ax, values, gaps, number, _name(algo, k), dashes(place))
        for band in ax.collections:
            band.set_alpha(_BAND_ALPHA)
        ax.set_title(_title(q_hidden, roles), fontsize="medium")
        _scale(ax, setting, values, inches)
        if setting == "n_samples":
            _draw_guide(ax, values)
    _share_y(axes)
    _finish_log_axes(axes)
    heading = f"Generalisation gap against the {VARIED[setting].title}\n{_what_bands_are(data)}"
    if setting == "n_samples":
        heading += "; grey: falls like n^(-1/2)"
    drawn.suptitle(heading, fontsize="medium")
    _add_legend(drawn, algos, shown_k)
    return drawn


def _name(algo: str, k: int) -> str:
    return f"{algo}, k = {k}"


def _scale(ax: Any, setting: str, values: Sequence[float], inches: float) -> None:
    """Give a panel its labels and the scales of its axes."""
    from matplotlib.ticker import NullLocator

    ax.set(xlabel=VARIED[setting].label, ylabel="generalisation gap, units of y")
    ax.grid(color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)
    means = _means(ax)
    if means and min(means) > 0.0:
        ax.set_yscale("log")
    else:
        ax.axhline(0.0, **_GUIDE)
    places = np.array(values)
    if places.min() > 0.0:
        ax.set_xscale("log")
        places = np.log(places)
    share = (places - places[0]) / max(np.ptp(places), np.finfo(float).tiny)
    ax.set_xticks(values, labels=_labels(values, share * inches))
    ax.xaxis.set_minor_locator(NullLocator())


def _means(ax: Any) -> list[float]:
    return [
        mean
        for line in ax.lines
        if not line.get_label().startswith("_")
        for mean in line.get_ydata()
    ]


def _labels(values: Sequence[float], places: Matrix) -> list[str]:
    """Return what is written at each value: nothing where it would touch its neighbour."""
    texts = [f"{value:g}" for value in values]
    halves = [LETTER * (1 + len(text)) / 2 for text in texts]
    last = len(texts) - 1
    written = [0]
    for i in range(1, last + 1):
        # The ends are always written.
        beside = (written[-1],) if i == last else (written[-1], last)
        if i == last or all(abs(places[j] - places[i]) > halves[i] + halves[j] for j in beside):
            written.append(i)
    return [text if i in written else "" for i, text in enumerate(texts)]


def _draw_guide(ax: Any, values: Sequence[float]) -> None:
    """Draw n^(-1/2), from above where the curves begin so that it is seen."""
    lines = [line for line in ax.lines if not line.get_label().startswith("_")]
    start = max((line.get_ydata()[0] for line in lines), default=0.0)
    if start > 0.0:
        x = np.geomspace(values[0], values[-1])
        ax.plot(x, 1.25 * start * (x / values[0]) ** RATE, label="_guide", **_GUIDE)


def _finish_log_axes(axes: Sequence[Any]) -> None:
    """Cut bands that come near 0, where they would have no end, and write plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    for ax in axes:
        if ax.get_yscale() != "log":
            continue
        together = ax.get_shared_y_axes().get_siblings(ax)
        lowest = min(mean for other in together for mean in _means(other))
        ax.set_ylim(bottom=max(ax.get_ylim()[0], 0.5 * lowest))
        low, high = ax.get_ylim()
        decades = np.log10(high / low)
        locator = LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.0 else (1.0,))
        # Less than a decade may hold one such tick, or none.
        ax.yaxis.set_major_locator(MaxNLocator(5) if decades < 1.0 else locator)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())


def _add_legend(figure: Any, algos: Mapping[int, str], shown_k: Sequence[int]) -> None:
    """Draw the legend below, a column a k, and make the figure as large as that needs."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], label=_name(algo, k), **_look(number, dashes(place)))
        for place, k in enumerate(shown_k)
        for number, algo in algos.items()
    ]
    longest = max(len(_name(algo, k)) for algo in algos.values() for k in shown_k)
    width, height = figure.get_size_inches()
    # A line with its margins takes as much as eleven letters.
    needed = LETTER * len(shown_k) * (11 + longest)
    figure.set_size_inches(max(width, needed), height + _LEGEND_LINE * len(algos))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(shown_k),
        # Long enough for two of the longest dashes; the markers would hide shorter ones.
        handlelength=4.5,
    )
