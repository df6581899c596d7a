"""The paper's figures 2 to 6, drawn from the tables of a study."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_reasoning._runs.atomic_files import write_atomically
from sklearn_reasoning._support.drawing import (
    check_matplotlib,
    color,
    dashes,
    legend,
    marker,
    zero_line,
)
from sklearn_reasoning.algorithms import get_algorithm

from ._certified import certified_table
from ._claims import check_figure, hidden_roles, read_table
from ._measurements import Matrix, Measurements
from ._protocol import Protocol

TITLES = {
    "fig2": "Figure 2: what the theory certifies, against k",
    "fig3": "Figure 3: empirical loss against k",
    "fig4": "Figure 4: distance of Q_theta to Q* against k",
    "fig5": "Figure 5: generalisation gap against k",
    "fig6": "Figure 6: Q and b given, only the algorithm is trained",
    "fig7": "Figure 7: image denoising, generalisation gap against k",
}
_DPI = 150
_WIDE = 100  # a larger ratio of k gets a log axis


@dataclass(frozen=True)
class Panel:
    """One pair of axes: what is drawn, and how it is labelled."""

    title: str
    ylabel: str
    column: str
    q_hidden: int = 0
    is_log: bool = False


def draw(
    figure: str, table: Mapping[str, Any] | None, folder: str | Path, protocol: Protocol
) -> list[Path]:
    """Draw a figure of the paper as PNG and SVG, and return their paths.

    Fig. 2 comes from the protocol alone; the others' tables are as for ``claims_of``. The order of
    the protocol's algorithms decides colours and markers. The same table gives the same bytes.
    """
    check_figure(figure)
    check_matplotlib("Drawing figures")
    with own_settings():
        return save(figure_of(figure, table, protocol), folder, figure)


def save(drawn: Any, folder: str | Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG; the same figure gives the same bytes."""
    paths = []
    for form, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        content = io.BytesIO()
        drawn.savefig(content, format=form, dpi=_DPI, metadata=metadata)
        paths.append(Path(folder) / f"{name}.{form}")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        write_atomically(paths[-1], content.getvalue())
    return paths


@contextmanager
def own_settings() -> Iterator[None]:
    """Draw with matplotlib's defaults, whatever the user's are, and put those back."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        # Without a salt of its own an SVG gets random ids.
        matplotlib.rcParams["svg.hashsalt"] = "sklearn_reasoning"
        yield


def figure_of(figure: str, table: Mapping[str, Any] | None, protocol: Protocol) -> Any:
    """Return a matplotlib figure; see :func:`draw`.

    Each algorithm is a line whose label is its name, in every panel in which it has values.
    """
    if figure == "fig2":
        return _theory(protocol)
    if table is None:
        raise ValueError(f"{figure} needs a table, got None.")
    data = read_table(figure, table)
    panels = _panels(figure, data, protocol)
    algos = _in_order(data.algos, protocol)
    n_columns = len(data.q_hidden) if figure != "fig6" else len(panels)
    drawn, axes = _new_figure(len(panels), n_columns)
    for ax, panel in zip(axes, panels, strict=True):
        for number, algo in algos.items():
            matrix = data.matrix(panel.column, algo, panel.q_hidden)
            _draw_line(ax, data.k, matrix, number, algo)
        if panel.column == "gap":
            zero_line(ax)
        _label(ax, panel, data.k)
    for first in range(0, len(axes), n_columns):
        if figure != "fig6":
            _share_y(axes[first : first + n_columns])
    _finish(drawn, axes, algos, f"{TITLES[figure]}\n{_what_bands_are(data)}")
    return drawn


def _panels(figure: str, data: Measurements, protocol: Protocol) -> list[Panel]:
    if figure == "fig6":
        return [
            Panel("", "empirical loss ||y - f(x)||, units of y", "train_loss", is_log=True),
            Panel("", "generalisation gap, units of y", "gap"),
        ]
    roles = hidden_roles(protocol.q_hidden) if figure == "fig5" else {}
    wanted = {
        "fig3": [("train_loss", "empirical loss ||y - f(x)||, units of y", True)],
        "fig4": [
            ("q_spectral", "mean ||Q_theta - Q*||, spectral", False),
            ("q_frobenius", "mean ||Q_theta - Q*||, Frobenius", False),
        ],
        "fig5": [("gap", "generalisation gap, units of y", False)],
    }[figure]
    return [
        Panel(_title(q_hidden, roles), label, column, q_hidden, is_log)
        for column, label, is_log in wanted
        for q_hidden in data.q_hidden
    ]


def _title(q_hidden: int, roles: Mapping[int, str]) -> str:
    size = f"{q_hidden} hidden units" if q_hidden else "0 hidden units (linear)"
    return f"{size}\n{roles[q_hidden]}" if q_hidden in roles else size


def _theory(protocol: Protocol) -> Any:
    table = {name: np.array(column) for name, column in certified_table(protocol).items()}
    k = sorted(protocol.k)
    algos = _in_order(sorted(set(table["algo"])), protocol)
    drawn, axes = _new_figure(3, 3)
    # Shares of what the exact minimiser has, so that both kinds of Stab fit into one panel.
    shares = {"b": protocol.mu, "Q": protocol.mu**2}
    for number, algo in algos.items():
        rows = table["algo"] == algo
        _draw_line(axes[0], k, table["convergence"][rows][None], number, algo, "-")
        for (where, share), style in zip(shares.items(), ("-", (0, (5, 2))), strict=True):
            for ax, name in zip(axes[1:], ("stability", "product"), strict=True):
                values = share * table[f"{name}_in_{where}"][rows][None]
                if 2 * np.isfinite(values).sum() <= len(k):
                    continue  # what is proven at few k only is often far above all curves
                _draw_line(ax, k, values, number, f"{algo}, in {where}", style)
    for ax, title, ylabel in zip(
        axes,
        ("convergence Cvg", "stability Stab", "Stab x Cvg"),
        ("share of the distance left", "share of the exact minimiser's Stab", "product of the two"),
        strict=True,
    ):
        _label(ax, Panel(title, ylabel, ""), k)
        zero_line(ax)
    heading = (
        f"{TITLES['fig2']}\nspectra in [{protocol.mu:g}, {protocol.L:g}], step size 1/L; "
        "solid: in b, dashed: in Q"
    )
    _finish(drawn, axes, algos, heading, "-")
    return drawn


def _in_order(algos: Sequence[str], protocol: Protocol) -> dict[int, str]:
    """Return the number of each algorithm, which is its colour and marker in all figures."""
    order = [get_algorithm(algo).name for algo in protocol.algos]
    order += [algo for algo in sorted(algos) if algo not in order]
    return {number: algo for number, algo in enumerate(order) if algo in algos}


def _new_figure(n_panels: int, n_columns: int) -> tuple[Any, list[Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n_rows = -(-n_panels // n_columns)
    size = max(6.0, 3.6 * n_columns), 3.1 * n_rows + 1.2
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(n_rows, n_columns, i + 1) for i in range(n_panels)]


def _draw_line(
    ax: Any, k: Sequence[float], matrix: Matrix, number: int, label: str, style: Any = None
) -> None:
    """Draw the mean over repetitions, and a band of one standard error."""
    n = np.isfinite(matrix).sum(axis=0)
    if not n.any():
        return
    shown = n > 0
    x, values, n = np.asarray(k)[shown], matrix[:, shown], n[shown]
    mean = np.nanmean(values, axis=0)
    ax.plot(x, mean, label=label, **_look(number, dashes(number) if style is None else style))
    if len(matrix) > 1:
        spread = np.nansum((values - mean) ** 2, axis=0)
        # With one value there is no error to show; the band has no width there.
        error = np.sqrt(spread / np.maximum(n - 1, 1) / n)
        ax.fill_between(x, mean - error, mean + error, color=color(number), alpha=0.2, linewidth=0)


def _look(number: int, style: Any) -> dict[str, Any]:
    return {
        "color": color(number),
        "marker": marker(number),
        # Each is smaller than the one below it, so that of equal lines both are seen.
        "markersize": max(3.0, 6.0 - 0.75 * number),
        "linewidth": 1.4,
        "linestyle": style,
    }


def _label(ax: Any, panel: Panel, k: Sequence[int]) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set(xlabel="steps k", ylabel=panel.ylabel)
    ax.set_title(panel.title, fontsize="medium")
    ax.grid(color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)
    drawn = [line.get_ydata() for line in ax.lines]
    if panel.is_log and drawn and min(values.min() for values in drawn) > 0.0:
        ax.set_yscale("log")
    if max(k) > _WIDE * max(1, min(k)):
        ax.set_xscale("symlog" if min(k) < 1 else "log")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def _share_y(axes: Sequence[Any]) -> None:
    """Give panels side by side one scale, so that heights can be compared."""
    if len({ax.get_yscale() for ax in axes}) > 1:
        return
    for ax in axes[1:]:
        ax.sharey(axes[0])
        ax.set_ylabel("")
    axes[0].autoscale(axis="y")


def _what_bands_are(data: Measurements) -> str:
    n = len(data.repetitions)
    if n == 1:
        return "one repetition"
    return f"mean of {n} repetitions; band: one standard error"


def _finish(
    figure: Any, axes: Sequence[Any], algos: Mapping[int, str], heading: str, style: Any = None
) -> None:
    from matplotlib.lines import Line2D

    figure.suptitle(heading, fontsize="medium")
    handles = [
        Line2D([], [], label=algo, **_look(number, dashes(number) if style is None else style))
        for number, algo in algos.items()
    ]
    legend(np.array(axes, dtype=object), handles, at_most_inside=0)
