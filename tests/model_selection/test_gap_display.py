"""What the display draws: the numbers of the gap table, in the right panel and line."""

import builtins
import io

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_regression
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import GradientDescent, NesterovAcceleratedGradient, RecurrentCell
from sklearn_reasoning.model_selection import (
    GeneralizationGapDisplay,
    gap_table,
    generalization_gap,
    l2_loss_scorer,
    mean_l2_loss,
)

matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

PAPER_GRID = {"algo": ["nag", "gd"], "k": [8, 1, 2], "q_hidden": [(16,), None]}


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def table_of(candidates, n_splits=3, kind="loss", prefix="", seed=0):
    """A gap table of random numbers, with the columns that `gap_table` gives it."""
    candidates = list(candidates)
    names = list(dict.fromkeys(name for candidate in candidates for name in candidate))
    rng = np.random.default_rng(seed)
    empirical = rng.uniform(1.0, 2.0, (len(candidates), n_splits))
    gap = rng.uniform(0.0, 1.0, (len(candidates), n_splits))
    held_out = empirical + gap if kind == "loss" else empirical - gap
    table = {}
    for name in names:
        table[f"param_{prefix}{name}"] = column = np.empty(len(candidates), dtype=object)
        column[:] = [candidate.get(name, np.nan) for candidate in candidates]
    parts = {f"empirical_{kind}": empirical, f"held_out_{kind}": held_out, "gap": gap}
    for name, values in parts.items():
        table[name] = values.mean(axis=1)
        table[f"{name}_std"] = values.std(axis=1)
    for split in range(n_splits):
        for name, values in parts.items():
            table[f"split{split}_{name}"] = values[:, split]
    return table


def through_csv(table, **options):
    return pd.read_csv(io.StringIO(pd.DataFrame(table).to_csv()), **options)


def rows_of(table, **wanted):
    """Rows of the candidates with these parameters, by a plain loop."""
    n_rows = len(table["gap"])
    return [i for i in range(n_rows) if all(table[f"param_{n}"][i] == v for n, v in wanted.items())]


def pooled(table, rows, name):
    n_splits = sum(column.endswith("_gap") for column in table)
    return np.array([table[f"split{i}_{name}"][row] for row in rows for i in range(n_splits)])


def band_of(collection, n_points):
    """Lower and upper edge of what fill_between drew."""
    vertices = collection.get_paths()[0].vertices[:, 1]
    return vertices[1 : n_points + 1], vertices[n_points + 2 : 2 * n_points + 2][::-1]


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


# Which parameters


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


# From searches


@pytest.fixture(scope="module")
def data():
    return make_regression(48, 6, n_targets=2, noise=20.0, random_state=0)


def test_a_search_over_ours_in_a_pipeline(data):
    model = Pipeline(
        [("scale", StandardScaler()), ("ours", HybridReasoningRegressor(max_epochs=3))]
    )
    grid = {
        "ours__algo": ["gd", GradientDescent(), "cg"],
        "ours__k": [1, 3],
        "ours__q_hidden": [None, 2],
        "ours__random_state": [0, 1],
    }
    search = GridSearchCV(model, grid, scoring=l2_loss_scorer, cv=2, return_train_score=True)
    table = gap_table(search.fit(*data))

    display = GeneralizationGapDisplay.from_search(search)

    assert [(curve.panel, curve.line) for curve in display.curves] == [
        (None, "gd"),
        (None, "cg"),
        ((2,), "gd"),
        ((2,), "cg"),
    ]
    assert display.ax_.get_ylabel() == "generalisation gap (mean l2 loss)"
    for k, gap in zip((1, 3), display.lines_[3].get_ydata(), strict=True):
        rows = rows_of(table, ours__algo="cg", ours__k=k, ours__q_hidden=2)
        np.testing.assert_allclose(gap, pooled(table, rows, "gap").mean())


def test_one_of_several_scorers_and_a_search_in_a_pipeline(data):
    search = GridSearchCV(
        Ridge(),
        {"alpha": [1.0, 100.0]},
        scoring=["r2", "neg_mean_absolute_error"],
        refit="r2",
        cv=2,
        return_train_score=True,
    )
    model = make_pipeline(StandardScaler(), search).fit(*data)

    for metric, label in [(None, "r2"), ("neg_mean_absolute_error", "mean absolute error")]:
        display = GeneralizationGapDisplay.from_search(model, metric=metric, x="alpha")
        assert display.ax_.get_ylabel() == f"generalisation gap ({label})"
        np.testing.assert_allclose(display.lines_[0].get_ydata(), gap_table(search, metric)["gap"])


def named_loss(model, X, y):
    return -mean_absolute_error(y, model.predict(X))


@pytest.mark.parametrize(
    ("scoring", "name"),
    [(None, "score"), ("r2", "r2 score"), (named_loss, "named loss"), ({"l1": "r2"}, "l1")],
)
def test_the_metric_is_named(data, scoring, name):
    search = GridSearchCV(
        Ridge(), {"alpha": [1, 9]}, scoring=scoring, refit=False, cv=2, return_train_score=True
    )

    display = GeneralizationGapDisplay.from_search(search.fit(*data), x="alpha")

    assert display.ax_.get_ylabel() == f"generalisation gap ({name})"


def test_a_randomised_search_is_drawn_in_the_order_of_x(data):
    search = RandomizedSearchCV(
        Ridge(),
        {"alpha": np.logspace(-2, 3, 30)},
        n_iter=6,
        scoring=l2_loss_scorer,
        cv=2,
        return_train_score=True,
        random_state=0,
    ).fit(*data)
    table = gap_table(search)

    display = GeneralizationGapDisplay.from_search(search, x="alpha")

    order = np.argsort(table["param_alpha"])
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), table["param_alpha"][order])
    np.testing.assert_allclose(display.lines_[0].get_ydata(), table["gap"][order])


@pytest.mark.parametrize("resource", ["n_samples", "max_epochs"])
def test_of_a_halving_search_each_candidates_last_iteration_is_drawn(data, resource):
    search = HalvingGridSearchCV(
        HybridReasoningRegressor(max_epochs=2, random_state=0),
        {"k": [1, 2, 3, 4]},
        factor=2,
        resource=resource,
        min_resources=12 if resource == "n_samples" else 2,
        max_resources=48 if resource == "n_samples" else 8,
        scoring=l2_loss_scorer,
        cv=2,
        random_state=0,
    ).fit(*data)
    table = gap_table(search)

    (curve,) = GeneralizationGapDisplay.from_search(search).curves

    assert max(table["iter"]) == 2
    assert curve.x.tolist() == [1, 2, 3, 4]
    for k, gap in zip(curve.x, curve.gap, strict=True):
        rows = rows_of(table, k=k)
        last = max(rows, key=lambda row: table["n_resources"][row])
        np.testing.assert_allclose(gap, table["gap"][last])


def test_halving_keeps_the_seeds_apart():
    table = table_of(
        [{"k": k, "random_state": seed} for k in (1, 2) for seed in (0, 1)] * 2, n_splits=2
    )
    table = {"n_resources": np.repeat([10, 20], 4), **table}

    (curve,) = GeneralizationGapDisplay.from_table(table).curves

    for k, gap in zip((1, 2), curve.gap, strict=True):
        rows = [row for row in rows_of(table, k=k) if row >= 4]
        np.testing.assert_allclose(gap, pooled(table, rows, "gap").mean())


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the .* non-finite"
)
def test_a_failed_candidate_leaves_a_gap(data):
    search = GridSearchCV(
        Ridge(), {"alpha": [1, -1, 3]}, scoring=l2_loss_scorer, cv=2, return_train_score=True
    ).fit(*data)

    for kind in ("gap", "losses"):
        for style in ("fill_between", "errorbar", None):
            display = GeneralizationGapDisplay.from_search(
                search, x="alpha", kind=kind, std_display_style=style
            )
            display.figure_.canvas.draw()
            assert np.isnan(display.curves[0].gap).tolist() == [True, False, False]


def test_a_failed_candidate_is_not_the_best_of_others_and_spoils_its_seeds():
    table = table_of(ParameterGrid({"k": [1, 2], "lr": [0.1, 0.2]}))
    for name in table:
        if name.startswith("split1"):
            table[name][0] = np.nan
    (curve,) = GeneralizationGapDisplay.from_table(table).curves
    assert curve.others[0] == {"lr": 0.2}
    np.testing.assert_allclose(curve.gap[0], pooled(table, [1], "gap").mean())

    table["param_random_state"] = table.pop("param_lr")
    (curve,) = GeneralizationGapDisplay.from_table(table).curves
    assert np.isnan(curve.gap).tolist() == [True, False]


def test_searches_that_have_no_table_say_why(data):
    grid = {"alpha": [1.0]}
    with pytest.raises(NotFittedError, match="not fitted"):
        GeneralizationGapDisplay.from_search(GridSearchCV(Ridge(), grid, return_train_score=True))
    with pytest.raises(ValueError, match="return_train_score=True"):
        GeneralizationGapDisplay.from_search(GridSearchCV(Ridge(), grid).fit(*data))
    with pytest.raises(TypeError, match="got Ridge"):
        GeneralizationGapDisplay.from_search(Ridge())


# From an estimator


def test_an_estimator_over_k_by_a_plain_loop(data):
    X, y = data
    ours = HybridReasoningRegressor(max_epochs=3, random_state=0)

    display = GeneralizationGapDisplay.from_estimator(ours, X, y, param_range=[4, 1], cv=KFold(3))

    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [1, 4])
    low, high = band_of(display.fill_between_[0], 2)
    for point, k in enumerate((1, 4)):
        gaps = []
        for train, test in KFold(3).split(X):
            model = HybridReasoningRegressor(k=k, max_epochs=3, random_state=0)
            model.fit(X[train], y[train])
            gaps.append(
                mean_l2_loss(y[test], model.predict(X[test]))
                - mean_l2_loss(y[train], model.predict(X[train]))
            )
        np.testing.assert_allclose(display.lines_[0].get_ydata()[point], np.mean(gaps))
        np.testing.assert_allclose((high - low)[point] / 2, np.std(gaps))


def test_an_estimator_over_any_parameter_and_scorer(data):
    display = GeneralizationGapDisplay.from_estimator(
        make_pipeline(StandardScaler(), Ridge()),
        *data,
        param_name="ridge__alpha",
        param_range=np.array([1.0, 1000.0]),
        cv=2,
        scoring="neg_mean_absolute_error",
        kind="losses",
    )

    assert display.ax_.get_xlabel() == "alpha"
    assert display.ax_.get_ylabel() == "mean absolute error"
    for point, alpha in enumerate((1.0, 1000.0)):
        measured = generalization_gap(
            make_pipeline(StandardScaler(), Ridge(alpha=alpha)),
            *data,
            2,
            scoring="neg_mean_absolute_error",
        )
        for line, name in zip(display.lines_, ("held_out_loss", "empirical_loss"), strict=True):
            np.testing.assert_allclose(line.get_ydata()[[point]], measured[name])


def test_a_parameter_that_the_estimator_lacks_is_looked_for_inside(data):
    pipeline = make_pipeline(StandardScaler(), HybridReasoningRegressor())

    with pytest.raises(ValueError, match=r"param_name='k' .* \['hybridreasoningregressor__k'\]"):
        GeneralizationGapDisplay.from_estimator(pipeline, *data, param_range=[1])
    with pytest.raises(ValueError, match=r"param_name='k' is not a parameter of Ridge. .*alpha"):
        GeneralizationGapDisplay.from_estimator(Ridge(), *data, param_range=[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"param_name": "solver", "param_range": ["svd"]}, "x='solver' must be a numeric"),
        ({"param_range": [1], "kind": "loss"}, "kind='loss'"),
        ({"param_range": [1], "std_display_style": "bar"}, "std_display_style='bar'"),
    ],
)
def test_bad_options_are_found_before_the_fits(data, options, message):
    class Unfittable(Ridge):
        def fit(self, X, y):
            raise AssertionError("fitted")

    with pytest.raises(ValueError, match=message):
        GeneralizationGapDisplay.from_estimator(
            Unfittable(), *data, **{"param_name": "alpha", **options}
        )
