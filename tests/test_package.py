"""The package as users get it: wheel, sdist, public names, a lean import."""

import ast
import json
import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def build(folder, out, **environment):
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(folder)],
        check=True,
        capture_output=True,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    build(ROOT, out)
    return out


def test_wheel_and_sdist_build(distributions):
    assert sorted(path.suffix for path in distributions.iterdir()) == [".gz", ".whl"]


@pytest.mark.hard
def test_two_builds_are_the_same_byte_for_byte(distributions, tmp_path):
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (copy,) = tmp_path.iterdir()
    # Another folder, other times and permissions of the files, another time zone and umask.
    for path in copy.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    umask = os.umask(0o077)
    try:
        build(copy, tmp_path / "dist", TZ="Asia/Kathmandu")
    finally:
        os.umask(umask)
    for path in distributions.iterdir():
        assert (tmp_path / "dist" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_sdist_holds_what_the_tests_and_the_makefile_need(distributions):
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    folders = ("benchmarks", "docs", "sklearn_reasoning", "tests", "tools")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    sources = {path.relative_to(ROOT).as_posix() for path in sources}
    built = ("docs/_build/", "docs/gallery/")  # by make docs
    assert {path for path in sources if not path.startswith(built)} <= names
    assert {"CHANGELOG.md", "LICENSE", "Makefile", "README.md", "constraints.txt"} <= names


def test_one_version_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {version} (" in (ROOT / "CHANGELOG.md").read_text()


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


@pytest.mark.hard
def test_an_empty_environment_takes_the_wheel(distributions, tmp_path):
    """Downloads: only the index can say what a user gets who pins nothing but torch."""
    (wheel,) = distributions.glob("*.whl")
    place = tmp_path / "environment"
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*arguments):
        return subprocess.run(
            [python, *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            check=True,
        ).stdout

    pins = (ROOT / "constraints.txt").read_text().splitlines()
    (torch_pin,) = [line for line in pins if line.startswith("torch==")]
    run("-m", "pip", "install", "--quiet", torch_pin)
    plan = json.loads(
        run("-m", "pip", "install", "--quiet", "--dry-run", "--report", "-", str(wheel))
    )
    assert "torch" not in {item["metadata"]["name"] for item in plan["install"]}
    run("-m", "pip", "install", "--quiet", str(wheel))
    run("-m", "pip", "check")
    (where,) = run("-c", "import sklearn_reasoning; print(sklearn_reasoning.__file__)").split()
    assert Path(where).is_relative_to(place)
    assert "properties" in run("-m", "sklearn_reasoning", "--help")
    fit = (
        "from sklearn_reasoning import HybridReasoningRegressor as H; "
        "print(H(max_epochs=1).fit([[0.0], [1.0]], [0.0, 1.0]).predict([[0.5]]).tolist())"
    )
    assert len(ast.literal_eval(run("-c", fit))) == 1


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
        "penalties",
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


# ---------------------------------------------------------------------- a process of its own

# What is loaded after the import of the package, of the photographs, and after fits of both kinds.
FRESH = """
import json, logging, sys
sys.path.insert(0, sys.argv[2])
import sklearn_reasoning
def loaded():
    few_need = "matplotlib", "torch._dynamo", "skimage", "pywt", "sporco"
    return [name for name in few_need if name in sys.modules]
report = {"import": loaded(), "file": sklearn_reasoning.__file__}
logging.getLogger("sklearn_reasoning").warning("heard")
import numpy as np
model = sklearn_reasoning.HybridReasoningRegressor(max_epochs=1)
model.fit([[0.0], [1.0]], [0.0, 1.0]).predict([[0.0]])
report["regressor"], report["printed"] = loaded(), repr(model)
x = np.full((1, 8, 8), 0.5)
model = sklearn_reasoning.HybridReasoningDenoiser(patch_size=8, max_steps=1, callbacks=[])
model.fit(x, x).predict(x)
report["denoiser"] = loaded()
from sklearn_reasoning.datasets import load_natural_images
load_natural_images()
report["photographs"] = loaded()
from sklearn_reasoning.pretrained import load_denoiser
report["shape"] = load_denoiser().predict([[[0.0, 1.0], [1.0, 0.0]]])[0].shape
with open(sys.argv[1], "w") as file:
    json.dump(report, file)
"""


@pytest.fixture(scope="module")
def unpacked(distributions, tmp_path_factory):
    """The folder of the wheel's packages."""
    (wheel,) = distributions.glob("*.whl")
    folder = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


@pytest.fixture(scope="module")
def fresh(unpacked, tmp_path_factory):
    """A new process with the wheel: what it printed, and what it had loaded when."""
    folder = tmp_path_factory.mktemp("fresh")
    report = folder / "report.json"
    command = [sys.executable, "-c", FRESH, str(report), str(unpacked)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done, json.loads(report.read_text())


def test_the_wheel_works_where_it_is_unpacked(fresh, unpacked):
    assert Path(fresh[1]["file"]).is_relative_to(unpacked)
    assert "HybridReasoningRegressor" in fresh[1]["printed"]
    assert fresh[1]["shape"] == [2, 2]


def test_import_does_not_load_what_few_need(fresh):
    assert fresh[1]["import"] == []


@pytest.mark.parametrize("model", ["regressor", "denoiser"])
def test_a_fit_and_a_prediction_do_not_load_the_compiler(fresh, model):
    assert "torch._dynamo" not in fresh[1][model]


def test_no_package_is_imported_for_its_photographs(fresh):
    assert fresh[1]["photographs"] == []


def test_nothing_is_heard_of_the_logs_by_default(fresh):
    assert (fresh[0].stdout, fresh[0].stderr) == ("", "")
