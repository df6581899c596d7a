"""How the curves of a gap display look."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_reasoning._support.drawing import (
    check_one_of,
    color,
    given_axes,
    line_options,
    marker,
    zero_line,
)

from ._curves import Arrangement, GapCurve

_KINDS = ("gap", "losses")
_STYLES = ("fill_between", "errorbar", None)


def check_options(kind: str, std_display_style: str | None) -> None:
    """Raise a ValueError that lists the options, for one that is unknown."""
    check_one_of("kind", kind, _KINDS)
    check_one_of("std_display_style", std_display_style, _STYLES)


def axes_for(arranged: Arrangement, ax: Any) -> NDArray[Any]:
    """Return one Axes a panel: those given, or those of a new figure."""
    n_panels = len(arranged.panels)
    if ax is None:
        import matplotlib.pyplot as plt

        width = 6.4 if n_panels == 1 else 1.5 + 3.8 * n_panels
        _, axes = plt.subplots(
            1, n_panels, figsize=(width, 4.4), sharey=True, squeeze=False, layout="constrained"
        )
        return axes[0]
    return given_axes(ax, n_panels, f"{arranged.panel} in {arranged.panels}")


class Artists(NamedTuple):
    """What is drawn: one or two lines or bars a curve, and a band a curve."""

    lines: list[Any]
    bands: list[Any]
    bars: list[Any]


def draw(
    arranged: Arrangement,
    axes: NDArray[Any],
    *,
    kind: str,
    std_display_style: str | None,
    line_kw: Mapping[str, Any] | None,
    fill_between_kw: Mapping[str, Any] | None,
    errorbar_kw: Mapping[str, Any] | None,
) -> Artists:
    """Draw all curves."""
    from matplotlib.collections import PolyCollection

    line_kw, errorbar_kw = line_options(line_kw), line_options(errorbar_kw)
    fill_between_kw = line_options(fill_between_kw, PolyCollection)
    artists = Artists([], [], [])
    for curve in arranged.curves:
        ax = axes[arranged.panels.index(curve.panel)]
        look = _look(arranged, curve)
        for part, linestyle in _parts(kind):
            mean, std = getattr(curve, part), getattr(curve, f"{part}_std")
            style = {**look, "linestyle": linestyle, "label": _label(arranged, curve, part)}
            if std_display_style == "errorbar":
                bar = ax.errorbar(curve.x, mean, std, **{**style, "capsize": 3, **errorbar_kw})
                artists.bars.append(bar)
            else:
                artists.lines.extend(ax.plot(curve.x, mean, **{**style, **line_kw}))
        if std_display_style == "fill_between":
            paint = {"alpha": 0.15, "linewidth": 0, **fill_between_kw}
            if "color" not in paint:
                paint.setdefault("facecolor", look["color"])
            low, high = (
                (curve.gap - curve.gap_std, curve.gap + curve.gap_std)
                if kind == "gap"
                else (curve.empirical, curve.held_out)
            )
            artists.bands.append(ax.fill_between(curve.x, low, high, **paint))
    return artists


def _parts(kind: str) -> Sequence[tuple[str, str]]:
    return [("gap", "-")] if kind == "gap" else [("held_out", "-"), ("empirical", "--")]


def _look(arranged: Arrangement, curve: GapCurve) -> dict[str, Any]:
    number = arranged.lines.index(curve.line)
    return {
        "color": color(number),
        "marker": marker(number),
        "markersize": 5,
    }


def _label(arranged: Arrangement, curve: GapCurve, part: str) -> str:
    names = [] if arranged.line is None else [_line_name(arranged.line, curve.line)]
    if part != "gap" or not names:
        names.append(_words(part))
    return ", ".join(names)


def decorate(
    arranged: Arrangement,
    artists: Artists,
    axes: NDArray[Any],
    kind: str,
    score_name: str,
    *,
    own_figure: bool,
) -> None:
    """Give the axes their titles, labels, ticks and the one legend."""
    for ax, panel in zip(axes, arranged.panels, strict=True):
        _scale(ax, np.unique(np.concatenate([curve.x for curve in arranged.curves])))
        ax.set_xlabel(_short(arranged.x))
        if arranged.panel is not None:
            ax.set_title(_title(arranged.panel, panel))
        if kind == "gap":
            zero_line(ax)
    axes[0].set_ylabel(score_name if kind == "losses" else f"generalisation gap ({score_name})")
    entries = _legend(arranged, artists, _parts(kind))
    # Beside the axes a legend hides nothing, but only in a figure of ours is there room.
    if own_figure and entries and (len(axes) > 1 or len(entries) > 5):
        axes[0].figure.legend(entries.values(), entries.keys(), loc="outside right upper")
    elif entries:
        axes[-1].legend(entries.values(), entries.keys())


def _line_name(name: str, value: Any) -> str:
    return str(value) if _short(name) == "algo" else f"{_short(name)} = {value}"


def _words(part: str) -> str:
    return part.replace("_", " ")


def _short(name: str) -> str:
    return name.rpartition("__")[2]


def _title(name: str, value: Any) -> str:
    if _short(name) != "q_hidden" or isinstance(value, str):
        return f"{_short(name)} = {value}"
    if value is None:
        return "constant Q"
    return f"Q(x): hidden {value}" if value else "Q(x): linear"


def _scale(ax: Any, x: NDArray[np.float64]) -> None:
    # scikit-learn's displays go by the same ratio.
    steps = np.diff(x)
    wide = len(steps) > 0 and steps.max() > 5 * steps.min()
    ax.set_xscale(("symlog" if x[0] <= 0 else "log") if wide else "linear")
    if len(x) <= 10:
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.minorticks_off()


def _legend(
    arranged: Arrangement, artists: Artists, parts: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Return an artist for each line, the same in all panels, and one for each part of two."""
    from matplotlib.lines import Line2D

    entries = {}
    if arranged.line is not None:
        of_curves = [curve.line for curve in arranged.curves]
        firsts = (artists.lines or artists.bars)[:: len(parts)]
        for line in arranged.lines:
            entries[_line_name(arranged.line, line)] = firsts[of_curves.index(line)]
    if len(parts) > 1:
        for part, linestyle in parts:
            entries[_words(part)] = Line2D([], [], color="0.3", ls=linestyle)
    return entries
