"""What the command line refuses, and how it stops: one line, and no traceback."""

import os
import sys

import pytest

from sklearn_reasoning._support import interrupts_of_command
from sklearn_reasoning.cli import _print_properties, _run_demo, main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "command"),
        (["dmeo"], "dmeo"),
        (["demo", "--n-train", "3"], "--n-train"),
        (["demo", "--n-train", "many"], "--n-train"),
        (["demo", "--n-train", "5000"], "--n-train: 5000 is above 1,407"),
        (["demo", "--epochs", "0"], "--epochs"),
        (["demo", "--epochs", "9" * 20], "--epochs: 9"),
        (["demo", "--jobs", "0"], "--jobs: 0 is not from 1 to 256"),
        (["demo", "--jobs", "-2"], "--jobs: -2"),
        (["demo", "--jobs", "9999999"], "--jobs: 9999999"),
        (["demo", "--jobs", "two"], "--jobs: invalid processes value: 'two'"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--seed", "99999999999"], "--seed: 99999999999 is above"),
        (["demo", "--out", ""], "--out: '' names no folder"),
        (["demo", "--out", "a" * 5000], "File name too long"),
        (["demo", "--algo", "nesterov"], "--algo: algo='nesterov' is not one of"),
        (["demo", "--algo", "nesterov"], "Did you mean 'nag'?"),
        (["denoise", "no.png", "--out", "out"], "argument IN: There is no file or folder 'no.png'"),
        (["denoise", "", "--out", "out"], "argument IN: There is no file or folder ''"),
        (["denoise", "a.png", "--out", "out", "--k", "0"], "--k: 0 is below 1"),
        (["denoise", "a.png", "--out", "out", "--k", "99999"], "--k: 99999 is above 65,536"),
        (["denoise", "a.png", "--out", ""], "--out: '' names no folder"),
        (["denoise", "a.png", "--out", "out", "--model", "no"], "--model: There is no file no"),
        (["denoise", "a.png", "--out", "out", "--model", "."], "--model: . is a folder"),
        (["denoise", "a.png", "--out", "out", "--algo", "polyak"], "Did you mean 'heavy_ball'?"),
        (["properties"], "--algo"),
        (["properties", "--algo", "gd", "nga"], "--algo: algo='nga' is not one of"),
        (["properties", "--algo", "nga"], "Did you mean 'nag'?"),
        (["properties", "--algo", "gd", "--mu", "2"], "--mu: 2 is above --L 1"),
        (["properties", "--algo", "gd", "--mu", "0"], "--mu: '0'"),
        (["properties", "--algo", "gd", "--L", "inf"], "--L: 'inf'"),
        (["properties", "--algo", "gd", "--L", "one"], "--L: 'one'"),
        (["properties", "--algo", "gd", "--step-size", "-1"], "--step-size: '-1'"),
        (["properties", "--algo", "gd", "--mu", "1e-300"], "--mu: '1e-300' is not from 1e-30"),
        (["properties", "--algo", "gd", "--step-size", "1e99"], "--step-size: '1e99' is not from"),
        (["properties", "--algo", "rnn", "--mu", "1e-30", "--L", "1e30"], "--mu 1e-30 and --L"),
        (["properties", "--algo", "no_such_module:Thing"], "--algo: 'no_such_module:Thing' cannot"),
        (["properties", "--algo", "fractions:Fraction"], "'fractions:Fraction' is no Algorithm"),
        (["properties", "--algo", "fractions:Fractoin"], "Did you mean 'fractions:Fraction'?"),
        (["properties", "--algo", ":"], "--algo: ':' cannot be had"),
        (["properties", "--algo", ""], "--algo: algo='' is not one of"),
        (["properties", "--algo", "gd", "--k", ""], "--k: ''"),
        (["properties", "--algo", "gd", "--k", "ten"], "--k: 'ten'"),
        (["properties", "--algo", "gd", "--k", "1.5"], "--k: '1.5'"),
        (["properties", "--algo", "gd", "--k", "1:2:3:4"], "--k: '1:2:3:4'"),
        (["properties", "--algo", "gd", "--k", "-1"], "--k: k must be at least 0, got '-1'"),
        (["properties", "--algo", "gd", "--k", "9:1"], "--k: '9:1' must rise"),
        (["properties", "--algo", "gd", "--k", "1:9:0"], "--k: '1:9:0' must rise"),
        (["properties", "--algo", "gd", "--k", "1:9999999999"], "within 0 to 65,536"),
        (["properties", "--algo", "gd", "--format", "xml"], "--format"),
        (["properties", "--algo", "gd", "--plot", "figure.jpg"], "--plot: 'figure.jpg' must end"),
        (["properties", "--algo", "gd", "--plot", "not/there/a.png"], "--plot: 'not/there'"),
        (["properties", "--algo", "gd", "--plot", "a" * 5000 + ".png"], "File name too long"),
    ],
)
def test_bad_arguments_are_named(capsys, arguments, message):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    streams = capsys.readouterr()
    assert message in streams.err
    assert streams.err.count("\n") == 1
    assert not streams.out


def refused(capsys, *arguments):
    """Return why a command refused its arguments."""
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, arguments)])
    assert exit_.value.code == 2
    streams = capsys.readouterr()
    assert not streams.out
    assert streams.err.count("\n") == 1
    return streams.err


@pytest.mark.parametrize("command", [["demo"], ["denoise", "."], ["reproduce", "fig2"]])
def test_a_file_in_the_place_of_a_folder_is_named(capsys, tmp_path, command):
    occupied = tmp_path / "file"
    occupied.write_text("")
    for out in (occupied, occupied / "below"):
        error = refused(capsys, *command, "--out", out)
        assert f"argument --out: {occupied} is a file, not a folder" in error


def test_the_demo_refuses_a_folder_in_the_place_of_a_result(capsys, tmp_path):
    (tmp_path / "demo.png").mkdir()
    error = refused(capsys, "demo", "--out", tmp_path)
    assert f"argument --out: {tmp_path}: {tmp_path / 'demo.png'} is a folder" in error


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do it all")
def test_what_may_not_be_read_or_written_is_named(capsys, tmp_path):
    (tmp_path / "model").write_text("")
    (tmp_path / "model").chmod(0)
    error = refused(capsys, "denoise", ".", "--out", tmp_path, "--model", tmp_path / "model")
    assert "argument --model:" in error
    (tmp_path / "closed").mkdir(mode=0o500)
    assert "argument --out:" in refused(capsys, "demo", "--out", tmp_path / "closed" / "new")


def test_a_message_of_several_lines_is_one(capsys, monkeypatch):
    def fail(*arguments, **options):
        raise ValueError("first\n  second")

    monkeypatch.setattr(_print_properties, "print_properties", fail)
    assert "first second\n" in refused(capsys, "properties", "--algo", "gd")


def stopped_by(monkeypatch, error):
    def stop(*arguments, **options):
        raise error

    monkeypatch.setattr(_print_properties, "print_properties", stop)


def test_ctrl_c_leaves_no_traceback(capsys, monkeypatch):
    stopped_by(monkeypatch, KeyboardInterrupt())
    assert main(["properties", "--algo", "gd"]) == 130
    assert capsys.readouterr().err == "\nsklearn-reasoning properties: interrupted\n"


@pytest.mark.parametrize(
    ("started", "original", "is_quiet"),
    [
        ("/usr/bin/sklearn-reasoning", ["python", "/usr/bin/sklearn-reasoning"], True),
        ("sklearn-reasoning.exe", ["sklearn-reasoning.exe"], True),
        ("-m", ["python", "-m", "sklearn_reasoning", "demo"], True),
        ("-m", ["python", "-X", "dev", "-m", "pytest", "sklearn_reasoning"], False),
        ("script.py", ["python", "script.py"], False),
        ("", ["python"], False),
    ],
)
def test_ctrl_c_leaves_none_while_the_command_is_imported(
    capsys, monkeypatch, started, original, is_quiet
):
    monkeypatch.setattr(sys, "argv", [started])
    monkeypatch.setattr(sys, "orig_argv", original)
    monkeypatch.setattr(sys, "excepthook", hook := object())
    interrupts_of_command.quiet_interrupts()
    assert (sys.excepthook is not hook) is is_quiet
    if is_quiet:
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
        assert capsys.readouterr().err == "\nsklearn-reasoning: interrupted\n"
        sys.excepthook(ValueError, ValueError("seen"), None)
        assert "ValueError: seen" in capsys.readouterr().err


def test_memory_that_is_not_there_is_one_line(capsys, monkeypatch, tmp_path):
    def fail(*arguments, **options):
        raise MemoryError("3 TiB")

    monkeypatch.setattr(_run_demo, "run_demo", fail)
    assert "demo: error: out of memory: 3 TiB" in refused(capsys, "demo", "--out", tmp_path)


def test_a_reader_that_left_is_no_error(monkeypatch, tmp_path):
    stopped_by(monkeypatch, BrokenPipeError())
    with open(tmp_path / "stdout", "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["properties", "--algo", "gd"]) == 141
