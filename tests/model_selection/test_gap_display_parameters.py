"""Which parameters of a gap table the display draws, and in which order."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from model_selection._gap_tables import PAPER_GRID, rows_of, table_of, through_csv
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import ParameterGrid

from sklearn_reasoning.algorithms import GradientDescent, NesterovAcceleratedGradient, RecurrentCell
from sklearn_reasoning.model_selection import GeneralizationGapDisplay

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


def test_parameters_of_a_pipeline_go_by_their_last_part():
    plain = table_of(ParameterGrid(PAPER_GRID))
    prefixed = table_of(ParameterGrid(PAPER_GRID), prefix="model__regressor__")

    displays = [GeneralizationGapDisplay.from_table(table) for table in (plain, prefixed)]

    for one, other in zip(*(display.lines_ for display in displays), strict=True):
        np.testing.assert_array_equal(one.get_ydata(), other.get_ydata())
        assert one.get_label() == other.get_label()
    assert displays[1].axes_[1].get_title() == "Q(x): hidden (16,)"
    assert displays[1].ax_.get_xlabel() == "k"


def test_any_numeric_parameter_may_be_x_and_any_others_lines_and_panels():
    table = table_of(
        ParameterGrid({"svr__C": [1.0, 10.0], "svr__kernel": ["rbf", "poly"], "pca__n": [3, 2]})
    )

    for x in ("C", "svr__C", "param_svr__C"):
        display = GeneralizationGapDisplay.from_table(table, x=x, line="kernel", panel="pca__n")
        assert display.ax_.get_xlabel() == "C"
        assert [ax.get_title() for ax in display.axes_] == ["n = 2", "n = 3"]
        labels = [line.get_label() for line in display.lines_]
        assert labels == ["kernel = rbf", "kernel = poly"] * 2
        rows = rows_of(table, svr__kernel="poly", pca__n=3)
        np.testing.assert_allclose(display.lines_[3].get_ydata(), table["gap"][rows])


def test_the_size_of_the_network_may_be_x():
    table = table_of(ParameterGrid({"q_hidden": [4, 8, 16], "k": [1]}))

    display = GeneralizationGapDisplay.from_table(table, x="q_hidden")

    np.testing.assert_allclose(display.lines_[0].get_ydata(), table["gap"])
    assert display.ax_.get_title() == ""


@pytest.mark.parametrize(
    ("grid", "options", "message"),
    [
        ({"alpha": [1], "solver": ["svd"]}, {}, r"no parameter 'k' .* \['alpha'\]"),
        ({"k": [1]}, {"x": "alpha"}, r"x='alpha' is not one of .* \['k'\]"),
        ({"k": [1]}, {"line": "algo"}, r"line='algo' is not one of"),
        ({"k": [1]}, {"panel": "k"}, r"panel='k' is drawn already"),
        ({"algo": ["gd"], "k": [1]}, {"x": "algo"}, "x='algo' must be a numeric .* got 'gd'"),
        ({"depth": [None, 1]}, {"x": "depth"}, "x='depth' must be a numeric .* got None"),
        ({"best__k": [1], "ours__k": [1]}, {}, r"called 'k': \['best__k', 'ours__k'\].* as x"),
    ],
)
def test_parameters_that_cannot_be_drawn(grid, options, message):
    with pytest.raises(ValueError, match=message):
        GeneralizationGapDisplay.from_table(table_of(ParameterGrid(grid)), **options)


def test_what_is_no_gap_table_is_refused():
    table = table_of(ParameterGrid({"k": [1, 2]}))

    with pytest.raises(ValueError, match=r"lacks the columns .*split0_gap"):
        GeneralizationGapDisplay(table={"param_k": [1], "gap": [0.1]})
    with pytest.raises(ValueError, match=r"lacks the columns .*split1_empirical_loss"):
        GeneralizationGapDisplay(
            table={n: v for n, v in table.items() if n != "split1_empirical_loss"}
        )
    with pytest.raises(ValueError, match="equally long"):
        GeneralizationGapDisplay(table=table | {"param_k": [1]})
    with pytest.raises(ValueError, match="no rows"):
        GeneralizationGapDisplay(table=pd.DataFrame(table)[:0])
    with pytest.raises(ValueError, match="No candidate has a value of x='k'"):
        GeneralizationGapDisplay(table=table | {"param_k": [np.nan, np.nan]})


def test_candidates_without_x_or_size_have_their_place():
    candidates = [
        {"k": 1, "q_hidden": None},
        {"k": 2, "q_hidden": (4,)},
        {"k": 3},
        {"q_hidden": None},
    ]
    table = table_of(candidates)

    display = GeneralizationGapDisplay.from_table(table)

    assert [ax.get_title() for ax in display.axes_] == [
        "constant Q",
        "Q(x): hidden (4,)",
        "q_hidden = not set",
    ]
    assert [curve.x.tolist() for curve in display.curves] == [[1], [2], [3]]
    assert [curve.gap.tolist() for curve in display.curves] == [[g] for g in table["gap"][:3]]


@pytest.mark.parametrize(
    ("values", "titles"),
    [
        ([(16,), None, ()], ["constant Q", "Q(x): linear", "Q(x): hidden (16,)"]),
        ([(32, 8), (16,)], ["Q(x): hidden (16,)", "Q(x): hidden (32, 8)"]),
        ([16, 0, None], ["constant Q", "Q(x): linear", "Q(x): hidden (16,)"]),
        ([[8], (32, 8), 4], ["Q(x): hidden (4,)", "Q(x): hidden (8,)", "Q(x): hidden (32, 8)"]),
        ([None], ["constant Q"]),
        ([(16,)], ["Q(x): hidden (16,)"]),
        ([4], ["Q(x): hidden (4,)"]),
    ],
)
def test_sizes_survive_a_csv_file(values, titles):
    grid = {"algo": ["gd", NesterovAcceleratedGradient()], "k": [1, 2, 8], "q_hidden": values}
    table = table_of(ParameterGrid(grid))
    expected = GeneralizationGapDisplay.from_table(table)
    assert [ax.get_title() for ax in expected.axes_] == titles

    for frame in (
        pd.DataFrame(table),
        through_csv(table),
        through_csv(table, keep_default_na=False),
    ):
        display = GeneralizationGapDisplay.from_table(frame)
        assert [ax.get_title() for ax in display.axes_] == titles
        for line, reference in zip(display.lines_, expected.lines_, strict=True):
            np.testing.assert_allclose(line.get_ydata(), reference.get_ydata())
            assert line.get_label() == reference.get_label()


def test_algorithms_are_labelled_by_their_key_or_by_what_sets_them_apart():
    class Slow(GradientDescent):
        name = "slow and not registered"

    algorithms = ["gd", NesterovAcceleratedGradient(), RecurrentCell(width=3), Slow()]
    table = table_of(ParameterGrid({"algo": algorithms, "k": [1, 2]}))

    for frame in (table, through_csv(table)):
        display = GeneralizationGapDisplay.from_table(frame)
        labels = [line.get_label() for line in display.lines_]
        assert labels == ["gd", "nag", repr(RecurrentCell(width=3)), "Slow()"]


def test_a_selection_of_rows_is_a_table_too():
    frame = pd.DataFrame(table_of(ParameterGrid(PAPER_GRID)))
    chosen = frame[frame["param_algo"] == "gd"]

    display = GeneralizationGapDisplay.from_table(chosen)

    drawn = np.concatenate([np.sort(line.get_ydata()) for line in display.lines_])
    np.testing.assert_allclose(np.sort(drawn), np.sort(chosen["gap"]))


def test_many_lines_stay_distinguishable():
    table = table_of(ParameterGrid({"lr": np.arange(1, 21) / 10, "k": [1, 2]}))

    display = GeneralizationGapDisplay.from_table(table, line="lr")

    assert len({(line.get_color(), line.get_marker()) for line in display.lines_}) == 20
