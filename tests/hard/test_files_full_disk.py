"""A full disk: an error that says so, the old file whole, nothing left behind, and then it works.

Every place of the package that writes a file is here. The disk is full in two ways: files may not
grow beyond 64 bytes, which any user can ask of the system; and, for root, a small disk in memory.
"""

import contextlib
import os
import resource
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from sklearn_reasoning import HybridReasoningDenoiser, HybridReasoningRegressor, save_model
from sklearn_reasoning.cli import _demo_figure, _run_demo as _demo, main
from sklearn_reasoning.datasets import load_digits_restoration
from sklearn_reasoning.experiments import _figures, _report, _tables
from sklearn_reasoning.experiments._protocol import Protocol
from sklearn_reasoning.imaging import denoise_files
from sklearn_reasoning.model_selection import BatchedGridSearchCV, gap_table


@contextlib.contextmanager
def no_large_files():
    """Let no file grow beyond 64 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(params=["limit", pytest.param("disk", marks=pytest.mark.hard)])
def small_disk(request, tmp_path):
    """Return a folder, and what fills its disk while it is entered."""
    if request.param == "limit":
        yield tmp_path, no_large_files
        return
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "full-disk-test", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a disk takes root")

    @contextlib.contextmanager
    def filled():
        filler = folder / "filler"
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        try:
            yield
        finally:
            filler.unlink()

    try:
        yield folder, filled
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def regressor():
    X, y = np.arange(8.0).reshape(-1, 1), np.arange(8.0)
    return HybridReasoningRegressor(max_epochs=2, random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def denoiser(tmp_path_factory):
    """Return a denoiser, and a list of one image file."""
    source = tmp_path_factory.mktemp("images") / "image.png"
    pixels = np.random.default_rng(0).integers(256, size=(12, 12), dtype=np.uint8)
    Image.fromarray(pixels).save(source)
    images = pixels[None] / 255
    options = {"f_channels": 2, "g_channels": 2, "patch_size": 8, "max_steps": 1}
    return HybridReasoningDenoiser(**options, random_state=0).fit(images, images), [source]


@pytest.fixture(scope="module")
def digits():
    return load_digits_restoration(n_train=100, random_state=0)


def a_search(**options):
    X, y = np.arange(12.0).reshape(-1, 1), np.arange(12.0)
    estimator = HybridReasoningRegressor(max_epochs=2, random_state=0)
    search = BatchedGridSearchCV(
        estimator, {"algo": ["gd", "nag"], "k": [1, 3]}, cv=3, return_train_score=True, **options
    )
    return search.fit(X, y)


@pytest.fixture(scope="module")
def search():
    return a_search()


@pytest.fixture
def write(request, regressor, denoiser, digits, search):
    """Return the function of a name that writes something into a folder."""

    def model(folder):
        save_model(regressor, folder / "model.safetensors")

    def images(folder):
        failed = denoise_files(*denoiser, folder).failed
        if failed:
            raise OSError(*failed.values())

    def table(folder):
        _tables.write_csv(folder / "table.csv", {"k": list(range(100))})

    def values(folder):
        _tables.write_json(folder / "values.json", list(range(100)))

    def figure(folder):
        protocol = Protocol(k=(1, 2, 5))
        _figures.draw("fig2", None, folder, protocol=protocol)

    def report(folder):
        _report.write_report(folder, None, [], {}, {"seed": 0})

    def properties(folder):
        arguments = ["--algo", "gd", "--k", "1:3", "--plot", str(folder / "figure.png")]
        try:
            main(["properties", *arguments])
        except SystemExit as refused:
            raise OSError(str(refused)) from None

    def demo_model(folder):
        fitted = search.best_estimator_
        data = type("data", (), {"X_test": np.ones((2, 1))})
        assert _demo._survives_reloading(fitted, data, folder / "model.safetensors")

    def demo_figure(folder):
        predictions = {"hybrid": digits.y_test}
        _demo_figure.draw(digits, predictions, gap_table(search), folder / "demo.png")

    return locals()[request.param]


WRITERS = ["model", "images", "table", "values", "report"]
WRITERS += [
    pytest.param(name, marks=pytest.mark.hard)
    for name in ("properties", "figure", "demo_model", "demo_figure")
]


def content_of(folder):
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


@pytest.mark.filterwarnings("ignore:.*tight_layout:UserWarning")
@pytest.mark.parametrize("write", WRITERS, indirect=True)
def test_the_old_file_is_whole_and_the_next_write_works(write, small_disk):
    folder, filled = small_disk
    write(folder)
    before = content_of(folder)
    assert before
    for path in folder.iterdir():
        # Old content that a new one of the same bytes would not hide.
        path.write_bytes(b"old")
    with filled():
        held = content_of(folder)
        with pytest.raises(OSError):  # noqa: PT011
            write(folder)
        assert content_of(folder) == held
    write(folder)
    assert content_of(folder).keys() == before.keys()
    assert b"old" not in content_of(folder).values()


def test_the_error_says_what_is_wrong(small_disk, regressor):
    folder, filled = small_disk
    with filled(), pytest.raises(OSError, match=r"No space left|File too large") as caught:
        save_model(regressor, folder / "model.safetensors")
    assert "model.safetensors" in str(caught.value)
    assert os.listdir(folder) == []


def test_a_search_says_so_and_goes_on_later(small_disk, search):
    folder, filled = small_disk
    checkpoint = folder / "search"
    with filled(), pytest.raises(OSError, match="checkpoint_dir"):
        a_search(checkpoint_dir=checkpoint)
    assert not checkpoint.exists() or not content_of(checkpoint)
    resumed = a_search(checkpoint_dir=checkpoint)
    assert content_of(checkpoint)
    assert not [name for name in os.listdir(checkpoint) if name.startswith(".")]
    scores = [s.cv_results_["mean_test_score"] for s in (resumed, search)]
    np.testing.assert_array_equal(*scores)
