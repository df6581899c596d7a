"""The command line: what it accepts, and how it refuses."""

import subprocess
import sys

import pytest

import sklearn_reasoning
from sklearn_reasoning.cli import main


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.strip() == sklearn_reasoning.__version__


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "command"),
        (["dmeo"], "dmeo"),
        (["demo", "--n-train", "3"], "--n-train"),
        (["demo", "--n-train", "many"], "--n-train"),
        (["demo", "--epochs", "0"], "--epochs"),
    ],
)
def test_bad_arguments_are_named(capsys, arguments, message):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named(capsys, tmp_path):
    occupied = tmp_path / "file"
    occupied.write_text("")
    with pytest.raises(SystemExit) as exit_:
        main(["demo", "--out", str(occupied)])
    assert exit_.value.code == 2
    assert str(occupied) in capsys.readouterr().err


def test_python_dash_m():
    result = subprocess.run(
        [sys.executable, "-m", "sklearn_reasoning", "--help"], capture_output=True, text=True
    )
    assert result.returncode == 0
    assert "demo" in result.stdout
