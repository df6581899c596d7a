"""Image files whose pixels do not mean what their numbers seem to say."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sklearn_reasoning._images.picture_files import encode_picture, read_picture
from sklearn_reasoning._images.reading import read_image
from sklearn_reasoning.imaging import denoise_files

_PNG_CHANNELS = {0: 1, 2: 3, 4: 2}


def write_tiff(path, pixels, order="<", **tags):
    """Write an uncompressed TIFF by its specification; Pillow writes few of these kinds."""
    n_channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    bits = pixels.dtype.itemsize * 8
    fields = {
        256: (3, [pixels.shape[1]]),
        257: (3, [pixels.shape[0]]),
        258: (3, [tags.get("bits", bits)] * n_channels),
        259: (3, [1]),
        262: (3, [tags.get("photometric", {1: 1, 3: 2, 4: 2}[n_channels])]),
        273: (4, [8]),
        274: (3, [tags.get("orientation", 1)]),
        277: (3, [n_channels]),
        278: (4, [pixels.shape[0]]),
    }
    if n_channels == 4 and fields[262] == (3, [2]):
        fields[338] = (3, [2])  # the fourth is alpha
    raw = tags.get("raw", pixels.astype(pixels.dtype.newbyteorder(order)).tobytes())
    fields[279] = (4, [len(raw)])
    raw += b"\0" * (len(raw) % 2)
    body, longer = b"", b""
    after = 8 + len(raw) + 2 + 12 * len(fields) + 4
    for tag, (kind, values) in sorted(fields.items()):
        value = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(value) > 4:
            value, longer = struct.pack(f"{order}I", after + len(longer)), longer + value
        body += struct.pack(f"{order}HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + len(raw))
    path.write_bytes(head + raw + struct.pack(f"{order}H", len(fields)) + body + bytes(4) + longer)


def write_png(path, pixels, *, bits, colour, transparent=None):
    """Write a PNG by its specification. ``pixels`` are (height, row of samples)."""

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    if bits == 16:
        rows = pixels.astype(">u2").view(np.uint8)
    else:
        unpacked = np.unpackbits(pixels.astype(np.uint8)[..., None], axis=-1)[..., -bits:]
        rows = np.packbits(unpacked.reshape(len(pixels), -1), axis=-1)
    width = pixels.shape[1] // _PNG_CHANNELS[colour]
    key = b"" if transparent is None else struct.pack(f">{len(transparent)}H", *transparent)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(pixels), bits, colour, 0, 0, 0))
        + (chunk(b"tRNS", key) if key else b"")
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))
        + chunk(b"IEND", b"")
    )


def random_levels(*shape, dtype=np.uint8, low=0, high=None):
    high = np.iinfo(dtype).max + 1 if high is None else high
    return np.random.default_rng(0).integers(low, high, shape).astype(dtype)


TURNED = {
    1: lambda image: image,
    3: lambda image: image[::-1, ::-1],
    5: lambda image: np.swapaxes(image, 0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(np.swapaxes(image, 0, 1), 2),
    8: lambda image: np.rot90(image),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((4, 6), np.uint8), ((4, 6), np.uint16), ((4, 6, 3), np.uint8), ((4, 6, 4), np.uint8)],
)
def test_a_turned_tiff_is_read_upright(tmp_path, shape, dtype, orientation):
    pixels = random_levels(*shape, dtype=dtype)
    write_tiff(tmp_path / "a.tif", pixels, orientation=orientation)
    picture = read_picture(tmp_path / "a.tif")
    expected = TURNED[orientation](pixels)
    if len(shape) == 3 and shape[-1] == 4:
        np.testing.assert_array_equal(picture.alpha, expected[..., 3])
        expected = expected[..., :3]
    np.testing.assert_array_equal(picture.pixels, expected)


def test_turned_inks_are_read_upright(tmp_path):
    inks = random_levels(4, 6, 4)
    write_tiff(tmp_path / "a.tif", inks, photometric=5, orientation=6)
    colours = Image.frombytes("CMYK", (6, 4), inks.tobytes()).convert("RGB")
    picture = read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels, np.rot90(np.asarray(colours), -1))


def test_a_turned_tiff_of_a_data_set_is_not_scrambled(tmp_path):
    pixels = random_levels(4, 6)
    write_tiff(tmp_path / "a.tif", pixels, orientation=6)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), np.rot90(pixels, -1))


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_a_tiff_that_counts_from_white_is_no_negative(model, tmp_path, dtype, white):
    dark = random_levels(6, 8, dtype=dtype, high=white // 10)
    write_tiff(tmp_path / "a.tif", white - dark, photometric=0)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels, dark)
    (target,) = denoise_files(model, [tmp_path / "a.tif"], tmp_path / "out").written
    with Image.open(target) as file:
        assert file.tag_v2[262] == 1
        (expected,) = model.predict([dark / white])
        result = np.asarray(file) / white
    np.testing.assert_allclose(result, np.clip(expected, 0, 1), atol=0.6 / white)


def test_12_bits_that_are_declared_reach_white(tmp_path):
    levels = random_levels(4, 6, dtype=np.uint16, high=4096)
    levels[0, :2] = 0, 4095
    bits = np.unpackbits(levels.astype(">u2").view(np.uint8).reshape(4, 6, 2), axis=-1)[..., 4:]
    write_tiff(tmp_path / "a.tif", levels, bits=12, raw=np.packbits(bits).tobytes())
    picture = read_picture(tmp_path / "a.tif")
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_allclose(picture.pixels, levels * (65535 / 4095), atol=1)
    assert tuple(picture.pixels[0, :2]) == (0, 65535)
    assert not picture.note


@pytest.mark.parametrize(
    ("brightest", "expected"),
    [
        (1023, "10 bits, multiply its pixels by 64 first"),
        (4095, "12 bits, multiply its pixels by 16 first"),
        (16383, "14 bits, multiply its pixels by 4 first"),
        (16384, ""),
        (0, ""),
    ],
)
def test_fewer_bits_than_the_file_has_are_pointed_out(model, tmp_path, brightest, expected):
    levels = np.zeros((4, 6), dtype=np.uint16)
    levels[1, 2] = brightest
    lines = []
    for name in ("a.tif", "a.png"):
        Image.fromarray(levels).save(tmp_path / name)
        denoise_files(model, [tmp_path / name], tmp_path / "out", progress=lines.append)
    for line in lines:
        if expected:
            assert f"no pixel is brighter than {brightest}, and 65535 is white" in line
            assert expected in line
        else:
            assert line.endswith(" s")


def test_the_advice_for_12_bits_lowers_the_noise(tmp_path):
    from sklearn_reasoning.pretrained import load_denoiser

    rng = np.random.default_rng(0)
    clean = np.kron(rng.random((6, 8)), np.ones((8, 8)))
    noisy = np.clip(4095 * (clean + 0.05 * rng.normal(size=clean.shape)), 0, 4095)
    Image.fromarray(16 * noisy.astype(np.uint16)).save(tmp_path / "a.png")
    (target,) = denoise_files(load_denoiser(), [tmp_path / "a.png"], tmp_path / "out").written
    with Image.open(target) as file:
        after = np.sqrt(((np.asarray(file) / 65535 - clean) ** 2).mean())
    assert after < 0.7 * np.sqrt(((noisy / 4095 - clean) ** 2).mean())


@pytest.mark.parametrize("key", [0, 7, 30000, 65535])
def test_the_transparent_level_of_16_bits_stays_where_it_was(model, tmp_path, key):
    pixels = np.full((16, 16), 30000, np.uint16)
    pixels[4:8, 4:8] = key
    write_png(tmp_path / "a.png", pixels, bits=16, colour=0, transparent=[key])
    result = denoise_files(model, [tmp_path / "a.png"], tmp_path / "out")
    assert not result.failed
    with Image.open(result.written[0]) as file:
        assert file.info["transparency"] == key
        np.testing.assert_array_equal(np.asarray(file) == key, pixels == key)


def test_what_is_restored_to_the_transparent_level_is_still_seen(tmp_path):
    pixels = random_levels(4, 6, dtype=np.uint16, low=100)
    pixels[0, 0] = 7
    write_png(tmp_path / "a.png", pixels, bits=16, colour=0, transparent=[7])
    picture = read_picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(encode_picture(picture, np.full((4, 6), 7 / 65535), "b.png"))
    with Image.open(tmp_path / "b.png") as file:
        np.testing.assert_array_equal(np.asarray(file), np.where(pixels == 7, 7, 6))
    with pytest.raises(ValueError, match=r"stands for transparency.*name it \.png"):
        encode_picture(picture, np.ones((4, 6)), "b.tif")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_transparent_level_of_shallow_grey_becomes_alpha(tmp_path, bits):
    levels = random_levels(4, 8, high=2**bits)
    key = 2**bits - 2
    write_png(tmp_path / "a.png", levels, bits=bits, colour=0, transparent=[key])
    picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, levels * (255 // (2**bits - 1)))
    np.testing.assert_array_equal(picture.alpha, np.where(levels == key, 0, 255))


def test_the_transparent_colour_of_8_bits_becomes_alpha(tmp_path):
    colours = random_levels(4, 6, 3)
    write_png(
        tmp_path / "a.png", colours.reshape(4, -1), bits=8, colour=2, transparent=colours[1, 2]
    )
    picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, colours)
    expected = np.where((colours == colours[1, 2]).all(axis=-1), 0, 255)
    np.testing.assert_array_equal(picture.alpha, expected)


def test_the_transparent_colour_of_16_bits_is_left_out_by_name(model, tmp_path):
    colours = random_levels(4, 18, dtype=np.uint16)
    write_png(tmp_path / "a.png", colours, bits=16, colour=2, transparent=colours[1, :3])
    result = denoise_files(model, [tmp_path / "a.png"], tmp_path / "out")
    assert not result.written
    assert "16 bits a channel stands for transparency" in result.failed[tmp_path / "a.png"]
    assert "with an alpha channel" in result.failed[tmp_path / "a.png"]


def test_16_bits_of_grey_with_alpha_stay_grey_and_the_loss_is_named(model, tmp_path):
    samples = random_levels(4, 12, dtype=np.uint16)
    write_png(tmp_path / "a.png", samples, bits=16, colour=4)
    lines = []
    (target,) = denoise_files(
        model, [tmp_path / "a.png"], tmp_path / "out", progress=lines.append
    ).written
    assert "16 bits a channel were read as 8" in lines[0]
    with Image.open(target) as file:
        assert file.mode == "LA"
        np.testing.assert_array_equal(np.asarray(file)[..., 1], samples[:, 1::2] // 256)
