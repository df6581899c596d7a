"""Gaussian noise whose level depends on the image: lower on edges, as in the paper's experiment."""

from collections.abc import Iterator
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from sklearn_reasoning._images.containers import CLEAN_RANGE, read_images
from sklearn_reasoning._support.documentation import Documented
from sklearn_reasoning._support.random_state import independent_random_state

_Image: TypeAlias = NDArray[Any]
_Images: TypeAlias = NDArray[Any] | list[_Image] | tuple[_Image, ...]

_PARAMETER_CONSTRAINTS: dict[str, list[Any]] = {
    "low": [Interval(Real, 0, None, closed="left")],
    "high": [Interval(Real, 0, None, closed="left")],
    "width": [Interval(Real, 0, None, closed="left")],
    "percentile": [Interval(Real, 0, 100, closed="right")],
    "clip": ["boolean"],
    "random_state": ["random_state"],
}

# An image that is constant but for rounding has gradients of about 1e-16, which are no edges.
_ROUNDING = 1e-12


class LocallyAdaptiveNoise(Documented, TransformerMixin, BaseEstimator):
    r"""Add Gaussian noise that is lower on edges than on smooth parts of an image.

    The paper (Section 7, image denoising) says that the level of its noise depends on the local
    smoothness of the image and is lower on edges. It does not state how. Here pixel i of an image
    x in [0, 1] becomes

    .. math::

        x_i + \sigma_i z_i, \quad z_i \sim N(0, 1), \quad
        \sigma = \text{high} - (\text{high} - \text{low}) \, m, \quad
        m = \min\left(1, \frac{e}{P_{95}(e)}\right), \quad
        e = G * |\nabla (G * x)|,

    where G is a Gaussian (``width``; the image is reflected at its border), :math:`\nabla` takes
    central differences (one-sided at the border) and :math:`P_{95}` is the percentile over the
    image (``percentile``). So sigma lies in [low, high], and is low where the edges are strongest.

    With the defaults, sigma goes from 10 / 255 to 40 / 255. On the 400 images of BSD400 it is
    30.0 / 255 on average and 31.2 / 255 in the root of the mean square, and the mean PSNR of the
    noisy images is 18.30 dB (18.73 dB clipped). On the 20 photographs of
    :func:`load_natural_images` it is 31.5 and 32.7, and the PSNR 17.92 dB.

    ``low == high`` is uniform noise of that level. An image without edges (a constant one) has
    the level ``high`` everywhere. Where the percentile is 0 although the image has edges, m is 1
    on them and 0 elsewhere.

    Parameters
    ----------
    low : float, default=10/255
        Standard deviation of the noise on edges, in units of the pixels' range [0, 1].
    high : float, default=40/255
        Standard deviation where the image is smooth, in units of that range too; at least ``low``.
    width : float, default=1.0
        Standard deviation of the Gaussian G, in pixels; 0 smooths nothing.
    percentile : float, default=95
        Percentile of an image's edges, in (0, 100], from which on the noise is at ``low``.
    clip : bool, default=False
        Whether to clip the noisy images into [0, 1], after which the noise is no longer Gaussian.
    random_state : int, RandomState instance or None, default=None
        Seed of the noise. None is fresh entropy; numpy's global random state is never used. Each
        image has a stream of its own that depends on the seed and the image's place in ``X``: with
        the same int, the noise of the first images does not depend on how many follow. Two calls
        with the same int add the same noise, so take another one for test images. A RandomState
        instance goes on from call to call.

    See Also
    --------
    load_natural_images : Photographs to add noise to.

    Notes
    -----
    Images are floats in [0, 1], or uint8, which is divided by 255. ``X`` is an array of shape
    (n, height, width) or (n, height, width, 3), or a list or tuple (or a one-dimensional array of
    objects) of images of unlike sizes, each of shape (height, width) or (height, width, 3). An
    array of shape (3, height, width) is three grey images. The channels of a colour image share
    one map of levels, which is that of their mean, and each has noise of its own.

    ``fit`` learns nothing: it checks the parameters and the images. Columns have no names, so
    there is no ``get_feature_names_out`` and no ``set_output``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_reasoning.datasets import LocallyAdaptiveNoise
    >>> clean = np.zeros((2, 32, 32))
    >>> clean[:, :, 16:] = 1.0  # one edge, down the middle
    >>> noise = LocallyAdaptiveNoise(random_state=0)
    >>> noisy = noise.fit_transform(clean)
    >>> noisy.shape
    (2, 32, 32)
    >>> level = noise.noise_level(clean)[0]
    >>> round(255 * float(level[0, 15])), round(255 * float(level[0, 0]))
    (10, 40)
    """

    def __init__(
        self,
        low: float = 10 / 255,
        high: float = 40 / 255,
        *,
        width: float = 1.0,
        percentile: float = 95,
        clip: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.low = low
        self.high = high
        self.width = width
        self.percentile = percentile
        self.clip = clip
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "LocallyAdaptiveNoise":
        """Check the parameters and the images; nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n, height, width) or (n, height, width, 3), or list or tuple
            Images, floats in [0, 1] or uint8; a list's may have unlike sizes.
        y : None, default=None
            Ignored.

        Returns
        -------
        LocallyAdaptiveNoise
            The transformer itself.

        Raises
        ------
        ValueError, TypeError
            If a parameter is outside its domain, ``low`` is above ``high``, or an image is not one.

        Examples
        --------
        >>> LocallyAdaptiveNoise(low=0.1, high=0.2).fit([[[0.0, 1.0], [1.0, 0.0]]])
        LocallyAdaptiveNoise(high=0.2, low=0.1)
        """
        self._check_parameters()
        read_images("X", X, CLEAN_RANGE)
        return self

    def transform(self, X: Any) -> _Images:
        """Add noise.

        Parameters
        ----------
        X : array-like of shape (n, height, width) or (n, height, width, 3), or list or tuple
            Clean images, floats in [0, 1] or uint8 (divided by 255); a list's may have unlike
            sizes.

        Returns
        -------
        ndarray, list or tuple
            Noisy images: an array for an array, a list for a list, a tuple for a tuple, of the
            same shapes. The pixels are float64 where the images are or are uint8, float32
            otherwise; they leave [0, 1] unless ``clip`` is True.

        Raises
        ------
        ValueError, TypeError
            If a parameter is outside its domain, ``low`` is above ``high``, or an image is not one.

        Examples
        --------
        >>> import numpy as np
        >>> noisy = LocallyAdaptiveNoise(random_state=0).transform(np.zeros((1, 2, 2)))
        >>> noisy.shape, noisy.dtype
        ((1, 2, 2), dtype('float64'))
        """
        self._check_parameters()
        images = read_images("X", X, CLEAN_RANGE)
        noisy = []
        for i, rng in zip(range(len(images)), _streams(self.random_state), strict=False):
            image = images.pixels(i)
            pixels = image + self._level(image) * rng.standard_normal(image.shape)
            if self.clip:
                np.clip(pixels, 0.0, 1.0, out=pixels)
            noisy.append(pixels.astype(image.dtype, copy=False))
        return images.contain(noisy)

    def noise_level(self, X: Any) -> _Images:
        """Give the standard deviation of the noise of every pixel.

        Parameters
        ----------
        X : array-like of shape (n, height, width) or (n, height, width, 3), or list or tuple
            Clean images, as ``transform`` takes them.

        Returns
        -------
        ndarray, list or tuple
            Levels in [low, high], in units of the pixels' range [0, 1], in the container, the
            shapes and the types that ``transform`` returns. The three channels of a colour image
            are equal.

        Raises
        ------
        ValueError, TypeError
            If a parameter is outside its domain, ``low`` is above ``high``, or an image is not one.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_reasoning.datasets import LocallyAdaptiveNoise
        >>> flat = np.full((1, 4, 5), 0.5)
        >>> bool((LocallyAdaptiveNoise(low=0.1, high=0.2).noise_level(flat) == 0.2).all())
        True
        """
        self._check_parameters()
        images = read_images("X", X, CLEAN_RANGE)
        pixels = [images.pixels(i) for i in range(len(images))]
        return images.contain(
            [np.broadcast_to(self._level(x), x.shape).astype(x.dtype) for x in pixels]
        )

    def _level(self, image: _Image) -> NDArray[np.float64]:
        """Levels of shape (height, width), or (height, width, 1) for a colour image."""
        grey = np.asarray(image, dtype=np.float64)
        if grey.ndim == 3:
            grey = grey.mean(axis=2)
        slope = np.hypot(*np.gradient(gaussian_filter(grey, self.width)))
        slope[slope < _ROUNDING] = 0.0
        edges = gaussian_filter(slope, self.width)
        scale = np.percentile(edges, self.percentile)
        share = np.minimum(edges, scale) / scale if scale > 0 else (edges > 0).astype(np.float64)
        # high - (high - low) can round to just below low.
        level = np.maximum(self.high - (self.high - self.low) * share, self.low)
        return level if image.ndim == 2 else level[:, :, None]

    def _check_parameters(self) -> None:
        validate_parameter_constraints(
            _PARAMETER_CONSTRAINTS, self.get_params(deep=False), caller_name=type(self).__name__
        )
        if self.low > self.high:
            raise ValueError(
                f"low={self.low} is above high={self.high}: low is the level on edges, where the "
                "noise is lower. Swap them, or give both the same value for uniform noise."
            )

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _streams(random_state: int | np.random.RandomState | None) -> Iterator[np.random.RandomState]:
    """One generator an image, each from the seed and the image's index alone."""
    seed = independent_random_state(random_state).randint(2**32, size=4, dtype=np.uint64).tolist()
    index = 0
    while True:
        sequence = np.random.SeedSequence(seed, spawn_key=(index,))
        yield np.random.RandomState(np.random.MT19937(sequence))
        index += 1
