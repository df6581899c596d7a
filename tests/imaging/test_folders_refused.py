"""Image files through a denoiser: what is refused before any image is read."""

import os

import numpy as np
import pytest
from PIL import Image
from sklearn.exceptions import NotFittedError

from sklearn_reasoning import HybridReasoningDenoiser, HybridReasoningRegressor
from sklearn_reasoning.cli import main
from sklearn_reasoning.imaging import denoise_files
from sklearn_reasoning.persistence import save_model


def bytes_image(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def two(tmp_path):
    """A folder with a.png and b.png."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(bytes_image(9, 14)).save(folder / name)
    return folder


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["denoise", *map(str, arguments)])
    assert exit_.value.code == 2
    streams = capsys.readouterr()
    assert not streams.out
    assert streams.err.count("\n") == 1
    return streams.err


def test_missing_inputs_are_all_named(model_file, two, tmp_path, capsys):
    missing = [tmp_path / "no.png", tmp_path / "none"]
    error = refused(capsys, two, *missing, "--model", model_file, "--out", tmp_path / "out")
    assert all(str(path) in error for path in missing)
    assert not (tmp_path / "out").exists()


def test_two_results_of_one_name_are_refused(model_file, two, tmp_path, capsys):
    Image.fromarray(bytes_image(9, 14)).save(two / "B.jpg")
    error = refused(capsys, two, "--model", model_file, "--out", tmp_path / "out")
    assert str(two / "b.png") in error
    assert str(two / "B.jpg") in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("spelling", ["{}", "{}/../in", "link"])
def test_inputs_are_not_written_over(model_file, two, tmp_path, capsys, spelling):
    before = (two / "a.png").read_bytes()
    (tmp_path / "link").symlink_to(two, target_is_directory=True)
    out = tmp_path / "link" if spelling == "link" else spelling.format(two)
    error = refused(capsys, two / "a.png", "--model", model_file, "--out", out)
    assert f"written over {two / 'a.png'}" in error
    assert (two / "a.png").read_bytes() == before


def test_results_may_lie_beside_inputs_of_other_names(model, tmp_path):
    Image.fromarray(bytes_image(9, 14)).save(tmp_path / "a.bmp")
    denoise_files(model, [tmp_path / "a.bmp"], tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["a.bmp", "a.png"]


def test_a_folder_that_cannot_be_written_to_is_named(model_file, two, tmp_path, capsys):
    occupied = tmp_path / "file"
    occupied.write_text("")
    for out in (occupied, occupied / "below"):
        assert str(occupied) in refused(capsys, two, "--model", model_file, "--out", out)
    (tmp_path / "out" / "b.png").mkdir(parents=True)
    error = refused(capsys, two, "--model", model_file, "--out", tmp_path / "out")
    assert str(tmp_path / "out" / "b.png") in error
    assert os.listdir(tmp_path / "out") == ["b.png"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_without_permission_is_named(model_file, two, tmp_path, capsys):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert str(closed) in refused(capsys, two, "--model", model_file, "--out", closed)


def test_a_folder_without_images_is_named(model_file, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    error = refused(capsys, tmp_path / "in", "--model", model_file, "--out", tmp_path / "out")
    assert f"The folder {tmp_path / 'in'} holds no image file" in error


def test_a_file_that_holds_no_denoiser_is_named(two, tmp_path, capsys):
    regressor = HybridReasoningRegressor(max_epochs=1).fit([[0.0], [1.0]], [0.0, 1.0])
    save_model(regressor, tmp_path / "regressor.safetensors")
    (tmp_path / "text").write_text("no model")
    for name, reason in (
        ("regressor.safetensors", "holds a HybridReasoningRegressor"),
        ("text", "cannot be read as a model"),
        ("nothing", "There is no file"),
        ("in", "There is no file"),
    ):
        error = refused(capsys, two, "--model", tmp_path / name, "--out", tmp_path / "out")
        assert f"argument --model: {tmp_path / name}" in error or reason in error
        assert str(tmp_path / name) in error
    assert not (tmp_path / "out").exists()


def test_bad_arguments_of_the_function_are_named(model, two, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match="k=-1"):
        denoise_files(model, [two], out, k=-1)
    with pytest.raises(TypeError, match=r"k=1\.5"):
        denoise_files(model, [two], out, k=1.5)
    with pytest.raises(TypeError, match="must be a list"):
        denoise_files(model, str(two), out)
    with pytest.raises(ValueError, match="names no file"):
        denoise_files(model, [], out)
    with pytest.raises(TypeError, match="model=str"):
        denoise_files("model.safetensors", [two], out)
    with pytest.raises(NotFittedError):
        denoise_files(HybridReasoningDenoiser(), [two], out)
    assert not out.exists()


def test_bad_arguments_of_the_command_are_named(capsys, tmp_path):
    assert "--out" in refused(capsys, "a.png")
    assert "IN" in refused(capsys, "--out", tmp_path / "out")
    assert "--k: -1" in refused(capsys, "a.png", "--out", tmp_path / "out", "--k=-1")
