"""The package as users get it: wheel, sdist, public names, a lean import."""

import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return out


def test_wheel_and_sdist_build(distributions):
    assert sorted(path.suffix for path in distributions.iterdir()) == [".gz", ".whl"]


def test_the_wheel_holds_the_whole_package(distributions):
    (wheel,) = distributions.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    package = ROOT / "sklearn_reasoning"
    expected = [path.relative_to(ROOT).as_posix() for path in package.rglob("*.py")]
    assert set(expected) <= set(names)
    assert "sklearn_reasoning/py.typed" in names
    assert "sklearn_reasoning/pretrained/denoiser.safetensors" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith("tests") for name in names)


def test_the_wheel_works_where_it_is_unpacked(distributions, tmp_path):
    (wheel,) = distributions.glob("*.whl")
    options = ["--quiet", "--no-deps", "--no-index", "--target", str(tmp_path), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options], check=True)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import sklearn_reasoning as s; "
        f"assert s.__file__.startswith({str(tmp_path)!r}), s.__file__; "
        "print(s.HybridReasoningRegressor(max_epochs=1).fit([[0.0], [1.0]], [0.0, 1.0])); "
        "from sklearn_reasoning.pretrained import load_denoiser; "
        "print(load_denoiser().predict([[[0.0, 1.0], [1.0, 0.0]]])[0].shape)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert "HybridReasoningRegressor" in result.stdout, result.stderr
    assert "(2, 2)" in result.stdout, result.stderr


@pytest.mark.parametrize(
    "room",
    [
        "algorithms",
        "bounds",
        "datasets",
        "energies",
        "imaging",
        "inspection",
        "layer",
        "model_selection",
        "pretrained",
        "properties",
        "",
    ],
)
def test_public_names_exist_and_are_documented(room):
    module = import_module(f"sklearn_reasoning.{room}".rstrip("."))
    for name in module.__all__:
        value = getattr(module, name)
        assert value.__doc__ or not callable(value) or name == "l2_loss_scorer", name


def test_import_does_not_load_what_few_need():
    code = (
        "import sys, sklearn_reasoning; "
        "print([m for m in ('matplotlib', 'torch._dynamo') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


def test_a_fit_does_not_load_the_compiler():
    code = (
        "import sys; from sklearn_reasoning import HybridReasoningRegressor as H; "
        "H(max_epochs=1).fit([[0.0], [1.0]], [0.0, 1.0]).predict([[0.0]]); "
        "print('torch._dynamo' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "False", result.stdout + result.stderr
