"""Reading image files with Pillow, which only those who load photographs need."""

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def check_pillow(caller: str) -> None:
    """Raise an ImportError that says how to get Pillow, if it is missing."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} reads image files with Pillow. Install it with pip install pillow, or with "
            "this package's extra [images]."
        ) from error


def read_image(path: Path) -> NDArray[np.uint8]:
    """Pixels of a grey or colour file of 8 bits: (height, width) or (height, width, 3).

    An OSError if the file cannot be read as an image, a ValueError if it is of another kind.
    """
    from PIL import Image

    try:
        # From a path, Pillow maps raw pixels into memory under the size of the turned image.
        with path.open("rb") as stream, Image.open(stream) as file:
            mode, pixels = file.mode, np.asarray(file)
    # What Pillow raises for a broken file depends on where it is broken.
    except (OSError, SyntaxError, ValueError, EOFError, zlib.error) as error:
        raise OSError(f"The image file {str(path)!r} cannot be read: {error}") from error
    if mode not in ("L", "RGB"):
        raise ValueError(
            f"The image file {str(path)!r} has pixels of mode {mode!r}; grey ('L') or colour "
            "('RGB') of 8 bits is needed. Convert it first."
        )
    return pixels
