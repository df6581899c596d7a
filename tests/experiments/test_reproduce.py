"""One call makes every file, goes on where it was, and refuses what it should before any work."""

import json

import pytest

from sklearn_reasoning.algorithms import GradientDescent
from sklearn_reasoning.cli import main
from sklearn_reasoning.experiments import Protocol, reproduce
from sklearn_reasoning.experiments._tables import read_csv, write_csv

SMALL = Protocol.quick().but(
    {
        "k": (1, 2, 4),
        "q_hidden": (0, 2, 4),
        "lrs": (1e-2,),
        "epochs": 2,
        "repetitions": 2,
        "n_samples": 20,
        "population_size": 60,
    }
)


class WrongShape(GradientDescent):
    name = "wrong_shape"

    def step(self, state, gradient, phi, mu, L):
        (y,) = super().step(state, gradient, phi, mu, L)
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
    assert figures | tables | {"settings.json", "claims.json", "report.html"} <= names
    assert {claim.figure for claim in found.claims} == {"fig2", "fig3", "fig4", "fig5", "fig6"}
    assert len(json.loads((folder / "claims.json").read_text())) == len(found.claims)
    assert read_csv(folder / "study.csv") == found.study


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
        (["--mu", "3"], "mu=3"),
        (["--k", "5:1"], "--k"),
    ],
)
def test_bad_options_are_one_line_with_status_2(options, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["reproduce", *options, "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_tables_come_back_as_they_were(tmp_path):
    table = {"algo": ["gd", "nag"], "k": [1, 20], "gap": [0.1 + 0.2, -1e-17]}
    write_csv(tmp_path / "table.csv", table)
    assert read_csv(tmp_path / "table.csv") == table
