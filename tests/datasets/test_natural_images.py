"""What a user of the photographs relies on, whatever packages are installed."""

import sys
from importlib.util import find_spec
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from sklearn_reasoning.datasets import load_natural_images

ALL = {
    "scikit-learn": ["china", "flower"],
    "scikit-image": [
        *("astronaut", "brick", "camera", "chelsea", "coffee"),
        *("coins", "grass", "gravel", "moon", "rocket"),
    ],
    "matplotlib": ["grace_hopper"],
    "PyWavelets": ["aero", "ascent"],
    "sporco": ["barbara", "kodim23", "monarch", "sail", "tulips"],
}
MODULES = {"scikit-image": "skimage", "matplotlib": "matplotlib", "PyWavelets": "pywt"}
MODULES |= {"scikit-learn": "sklearn", "sporco": "sporco"}
TEST = {"camera", "coffee", "flower", "ascent", "barbara", "sail"}


@pytest.fixture(scope="module")
def photographs():
    return load_natural_images()


def hide(monkeypatch, *distributions):
    """Make packages look as if they were not installed, as Python itself allows."""
    for distribution in distributions:
        monkeypatch.setitem(sys.modules, MODULES[distribution], None)


def test_every_installed_package_gives_its_photographs_in_a_fixed_order(photographs):
    installed = [name for name in ALL if find_spec(MODULES[name])]

    assert photographs.names == [name for package in installed for name in ALL[package]]
    assert photographs.sources == [package for package in installed for _ in ALL[package]]
    assert {"scikit-learn", "matplotlib"} <= set(photographs.sources)
    assert set(photographs.names) | set(photographs.missing) == set(chain(*ALL.values()))
    assert len(photographs.images) == len(photographs.licences) == len(photographs.names)


def test_images_are_grey_in_the_unit_range(photographs):
    for image in photographs.images:
        assert image.dtype == np.float64
        assert image.ndim == 2
        assert min(image.shape) >= 300
        assert 0 <= image.min() < 0.3
        assert 0.6 < image.max() <= 1


def test_grey_is_the_luma_of_the_colours(photographs):
    coloured = load_natural_images(grey=False)
    china = coloured.images[coloured.names.index("china")]

    np.testing.assert_array_equal(china, load_sample_image("china.jpg") / 255)
    red, green, blue = (china[:, :, channel] for channel in range(3))
    grey = photographs.images[photographs.names.index("china")]
    np.testing.assert_allclose(grey, 0.299 * red + 0.587 * green + 0.114 * blue, atol=1e-15)
    # Pillow's own conversion, which rounds to whole grey levels.
    pillows = np.asarray(Image.fromarray(load_sample_image("china.jpg")).convert("L"))
    np.testing.assert_allclose(255 * grey, pillows, atol=1)
    assert {image.shape[2:] for image in coloured.images} <= {(), (3,)}
    assert [image.shape[:2] for image in coloured.images] == [
        image.shape for image in photographs.images
    ]


def test_split_is_fixed_by_name_and_has_no_photograph_on_both_sides(photographs):
    train, test = load_natural_images("train"), load_natural_images("test")

    assert set(test.names) == set(photographs.names) & TEST
    assert set(train.names) == set(photographs.names) - TEST
    assert not set(train.missing) & set(test.missing)
    thumbnails = {
        name: np.asarray(Image.fromarray(image.astype(np.float32)).resize((32, 32))).ravel()
        for name, image in zip(photographs.names, photographs.images, strict=True)
    }
    for one, other in combinations(thumbnails, 2):
        assert abs(np.corrcoef(thumbnails[one], thumbnails[other])[0, 1]) < 0.8, (one, other)


def test_licences_are_stated(photographs):
    for name, licence in zip(photographs.names, photographs.licences, strict=True):
        assert licence
        assert f"{name} (" in photographs.DESCR
        assert licence in photographs.DESCR
    by_name = dict(zip(photographs.names, photographs.licences, strict=True))
    assert by_name["china"] == "CC BY 2.0, by danielbuechele (Flickr)"


def test_min_size_leaves_out_small_photographs(photographs):
    large = load_natural_images(min_size=500)
    assert large.names == [
        name
        for name, image in zip(photographs.names, photographs.images, strict=True)
        if min(image.shape) >= 500
    ]
    assert "grace_hopper" in large.names
    assert "china" not in large.names

    n = len(photographs.names)
    with pytest.raises(ValueError, match=f"min_size=5000 leaves out all {n} photographs"):
        load_natural_images(min_size=5000)


def test_missing_packages_are_left_out_and_named(monkeypatch):
    hide(monkeypatch, *(set(ALL) - {"scikit-learn"}))

    data = load_natural_images()

    assert data.names == ["china", "flower"]
    assert data.missing == list(chain(*ALL.values()))[2:]
    assert load_natural_images("train").names == ["china"]
    assert load_natural_images("test").names == ["flower"]


def test_no_photograph_at_all_names_the_extra(monkeypatch):
    hide(monkeypatch, *ALL)

    with pytest.raises(ImportError, match=r"scikit-image.*PyWavelets.*sklearn-reasoning\[images\]"):
        load_natural_images()


def test_another_file_of_the_same_name_is_left_out(monkeypatch, tmp_path):
    """The licence stated is that of one file; releases before 2020 had another camera.png."""
    data = tmp_path / "skimage" / "data"
    data.mkdir(parents=True)
    (tmp_path / "skimage" / "__init__.py").write_text("raise RuntimeError('imported')")
    Image.fromarray(np.zeros((400, 400), dtype=np.uint8)).save(data / "camera.png")
    monkeypatch.delitem(sys.modules, "skimage", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Path(find_spec("skimage").origin).parent == tmp_path / "skimage"

    photographs = load_natural_images()

    assert "camera" in photographs.missing
    assert "scikit-image" not in photographs.sources


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "validation"}, "'split'"),
        ({"min_size": 0}, "'min_size'"),
        ({"min_size": 99.5}, "'min_size'"),
        ({"grey": "yes"}, "'grey'"),
    ],
)
def test_wrong_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        load_natural_images(**options)
