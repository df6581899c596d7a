"""Images as another hand might have written them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import affine_transform

_Array = np.ndarray[Any, Any]

# Standard deviations: of angles and shears in radians, of logarithms of scales, and of shifts in
# shares of the side.
_ANGLE, _SHEAR, _SCALE, _SHIFT = 0.12, 0.12, 0.1, 0.05


def distorted(images: _Array, rng: np.random.RandomState) -> _Array:
    """Return each image under a random affine map, linearly interpolated, black beyond its edges.

    Parameters
    ----------
    images : ndarray of shape (n, side, side)
    rng : RandomState

    Returns
    -------
    ndarray of shape (n, side, side)
    """
    n, side, _ = images.shape
    # Six numbers an image, one after the other: fewer images are the first of more.
    normal = rng.standard_normal((n, 6))
    maps = _affine_maps(normal[:, :4])
    centre = np.full(2, (side - 1) / 2)
    shifts = centre + _SHIFT * side * normal[:, 4:] - maps @ centre
    found = np.empty_like(images)
    for image, out, matrix, shift in zip(images, found, maps, shifts, strict=True):
        affine_transform(image, matrix, shift, order=1, output=out)
    return found


def _affine_maps(normal: _Array) -> _Array:
    """Return matrices of a shear, a turn and a scale of each axis, (n, 2, 2), of (n, 4) numbers."""
    angle, shear = _ANGLE * normal[:, 0], _SHEAR * normal[:, 1]
    scale = np.exp(_SCALE * normal[:, 2:])
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    sheared = np.tile(np.eye(2), (len(normal), 1, 1))
    sheared[:, 0, 1] = shear
    found: _Array = scale[:, :, None] * (turn @ sheared)
    return found
