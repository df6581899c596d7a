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
        The colour profile, the EXIF record and the resolution, where the file has them.
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
    record says they are to be seen. An OSError if the file cannot be read as an image; a ValueError
    if it holds several images, or pixels that are no grey levels or colours.
    """
    from PIL import Image

    try:
        with Image.open(path) as file:
            # A camera's MPO holds the photograph first and previews behind it.
            frames = 1 if file.format == "MPO" else getattr(file, "n_frames", 1)
            if frames > 1:
                raise ValueError(f"it holds {frames} images; split it into files of one")
            reduced = "16" in _raw_mode(file) and file.mode not in _MODES_OF_16_BITS
            from_png = file.format == "PNG"
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
        return Picture(np.asarray(image).astype(np.uint16), None, metadata, "")
    pixels, alpha = _bytes_of(image)
    note = "16 bits a channel were read as 8" if reduced else ""
    return Picture(pixels, alpha, metadata, note)


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


def _bytes_of(image: Image) -> tuple[_Array, _Array | None]:
    """Return the pixels and the transparency of an image, as uint8."""
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
    return (array[..., 0] if grey else array[..., :3]), array[..., -1]


def encode_picture(picture: Picture, restored: _Array, name: str) -> bytes:
    """Return the content of a file with restored pixels and all else of a picture.

    The pixels are floats of the picture's shape, which are clipped to [0, 1] and rounded to its
    number of bits; the suffix of the file's ``name`` is that of :func:`target_name`.
    """
    from PIL import Image

    dtype = picture.pixels.dtype
    white = np.iinfo(dtype).max
    levels = np.rint(np.clip(restored.astype(np.float64), 0.0, 1.0) * white).astype(dtype)
    if picture.alpha is not None:
        levels = np.dstack([levels, picture.alpha])
    file = io.BytesIO()
    Image.fromarray(levels).save(file, _FORMATS[Path(name).suffix.lower()], **picture.metadata)
    return file.getvalue()
