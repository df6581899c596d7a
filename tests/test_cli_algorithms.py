"""Algorithms of users on the command line: module:Class, from the current folder."""

import importlib
import os
import sys

import numpy as np
import pytest

from sklearn_reasoning import HybridReasoningDenoiser, save_model
from sklearn_reasoning.algorithms import _registry
from sklearn_reasoning.cli import _demo_files, _run_demo, main
from sklearn_reasoning.pretrained import load_denoiser

OWN = """
from sklearn_reasoning.algorithms import GradientDescent


class Mine(GradientDescent):
    name = "mine_of_a_folder"


class Broken(GradientDescent):
    name = "broken_of_a_folder"

    def stable_region(self, mu, L):
        return 0.1 / L, 9.0 / L


class Failing(GradientDescent):
    name = "failing_of_a_folder"

    def _residual(self, t, k, phi, mu, L):
        raise RuntimeError("no such luck")
"""


@pytest.fixture
def refused(capsys):
    """Return a function that says why a command refused its arguments: one line, status 2."""

    def refused(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([*arguments])
        assert stop.value.code == 2
        streams = capsys.readouterr()
        assert not streams.out
        assert streams.err.count("\n") == 1
        return streams.err

    return refused


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The current folder, with a module that holds algorithms of a user."""
    (tmp_path / "folder_of_mine.py").write_text(OWN)
    (tmp_path / "ends_the_process.py").write_text("import sys\nsys.exit('goodbye')\n")
    monkeypatch.chdir(tmp_path)
    # An installed command has no current folder there.
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.setattr(_registry, "_ALGORITHMS", dict(_registry._ALGORITHMS))
    yield tmp_path
    sys.modules.pop("folder_of_mine", None)


def test_own_algorithms_are_found_in_the_current_folder(capsys, own):
    assert main(["properties", "--algo", "gd", "folder_of_mine:Mine", "--k", "2"]) == 0
    text = capsys.readouterr().out
    gd, mine, _ = text.split("\n\n")
    assert mine.startswith("mine_of_a_folder on spectra in [0.1, 1]")
    assert mine.splitlines()[1:] == gd.splitlines()[1:]


def test_own_algorithms_that_fail_are_named(refused, own):
    error = refused("properties", "--algo", "folder_of_mine:Failing")
    assert "argument --algo: no properties with --mu 0.1 and --L 1: no such luck" in error
    error = refused("properties", "--algo", "ends_the_process:Any")
    assert "--algo: 'ends_the_process:Any' cannot be had: goodbye" in error
    error = refused("properties", "--algo", "folder_of_mine:Min")
    assert "Did you mean 'folder_of_mine:Mine'?" in error


@pytest.mark.parametrize("command", [["demo"], ["reproduce", "fig3"]])
def test_own_algorithms_are_held_to_the_contract_before_any_work(refused, own, command):
    error = refused(*command, "--out", "out", "--algo", "gd", "folder_of_mine:Broken")
    assert "argument --algo:" in error
    assert "breaks the contract of algorithms" in error
    assert not (own / "out").exists()


def test_the_demo_compares_own_algorithms(own, monkeypatch):
    given = {}
    monkeypatch.setattr(_run_demo, "run_demo", lambda out, **options: given.update(options))
    assert main(["demo", "--algo", "gd", "folder_of_mine:Mine", "gd", "--jobs", "-1"]) == 0
    first, mine = given["grid"]["algo"]
    assert (first, mine.name) == ("gd", "mine_of_a_folder")
    assert given["grid"]["k"] == _run_demo.GRID["k"]
    assert given["n_jobs"] == os.cpu_count()


def test_the_demo_reloads_a_model_with_an_own_algorithm(
    own, capsys, monkeypatch, run_in_new_process
):
    monkeypatch.setattr(_demo_files.subprocess, "run", run_in_new_process)
    monkeypatch.setattr(_run_demo, "GRID", {"k": [1], "q_hidden": [None]})
    arguments = ["--algo", "folder_of_mine:Mine", "--n-train", "30", "--epochs", "1", "--jobs", "1"]
    assert main(["demo", *arguments, "--out", "out"]) == 0
    assert "predictions are the same bits" in capsys.readouterr().out.replace("\n", " ")
    assert (own / "out" / "model.safetensors").exists()


def test_the_demo_refuses_the_name_of_another_algorithm(refused, own):
    (own / "named_gd.py").write_text(
        "from sklearn_reasoning.algorithms import GradientDescent\n\n\n"
        "class Other(GradientDescent):\n    pass\n"
    )
    error = refused("demo", "--out", "out", "--algo", "named_gd:Other")
    assert "argument --algo: 'gd' is already the name of GradientDescent" in error
    assert not (own / "out").exists()


def test_denoise_reads_models_with_own_algorithms(refused, capsys, own, monkeypatch):
    monkeypatch.syspath_prepend(own)
    mine = importlib.import_module("folder_of_mine")
    images = np.random.default_rng(0).random((2, 8, 8))
    model = HybridReasoningDenoiser(
        mine.Mine(), k=1, f_channels=2, g_channels=2, max_steps=1, random_state=0
    ).fit(images, images)
    _registry.register_algorithm(mine.Mine)
    save_model(model, own / "mine.safetensors")
    del _registry._ALGORITHMS["mine_of_a_folder"]
    (own / "picture.png").write_bytes(b"no picture")
    command = ["denoise", "picture.png", "--out", "out", "--model", "mine.safetensors"]
    assert "mine_of_a_folder" in refused(*command)
    assert main([*command, "--algo", "folder_of_mine:Mine"]) == 1  # for the picture
    assert "picture.png was left out" in capsys.readouterr().err


def test_denoise_refuses_an_algorithm_that_the_model_does_not_run(refused, capsys, own):
    (own / "picture.png").write_bytes(b"no picture")
    command = ["denoise", "picture.png", "--out", "out", "--algo"]
    trained = load_denoiser().algorithm_.name
    other = "gd" if trained != "gd" else "nag"
    for algo, name in ((other, other), ("folder_of_mine:Mine", "mine_of_a_folder")):
        error = refused(*command, algo)
        assert f"argument --algo: the model runs {trained!r}, with which it was trained" in error
        assert f"would not use {name!r}. Leave --algo out." in error
        assert not (own / "out").exists()
    assert main([*command, trained]) == 1  # for the picture
    assert "picture.png was left out" in capsys.readouterr().err
