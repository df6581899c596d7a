"""Images in the containers that users have them in, as grey planes and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_reasoning._support.inputs import readable

_Array = np.ndarray[Any, Any]

# Noise goes beyond [0, 1]; values counted from 0 to 255 go much further.
NOISY_RANGE = (-4.0, 5.0)
CLEAN_RANGE = (0.0, 1.0)

# Pillow's images of indices into a palette, of inks, and of other colour spaces.
_MODES_TO_CONVERT = ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV")


@dataclass(frozen=True)
class Images:
    """Images that were checked.

    The ``arrays``, of shape (height, width) or (height, width, 3), are as given. ``container`` is
    what they came in: "array", "list", "tuple", or "objects", a one-dimensional array of images.
    """

    arrays: Sequence[_Array]
    container: str

    def __len__(self) -> int:
        return len(self.arrays)

    def pixels(self, i: int) -> _Array:
        """Return image i as float32 or float64 with values in [0, 1]: uint8 divided by 255."""
        image = self.arrays[i]
        if image.dtype == np.float16:
            return image.astype(np.float32)
        # In float64, which rounds as a user's own division by 255 does.
        return image / 255.0 if image.dtype == np.uint8 else image

    def planes(self, i: int) -> list[_Array]:
        """Return image i as grey float32 images with values in [0, 1]: one, or three."""
        values = self.pixels(i).astype(np.float32, copy=False)
        return [values] if values.ndim == 2 else [values[..., c] for c in range(3)]

    def all_planes(self) -> Iterator[_Array]:
        """Yield the grey planes of all images."""
        for i in range(len(self)):
            yield from self.planes(i)

    def join(self, i: int, planes: Sequence[_Array]) -> _Array:
        """Return planes as an image like image i: its shape, and its dtype if that is float."""
        image = self.arrays[i]
        dtype = np.float64 if image.dtype == np.float64 else np.float32
        joined = planes[0] if image.ndim == 2 else np.stack(planes, axis=-1)
        return joined.astype(dtype, copy=False)

    def contain(self, images: list[_Array]) -> Any:
        """Return images in a container like the one that these came in."""
        if self.container == "array":
            return np.stack(images)
        if self.container == "objects":
            objects = np.empty(len(images), dtype=object)
            objects[:] = images
            return objects
        return tuple(images) if self.container == "tuple" else images


def read_images(name: str, images: Any, limits: tuple[float, float]) -> Images:
    """Check images with values in ``limits``, or of uint8, and say which one is wrong.

    They are an array (n, h, w) or (n, h, w, 3), or a sequence of (h, w) or (h, w, 3); ``name`` is
    what the caller's argument is called. A TypeError if they are no images, or have another dtype;
    a ValueError if a shape or a value is wrong, or there is no image.
    """
    arrays, container = _taken_apart(name, images)
    if not len(arrays):
        raise ValueError(f"{name} holds no image.")
    for i, image in enumerate(arrays):
        _check_image(f"{name}[{i}]", image, limits)
    return Images(arrays, container)


def check_pairs(noisy: Images, clean: Images) -> None:
    """Raise a ValueError unless every noisy image has a clean one of the same shape."""
    if len(noisy) != len(clean):
        raise ValueError(f"noisy holds {len(noisy)} images and clean {len(clean)}.")
    for i, (x, y) in enumerate(zip(noisy.arrays, clean.arrays, strict=True)):
        if x.shape != y.shape:
            raise ValueError(
                f"noisy[{i}] has shape {x.shape} and clean[{i}] {y.shape}; they must be equal."
            )


def _taken_apart(name: str, images: Any) -> tuple[Sequence[_Array], str]:
    if not isinstance(images, list | tuple):
        images = readable(name, images)
    objects = isinstance(images, np.ndarray) and images.dtype == object and images.ndim == 1
    if objects or isinstance(images, list | tuple):
        container = "objects" if objects else "tuple" if isinstance(images, tuple) else "list"
        return [_as_array(f"{name}[{i}]", image) for i, image in enumerate(images)], container
    if not hasattr(images, "__array__"):
        raise TypeError(
            f"{name}={type(images).__name__} must be an array of shape (n, height, width) or "
            "(n, height, width, 3), or a list of images."
        )
    array = np.asarray(images)
    shape = array.shape
    if array.ndim == 2:
        raise ValueError(
            f"{name} has shape {shape}: a single image is handed in as a list, [image]. Rows of "
            "pixels are made images by reshape(n, height, width)."
        )
    if array.ndim == 3 and shape[-1] == 3:
        raise ValueError(
            f"{name} has shape {shape}, which may be {shape[0]} images three pixels wide or one "
            "image with three channels. Hand in a list of images."
        )
    if array.ndim not in (3, 4):
        raise ValueError(
            f"{name} has shape {shape}; it must be (n, height, width) or (n, height, width, 3)."
        )
    return list(array), "array"


def _as_array(name: str, image: Any) -> _Array:
    mode = getattr(image, "mode", None) if type(image).__module__.startswith("PIL.") else None
    if mode in _MODES_TO_CONVERT:
        raise TypeError(
            f"{name} is a Pillow image of mode {mode!r}, whose numbers are neither brightness nor "
            "red, green and blue: hand in image.convert('RGB')."
        )
    try:
        return np.asarray(readable(name, image))
    except ValueError as error:
        raise ValueError(f"{name} is no image: {error}") from error


def _check_image(name: str, image: _Array, limits: tuple[float, float]) -> None:
    _check_dtype(name, image.dtype)
    _check_shape(name, image.shape)
    if image.dtype == np.uint8:
        return
    low, high = float(image.min()), float(image.max())
    if not np.isfinite([low, high]).all():
        what = "NaN" if np.isnan(image).any() else "infinite values"
        raise ValueError(f"{name} holds {what}.")
    # A rounding beyond the ends is none of the user's doing.
    if low < limits[0] - 1e-6 or high > limits[1] + 1e-6:
        noise = " up to noise" if limits == NOISY_RANGE else ""
        raise ValueError(
            f"{name} has values from {low:.6g} to {high:.6g}; floats must be in [0, 1]{noise}. "
            "Divide what counts from 0 to 255 by 255, or hand it in as uint8; clip what goes a "
            "little beyond."
        )


def _check_dtype(name: str, dtype: np.dtype[Any]) -> None:
    if dtype in (np.float16, np.float32, np.float64, np.uint8):
        return
    hint = " Divide by 65535." if dtype == np.uint16 else ""
    raise TypeError(f"{name} has dtype {dtype}; images are floats in [0, 1] or uint8.{hint}")


def _check_shape(name: str, shape: tuple[int, ...]) -> None:
    hint = ""
    if len(shape) == 3 and shape[-1] != 3:
        if shape[0] == 3:
            hint = " Its channels come first: np.moveaxis(image, 0, -1) puts them last."
        elif shape[-1] == 1:
            hint = " Drop the last axis of a grey image: image[..., 0]."
        elif shape[-1] == 4:
            hint = " Drop what is no colour: image[..., :3]."
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[-1] != 3):
        raise ValueError(
            f"{name} has shape {shape}; an image is (height, width) or (height, width, 3).{hint}"
        )
    if min(shape[:2]) < 2:
        raise ValueError(f"{name} has shape {shape}; an image has at least 2 x 2 pixels.")
