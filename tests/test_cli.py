"""The command line: what it accepts, and what it prints."""

import csv
import importlib.util
import io
import json
from pathlib import Path

import numpy as np
import pytest

import sklearn_reasoning
from sklearn_reasoning.cli import main
from sklearn_reasoning.properties import convergence, stability


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.strip() == sklearn_reasoning.__version__


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    text = capsys.readouterr().out
    assert "demo" in text
    assert "properties" in text


def printed(capsys, *arguments):
    assert main(["properties", *arguments]) == 0
    return capsys.readouterr().out


def test_the_table_of_properties(capsys):
    text = printed(capsys, "--algo", "nag", "--mu", "0.1", "--L", "1", "--k", "1:30")

    heading, titles, *lines = text.split("\n\n")[0].splitlines()
    assert heading == (
        "nag on spectra in [0.1, 1]; step size 1, inside the stable region [0.0129, 1.29]"
    )
    assert titles.split("  ")[0].strip() == "k"
    rows = np.array([[float(cell) for cell in line.split()] for line in lines])
    k, s = np.arange(1, 31), np.sqrt(0.1)
    np.testing.assert_array_equal(rows[:, 0], k)
    np.testing.assert_allclose(rows[:, 1], (1 - s) ** k * (1 + k * s), rtol=1e-3)
    np.testing.assert_allclose(rows[:, 3], (1 - (1 - s) ** k * (1 + k * s)) / 0.1, rtol=1e-3)
    # Aligned: every line is as long as its titles.
    assert {len(line) for line in lines} == {len(titles)}
    assert "attain" not in text


def test_what_is_attained_stands_in_brackets(capsys):
    text = printed(capsys, "--algo", "gd", "cg", "--k", "2")

    gd, cg, notes = text.split("\n\n")
    left, moved = convergence("cg", 2), stability("cg", 2)
    assert cg.splitlines()[-1].split() == [
        "2",
        f"{left.certified:.4g}",
        f"({left.attained:.4g})",
        "inf",
        f"({moved.in_Q.attained:.4g})",
        "inf",
        f"({moved.in_b.attained:.4g})",
        "0",
    ]
    assert "(" not in gd
    assert "what some Q and b attain" in notes
    assert cg.startswith("cg on spectra in [0.1, 1]; no step size\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", [5]),
        ("1,2,5", [1, 2, 5]),
        ("1:4", [1, 2, 3, 4]),
        ("1:30:5", [1, 6, 11, 16, 21, 26]),
        ("7,0:2,1", [0, 1, 2, 7]),
        ("3:3", [3]),
    ],
)
def test_numbers_of_steps(capsys, text, expected):
    rows = csv.DictReader(io.StringIO(printed(capsys, "--algo=gd", "--k", text, "--format=csv")))
    assert [int(row["k"]) for row in rows] == expected


@pytest.mark.parametrize(
    ("step_size", "where"), [("1.9", "OUTSIDE"), ("0.001", "below"), ("0.5", "inside")]
)
def test_the_heading_tells_where_the_step_size_is(capsys, step_size, where):
    heading = printed(capsys, "--algo", "gd", "--step-size", step_size, "--k", "1").splitlines()[0]
    assert heading == (
        f"gd on spectra in [0.1, 1]; step size {step_size}, {where} the stable region "
        "[0.01818, 1.818]"
    )


def test_algorithms_may_be_repeated_and_come_once(capsys):
    text = printed(capsys, "--algo", "nag", "gd", "--algo", "rnn", "gd", "--k", "1")
    headings = [block.split()[0] for block in text.split("\n\n")[:-1]]
    assert headings == ["nag", "gd", "rnn"]
    assert "rnn on spectra in [0.1, 1]; weights as before training" in text


def test_json_has_null_where_nothing_is_proven(capsys):
    gd, cg = json.loads(
        printed(capsys, "--algo", "gd", "cg", "--k", "3", "--mu", "0.5", "--format", "json"),
        parse_constant=pytest.fail,
    )
    assert gd["convergence_certified"] == pytest.approx(0.5**3)
    assert (gd["algo"], gd["k"], gd["mu"], gd["L"], gd["step_size"]) == ("gd", 3, 0.5, 1.0, 1.0)
    assert cg["stability_in_Q_certified"] is None
    assert cg["stability_in_Q_attained"] == pytest.approx(4.0)
    assert cg["step_size"] is None


def test_csv_leaves_out_what_does_not_exist(capsys):
    (row,) = csv.DictReader(
        io.StringIO(printed(capsys, "--algo", "cg", "--k", "3", "--format", "csv"))
    )
    assert row["step_size"] == ""
    assert float(row["stability_in_b_certified"]) == np.inf


@pytest.mark.parametrize(
    ("name", "begins"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.PDF", b"%PDF")]
)
def test_a_figure_of_the_kind_its_name_asks_for(capsys, tmp_path, name, begins):
    path = tmp_path / name
    text = printed(capsys, "--algo", "gd", "cg", "--k", "1:5", "--plot", str(path))
    assert text.splitlines()[-1] == f"Figure: {path}"
    assert path.read_bytes().startswith(begins)
    assert list(tmp_path.iterdir()) == [path]


def test_the_message_about_the_figure_stays_out_of_what_is_parsed(capsys, tmp_path):
    path = tmp_path / "a.svg"
    arguments = ["--algo", "gd", "--k", "1", "--format", "json", "--plot", str(path)]
    assert main(["properties", *arguments]) == 0
    streams = capsys.readouterr()
    assert len(json.loads(streams.out)) == 1
    assert streams.err == f"Figure: {path}\n"


def test_a_figure_cannot_be_a_folder(capsys, tmp_path):
    folder = tmp_path / "figure.png"
    folder.mkdir()
    with pytest.raises(SystemExit) as exit_:
        main(["properties", "--algo", "gd", "--plot", str(folder)])
    assert exit_.value.code == 2
    assert "--plot" in capsys.readouterr().err


def test_only_what_draws_needs_matplotlib(capsys, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "matplotlib" else find_spec(name, *rest),
    )
    assert main(["properties", "--algo", "gd", "--k", "1"]) == 0
    for arguments in (["demo"], ["properties", "--algo", "gd", "--plot", "a.png"]):
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 2
        streams = capsys.readouterr()
        assert "pip install 'sklearn-reasoning[plot]'" in streams.err
        assert not streams.out


def test_python_dash_m_prints_the_table_without_loading_matplotlib(new_process):
    code = (
        "import runpy, sys\n"
        "try: runpy.run_module('sklearn_reasoning', run_name='__main__', alter_sys=True)\n"
        "finally: print([*sys.modules], file=sys.stderr)"
    )
    result = new_process(code, "properties", "--algo=gd", "--k=2")
    assert result.returncode == 0
    assert result.stdout.splitlines()[2].split()[:2] == ["2", "0.81"]
    assert "'sklearn_reasoning.cli._print_properties'" in result.stderr
    assert "'matplotlib'" not in result.stderr


def test_inf_is_explained_where_it_is(capsys):
    note = "inf        no bound: nothing is proven"
    assert note in printed(capsys, "--algo", "cg", "--k", "2")
    assert note not in printed(capsys, "--algo", "gd", "--k", "2")


def test_the_documented_output_is_what_is_printed(capsys):
    page = (Path(__file__).parent.parent / "docs" / "inspection.md").read_text()
    _, _, example = page.partition("```console\n$ sklearn-reasoning properties ")
    command, _, rest = example.partition("\n")
    documented, _, _ = rest.partition("```")
    assert printed(capsys, *command.split()) == documented
