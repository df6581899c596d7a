"""What a user of the BSD400 loader relies on, with images of the tests' own."""

import builtins

import numpy as np
import pytest
from PIL import Image

from sklearn_reasoning.datasets import load_bsd400


def pixels_of(number):
    """An image that tells which file it came from: its first two pixels spell the number."""
    pixels = np.full((180, 180), 128, dtype=np.uint8)
    pixels[0, :2] = divmod(number, 256)
    pixels[1, :2] = 0, 255
    return pixels


def write(path, pixels):
    Image.fromarray(pixels).save(path, compress_level=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """400 files whose names, unpadded, sort otherwise than their numbers."""
    path = tmp_path_factory.mktemp("bsd400")
    for number in range(1, 401):
        write(path / f"test_{number}.png", pixels_of(number))
    write(path / "preview.png", pixels_of(0))
    (path / "readme_1.txt").write_text("not an image")
    return path


@pytest.fixture
def changed(folder, tmp_path):
    """A copy of the folder that a test may spoil; links, since copies would be slow."""
    for file in folder.glob("test_*.png"):
        (tmp_path / file.name).symlink_to(file)
    return tmp_path


def numbers(images):
    return np.rint(255 * images[:, 0, :2]).astype(int) @ [256, 1]


def test_all_images_by_number_in_the_unit_range(folder):
    data = load_bsd400(folder)

    assert data.images.shape == (400, 180, 180)
    assert data.images.dtype == np.float64
    np.testing.assert_array_equal(numbers(data.images), np.arange(1, 401))
    assert data.names == [f"test_{number}" for number in range(1, 401)]
    assert (data.images[:, 1, 0] == 0.0).all()
    assert (data.images[:, 1, 1] == 1.0).all()
    assert (data.images[:, 2, 2] == 128 / 255).all()
    assert "research and education only" in data.DESCR


def test_split_is_the_first_100_and_the_other_300(folder):
    train, test = (load_bsd400(str(folder), split=split) for split in ("train", "test"))

    np.testing.assert_array_equal(numbers(train.images), np.arange(1, 101))
    np.testing.assert_array_equal(numbers(test.images), np.arange(101, 401))
    assert (train.names[-1], test.names[0]) == ("test_100", "test_101")


@pytest.mark.parametrize("dtype", [np.float32, "float32"])
def test_single_precision(folder, dtype):
    images = load_bsd400(folder, split="train", dtype=dtype).images

    assert images.dtype == np.float32
    assert (images[:, 2, 2] == np.float32(128 / 255)).all()


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'.*nowhere' does not exist.*DnCNN"):
        load_bsd400(tmp_path / "nowhere")


def test_a_file_is_no_folder(folder):
    with pytest.raises(NotADirectoryError, match=r"test_1.png' is not a folder"):
        load_bsd400(folder / "test_1.png")


@pytest.mark.parametrize("n_left", [0, 399])
def test_too_few_images_are_counted(changed, n_left):
    for number in range(n_left + 1, 401):
        (changed / f"test_{number}.png").unlink()

    with pytest.raises(ValueError, match=rf"holds {n_left} PNG files .* BSD400 has 400.*DnCNN"):
        load_bsd400(changed, split="train")


def test_too_many_images_are_counted(changed):
    write(changed / "test_401.png", pixels_of(401))

    with pytest.raises(ValueError, match="holds 401 PNG files"):
        load_bsd400(changed)


def cut_short(content):
    return content[: len(content) // 2]


def without_header(content):
    return b"not a png" + content


def wrong_checksum(content):
    place = content.index(b"IDAT") + 20
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


@pytest.mark.parametrize("damage", [cut_short, without_header, wrong_checksum, lambda _: b""])
def test_unreadable_image_is_named(changed, damage):
    file = changed / "test_17.png"
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(damage(content))

    with pytest.raises(OSError, match=r"test_17.png' cannot be read"):
        load_bsd400(changed, split="train")
    assert len(load_bsd400(changed, split="test").images) == 300


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((180, 181), dtype=np.uint8), r"test_17.png' .* shape \(180, 181\)"),
        (np.zeros((180, 180, 3), dtype=np.uint8), r"test_17.png' .* shape \(180, 180, 3\)"),
        (np.zeros((180, 180, 4), dtype=np.uint8), r"test_17.png' .* mode 'RGBA'"),
        (np.zeros((180, 180), dtype=np.uint16), r"test_17.png' .* mode 'I;16'"),
    ],
)
def test_image_of_another_kind_is_named(changed, pixels, message):
    file = changed / "test_17.png"
    file.unlink()
    write(file, pixels)

    with pytest.raises(ValueError, match=message):
        load_bsd400(changed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "validation"}, "'split'"),
        ({"dtype": np.uint8}, "'dtype'"),
        ({"path": 3}, "'path'"),
    ],
)
def test_wrong_parameters_are_named(folder, options, message):
    with pytest.raises(ValueError, match=message):
        load_bsd400(**({"path": folder} | options))


def test_missing_pillow_is_named(folder, monkeypatch):
    imported = builtins.__import__

    def without_pillow(name, *rest):
        if name.split(".")[0] == "PIL":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    with pytest.raises(ImportError, match=r"load_bsd400 .* pip install pillow.*\[images\]"):
        load_bsd400(folder)
