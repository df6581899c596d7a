"""Restoring noisy handwritten digits: a real task whose target solves a quadratic problem."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from sklearn_reasoning._support.random_state import independent_random_state

_N_IMAGES = 1797

# Sums over all images of multiples of it are exact. So the variance of a pixel that is constant is
# 0, and not what rounding makes of it, by which r2_score would divide.
_GRAIN = 2.0**-40

_PARAMETER_CONSTRAINTS: dict[str, list[Any]] = {
    "n_train": [Interval(Integral, 1, None, closed="left")],
    "n_test": [Interval(Integral, 1, None, closed="left")],
    "noise": [Interval(Real, 0, None, closed="left")],
    "random_state": ["random_state"],
}

_DESCR = """\
Restoration of noisy handwritten digits
---------------------------------------

Images: the 1,797 images of 8 x 8 pixels of sklearn.datasets.load_digits, scaled to [0, 1].
Input: X = [x | b], 128 columns. x is the noisy image (Gaussian noise, not clipped) minus the mean
    of the clean training images, row by row; b = -x is the linear term of the energy.
Target: y, 64 columns, is the clean image minus the same mean. Add `mean_image` to see an image.
Scores: pixels at the edge are white in nearly all images. Their R^2 says nothing, and r2_score, the
    average over pixels, is mostly theirs. Use multioutput="variance_weighted", or l2_loss_scorer.
Why it suits a reasoning layer: the best linear restoration of x (Wiener's filter) is -Q^{-1} b,
    the minimiser of 1/2 y'Qy + b'y, with Q = I + noise^2 C^{-1} and C the covariance of the images.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998 (its test set, as shipped with scikit-learn),
    https://archive.ics.uci.edu/ml/datasets/Optical+Recognition+of+Handwritten+Digits
Licence: Creative Commons Attribution 4.0 International (CC BY 4.0).
Changes: pixels divided by 16, noise added, mean subtracted.
"""


def load_digits_restoration(
    n_train: int = 400,
    n_test: int = 390,
    *,
    noise: float = 0.3,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    r"""Load the task of restoring scikit-learn's digits from noisy copies of them.

    The input is the noisy image x and b = -x, both minus the mean of the clean training images;
    the target is the clean image minus that mean. With the energy
    :math:`\frac12 y'Qy + b'y` the answer is :math:`-Q^{-1}b = Q^{-1}x`: a Wiener filter where Q is
    constant. Nothing is downloaded.

    Parameters
    ----------
    n_train : int, default=400
        Number of training images.
    n_test : int, default=390
        Number of test images, none of which is a training image.
    noise : float, default=0.3
        Standard deviation of the Gaussian noise, in units of the pixels' range [0, 1].
    random_state : int, RandomState instance or None, default=None
        Seed of the split and the noise. None is fresh entropy; numpy's global random state is
        never used. With the same int, the noisy test images are the same whatever ``n_train`` is,
        and the training images of a smaller ``n_train`` are the first of a larger one.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        X_train, X_test : ndarrays of shapes (n_train, 128) and (n_test, 128)
            Rows ``[x | b]``, as ``HybridReasoningRegressor(linear_term="given")`` reads them.
        y_train, y_test : ndarrays of shapes (n_train, 64) and (n_test, 64)
            The clean images minus ``mean_image``.
        mean_image : ndarray of shape (64,)
            Mean of the clean training images, to 12 digits; add it to y, a prediction or x to get
            an image, and ``reshape(8, 8)`` to draw it.
        train_indices, test_indices : ndarrays of shapes (n_train,) and (n_test,)
            Rows of :func:`sklearn.datasets.load_digits` that the images are.
        feature_names, target_names : lists of 128 and 64 str
            Names of the columns of X and y.
        DESCR : str
            Description, source and licence (CC BY 4.0).

    Raises
    ------
    ValueError
        If a parameter is outside its domain, or n_train + n_test is more than the 1,797 images.

    Notes
    -----
    ``score`` averages R^2 over all 64 pixels, as :func:`sklearn.metrics.r2_score` does, and some
    at the edge are grey in one image of hundreds: their R^2 is -100, whatever the model. Score with
    :func:`~sklearn_reasoning.model_selection.l2_loss_scorer`, or with r2_score and
    ``multioutput="variance_weighted"``.

    Examples
    --------
    >>> from sklearn_reasoning.datasets import load_digits_restoration
    >>> digits = load_digits_restoration(n_train=100, random_state=0)
    >>> digits.X_train.shape, digits.y_train.shape, digits.X_test.shape
    ((100, 128), (100, 64), (390, 128))
    >>> (digits.y_test[0] + digits.mean_image).reshape(8, 8).shape
    (8, 8)
    """
    validate_parameter_constraints(
        _PARAMETER_CONSTRAINTS, dict(locals()), caller_name="load_digits_restoration"
    )
    if n_train + n_test > _N_IMAGES:
        raise ValueError(
            f"n_train={n_train} and n_test={n_test} are {n_train + n_test} images together, and "
            f"there are {_N_IMAGES}. Lower one of them."
        )
    rng = independent_random_state(random_state)
    digits = load_digits()
    clean = digits.data / 16.0

    # Drawn for every image, whatever the sizes asked for, so that models trained on unlike
    # n_train are compared on the very same noisy test images.
    order = rng.permutation(_N_IMAGES)
    noisy = clean + noise * rng.standard_normal(clean.shape)
    train, test = order[:n_train], order[_N_IMAGES - n_test :]
    mean_image = np.round(clean[train].mean(axis=0) / _GRAIN) * _GRAIN
    x, y = noisy - mean_image, clean - mean_image
    X = np.hstack([x, -x])
    pixels = [str(name) for name in digits.feature_names]
    return Bunch(
        X_train=X[train],
        y_train=y[train],
        X_test=X[test],
        y_test=y[test],
        mean_image=mean_image,
        train_indices=train,
        test_indices=test,
        feature_names=[f"{part}_{pixel}" for part in ("x", "b") for pixel in pixels],
        target_names=pixels,
        DESCR=_DESCR,
    )
