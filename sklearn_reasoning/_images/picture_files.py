"""Image files as arrays that a denoiser takes, and restored arrays as files again."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

_Array = np.ndarray[Any, Any]

# A second lossy compression would put back artefacts that look like noise: what is not written in
# its own format is written as PNG.
_FORMATS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}

# Description, maker, model, software, time, artist, copyright, EXIF, GPS. A TIFF's
# own record also says where and how its pixels lie in the file, which is no longer true.
_KEPT_TAGS = {270, 271, 272, 305, 306, 315, 33432, 34665, 34853}

_MODES_OF_16_BITS = ("I;16", "I;16B", "I;16L", "I;16N")

# What shallow grey is multiplied by when it is read as 8 bits, by Pillow's name of its storage.
_STRETCHED = {"L;2": 85, "L;4": 17}

# 10, 12 and 14 are what cameras, scanners and microscopes count in.
_DEPTHS_IN_16_BITS = (10, 12, 14)


@dataclass(frozen=True)
class Picture:
    """What an image file holds.

    Parameters
    ----------
    pixels : ndarray of shape (height, width) or (height, width, 3)
        uint8 or uint16.
    alpha : ndarray of shape (height, width) or None
        uint8; None where nothing is transparent.
    metadata : dict
        The colour profile, the EXIF record and the resolution, where the file has them, and the
        level of a 16-bit grey PNG that stands for full transparency.
    note : str
        What a user should know about how it was read; empty for nothing.
    """

    pixels: _Array
    alpha: _Array | None
    metadata: dict[str, Any]
    note: str


def target_name(path: Path) -> str:
    """Return the name under which the restored image of a file is written."""
    return path.name if path.suffix.lower() in _FORMATS else path.stem + ".png"


def read_picture(path: Path) -> Picture:
    """Read an image file with Pillow.

    Bilevel images become grey, palettes, CMYK and YCbCr colour. Pixels are turned as the EXIF
    record says they are to be seen, and 16 bits that count from white are inverted, as Pillow does
    with 8. An OSError if the file cannot be read as an image; a ValueError if it holds several
    images, pixels that are no grey levels or colours, or a transparency that Pillow would lose.
    """
    from PIL import Image

    try:
        # From a path, Pillow maps raw pixels into memory under the size of the turned image.
        with path.open("rb") as stream, Image.open(stream) as file:
            # A camera's MPO holds the photograph first and previews behind it.
            frames = 1 if file.format == "MPO" else getattr(file, "n_frames", 1)
            if frames > 1:
                raise ValueError(f"it holds {frames} images; split it into files of one")
            stored = _raw_mode(file)
            from_png = file.format == "PNG"
            white_is_zero = file.format == "TIFF" and _tag(file, 262) == 0
            file.load()
            image = _upright(file)
    # What Pillow raises for a broken file depends on where it is broken.
    except (SyntaxError, EOFError, zlib.error, Image.DecompressionBombError) as error:
        raise OSError(str(error)) from error
    if min(image.size) < 2:
        width, height = image.size
        raise ValueError(f"it has {height} x {width} pixels; at least 2 x 2 are needed")
    metadata = _metadata_of(image)
    if image.mode in _MODES_OF_16_BITS or (image.mode == "I" and from_png):
        levels = _levels_of_16_bits(image, stored, white_is_zero)
        if "transparency" in image.info:
            metadata["transparency"] = image.info["transparency"]
        return Picture(levels, None, metadata, _note_on_white(levels))
    reduced = "16" in stored
    if "transparency" in image.info:
        _mend_transparency(image, stored)
    pixels, alpha = _bytes_of(image, grey_as_colour=stored.startswith("LA"))
    note = "16 bits a channel were read as 8" if reduced else ""
    return Picture(pixels, alpha, metadata, note)


def _levels_of_16_bits(image: Image, stored: str, white_is_zero: bool) -> _Array:
    """Return grey levels with white at 65535."""
    levels = np.asarray(image).astype(np.uint16)
    if stored == "I;12":  # 4095 is white, and becomes 65535
        levels = levels * np.uint16(16) + levels // np.uint16(256)
    return np.uint16(65535) - levels if white_is_zero else levels


def _note_on_white(levels: _Array) -> str:
    """Return what to do where no level comes near white, as in a 12-bit camera's file."""
    brightest = int(levels.max())
    bits = next((bits for bits in _DEPTHS_IN_16_BITS if brightest < 2**bits), None)
    if bits is None or brightest == 0:
        return ""
    return (
        f"no pixel is brighter than {brightest}, and 65535 is white; if the file counts in {bits} "
        f"bits, multiply its pixels by {2 ** (16 - bits)} first"
    )


def _mend_transparency(image: Image, stored: str) -> None:
    """Make the transparent level of a PNG one of the levels that were read."""
    if "16" in stored:
        raise ValueError(
            "one of its colours of 16 bits a channel stands for transparency, and Pillow reads it "
            "as 8 bits; save it with 8 bits a channel, or with an alpha channel"
        )
    if stored in _STRETCHED:
        image.info["transparency"] *= _STRETCHED[stored]


def _upright(image: Image) -> Image:
    """Return an image turned the way its EXIF record says."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a broken record; the pixels are whole
        return image.copy()


def _metadata_of(image: Image) -> dict[str, Any]:
    """Return what is kept beside the pixels, as arguments of Pillow's save."""
    metadata: dict[str, Any] = {}
    try:
        exif = image.getexif()
        for tag in set(exif) - _KEPT_TAGS:
            del exif[tag]
        if len(exif):
            metadata["exif"] = exif.tobytes()
    except Exception:  # a broken record must not cost the picture
        metadata = {}
    profile = image.info.get("icc_profile")
    if profile and image.mode not in ("CMYK", "LAB", "YCbCr"):  # it would tell of other numbers
        metadata["icc_profile"] = profile
    resolution = [float(value) for value in image.info.get("dpi", ())]
    if len(resolution) == 2 and all(0 < value < 1e6 for value in resolution):
        metadata["dpi"] = tuple(resolution)
    return metadata


def _raw_mode(file: Any) -> str:
    """Return how an opened file stores its pixels, such as "RGB;16B"; empty where not known."""
    details = file.tile[0][3] if file.tile else ""
    if isinstance(details, tuple) and details:
        details = details[0]
    return details if isinstance(details, str) else ""


def _tag(file: Any, number: int) -> Any:
    """Return a field of a TIFF; None where it is not there, or cannot be read."""
    try:
        return file.tag_v2.get(number)
    except Exception:  # a broken record; Pillow says whether the pixels are whole
        return None


def _bytes_of(image: Image, grey_as_colour: bool) -> tuple[_Array, _Array | None]:
    """Return the pixels and the transparency of an image, as uint8.

    ``grey_as_colour`` says that its three channels are one grey one.
    """
    if image.mode in ("I", "F"):
        raise ValueError(
            f"its pixels are numbers of Pillow's mode {image.mode!r}, and nothing says which of "
            "them is white; save it with 8 or 16 unsigned bits, or hand an array to predict"
        )
    see_through = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    grey = image.mode in ("1", "L", "LA", "La")
    array = np.asarray(image.convert(("L" if grey else "RGB") + ("A" if see_through else "")))
    if not see_through:
        return array, None
    return (array[..., 0] if grey or grey_as_colour else array[..., :3]), array[..., -1]


def encode_picture(picture: Picture, restored: _Array, name: str) -> bytes:
    """Return the content of a file with restored pixels and all else of a picture.

    The pixels are floats of the picture's shape, which are clipped to [0, 1] and rounded to its
    number of bits; the suffix of the file's ``name`` is that of :func:`target_name`.
    """
    from PIL import Image

    dtype = picture.pixels.dtype
    white = np.iinfo(dtype).max
    levels = np.rint(np.clip(restored.astype(np.float64), 0.0, 1.0) * white).astype(dtype)
    key = picture.metadata.get("transparency")
    if key is not None:
        if _FORMATS[Path(name).suffix.lower()] != "PNG":
            raise ValueError("one of its levels stands for transparency, as in a PNG; name it .png")
        # One level up or down, and what was to be seen does not vanish.
        levels[levels == key] = key - 1 if key else 1
        levels[picture.pixels == key] = key
    if picture.alpha is not None:
        levels = np.dstack([levels, picture.alpha])
    file = io.BytesIO()
    Image.fromarray(levels).save(file, _FORMATS[Path(name).suffix.lower()], **picture.metadata)
    return file.getvalue()
