"""Figures hold the numbers of their tables, as files that are the same each time."""

import io
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest

from sklearn_reasoning.algorithms import GradientDescent
from sklearn_reasoning.experiments._figures import draw, figure_of
from sklearn_reasoning.experiments._protocol import Protocol

K = (1, 2, 5, 30)
N = 4
PROTOCOL = Protocol(k=K, q_hidden=(0, 16, 32), repetitions=N)
COLUMNS = {
    "fig3": ("train_loss",),
    "fig4": ("q_spectral", "q_frobenius"),
    "fig5": ("gap",),
    "fig6": ("train_loss", "gap"),
}


def make(figure, algos=("gd", "nag"), q_hidden=(0, 16, 32), n=N, seed=0):
    rng = np.random.RandomState(seed)
    rows = [
        {"algo": algo, "q_hidden": q, "k": k, "repetition": repetition}
        for algo in algos
        for q in (q_hidden if figure != "fig6" else (0,))
        for k in K
        for repetition in range(n)
    ]
    table = {name: [row[name] for row in rows] for name in rows[0]}
    table |= {column: list(rng.uniform(1.0, 9.0, len(rows))) for column in COLUMNS[figure]}
    if figure == "fig6":
        del table["q_hidden"]
    return table


def panels_of(figure):
    """Return the column and hidden size of each panel."""
    sizes = (0, 16, 32) if figure != "fig6" else (None,)
    return [(column, q) for column in COLUMNS[figure] for q in sizes]


def values(table, column, algo, k, q_hidden):
    return [
        table[column][i]
        for i in range(len(table["k"]))
        if table["algo"][i] == algo
        and table["k"][i] == k
        and (q_hidden is None or table["q_hidden"][i] == q_hidden)
    ]


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


@pytest.mark.parametrize("figure", COLUMNS)
def test_lines_are_the_means_and_bands_one_standard_error(figure):
    table = make(figure)
    axes = figure_of(figure, table, PROTOCOL).axes
    panels = panels_of(figure)
    assert len(axes) == len(panels)
    for ax, (column, q) in zip(axes, panels, strict=True):
        lines = lines_of(ax)
        assert list(lines) == ["gd", "nag"]
        for band, (algo, line) in zip(ax.collections, lines.items(), strict=True):
            samples = [values(table, column, algo, k, q) for k in K]
            means = np.mean(samples, axis=1)
            errors = np.std(samples, axis=1, ddof=1) / np.sqrt(N)
            np.testing.assert_array_equal(line.get_xdata(), K)
            np.testing.assert_allclose(line.get_ydata(), means, rtol=1e-12)
            vertices = band.get_paths()[0].vertices
            for k, mean, error in zip(K, means, errors, strict=True):
                heights = vertices[vertices[:, 0] == k, 1]
                np.testing.assert_allclose(
                    [heights.min(), heights.max()], [mean - error, mean + error], rtol=1e-9
                )


def test_figure_2_draws_the_closed_forms():
    axes = figure_of("fig2", None, PROTOCOL).axes
    k, s = np.array(K), np.sqrt(0.1)
    cvg = {"gd": 0.9**k, "nag": (1.0 - s) ** k * (1.0 + k * s)}
    for algo, expected in cvg.items():
        np.testing.assert_allclose(lines_of(axes[0])[algo].get_ydata(), expected, rtol=2e-3)
        stab, product = (lines_of(ax)[f"{algo}, in b"].get_ydata() for ax in axes[1:])
        np.testing.assert_allclose(stab, 1.0 - expected, rtol=2e-3)
        np.testing.assert_allclose(product, expected * (1.0 - expected), rtol=4e-3)
    in_Q = lines_of(axes[1])["gd, in Q"].get_ydata()
    # The slope of q_k at mu: (1 - 0.9^k - 0.1 k 0.9^(k - 1)) / mu^2.
    np.testing.assert_allclose(in_Q, 1.0 - 0.9**k - 0.1 * k * 0.9 ** (k - 1), atol=2e-3)


def test_an_algorithm_looks_alike_in_all_figures_and_unlike_the_others():
    algos = ("chebyshev", "gd", "nag", "opt")
    protocol = Protocol(algos=algos, k=K, q_hidden=(0, 16, 32), repetitions=N)
    looks = {}
    for figure in ("fig2", *COLUMNS):
        table = None if figure == "fig2" else make(figure, (*algos, "rnn"))
        for ax in figure_of(figure, table, protocol).axes:
            for label, line in lines_of(ax).items():
                look = (line.get_color(), line.get_marker())
                looks.setdefault(label.partition(",")[0], set()).add(look)
    assert {algo: len(found) for algo, found in looks.items()} == dict.fromkeys((*algos, "rnn"), 1)
    markers = [marker for found in looks.values() for _, marker in found]
    assert len(set(markers)) == len(markers)


def test_axes_say_what_they_show_and_in_which_units():
    for figure in COLUMNS:
        axes = figure_of(figure, make(figure), PROTOCOL).axes
        assert {ax.get_xlabel() for ax in axes} == {"steps k"}
        labels = [ax.get_ylabel() for ax in axes if ax.get_ylabel()]
        assert figure == "fig4" or all("units of y" in label for label in labels)
    titles = [ax.get_title() for ax in figure_of("fig5", make("fig5"), PROTOCOL).axes]
    assert titles == [
        "0 hidden units (linear)\nunder-parameterised",
        "16 hidden units\nabout right",
        "32 hidden units\nover-parameterised",
    ]


def test_any_number_of_algorithms_and_any_k_are_drawn():
    class Slow(GradientDescent):
        name = "slow"

    algos = ("gd", "nag", "heavy_ball", "chebyshev", "cg", "rnn", "opt", Slow())
    protocol = Protocol(algos=algos, k=(0, 1, 2, 200), repetitions=N)
    axes = figure_of("fig2", None, protocol).axes
    assert len(lines_of(axes[0])) == 8
    assert {ax.get_xscale() for ax in axes} == {"symlog"}
    # Of cg nothing is proven in Q beyond the first step.
    assert "cg, in Q" not in lines_of(axes[1])
    single = figure_of("fig2", None, Protocol(algos=("gd",), k=(3,), repetitions=N)).axes
    assert lines_of(single[0])["gd"].get_ydata() == pytest.approx([0.9**3], rel=2e-3)


def test_the_order_of_rows_is_nothing():
    table = make("fig5")
    order = np.random.RandomState(1).permutation(len(table["k"]))
    permuted = {name: [column[i] for i in order] for name, column in table.items()}
    drawn = [figure_of("fig5", each, PROTOCOL).axes for each in (table, permuted)]
    for ax, other in zip(*drawn, strict=True):
        for line, same in zip(ax.lines, other.lines, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), same.get_ydata())


def test_what_is_not_finite_is_left_out():
    table = make("fig5")
    gone = [i for i in range(len(table["k"])) if table["algo"][i] == "gd" and table["k"][i] == 5]
    for i in gone:
        table["gap"][i] = np.nan
    table["gap"][0] = np.inf
    line = lines_of(figure_of("fig5", table, PROTOCOL).axes[0])["gd"]
    np.testing.assert_array_equal(line.get_xdata(), (1, 2, 30))
    assert line.get_ydata()[0] == pytest.approx(np.mean(table["gap"][1:N]))


def test_losses_that_are_not_positive_are_drawn_on_a_linear_axis():
    table = make("fig3", q_hidden=(0,))
    assert figure_of("fig3", table, PROTOCOL).axes[0].get_yscale() == "log"
    table["train_loss"] = [0.0] * len(table["k"])
    assert figure_of("fig3", table, PROTOCOL).axes[0].get_yscale() == "linear"


@pytest.fixture(scope="module")
def drawn_twice(tmp_path_factory):
    """One figure, drawn under different settings of the user's."""
    table, folder = make("fig6", ("gd", "nag", "rnn"), n=1), tmp_path_factory.mktemp("figures")
    before = dict(matplotlib.rcParams)
    paths = draw("fig6", table, folder / "made" / "here", PROTOCOL)
    assert dict(matplotlib.rcParams) == before
    with matplotlib.rc_context({"lines.linewidth": 9.0, "axes.facecolor": "red"}):
        again = draw("fig6", table, folder / "again", PROTOCOL)
        assert matplotlib.rcParams["lines.linewidth"] == 9.0
    return paths, again


def test_the_same_table_gives_the_same_bytes(drawn_twice):
    paths, again = drawn_twice
    assert [path.name for path in paths] == ["fig6.png", "fig6.svg"]
    for path, same in zip(paths, again, strict=True):
        assert path.read_bytes() == same.read_bytes()
        assert sorted(path.parent.iterdir()) == sorted(paths)


def test_files_are_what_their_names_say(drawn_twice):
    png, svg = drawn_twice[0]
    image = matplotlib.image.imread(io.BytesIO(png.read_bytes()))
    assert image.shape[1] >= 900
    assert ET.fromstring(svg.read_text()).tag.endswith("svg")
    assert "<dc:date>" not in svg.read_text()


def test_bad_input_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="figure='fig9' is not one of"):
        draw("fig9", None, tmp_path, PROTOCOL)
    with pytest.raises(ValueError, match="fig3 needs a table"):
        draw("fig3", None, tmp_path, PROTOCOL)
    with pytest.raises(ValueError, match="lacks the columns"):
        draw("fig4", make("fig3"), tmp_path, PROTOCOL)
    assert list(tmp_path.iterdir()) == []
