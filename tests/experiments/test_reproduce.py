"""One call makes every file, goes on where it was, and refuses what it should before any work."""

import json

import numpy as np
import pytest

from sklearn_reasoning.algorithms import Algorithm, GradientDescent
from sklearn_reasoning.cli import main
from sklearn_reasoning.experiments import Protocol, reproduce
from sklearn_reasoning.experiments._tables import read_csv, write_csv
from sklearn_reasoning.experiments.synthetic import _complexity


class Slow(GradientDescent):
    name = "slow"

    def step(self, state, problem, phi):
        (y,) = state
        return (problem.descend(y, 0.5 * phi),)

    _residual, _filter = Algorithm._residual, Algorithm._filter
    sensitivity_rate = Algorithm.sensitivity_rate


SMALL = Protocol.quick().but(
    {
        "algos": ("gd", "nag", Slow()),
        "k": (1, 4),
        "q_hidden": (0, 2),
        "lrs": (1e-2,),
        "epochs": 2,
        "repetitions": 2,
        "n_samples": 20,
        "population_size": 60,
    }
)


class WrongShape(GradientDescent):
    name = "wrong_shape"

    def step(self, state, problem, phi):
        (y,) = super().step(state, problem, phi)
        return (y[..., :1],)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    return folder, reproduce(out=folder, protocol=SMALL, n_jobs=1, verbose=0)


def test_every_file_is_there(made):
    folder, found = made
    names = {path.name for path in folder.iterdir()}
    figures = {f"fig{i}.{kind}" for i in range(2, 7) for kind in ("png", "svg")}
    tables = {"study.csv", "learning_to_optimise.csv", "theory.csv", "depth_laws.csv"}
    assert figures | tables | {"settings.json", "results.json", "report.html"} <= names
    assert {claim.figure for claim in found.claims} == {"fig2", "fig3", "fig4", "fig5", "fig6"}
    results = json.loads((folder / "results.json").read_text())
    assert len(results["claims"]) == len(found.claims)
    assert results["study"] == found.study
    assert results["settings"]["seed"] == SMALL.seed
    assert {"torch", "numpy", "scikit-learn"} <= set(results["provenance"]["versions"])
    assert read_csv(folder / "study.csv") == found.study


def test_the_report_answers_what_the_theory_explains(made):
    folder, _ = made
    page = (folder / "report.html").read_text()
    assert "Does the theory explain the gap?" in page
    assert "Theorem 5.1" in page
    assert "sqrt(k)" in page


def test_an_algorithm_of_the_user_is_in_every_figure(made):
    folder, found = made
    assert set(found.study["algo"]) == {"gd", "nag", "slow"}
    assert set(found.learning_to_optimise["algo"]) == {"gd", "nag", "slow", "rnn"}
    for figure in range(2, 7):
        # matplotlib names each text in a comment beside its outline.
        assert "<!-- slow" in (folder / f"fig{figure}.svg").read_text()


def test_complexities_are_estimated_beside_the_gap(tmp_path, monkeypatch):
    monkeypatch.setattr(_complexity, "_N_DRAWS", 4)
    protocol = SMALL.but({"algos": ("nag",), "k": (3,), "q_hidden": (2,)})
    reproduce(["fig5"], tmp_path, protocol=protocol, complexity=True, n_jobs=1, verbose=0)
    table = read_csv(tmp_path / "complexity.csv")
    assert list(zip(table["algo"], table["k"], strict=True)) == [("nag", 3)]
    # The sup over signs of a mean of losses below r in mean square is at most sqrt(r).
    bounds = np.sqrt(table["level"])
    assert ((np.array(table["complexity"]) > 0) & (table["complexity"] < bounds)).all()
    assert "complexity" in read_csv(tmp_path / "theory.csv")["term"]


def test_a_setting_is_varied_alone(tmp_path):
    protocol = SMALL.but({"k": (1, 3), "q_hidden": (0,), "population_size": 200})
    values = {"n_samples": [10, 20]}
    found = reproduce([], tmp_path, protocol=protocol, vary=values, n_jobs=1, verbose=0)
    assert found.claims == []
    names = {path.name for path in tmp_path.iterdir()}
    assert {"sweep_n_samples.csv", "exponents_n_samples.csv", "sweep_n_samples.png"} <= names
    assert "study.csv" not in names
    assert "How does the gap move with the number of training rows?" in found.report.read_text()
    again = {"n_samples": [10, 40]}
    reproduce([], tmp_path, protocol=protocol, vary=again, n_jobs=1, verbose=0)
    assert set(read_csv(tmp_path / "sweep_n_samples.csv")["n_samples"]) == {10, 40}
    # Not a number is null in JSON, which has no other word for it.
    json.loads((tmp_path / "results.json").read_text(), parse_constant=pytest.fail)


def test_figure_6_has_sizes_of_its_own():
    quick = Protocol.quick()
    assert quick.of_figure_6().k == quick.fig6_k
    assert quick.but({"k": (1, 2)}).of_figure_6().k == (1, 2)
    assert quick.but({"k": (1, 2), "fig6_k": (3,)}).of_figure_6().k == (3,)
    assert Protocol().of_figure_6().epochs == Protocol().epochs


def test_it_goes_on_with_what_is_there(made):
    folder, found = made
    before = (folder / "study.csv").stat().st_mtime_ns
    again = reproduce(["fig5"], folder, protocol=SMALL, n_jobs=1, verbose=0)
    assert again.study == found.study
    assert (folder / "study.csv").stat().st_mtime_ns == before


def test_a_folder_of_another_run_or_of_other_things_is_refused(made, tmp_path):
    folder, _ = made
    with pytest.raises(ValueError, match="other epochs"):
        reproduce(["fig2"], folder, protocol=SMALL.but({"epochs": 3}), verbose=0)
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ValueError, match=r"thesis\.tex"):
        reproduce(["fig2"], tmp_path, protocol=SMALL, verbose=0)


def test_a_file_in_the_place_of_the_folder_is_refused_by_name(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.touch()
    with pytest.raises(FileExistsError, match=r"out='.*notes.txt' cannot be made"):
        reproduce(["fig2"], notes, protocol=SMALL, n_jobs=1, verbose=0)


@pytest.mark.parametrize("name", ["k", "fig6_k", "q_hidden", "lrs"])
def test_true_is_no_number_of_a_protocol(name):
    with pytest.raises(ValueError, match=rf"{name}=\(True,\) holds True"):
        SMALL.but({name: (True,)})


def test_unknown_figures_and_broken_algorithms_are_refused_before_any_work(tmp_path):
    with pytest.raises(ValueError, match="fig9"):
        reproduce(["fig9"], tmp_path / "a", protocol=SMALL)
    broken = SMALL.but({"algos": ("gd", WrongShape())})
    with pytest.raises(ValueError, match="breaks the contract"):
        reproduce(["fig3"], tmp_path / "b", protocol=broken)
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_the_command(tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--k", "1,4", "--out", str(out), "--algo", "gd", "heavy_ball"]
    assert main(["reproduce", "fig2", *options]) == 0
    assert "Report:" in capsys.readouterr().out
    assert json.loads((out / "settings.json").read_text())["algos"] == ["gd", "heavy_ball"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["fig9"], "fig9"),
        (["--algo", "gdd"], "Did you mean 'gd'"),
        (["--algo", "no_such_module:Thing"], "no_such_module"),
        (["--algo", "fractions:Fraction"], "'fractions:Fraction' is no Algorithm"),
        (["--hidden", "ten"], "invalid whole number value: 'ten'"),
        (["--mu", "3"], "mu=3"),
        (["--k", "5:1"], "--k"),
        (["--vary", "n_samples"], "--vary"),
        (["--vary", "colour=1,2"], "colour"),
        (["--vary", "noise=1,2", "--vary", "noise=3,4"], "twice"),
        (["--vary", "mu=0.1,7"], "mu=7"),
        (["fig2", "--complexity"], "--complexity: complexity"),
        (["fig9"], "argument FIGURE: figures=['fig9']"),
        (["--algo", "nesterov"], "--algo: algo='nesterov' is not one of"),
        (["--algo", "gd", "gd"], "--algo: algos=('gd', 'gd') holds an entry twice"),
        (["--hidden", "99999999999"], "--hidden: 99999999999 is above 10,000"),
        (["--lr", "nan"], "--lr: 'nan'"),
        (["--jobs", "0"], "--jobs: 0"),
        (["--n-samples", "99999999999"], "--n-samples: 99999999999 is above"),
        (["--population", "50"], "--population: n_samples=100 must be below population_size=50"),
        (["--L", "0.01"], "--L: mu=0.1 must be at most L=0.01"),
        (["--noise", "-1"], "--noise: '-1'"),
        (["--noise", "nan"], "--noise: 'nan'"),
        (["--weight-decay", "inf"], "--weight-decay: 'inf'"),
        (["--seed", "99999999999"], "--seed: 99999999999 is above"),
        (["--true-energy", "no.npz"], "--true-energy: There is no file no.npz"),
        (["--true-energy", "."], "--true-energy: . is a folder"),
        (["--true-energy", __file__], "--true-energy: true_energy="),
        (["--images", "."], "--images: images is a setting of fig7"),
        (["fig7", "--images", "nowhere"], "--images: path='nowhere' does not exist"),
        (["fig7", "--lr", "1"], "--lr: lrs has no part in fig7"),
        (["--vary", "noise=-1,2"], "--vary: The 'noise' parameter"),
        (["--vary", "epochs=1,2"], "--vary: setting='epochs'"),
        (["--vary", "n_samples=5"], "--vary: values=[5]"),
    ],
)
def test_bad_options_are_one_line_with_status_2(options, message, refused, tmp_path):
    assert message in refused(options, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_processes_are_refused_before_any_work(tmp_path):
    with pytest.raises(ValueError, match="n_jobs=0 must be"):
        reproduce(["fig2"], tmp_path / "out", protocol=SMALL, n_jobs=0)
    assert not (tmp_path / "out").exists()


def test_tables_come_back_as_they_were(tmp_path):
    table = {"algo": ["gd", "nag"], "k": [1, 20], "gap": [0.1 + 0.2, -1e-17], "best": [True, False]}
    write_csv(tmp_path / "table.csv", table)
    assert read_csv(tmp_path / "table.csv") == table
