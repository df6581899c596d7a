"""Bounds and gaps: plain columns in, the same numbers drawn."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from sklearn_reasoning.inspection import BoundDisplay

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

TABLE = {
    "algo": ["gd", "nag", "gd", "nag", "gd", "nag"],
    "k": [4, 4, 1, 1, 2, 2],
    "bound": [30.0, 20.0, 10.0, 9.0, 20.0, 21.0],
    "gap": [0.3, 0.2, 0.1, 0.3, 0.2, 0.1],
    "se": [0.03, 0.02, 0.01, 0.03, 0.02, 0.01],
}
ONE_LINE = {"k": [1, 2, 3, 4], "bound": [4.0, 3.0, 2.0, 1.0], "gap": [0.1, 0.2, 0.3, 0.4]}


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


@pytest.mark.parametrize("container", [dict, pd.DataFrame])
def test_a_line_a_name_sorted_by_k(container):
    display = BoundDisplay.from_table(container(TABLE), line="algo", gap_error="se")

    gd, nag = display.curves
    assert (gd.label, nag.label) == ("gd", "nag")
    np.testing.assert_array_equal(gd.x, [1, 2, 4])
    np.testing.assert_array_equal(gd.bound, [10, 20, 30])
    np.testing.assert_array_equal(nag.gap, [0.3, 0.1, 0.2])
    np.testing.assert_array_equal(nag.gap_error, [0.03, 0.01, 0.02])
    for curve, line, bars in zip(display.curves, display.lines_, display.errorbar_, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), curve.x)
        np.testing.assert_array_equal(line.get_ydata(), curve.bound)
        markers, _, (segments,) = bars
        np.testing.assert_array_equal(markers.get_ydata(), curve.gap)
        ends = np.array([segment[:, 1] for segment in segments.get_segments()])
        np.testing.assert_allclose(ends[:, 0], curve.gap - curve.gap_error)
        np.testing.assert_allclose(ends[:, 1], curve.gap + curve.gap_error)
        assert markers.get_color() == line.get_color()
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_xlabel() == "steps k"
    (legend,) = display.figure_.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "gd: bound, rank correlation 1.00",
        "gd: measured gap",
        "nag: bound, rank correlation -1.00",
        "nag: measured gap",
    ]


def test_rank_correlation_is_that_of_scipy():
    rng = np.random.default_rng(0)
    _, ax = plt.subplots()
    for _ in range(10):
        bound, gap = rng.integers(1, 5, 8).astype(float), rng.integers(1, 5, 8) / 10.0
        table = {"k": np.arange(8), "bound": bound, "gap": gap}
        display = BoundDisplay.from_table(table, ax=ax)
        expected = spearmanr(bound, gap).statistic
        assert display.curves[0].rank_correlation == pytest.approx(expected)


def test_gaps_that_are_missing_do_not_count():
    table = {"k": [1, 2, 3, 4], "bound": [1.0, 2.0, 3.0, np.inf], "gap": [0.1, np.nan, 0.2, 0.3]}

    display = BoundDisplay.from_table(table)

    (curve,) = display.curves
    assert curve.rank_correlation == pytest.approx(1.0)
    np.testing.assert_allclose(curve.looseness, [10.0, np.nan, 15.0, np.inf])
    # Where nothing is proven the line ends.
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [1.0, 2.0, 3.0, np.nan])


@pytest.mark.parametrize(
    "columns", [{"bound": [2.0, 2.0, 2.0, 2.0]}, {"gap": [np.nan, np.nan, np.nan, 0.1]}]
)
def test_without_a_rank_correlation_none_is_claimed(columns):
    display = BoundDisplay.from_table({**ONE_LINE, **columns})
    assert np.isnan(display.curves[0].rank_correlation)
    assert display.lines_[0].get_label() == "bound"


def test_a_log_axis_hides_gaps_that_are_not_positive_and_says_so():
    table = {**ONE_LINE, "gap": [0.1, -0.2, 0.0, 0.4], "se": [0.2, 0.1, 0.1, 0.1]}

    display = BoundDisplay.from_table(table, gap_error="se")
    display.figure_.canvas.draw()

    markers, *_ = display.errorbar_[0]
    np.testing.assert_array_equal(markers.get_ydata(), [0.1, np.nan, np.nan, 0.4])
    assert display.errorbar_[0].get_label() == "measured gap (2 of 4 not above 0)"
    low, high = display.ax_.get_ylim()
    assert (low, high) == (pytest.approx(0.1 / 3), pytest.approx(12.0))

    display = display.plot(yscale="linear")
    np.testing.assert_array_equal(display.errorbar_[0][0].get_ydata(), table["gap"])
    assert display.errorbar_[0].get_label() == "measured gap"


def test_other_columns_own_axes_and_styles():
    figure, ax = plt.subplots()
    table = {"n": [10, 20], "eq_18": [3.0, 2.0], "measured": [0.3, 0.2]}

    display = BoundDisplay.from_table(
        table,
        x="n",
        bound="eq_18",
        gap="measured",
        ax=ax,
        line_kw={"lw": 3},
        errorbar_kw={"marker": "x"},
    )

    assert (display.ax_, display.figure_) == (ax, figure)
    assert display.lines_[0].get_linewidth() == 3
    assert display.errorbar_[0][0].get_marker() == "x"
    assert ax.get_xlabel() == "n"
    assert ax.get_legend() is not None


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({}, {"x": "depth"}, "x='depth' is not a column"),
        ({}, {"gap_error": "std"}, "gap_error='std' is not a column"),
        ({}, {"line": "algo"}, "line='algo' is not a column"),
        ({"gap": [0.1]}, {}, "'gap': 1"),
        ({"k": [], "bound": [], "gap": []}, {}, "at least 1"),
        ({"bound": ["a", "b", "c", "d"]}, {}, "bound='bound': the column must hold numbers"),
        ({"bound": [1.0, np.nan, 1.0, 1.0]}, {}, "bound='bound': the column holds NaN"),
        ({"gap": [1.0, np.inf, 1.0, 1.0]}, {}, "gap='gap': the column must be finite"),
        ({"k": [1, 2, 3, np.nan]}, {}, "x='k': the column must be finite"),
        ({"k": [1, 2, 2, 3]}, {}, "comes twice"),
        ({"se": [1.0, -1.0, 1.0, 1.0]}, {"gap_error": "se"}, "must not be negative"),
        ({"gap": [[0.1], [0.2], [0.3], [0.4]]}, {}, r"one axis, got \(4, 1\)"),
        ({}, {"yscale": "symlog"}, "yscale='symlog'"),
    ],
)
def test_bad_input_is_named_before_anything_is_drawn(columns, options, message):
    with pytest.raises(ValueError, match=message):
        BoundDisplay.from_table({**ONE_LINE, **columns}, **options)
    assert plt.get_fignums() == []


def test_a_value_of_k_that_repeats_is_named_with_its_line():
    table = {"k": [1, 1], "bound": [1.0, 2.0], "gap": [0.1, 0.2], "algo": ["gd", "gd"]}
    with pytest.raises(ValueError, match="comes twice for gd"):
        BoundDisplay.from_table(table, line="algo")


def test_no_curves():
    with pytest.raises(ValueError, match="curves"):
        BoundDisplay(curves=[])
