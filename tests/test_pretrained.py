"""The denoiser that ships: a small safe file, and a gain on photographs that it has not seen."""

import json
import struct
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from sklearn_reasoning import HybridReasoningDenoiser
from sklearn_reasoning.cli import main
from sklearn_reasoning.datasets import LocallyAdaptiveNoise, load_natural_images
from sklearn_reasoning.pretrained import load_denoiser

SHIPPED = files("sklearn_reasoning.pretrained") / "denoiser.safetensors"


@pytest.fixture(scope="module")
def model():
    return load_denoiser()


@pytest.fixture(scope="module")
def crops():
    """The middle 160 x 160 pixels of the test photographs that the extra brings."""
    data = load_natural_images("test")
    return {
        name: image[tuple(slice(side // 2 - 80, side // 2 + 80) for side in image.shape)]
        for name, source, image in zip(data.names, data.sources, data.images, strict=True)
        if source != "sporco"
    }


def psnr(image, clean):
    return -10 * np.log10(np.mean((np.clip(image, 0, 1) - clean) ** 2))


def test_the_file_is_below_500_kb_and_of_the_safe_format():
    content = SHIPPED.read_bytes()
    assert len(content) < 500_000
    # By the format's own description: a length, that much JSON, then tensors to the end.
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert json.loads(header.pop("__metadata__")["sklearn_reasoning"])
    assert max(entry["data_offsets"][1] for entry in header.values()) == len(content) - 8 - length


def test_the_model_is_fitted_and_fresh_each_time(model):
    assert isinstance(model, HybridReasoningDenoiser)
    assert model.verbose == 0
    other = load_denoiser()
    assert other is not model
    image = np.random.default_rng(0).random((10, 12))
    np.testing.assert_array_equal(other.predict([image])[0], model.predict([image])[0])


@pytest.mark.parametrize(
    ("noise", "gain"),
    [
        (LocallyAdaptiveNoise(5 / 255, 5 / 255), 1.5),
        (LocallyAdaptiveNoise(10 / 255, 10 / 255), 4.5),
        (LocallyAdaptiveNoise(15 / 255, 15 / 255), 6.0),
        (LocallyAdaptiveNoise(25 / 255, 25 / 255), 8.0),
        (LocallyAdaptiveNoise(50 / 255, 50 / 255), 10.0),
        (LocallyAdaptiveNoise(50 / 255, 50 / 255, clip=True), 10.0),
        (LocallyAdaptiveNoise(), 10.0),
        (LocallyAdaptiveNoise(clip=True), 10.0),
    ],
)
def test_the_gain_on_photographs_that_it_has_not_seen(model, crops, noise, gain):
    gains = []
    for clean in crops.values():
        (noisy,) = noise.set_params(random_state=1).fit_transform([clean])
        gains.append(psnr(model.predict([noisy])[0], clean) - psnr(noisy, clean))
    assert np.mean(gains) > gain


def test_a_clean_photograph_loses_little(model, crops):
    for name, clean in crops.items():
        assert psnr(model.predict([clean])[0], clean) > 36.0, name


def test_the_command_restores_a_photograph(crops, tmp_path, capsys):
    clean = crops["camera"]
    (noisy,) = LocallyAdaptiveNoise(clip=True, random_state=2).fit_transform([clean])
    levels = np.rint(255 * noisy).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "camera.png")
    (tmp_path / "other.png").write_bytes(b"no image")
    out = tmp_path / "out"
    inputs = [str(tmp_path / "camera.png"), str(tmp_path / "other.png")]
    assert main(["denoise", inputs[0], "--out", str(out)]) == 0
    assert main(["denoise", *inputs, "--out", str(out)]) == 1
    assert inputs[1] in capsys.readouterr().err
    with Image.open(out / "camera.png") as file:
        assert file.mode == "L"
        assert psnr(np.asarray(file) / 255, clean) > psnr(levels / 255, clean) + 8.0


def test_the_command_runs_as_a_process_and_reports_in_its_exit_status(tmp_path, new_process):
    Image.new("RGB", (40, 30), (200, 100, 50)).save(tmp_path / "a.jpg")
    code = (
        "import runpy; runpy.run_module('sklearn_reasoning', run_name='__main__', alter_sys=True)"
    )
    arguments = ["denoise", str(tmp_path / "a.jpg"), "--out", str(tmp_path / "out")]
    result = new_process(code, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    with Image.open(tmp_path / "out" / "a.png") as file:
        assert np.abs(np.asarray(file).astype(int) - (200, 100, 50)).max() <= 6
