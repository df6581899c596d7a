"""Image files through a denoiser: what comes back, what is refused, what is left out."""

import os
import re
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms

from sklearn_reasoning.cli import main
from sklearn_reasoning.imaging import denoise_files


def bytes_image(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def restored(model, pixels, white=255):
    """Restore pixels in Python, as the formats' own words have it."""
    (result,) = model.predict([pixels / white])
    return np.floor(np.clip(result, 0, 1) * white + 0.5).astype(pixels.dtype)


def only_result(model, path, tmp_path):
    result = denoise_files(model, [path], tmp_path / "out")
    assert result.failed == {}
    (target,) = result.written
    assert os.listdir(tmp_path / "out") == [target.name]
    with Image.open(target) as file:
        file.load()
        return target.name, file


def assert_equal_but_for_ties(actual, expected):
    """Compare levels; float32 and float64 may round a level's half to either side."""
    assert actual.dtype == expected.dtype
    difference = np.abs(actual.astype(int) - expected.astype(int))
    assert difference.max() <= 1
    assert np.mean(difference > 0) <= 0.01


# ---------------------------------------------------------------------- what comes back


@pytest.mark.parametrize(
    ("shape", "mode"),
    [((9, 14), "L"), ((9, 14, 3), "RGB"), ((9, 14, 2), "LA"), ((9, 14, 4), "RGBA")],
)
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_8_bits_come_back_as_8_bits_and_alpha_as_it_is(model, tmp_path, shape, mode, suffix):
    pixels = bytes_image(*shape)
    path = tmp_path / f"a{suffix}"
    Image.fromarray(pixels).save(path)
    name, file = only_result(model, path, tmp_path)
    assert (name, file.mode, file.format) == (
        path.name,
        mode,
        "PNG" if suffix == ".png" else "TIFF",
    )
    colours = {"L": pixels, "RGB": pixels, "LA": pixels[..., 0], "RGBA": pixels[..., :3]}[mode]
    result = np.asarray(file)
    if mode in ("LA", "RGBA"):
        np.testing.assert_array_equal(result[..., -1], pixels[..., -1])
        result = result[..., 0] if mode == "LA" else result[..., :3]
    assert_equal_but_for_ties(result, restored(model, colours))
    assert (result != colours).mean() > 0.5


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_16_bits_of_grey_come_back_as_16_bits(model, tmp_path, suffix, order):
    pixels = np.random.default_rng(0).integers(0, 2**16, (9, 14)).astype(order)
    path = tmp_path / f"a{suffix}"
    Image.fromarray(pixels).save(path)
    name, file = only_result(model, path, tmp_path)
    assert name == path.name
    result = np.asarray(file)
    assert result.dtype.itemsize == 2
    expected = restored(model, pixels.astype(np.uint16), 65535).astype(int)
    # float32 has seven digits, a level of 16 bits five.
    np.testing.assert_allclose(result.astype(int), expected, atol=1)
    assert len(np.unique(result % 257)) > 50  # not 8 bits stretched to 16


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".gif", ".webp", ".ppm"])
def test_what_is_neither_png_nor_tiff_becomes_png(model, tmp_path, suffix):
    path = tmp_path / f"photo.one{suffix}"
    Image.fromarray(bytes_image(16, 20, 3)).save(path)
    with Image.open(path) as file:
        pixels = np.asarray(file.convert("RGB"))
    name, file = only_result(model, path, tmp_path)
    assert (name, file.format, file.mode) == ("photo.one.png", "PNG", "RGB")
    assert_equal_but_for_ties(np.asarray(file), restored(model, pixels))


def test_a_palette_is_restored_as_the_colours_it_stands_for(model, tmp_path):
    indices, colours = bytes_image(9, 14) % 8, bytes_image(8, 3, seed=1)
    image = Image.frombytes("P", (14, 9), indices.tobytes())
    image.putpalette(colours.tobytes())
    image.save(tmp_path / "a.png", transparency=3)
    _, file = only_result(model, tmp_path / "a.png", tmp_path)
    result = np.asarray(file)
    assert_equal_but_for_ties(result[..., :3], restored(model, colours[indices]))
    np.testing.assert_array_equal(result[..., 3], np.where(indices == 3, 0, 255))


def test_black_and_white_becomes_grey(model, tmp_path):
    pixels = bytes_image(9, 14) > 127
    Image.fromarray(pixels).save(tmp_path / "a.png")
    _, file = only_result(model, tmp_path / "a.png", tmp_path)
    assert file.mode == "L"
    assert_equal_but_for_ties(np.asarray(file), restored(model, pixels.astype(np.uint8) * 255))


def test_inks_become_colours(model, tmp_path):
    path = tmp_path / "a.tif"
    inks = Image.fromarray(bytes_image(9, 14, 3)).convert("CMYK")
    inks.save(path)
    _, file = only_result(model, path, tmp_path)
    assert file.mode == "RGB"
    assert_equal_but_for_ties(np.asarray(file), restored(model, np.asarray(inks.convert("RGB"))))


def test_photographs_are_turned_upright_and_keep_profile_and_exif(model, tmp_path):
    pixels = bytes_image(8, 14)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera"  # to be turned clockwise; the maker
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif, icc_profile=profile)
    _, file = only_result(model, tmp_path / "a.png", tmp_path)
    assert_equal_but_for_ties(np.asarray(file), restored(model, np.rot90(pixels, -1)))
    assert file.info["icc_profile"] == profile
    assert file.getexif()[0x010F] == "A camera"
    assert file.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize(
    "layout",
    [
        {"compression": "tiff_lzw", "tiffinfo": {317: 2}},  # differences of neighbours
        {"compression": "tiff_adobe_deflate"},
        {"compression": "packbits"},
    ],
)
def test_the_layout_of_a_tiff_is_not_taken_for_that_of_its_result(model, tmp_path, layout):
    pixels = bytes_image(30, 40, 3)
    Image.fromarray(pixels).save(tmp_path / "a.tif", dpi=(300, 300), **layout)
    _, file = only_result(model, tmp_path / "a.tif", tmp_path)
    assert_equal_but_for_ties(np.asarray(file), restored(model, pixels))
    assert file.info["dpi"] == (300, 300)


def test_a_broken_exif_record_does_not_cost_the_picture(model, tmp_path):
    pixels = bytes_image(9, 14)
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=b"Exif\0\0no record at all")
    _, file = only_result(model, tmp_path / "a.png", tmp_path)
    assert_equal_but_for_ties(np.asarray(file), restored(model, pixels))


def test_k_reaches_the_model(model, tmp_path):
    pixels = bytes_image(9, 14)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (target,) = denoise_files(model, [tmp_path / "a.png"], tmp_path / "out", k=0).written
    with Image.open(target) as file:
        assert not np.asarray(file).any()  # no step from 0


def test_a_folder_is_its_image_files_each_once_and_in_order(model, tmp_path):
    (tmp_path / "deeper").mkdir()
    for name in ("b.png", "a.JPG", ".hidden.png", "deeper/c.png"):
        Image.fromarray(bytes_image(9, 14)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    inputs = [tmp_path, tmp_path / "b.png", tmp_path / "deeper" / ".." / "b.png"]
    lines = []
    result = denoise_files(model, inputs, tmp_path / "out", progress=lines.append)
    assert [path.name for path in result.written] == ["a.png", "b.png"]
    assert sorted(os.listdir(tmp_path / "out")) == ["a.png", "b.png"]
    assert [line.split()[0] for line in lines] == ["[1/2]", "[2/2]"]
    assert re.fullmatch(r"\[1/2\] \S+a\.JPG -> \S+a\.png  9 x 14  \d+\.\d\d s", lines[0])


def test_a_second_run_writes_over_the_first(model, tmp_path):
    Image.fromarray(bytes_image(9, 14)).save(tmp_path / "a.png")
    (target,) = denoise_files(model, [tmp_path / "a.png"], tmp_path / "out").written
    content = target.read_bytes()
    target.write_bytes(b"old")
    denoise_files(model, [tmp_path / "a.png"], tmp_path / "out")
    assert target.read_bytes() == content


# ---------------------------------------------------------------------- what is left out


@pytest.fixture
def bad_files(tmp_path):
    """A folder of files that cannot be restored, and why, beside two that can."""
    folder = tmp_path / "in"
    folder.mkdir()
    good = Image.fromarray(bytes_image(40, 50))
    good.save(folder / "a.png")
    good.save(folder / "z.png")
    whole = (folder / "a.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.png").write_text("no image")
    Image.fromarray(bytes_image(1, 5)).save(folder / "line.png")
    good.save(folder / "pages.tif", save_all=True, append_images=[good, good])
    Image.fromarray(np.zeros((4, 4), dtype=np.float32)).save(folder / "numbers.tif")
    return folder, {
        "cut.png": "truncated",
        "empty.jpg": "cannot identify image file",
        "text.png": "cannot identify image file",
        "line.png": "1 x 5 pixels",
        "pages.tif": "3 images",
        "numbers.tif": "'F'",
    }


def test_files_that_cannot_be_restored_are_named_and_the_others_are_done(
    model_file, bad_files, tmp_path, capsys
):
    folder, reasons = bad_files
    out = tmp_path / "out"
    assert main(["denoise", str(folder), "--model", model_file, "--out", str(out)]) == 1
    streams = capsys.readouterr()
    assert sorted(os.listdir(out)) == ["a.png", "z.png"]
    lines = streams.err.splitlines()
    assert len(lines) == len(reasons)
    for name, reason in reasons.items():
        (line,) = [line for line in lines if str(folder / name) in line]
        assert reason in line
        assert any(f"{folder / name}: FAILED" in line for line in streams.out.splitlines())
    assert len(streams.out.splitlines()) == len(reasons) + 2


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".bmp"])
def test_colour_of_8_bits_loses_none_whatever_its_size(model, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(bytes_image(16, 160, 3)).save(path)
    lines = []
    denoise_files(model, [path], tmp_path / "out", progress=lines.append)
    assert re.search(r"  16 x 160 x 3  \d+\.\d\d s$", lines[0])


def test_colour_of_16_bits_is_said_to_lose_8(model, tmp_path):
    # Pillow cannot write such a file; this is one of 2 x 2 pixels by the PNG specification.
    import struct
    import zlib

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    rows = b"".join(b"\0" + struct.pack(">6H", *range(i, i + 6)) for i in (0, 30_000))
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    lines = []
    denoise_files(model, [tmp_path / "a.png"], tmp_path / "out", progress=lines.append)
    assert "2 x 2 x 3" in lines[0]
    assert "16 bits a channel were read as 8" in lines[0]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_names_that_are_no_text_are_printed_all_the_same(model_file, tmp_path, capsys):
    path = os.path.join(os.fsencode(tmp_path), b"\xff.png")
    with open(path, "wb") as file:
        Image.fromarray(bytes_image(9, 14)).save(file, "PNG")
    arguments = [os.fsdecode(path), "--model", model_file, "--out", str(tmp_path / "out")]
    assert main(["denoise", *arguments]) == 0
    assert "udcff.png" in capsys.readouterr().out
    assert os.listdir(os.path.join(os.fsencode(tmp_path), b"out")) == [b"\xff.png"]
