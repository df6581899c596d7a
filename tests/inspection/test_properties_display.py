"""Properties against k: the numbers, and what is drawn of them."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from sklearn_reasoning.algorithms import GradientDescent, PerIteration, list_algorithms
from sklearn_reasoning.inspection import AlgorithmPropertiesDisplay, properties_table

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

MU, L, PHI = 0.1, 1.0, 0.7
K = np.arange(1, 31)


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def labels_of(legend):
    return [text.get_text() for text in legend.get_texts()]


def test_the_lines_are_the_closed_forms():
    display = AlgorithmPropertiesDisplay.from_algorithms(
        ["gd", "nag"], k=K, step_size=PHI, mu=MU, L=L
    )

    s = np.sqrt(MU * PHI)
    left = np.stack([(1 - PHI * MU) ** K, (1 - s) ** K * (1 + K * s)])
    # In Q the supremum is |q_k'(mu)|; q_k(t) = (1 - (1 - phi t)^k) / t for gd.
    slope = (1 - left[0] - K * PHI * MU * (1 - PHI * MU) ** (K - 1)) / MU**2
    moved = np.maximum(slope, (1 - left[0]) / MU)
    drawn = {
        quantity: [line.get_ydata() for line in lines]
        for quantity, lines in zip(
            ("convergence", "stability", "product", "sensitivity"), display.lines_, strict=True
        )
    }
    np.testing.assert_allclose(drawn["convergence"], left, rtol=1e-6)
    np.testing.assert_allclose(drawn["stability"][0], moved, rtol=1e-6)
    np.testing.assert_allclose(drawn["product"][0], moved * left[0], rtol=1e-6)
    # |d q_k / d phi| = k |1 - phi t|^(k - 1), which is the largest at mu.
    np.testing.assert_allclose(drawn["sensitivity"][0], K * (1 - PHI * MU) ** (K - 1), rtol=1e-6)
    for line in display.lines_.ravel():
        np.testing.assert_array_equal(line.get_xdata(), K)


def test_panels_labels_and_one_legend():
    display = AlgorithmPropertiesDisplay.from_algorithms(["gd", "nag"])

    assert [ax.get_title() for ax in display.axes_] == [
        "Convergence",
        "Stability",
        "Stability x convergence",
        "Sensitivity",
    ]
    assert {ax.get_xlabel() for ax in display.axes_} == {"steps k"}
    assert display.axes_[1].get_ylabel() == "Stab(k), ||b|| at most 1"
    (legend,) = display.figure_.legends
    assert labels_of(legend) == ["gd", "nag"]
    assert not any(ax.get_legend() for ax in display.axes_)
    assert display.figure_ is display.ax_.figure
    assert display.ax_ is display.axes_[0]
    assert display.figure_.get_suptitle() == "spectra in [0.1, 1], step size 1"


def test_a_larger_b_moves_with_Q():
    small, large = (
        AlgorithmPropertiesDisplay.from_algorithms("gd", k=30, b_norm=b_norm).curves[0]
        for b_norm in (0.0, 3.0)
    )

    in_b = (1 - 0.9**30) / 0.1
    in_Q = (1 - 0.9**30 - 30 * 0.1 * 0.9**29) / 0.01
    np.testing.assert_allclose(small.stability.certified, in_b, rtol=1e-6)
    np.testing.assert_allclose(large.stability.certified, 3 * in_Q, rtol=1e-6)


def test_where_nothing_is_proven_the_line_ends_and_the_legend_says_so():
    display = AlgorithmPropertiesDisplay.from_algorithms(["gd", "cg"], k=[1, 2, 4])

    stability = display.lines_[1, 1]
    assert np.isnan(stability.get_ydata()).tolist() == [False, True, True]
    # A single point needs a marker to be seen.
    assert stability.get_marker() == "s"
    (legend,) = display.figure_.legends
    assert labels_of(legend) == [
        "gd",
        "cg (nothing proven: Stab and Stab x Cvg from k = 2)",
        "attained, visibly below the bound",
    ]
    attained = display.attained_lines_[1, 1]
    np.testing.assert_array_equal(attained.get_xdata(), [2, 4])
    np.testing.assert_allclose(attained.get_ydata(), 1 / MU**2)
    assert attained.get_linestyle() == "None"
    # Every curve of gd is exact: nothing is drawn twice.
    assert display.attained_lines_[:, 0].tolist() == [None] * 4


def test_an_axis_follows_what_is_attained():
    display = AlgorithmPropertiesDisplay.from_algorithms(
        "rnn", k=range(1, 31), quantities=["sensitivity"]
    )

    (curve,) = display.curves
    low, high = display.ax_.get_ylim()
    assert low == 0.0
    assert curve.sensitivity.attained.max() < high < curve.sensitivity.certified.max()


@pytest.mark.parametrize("yscale", [pytest.param("linear", marks=pytest.mark.hard), "log"])
def test_every_algorithm_is_drawn(yscale):
    algos = list_algorithms()

    display = AlgorithmPropertiesDisplay.from_algorithms(algos, k=[0, 1, 3], yscale=yscale)
    display.figure_.canvas.draw()

    assert display.lines_.shape == (4, len(algos))
    assert [ax.get_yscale() for ax in display.axes_] == [yscale] * 4


@pytest.mark.parametrize("yscale", ["linear", "log"])
def test_numbers_beyond_all_axes_are_left_out(yscale):
    display = AlgorithmPropertiesDisplay.from_algorithms(
        "gd", k=[2, 100, 443, 1000], step_size=6.0, yscale=yscale, quantities=["convergence"]
    )
    display.figure_.canvas.draw()

    np.testing.assert_allclose(
        display.lines_[0, 0].get_ydata(), [5.0**2, 5.0**100, np.nan, np.nan], rtol=1e-6
    )


def test_nothing_above_zero_stays_on_a_linear_axis():
    display = AlgorithmPropertiesDisplay.from_algorithms(
        "opt", quantities=["convergence", "stability_in_b"], yscale="log"
    )

    assert [ax.get_yscale() for ax in display.axes_] == ["linear", "log"]


def test_one_algorithm_at_several_step_sizes():
    display = AlgorithmPropertiesDisplay.from_algorithms(
        ["gd", "gd", "cg"], k=K, step_size=[0.5, 1.0, None], quantities=["convergence"]
    )

    assert [curve.label for curve in display.curves] == ["gd, 0.5", "gd, 1", "cg"]
    np.testing.assert_allclose(display.lines_[0, 0].get_ydata(), 0.95**K, rtol=1e-6)
    np.testing.assert_allclose(display.lines_[0, 1].get_ydata(), 0.9**K, rtol=1e-6)
    # The step sizes differ, so they cannot stand above all.
    assert display.figure_.get_suptitle() == "spectra in [0.1, 1]"


def test_step_sizes_for_each_iteration():
    sizes = (0.5, 1.0, 1.5)

    display = AlgorithmPropertiesDisplay.from_algorithms(
        ["gd", "nag"], k=3, step_size=[PerIteration(sizes), PerIteration(sizes * 2)]
    )

    t = np.linspace(MU, L, 2001)
    largest = np.abs(np.prod([1 - size * t for size in sizes], axis=0)).max()
    np.testing.assert_allclose(display.curves[0].convergence.certified, largest, rtol=1e-3)
    display = AlgorithmPropertiesDisplay.from_algorithms("gd", k=3, step_size=PerIteration(sizes))
    assert display.figure_.get_suptitle().endswith("3 step sizes, one for each iteration")


@pytest.mark.parametrize("over", [(0.4, 1.0), "stable"])
def test_sensitivity_over_a_range(over):
    display = AlgorithmPropertiesDisplay.from_algorithms(
        "gd", k=K, sensitivity_range=over, quantities=["sensitivity"]
    )

    low = 0.4 if over != "stable" else 2 / (MU + L) / 100
    np.testing.assert_allclose(
        display.lines_[0, 0].get_ydata(), K * (1 - low * MU) ** (K - 1), rtol=1e-6
    )
    named = "over [0.4, 1]" if over != "stable" else "over the stable region"
    assert named in display.ax_.get_ylabel()


def test_own_axes_own_style_and_no_change_of_matplotlib():
    before = dict(matplotlib.rcParams)
    figure, axes = plt.subplots(2, 1)

    display = AlgorithmPropertiesDisplay.from_algorithms(
        ["gd"], k=5, ax=axes, quantities=["convergence", "sensitivity"], line_kw={"lw": 4, "c": "k"}
    )

    assert display.figure_ is figure
    assert display.axes_.tolist() == axes.tolist()
    assert {(line.get_linewidth(), line.get_color()) for line in display.lines_.ravel()} == {
        (4, "k")
    }
    assert labels_of(axes[1].get_legend()) == ["gd"]
    assert not figure.legends
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"algos": "nga"}, ValueError, "Did you mean 'nag'"),
        ({"algos": []}, ValueError, "algos must name at least one"),
        ({"algos": ["gd", 3]}, TypeError, "algos="),
        ({"algos": ["gd", "gd"]}, ValueError, "twice"),
        ({"algos": "gd", "k": []}, ValueError, "k must be"),
        ({"algos": "gd", "k": [[1, 2]]}, ValueError, r"shape \(1, 2\)"),
        ({"algos": "gd", "k": [1.5]}, TypeError, "k="),
        ({"algos": "gd", "k": [2, -1]}, ValueError, "-1"),
        ({"algos": "gd", "mu": 2.0}, ValueError, "mu=2.0"),
        ({"algos": "gd", "step_size": -1.0}, ValueError, "step_size=-1.0"),
        ({"algos": ["gd", "nag"], "step_size": [0.1]}, ValueError, "1 values for 2 algorithms"),
        ({"algos": "gd", "b_norm": -1.0}, ValueError, "b_norm=-1.0"),
        ({"algos": "gd", "step_size": (0.1, 0.5)}, ValueError, r"step_size=\(0.1, 0.5\)"),
        ({"algos": "gd", "step_size": [[0.1, 0.5]]}, ValueError, r"step_size=\[0.1, 0.5\]"),
        ({"algos": "gd", "sensitivity_range": "all"}, ValueError, "sensitivity_range='all'"),
        ({"algos": "gd", "sensitivity_range": 1.0}, ValueError, "sensitivity_range=1.0"),
        ({"algos": "gd", "sensitivity_range": (2, 1)}, ValueError, r"sensitivity_range=\(2, 1\)"),
        ({"algos": "gd", "quantities": "convergence"}, ValueError, "quantities='convergence'"),
        ({"algos": "gd", "quantities": []}, ValueError, "quantities="),
        ({"algos": "gd", "quantities": ["cvg"]}, ValueError, "quantities='cvg'"),
        ({"algos": "gd", "yscale": "symlog"}, ValueError, "yscale='symlog'"),
    ],
)
def test_bad_input_is_named_before_anything_is_drawn(arguments, error, message):
    with pytest.raises(error, match=message):
        AlgorithmPropertiesDisplay.from_algorithms(**arguments)
    assert plt.get_fignums() == []


def test_too_few_axes_are_counted():
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match=r"ax must hold 4 Axes.*got 1"):
        AlgorithmPropertiesDisplay.from_algorithms("gd", ax=ax)


def test_no_curves():
    with pytest.raises(ValueError, match="curves"):
        AlgorithmPropertiesDisplay(curves=[], mu=MU, L=L)


def test_the_table_has_a_row_for_each_algorithm_and_k():
    table = pd.DataFrame(
        properties_table(["gd", GradientDescent(), "cg"], [3, 1], step_size=[PHI, 1.0, None])
    )

    assert table[["algo", "k"]].to_numpy().tolist() == [
        ["gd", 1], ["gd", 3], ["gd", 1], ["gd", 3], ["cg", 1], ["cg", 3],
    ]  # fmt: skip
    np.testing.assert_array_equal(table["step_size"], [PHI, PHI, 1.0, 1.0, np.nan, np.nan])
    np.testing.assert_allclose(
        table["convergence_certified"][:4], [0.93, 0.93**3, 0.9, 0.9**3], rtol=1e-6
    )
    assert table["stability_in_b_certified"].iloc[-1] == np.inf
    for name in ("convergence", "stability_in_Q", "stability_in_b", "sensitivity"):
        assert (table[f"{name}_attained"] <= table[f"{name}_certified"]).all()
