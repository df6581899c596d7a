"""What the display draws: the numbers of the gap table, in the right panel and line."""

import builtins

import matplotlib
import numpy as np
import pytest
from model_selection._gap_tables import PAPER_GRID, band_of, pooled, rows_of, table_of
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import ParameterGrid

from sklearn_reasoning.model_selection import GeneralizationGapDisplay

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


def test_a_panel_a_size_and_a_line_an_algorithm():
    table = table_of(ParameterGrid(PAPER_GRID))

    display = GeneralizationGapDisplay.from_table(table)

    assert [ax.get_title() for ax in display.axes_] == ["constant Q", "Q(x): hidden (16,)"]
    assert [(curve.panel, curve.line) for curve in display.curves] == [
        (None, "nag"),
        (None, "gd"),
        ((16,), "nag"),
        ((16,), "gd"),
    ]
    for curve, line, band in zip(
        display.curves, display.lines_, display.fill_between_, strict=True
    ):
        assert line.axes is band.axes is display.axes_[[None, (16,)].index(curve.panel)]
        rows = [
            row
            for k in (1, 2, 8)
            for row in rows_of(table, k=k, algo=curve.line, q_hidden=curve.panel)
        ]
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 8])
        np.testing.assert_allclose(line.get_ydata(), table["gap"][rows])
        low, high = band_of(band, 3)
        np.testing.assert_allclose(low, table["gap"][rows] - table["gap_std"][rows])
        np.testing.assert_allclose(high, table["gap"][rows] + table["gap_std"][rows])


def test_an_algorithm_looks_the_same_in_every_panel_and_the_legend_comes_once():
    display = GeneralizationGapDisplay.from_table(table_of(ParameterGrid(PAPER_GRID)))

    looks = {(line.get_label(), line.get_color(), line.get_marker()) for line in display.lines_}
    assert len(looks) == len({label for label, *_ in looks}) == 2
    legends = [*display.figure_.legends, *(ax.get_legend() for ax in display.axes_)]
    (legend,) = [legend for legend in legends if legend is not None]
    assert [text.get_text() for text in legend.get_texts()] == ["nag", "gd"]
    assert [ax.get_ylabel() for ax in display.axes_] == ["generalisation gap (loss)", ""]
    assert [ax.get_xlabel() for ax in display.axes_] == ["k", "k"]
    low, high = display.axes_[0].get_ylim()
    assert display.axes_[1].get_ylim() == (low, high)


@pytest.mark.parametrize("seed_name", ["random_state", "model__random_state", "seed"])
def test_seeds_are_pooled_with_the_splits(seed_name):
    table = table_of(ParameterGrid({"k": [1, 2], seed_name: [0, 1, 2]}))

    display = GeneralizationGapDisplay.from_table(table)

    (curve,), (line,), (band,) = display.curves, display.lines_, display.fill_between_
    for point, k in enumerate((1, 2)):
        for part, name in [
            ("gap", "gap"),
            ("empirical", "empirical_loss"),
            ("held_out", "held_out_loss"),
        ]:
            values = pooled(table, rows_of(table, k=k), name)
            assert values.size == curve.n_values[point] == 9
            np.testing.assert_allclose(getattr(curve, part)[point], values.mean())
            np.testing.assert_allclose(getattr(curve, f"{part}_std")[point], values.std())
    np.testing.assert_array_equal(line.get_ydata(), curve.gap)
    low, high = band_of(band, 2)
    np.testing.assert_allclose((high - low) / 2, curve.gap_std)


@pytest.mark.parametrize(("kind", "best"), [("loss", np.argmin), ("score", np.argmax)])
def test_of_other_parameters_the_best_held_out_is_kept(kind, best):
    table = table_of(
        ParameterGrid({"k": [1, 2], "lr": [0.1, 0.01], "random_state": [0, 1]}), kind=kind
    )

    (curve,) = GeneralizationGapDisplay.from_table(table).curves

    for point, k in enumerate((1, 2)):
        candidates = [rows_of(table, k=k, lr=lr) for lr in (0.1, 0.01)]
        means = [pooled(table, rows, f"held_out_{kind}").mean() for rows in candidates]
        chosen = int(best(means))
        assert curve.others[point] == {"lr": (0.1, 0.01)[chosen]}
        np.testing.assert_allclose(
            curve.gap[point], pooled(table, candidates[chosen], "gap").mean()
        )


def test_losses_are_a_solid_and_a_dashed_line_with_the_gap_between():
    table = table_of(ParameterGrid({"algo": ["gd", "nag"], "k": [1, 4]}))

    display = GeneralizationGapDisplay.from_table(table, kind="losses")

    assert len(display.lines_) == 4
    for i, algo in enumerate(("gd", "nag")):
        held_out, empirical = display.lines_[2 * i : 2 * i + 2]
        rows = rows_of(table, algo=algo)
        assert (held_out.get_linestyle(), empirical.get_linestyle()) == ("-", "--")
        np.testing.assert_allclose(held_out.get_ydata(), table["held_out_loss"][rows])
        np.testing.assert_allclose(empirical.get_ydata(), table["empirical_loss"][rows])
        low, high = band_of(display.fill_between_[i], 2)
        np.testing.assert_allclose(low, table["empirical_loss"][rows])
        np.testing.assert_allclose(high, table["held_out_loss"][rows])
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["gd", "nag", "held out", "empirical"]
    assert display.ax_.get_ylabel() == "loss"


@pytest.mark.parametrize("kind", ["gap", "losses"])
def test_error_bars_in_place_of_bands(kind):
    table = table_of(ParameterGrid({"k": [1, 4]}))

    display = GeneralizationGapDisplay(table=table).plot(kind=kind, std_display_style="errorbar")

    assert display.lines_ is None
    assert display.fill_between_ is None
    names = ["gap"] if kind == "gap" else ["held_out_loss", "empirical_loss"]
    for bars, name in zip(display.errorbar_, names, strict=True):
        line, _, (segments,) = bars.lines
        np.testing.assert_allclose(line.get_ydata(), table[name])
        ends = np.array([segment[:, 1] for segment in segments.get_segments()])
        np.testing.assert_allclose(ends[:, 0], table[name] - table[f"{name}_std"])
        np.testing.assert_allclose(ends[:, 1], table[name] + table[f"{name}_std"])


def test_lines_alone():
    display = GeneralizationGapDisplay.from_table(
        table_of(ParameterGrid({"k": [1, 4]})), std_display_style=None
    )

    assert len(display.lines_) == 1
    assert display.fill_between_ is None
    assert display.errorbar_ is None
    assert not display.ax_.collections


def test_scores_are_called_scores():
    table = table_of(ParameterGrid({"k": [1, 4]}), kind="score")

    display = GeneralizationGapDisplay.from_table(table)
    assert display.ax_.get_ylabel() == "generalisation gap (score)"
    np.testing.assert_allclose(display.lines_[0].get_ydata(), table["gap"])
    display.plot(kind="losses", score_name="accuracy")
    assert display.ax_.get_ylabel() == "accuracy"
    np.testing.assert_allclose(display.lines_[0].get_ydata(), table["held_out_score"])


@pytest.mark.parametrize(
    ("values", "scale"),
    [([1, 2, 3], "linear"), ([1, 5, 20], "linear"), ([1, 2, 50], "log"), ([0, 1, 50], "symlog")],
)
def test_wide_ranges_get_a_log_axis_as_in_scikit_learn(values, scale):
    display = GeneralizationGapDisplay.from_table(table_of(ParameterGrid({"k": values})))

    assert display.ax_.get_xscale() == scale
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == [
        str(value) for value in values
    ]


# Where to draw


def test_axes_that_are_given_are_drawn_on():
    table = table_of(ParameterGrid(PAPER_GRID))
    figure, axes = plt.subplots(2, 1)

    display = GeneralizationGapDisplay.from_table(table, ax=axes)

    assert display.axes_.tolist() == list(axes)
    assert display.ax_ is axes[0]
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert axes[0].get_legend() is None
    assert axes[1].get_legend() is not None
    assert not figure.legends


def test_one_panel_takes_one_axes():
    _, ax = plt.subplots()

    display = GeneralizationGapDisplay(table=table_of(ParameterGrid({"k": [1, 2]})))

    assert display.plot(ax) is display
    assert display.ax_ is ax
    assert display.lines_[0] in ax.lines
    assert ax.get_legend() is None  # of a single gap there is nothing to tell apart


@pytest.mark.parametrize("n_axes", [1, 3])
def test_as_many_axes_as_panels(n_axes):
    display = GeneralizationGapDisplay(table=table_of(ParameterGrid(PAPER_GRID)))
    _, axes = plt.subplots(1, n_axes)

    with pytest.raises(ValueError, match=rf"ax must hold 2 Axes, .*q_hidden.*; got {n_axes}"):
        display.plot(axes)


@pytest.mark.parametrize("n_lines", [2, 9])
def test_a_long_legend_stands_beside_the_axes(n_lines):
    table = table_of(ParameterGrid({"lr": list(range(n_lines)), "k": [1, 2]}))

    display = GeneralizationGapDisplay.from_table(table, line="lr")

    assert len(display.figure_.legends) == (n_lines > 5)
    assert (display.ax_.get_legend() is None) == (n_lines > 5)


def test_plotting_again_makes_a_figure_of_its_own():
    display = GeneralizationGapDisplay.from_table(table_of(ParameterGrid(PAPER_GRID)))
    first, lines = display.figure_, display.lines_

    display.plot(kind="losses")

    assert display.figure_ is not first
    assert len(lines) == len(first.axes[0].lines) + len(first.axes[1].lines) - 2  # two zero lines
    assert len(display.lines_) == 8


def test_figures_without_pyplot_do():
    from matplotlib.figure import Figure

    figure = Figure()
    display = GeneralizationGapDisplay(table=table_of(ParameterGrid({"k": [1, 2]})))
    display.plot(figure.subplots(), kind="losses")

    assert display.figure_ is figure
    assert plt.get_fignums() == []


def test_styles_are_handed_on_and_their_aliases_understood():
    display = GeneralizationGapDisplay(table=table_of(ParameterGrid({"k": [1, 2]})))

    display.plot(line_kw={"c": "red", "lw": 7}, fill_between_kw={"color": "red", "alpha": 0.5})
    assert (display.lines_[0].get_color(), display.lines_[0].get_linewidth()) == ("red", 7)
    np.testing.assert_allclose(display.fill_between_[0].get_facecolor(), [[1, 0, 0, 0.5]])
    display.plot(std_display_style="errorbar", errorbar_kw={"ls": ":", "capsize": 1})
    assert display.errorbar_[0].lines[0].get_linestyle() == ":"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "loss"}, r"kind='loss' is not one of \['gap', 'losses'\]"),
        ({"std_display_style": "bar"}, r"std_display_style='bar' is not one of .*'errorbar', None"),
    ],
)
def test_unknown_options_list_the_known(options, message):
    display = GeneralizationGapDisplay(table=table_of(ParameterGrid({"k": [1, 2]})))

    with pytest.raises(ValueError, match=message):
        display.plot(**options)
    assert plt.get_fignums() == []


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    table = table_of(ParameterGrid({"k": [1, 2]}))
    real_import = builtins.__import__

    def no_matplotlib(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)

    display = GeneralizationGapDisplay(table=table)  # the numbers need none
    with pytest.raises(ImportError, match=r"Display.plot needs matplotlib\. .*\[plot\]"):
        display.plot()
    with pytest.raises(ImportError, match=r"Display.from_estimator needs"):
        GeneralizationGapDisplay.from_estimator(None, None, None, param_range=[1])
