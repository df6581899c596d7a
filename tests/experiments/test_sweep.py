"""A sweep is the study at each value; exponents and lines are what plain loops give."""

import itertools
import re

import numpy as np
import pytest

from sklearn_reasoning.experiments import Protocol
from sklearn_reasoning.experiments.synthetic._population import draw_population
from sklearn_reasoning.experiments.synthetic._study import run_study
from sklearn_reasoning.experiments.synthetic._sweep import (
    VARIED,
    check_sweep,
    run_sweep,
    sweep_exponents,
)
from sklearn_reasoning.experiments.synthetic._sweep_figure import draw_sweep, sweep_figure_of

SMALL = Protocol(
    algos=("gd", "nag"),
    k=(1, 4),
    q_hidden=(0,),
    optimizers=("adam",),
    lrs=(1e-2,),
    epochs=2,
    repetitions=2,
    n_samples=20,
    n_features=4,
    population_size=100,
)
N = [10, 40, 90, 250]
REPETITIONS = 4


def plant(gap, setting="n_samples", values=N, algos=("gd", "nag"), q_hidden=(0, 16), k=(1, 4)):
    """Return the table of a sweep whose gaps are a function of a row."""
    names = (setting, "algo", "q_hidden", "k", "repetition")
    cases = itertools.product(values, algos, q_hidden, k, range(REPETITIONS))
    rows = [dict(zip(names, case, strict=True)) for case in cases]
    return {name: [row[name] for row in rows] for name in names} | {
        "gap": [gap(row) for row in rows]
    }


def noisy(seed, setting="n_samples"):
    rng = np.random.RandomState(seed)
    return lambda row: float(row[setting] ** -0.5 * np.exp(0.3 * rng.standard_normal()))


def gaps_of(table, setting, value, **model):
    """Return the gaps of one model at one value, in the order of the repetitions."""
    wanted = {setting: value, **model}
    found = {}
    for i, gap in enumerate(table["gap"]):
        if all(table[name][i] == entry for name, entry in wanted.items()):
            found[table["repetition"][i]] = gap
    return [found[repetition] for repetition in sorted(found)]


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("n_samples", [30, 10]),
        pytest.param("n_features", [3, 5], marks=pytest.mark.hard),
        pytest.param("n_outputs", [3, 6], marks=pytest.mark.hard),
        ("mu", [0.05, 0.5]),
        pytest.param("L", [1, 4.0], marks=pytest.mark.hard),
        ("noise", [0.0, 0.5]),
    ],
)
def test_the_rows_of_a_value_are_those_of_the_study_at_that_value(setting, values):
    table = run_sweep(SMALL, setting, np.array(values), n_jobs=1)
    assert next(iter(table)) == setting
    studies = [run_study(SMALL.but({setting: value})) for value in values]
    n = len(studies[0]["gap"])
    assert table.pop(setting) == [value for value in values for _ in range(n)]
    assert table == {name: studies[0][name] + studies[1][name] for name in studies[0]}
    assert studies[0] != studies[1]


def test_training_rows_are_nested_and_noise_is_scaled():
    small, large = (draw_population(SMALL.but({"n_samples": n})) for n in (10, 30))
    np.testing.assert_array_equal(small.X, large.X)
    for (few, _), (many, _) in zip(small.folds, large.folds, strict=True):
        np.testing.assert_array_equal(few, many[:10])
    one, three = (draw_population(SMALL.but({"noise": noise})) for noise in (1.0, 3.0))
    np.testing.assert_allclose(three.noisy - three.y, 3.0 * (one.noisy - one.y))


def test_a_killed_sweep_goes_on_without_training_again(tmp_path):
    def written():
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        return {path: path.stat().st_mtime_ns for path in files}

    first = run_sweep(SMALL, "mu", [0.05, 0.5], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"mu-0.05", "mu-0.5"}
    before = written()
    results = [path for path in before if path.name.startswith("results-")]
    assert len(results) >= 2
    assert run_sweep(SMALL, "mu", [0.05, 0.5], tmp_path) == first
    assert {path: written()[path] for path in results} == {path: before[path] for path in results}
    # One more value leaves the others' stacks as they are.
    longer = run_sweep(SMALL, "mu", [0.05, 0.5, 1.0], tmp_path)
    assert {path: written()[path] for path in results} == {path: before[path] for path in results}
    n = len(first["gap"])
    assert {name: column[:n] for name, column in longer.items()} == first


def test_progress_says_at_which_value_it_is(capsys):
    run_sweep(SMALL.but({"algos": ("gd",), "k": (1,)}), "noise", [0, 0.5], verbose=1)
    error = capsys.readouterr().err
    assert error.index("noise=0 (1 of 2)") < error.index("noise=0.5 (2 of 2)")


@pytest.mark.parametrize(
    ("setting", "values", "message"),
    [
        ("epochs", [1, 2], "setting='epochs' is not one of ['n_samples', 'n_features'"),
        ("noise", [], "values=[] must hold at least two values of noise"),
        ("n_samples", [50], "values=[50] must hold at least two"),
        ("n_samples", [20, 30, 20], "holds 20 twice"),
        ("noise", [0, 0.0], "holds 0 twice"),
        ("noise", [0.5, 0.50000001], "first six digits"),
        ("n_samples", [20, 2], "Got 2 instead"),
        ("n_samples", [20, 100], "n_samples=100 must be below population_size=100"),
        ("n_samples", [20, 30.5], "Got 30.5 instead"),
        ("mu", [0.5, 2.0], "mu=2.0 must be at most L=1.0"),
        ("L", [1.0, 0.01], "mu=0.1 must be at most L=0.01"),
        ("noise", [0.0, float("nan")], "Got nan instead"),
        ("n_outputs", [5, 2], "Got 2 instead"),
    ],
)
def test_a_sweep_that_cannot_be_run_is_refused_before_any_work(setting, values, message, tmp_path):
    for run in (lambda: run_sweep(SMALL, setting, values, tmp_path / "out"),
                lambda: check_sweep(SMALL, setting, values)):  # fmt: skip
        with pytest.raises(ValueError, match=re.escape(message)):
            run()
    assert list(tmp_path.iterdir()) == []


def test_values_of_the_wrong_kind_and_weights_of_one_shape_are_refused():
    with pytest.raises(TypeError, match="values=3 must be a list of numbers"):
        check_sweep(SMALL, "noise", 3)
    released = SMALL.but({"true_energy": "energy.npz"})
    with pytest.raises(ValueError, match=r"true_energy='energy\.npz', whose weights"):
        check_sweep(released, "n_features", [5, 10])
    assert list(check_sweep(released, "mu", [0.5, 0.1])) == [0.5, 0.1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"q_hidden": (0, 3), "weight_decay": 0}, RuntimeError, r"noise=0: all .* q_hidden=3 div"),
        ({"q_hidden": (0,)}, ValueError, r"(?s)noise=0: .*All the 2 fits failed"),
    ],
)
def test_a_diverged_training_names_its_value(settings, error, message):
    wild = SMALL.but({"optimizers": ("sgd",), "lrs": (1e30,), "algos": ("gd",), "k": (4,)})
    with pytest.raises(error, match=message):
        run_sweep(wild.but(settings), "noise", [0, 1])


@pytest.mark.parametrize("setting", VARIED)
def test_a_planted_power_law_is_recovered(setting):
    powers = {("gd", 0, 1): -0.5, ("gd", 0, 4): -1.0, ("nag", 16, 4): 0.75}

    def gap(row):
        power = powers.get((row["algo"], row["q_hidden"], row["k"]), 2.0)
        return (1.0 + row["repetition"]) * row[setting] ** power

    found = sweep_exponents(plant(gap, setting), setting)
    models = list(zip(found["algo"], found["q_hidden"], found["k"], strict=True))
    assert sorted(models) == sorted(itertools.product(("gd", "nag"), (0, 16), (1, 4)))
    for i, model in enumerate(models):
        assert found["exponent"][i] == pytest.approx(powers.get(model, 2.0), rel=1e-12)
        assert found["standard_error"][i] == pytest.approx(0.0, abs=1e-12)
        if setting == "n_samples":
            assert found["from_minus_half"][i] == found["exponent"][i] + 0.5
            is_half = powers.get(model) == -0.5
            assert found["within_two_errors"][i] == ("yes" if is_half else "no")
    assert set(found["n_values"]) == {len(N)}
    assert set(found["n_not_positive"]) == {0}
    assert ("within_two_errors" in found) == (setting == "n_samples")


def test_exponents_and_errors_are_those_of_a_plain_loop():
    table = plant(noisy(0))
    order = np.random.RandomState(1).permutation(len(table["gap"]))
    found = sweep_exponents(
        {name: [column[i] for i in order] for name, column in table.items()}, "n_samples"
    )
    verdicts = set()
    for i, algo in enumerate(found["algo"]):
        model = {"algo": algo, "q_hidden": found["q_hidden"][i], "k": found["k"][i]}
        gaps = np.array([gaps_of(table, "n_samples", n, **model) for n in N])

        def slope(gaps):
            return np.polyfit(np.log(N), np.log(gaps.mean(axis=1)), 1)[0]

        others = [[j for j in range(REPETITIONS) if j != out] for out in range(REPETITIONS)]
        left_out = [slope(gaps[:, kept]) for kept in others]
        spread = sum((each - sum(left_out) / REPETITIONS) ** 2 for each in left_out)
        error = np.sqrt((REPETITIONS - 1) / REPETITIONS * spread)
        assert found["exponent"][i] == pytest.approx(slope(gaps), rel=1e-10)
        assert found["standard_error"][i] == pytest.approx(error, rel=1e-8)
        within = abs(slope(gaps) + 0.5) <= 2.0 * error
        assert found["within_two_errors"][i] == ("yes" if within else "no")
        verdicts.add(within)
    assert True in verdicts


def test_the_jackknife_is_as_large_as_the_scatter_of_independent_sweeps():
    """The spread of exponents over many tables is what one table's standard error says."""
    settings = {"algos": ("gd",), "q_hidden": (0,), "k": (1,)}
    found = [sweep_exponents(plant(noisy(seed), **settings), "n_samples") for seed in range(150)]
    scatter = np.std([each["exponent"][0] for each in found])
    said = np.sqrt(np.mean([each["standard_error"][0] ** 2 for each in found]))
    assert said == pytest.approx(scatter, rel=0.2)


def test_gaps_that_are_not_positive_have_no_exponent():
    def gap(row):
        if row["algo"] == "gd" and row["n_samples"] in (40, 90):
            return -1.0 if row["n_samples"] == 40 else 0.0
        if row["algo"] == "nag" and row["n_samples"] == 40:
            # Positive on average, but not without the first repetition.
            return 9.0 if row["repetition"] == 0 else -1.0
        return 1.0

    found = sweep_exponents(plant(gap, q_hidden=(0,), k=(1,)), "n_samples")
    assert found["algo"] == ["gd", "nag"]
    assert found["n_not_positive"] == [2, 0]
    assert found["n_values"] == [4, 4]
    assert np.isnan(found["exponent"][0])
    assert np.isfinite(found["exponent"][1])
    assert np.isnan(found["standard_error"]).all()
    assert found["within_two_errors"] == ["not testable", "not testable"]
    diverged = plant(lambda row: np.nan if row["n_samples"] == 10 else 1.0)
    assert set(sweep_exponents(diverged, "n_samples")["n_not_positive"]) == {1}


def test_no_noise_has_no_logarithm_and_is_left_out():
    table = plant(lambda row: 7.0 if row["noise"] == 0 else row["noise"] ** 1.5, "noise", [0, 1, 4])
    found = sweep_exponents(table, "noise")
    assert found["exponent"] == pytest.approx([1.5] * 8)
    assert set(found["n_values"]) == {2}
    single = sweep_exponents(plant(lambda _: 1.0, "noise", [0.0, 1.0]), "noise")
    assert np.isnan(single["exponent"]).all()
    assert set(single["n_values"]) == {1}


def test_tables_that_are_not_of_a_sweep_are_refused(tmp_path):
    table = plant(lambda _: 1.0)
    last = {name: column[:-1] for name, column in table.items()}
    wrong = [
        ("seed", table, "setting='seed' is not one of"),
        ("noise", table, "lacks the columns ['noise']"),
        ("n_samples", {**table, "gap": [1.0]}, "equally long"),
        ("n_samples", {name: [] for name in table}, "no rows"),
        ("n_samples", {**table, "n_samples": ["a"] * len(table["k"])}, "must hold numbers"),
        ("n_samples", {**table, "n_samples": [np.nan] * len(table["k"])}, "finite"),
        ("n_samples", {name: c + c[:1] for name, c in table.items()}, "two rows for algo='gd'"),
        ("n_samples", {**last, "n_samples": [*last["n_samples"][:-1], 9]}, "same at each value"),
    ]
    for setting, each, message in wrong:
        with pytest.raises(ValueError, match=re.escape(message)):
            sweep_exponents(each, setting)
        with pytest.raises(ValueError, match=re.escape(message)):
            draw_sweep(each, setting, tmp_path, SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("setting", "values"), [("n_samples", N), ("noise", [0.0, 0.5, 2.0])])
def test_lines_are_the_means_and_bands_one_standard_error(setting, values):
    rng = np.random.RandomState(0)
    table = plant(lambda _: float(rng.uniform(5.0, 9.0)), setting, values)
    axes = sweep_figure_of(table, setting, SMALL.but({"q_hidden": (0, 16)})).axes
    assert [ax.get_title() for ax in axes] == ["0 hidden units (linear)", "16 hidden units"]
    for ax, q_hidden in zip(axes, (0, 16), strict=True):
        lines = lines_of(ax)
        assert list(lines) == ["gd, k = 1", "nag, k = 1", "gd, k = 4", "nag, k = 4"]
        for band, (label, line) in zip(ax.collections, lines.items(), strict=True):
            algo, k = label.split(", k = ")
            model = {"algo": algo, "q_hidden": q_hidden, "k": int(k)}
            gaps = np.array([gaps_of(table, setting, value, **model) for value in values])
            means = gaps.mean(axis=1)
            errors = gaps.std(axis=1, ddof=1) / np.sqrt(REPETITIONS)
            np.testing.assert_array_equal(line.get_xdata(), values)
            np.testing.assert_allclose(line.get_ydata(), means, rtol=1e-12)
            vertices = band.get_paths()[0].vertices
            for value, mean, error in zip(values, means, errors, strict=True):
                heights = vertices[vertices[:, 0] == value, 1]
                np.testing.assert_allclose(
                    [heights.min(), heights.max()], [mean - error, mean + error], rtol=1e-9
                )


def test_colour_is_the_algorithm_and_line_style_is_k():
    table = plant(lambda _: 1.0, k=(1, 2, 3, 5, 8, 13, 30))
    for ax in sweep_figure_of(table, "n_samples", SMALL.but({"q_hidden": (0, 16)})).axes:
        lines = lines_of(ax)
        assert len(lines) == 8
        looks = {}
        for label, line in lines.items():
            algo, k = label.split(", k = ")
            looks.setdefault(algo, set()).add((line.get_color(), line.get_marker()))
            # How dashes are held says more than get_linestyle, which calls all of ours "--".
            looks.setdefault(int(k), set()).add(str(line._unscaled_dash_pattern))
        assert set(looks) == {"gd", "nag", 1, 3, 8, 30}
        assert {len(found) for found in looks.values()} == {1}
        assert len({str(found) for found in looks.values()}) == len(looks)


def test_scales_and_the_guide():
    axes = sweep_figure_of(plant(noisy(0)), "n_samples", SMALL).axes
    for ax in axes:
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
        assert ax.get_xlabel() == "training rows n"
        (guide,) = [line for line in ax.lines if line.get_label() == "_guide"]
        slopes = np.diff(np.log(guide.get_ydata())) / np.diff(np.log(guide.get_xdata()))
        np.testing.assert_allclose(slopes, -0.5)
    assert axes[0].get_ylim() == axes[1].get_ylim()

    def gap(row):
        return row["q_hidden"] - 8.0

    below, above = sweep_figure_of(plant(gap, "noise", [0.0, 1.0, 2.0]), "noise", SMALL).axes
    assert (below.get_xscale(), below.get_yscale()) == ("linear", "linear")
    assert (above.get_xscale(), above.get_yscale()) == ("linear", "log")
    assert not [line for line in above.lines if line.get_label() == "_guide"]

    # Means of 1 whose bands reach far below a half do not stretch the axis.
    wide = plant(lambda row: 3.94 if row["repetition"] == 0 else 0.02)
    for ax in sweep_figure_of(wide, "n_samples", SMALL).axes:
        assert ax.get_ylim()[0] == pytest.approx(0.5)


def test_texts_touch_neither_each_other_nor_the_edge():
    algos = ("gd", "nag", "heavy_ball", "chebyshev", "opt")
    values = [25, 50, 75, 100, 110, 1000, 5000]
    table = plant(noisy(0), values=values, algos=algos, q_hidden=(0, 16, 32), k=(1, 2, 4, 8, 30))
    chosen = [i for i, q_hidden in enumerate(table["q_hidden"]) if q_hidden == 16]
    single = {name: [column[i] for i in chosen] for name, column in table.items()}
    for part in (table, single):
        figure = sweep_figure_of(part, "n_samples", SMALL)
        figure.canvas.draw()
        (legend,) = figure.legends
        boxes = [legend.get_window_extent(), figure._suptitle.get_window_extent()]
        boxes += [ax.get_tightbbox() for ax in figure.axes]
        for box in boxes:
            assert box.x0 >= 0.0
            assert box.y0 >= 0.0
            assert box.x1 <= figure.bbox.x1
            assert box.y1 <= figure.bbox.y1
        for one, other in itertools.combinations(boxes, 2):
            assert not one.overlaps(other)
        for ax in figure.axes:
            ticks = [label for label in ax.get_xticklabels() if label.get_text()]
            assert [ticks[0].get_text(), ticks[-1].get_text()] == ["25", "5000"]
            for one, other in itertools.pairwise(ticks):
                assert one.get_window_extent().x1 < other.get_window_extent().x0


def test_files_are_the_same_each_time(tmp_path):
    table = plant(noisy(0), q_hidden=(0,))
    paths = draw_sweep(table, "n_samples", tmp_path / "one" / "more", SMALL)
    assert [path.name for path in paths] == ["sweep_n_samples.png", "sweep_n_samples.svg"]
    again = draw_sweep(table, "n_samples", tmp_path / "two", SMALL)
    for path, same in zip(paths, again, strict=True):
        assert path.read_bytes() == same.read_bytes()
        assert sorted(path.parent.iterdir()) == sorted(paths)
