"""The 400 grey images of the paper's denoising experiment, from a folder that the user names."""

import os
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Options, StrOptions, validate_parameter_constraints

from sklearn_reasoning._images.reading import check_pillow, read_image

_N_IMAGES = 400
_SHAPE = (180, 180)
_SPLITS = {"all": slice(None), "train": slice(100), "test": slice(100, None)}

_PARAMETER_CONSTRAINTS: dict[str, list[Any]] = {
    "path": [str, os.PathLike],
    "split": [StrOptions(set(_SPLITS))],
    "dtype": [Options(type, {np.float32, np.float64}), StrOptions({"float32", "float64"})],
}

_WHERE_TO_GET_THEM = (
    "They are the 400 grey training images of 180 x 180 pixels that the authors of DnCNN "
    "distribute with their training code, cut from the Berkeley segmentation data set (BSDS500). "
    "This package neither ships nor downloads them."
)

_DESCR = """\
BSD400
------

Images: 400 grey photographs of 180 x 180 pixels, cut from the Berkeley segmentation data set.
Scale: 8-bit grey levels divided by 255.
Order: by the number at the end of the file's name.
Split: the first 100 images train and the other 300 test. The paper states the sizes but not which
    images are which; this split is this package's choice.

Source: P. Arbelaez, M. Maire, C. Fowlkes and J. Malik, "Contour Detection and Hierarchical Image
    Segmentation", IEEE TPAMI 33(5), 2011 (BSDS500); the cut is that of K. Zhang, W. Zuo, Y. Chen,
    D. Meng and L. Zhang, "Beyond a Gaussian Denoiser", IEEE TIP 26(7), 2017.
Licence: for non-commercial research and education only. Neither these images nor models trained
    on them may be passed on with this package.
"""


def load_bsd400(
    path: str | os.PathLike[str],
    split: Literal["all", "train", "test"] = "all",
    *,
    dtype: DTypeLike = np.float64,
) -> Bunch:
    """Load the 400 grey images of the paper's denoising experiment from a folder.

    The images are for non-commercial research and education only. They are not part of this
    package and are not downloaded: ``path`` is where you keep them. Reading needs Pillow.

    Parameters
    ----------
    path : str or path-like
        Folder that holds 400 PNG files of 180 x 180 grey pixels, whose names end in a number, such
        as ``test_001.png`` to ``test_400.png``. PNG files with other names are passed over.
    split : {"all", "train", "test"}, default="all"
        All 400 images, the first 100 or the other 300, in the order of the files' numbers. The
        paper trains on 100 and tests on 300 but does not say on which.
    dtype : {numpy.float64, numpy.float32, "float64", "float32"}, default=float64
        Type of the pixels.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        images : ndarray of shape (n, 180, 180)
            Grey levels in [0, 1]; n is 400, 100 or 300.
        names : list of n str
            Names of the files, without ``.png``.
        DESCR : str
            Description, source and licence.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    NotADirectoryError
        If ``path`` is not a folder.
    OSError
        If a file cannot be read as an image; the message names it.
    ValueError
        If a parameter is outside its domain, the folder does not hold 400 such files, or one of
        them is not grey or not of 180 x 180 pixels.
    ImportError
        If Pillow is not installed.

    Examples
    --------
    >>> from sklearn_reasoning.datasets import load_bsd400
    >>> train = load_bsd400("path/to/bsd400", split="train")  # doctest: +SKIP
    >>> train.images.shape  # doctest: +SKIP
    (100, 180, 180)

    Without the folder the error says where the images are to be had:

    >>> load_bsd400("no/such/folder")
    Traceback (most recent call last):
    ...
    FileNotFoundError: path='no/such/folder' does not exist. Name the folder that holds ...
    """
    validate_parameter_constraints(
        _PARAMETER_CONSTRAINTS, dict(locals()), caller_name="load_bsd400"
    )
    check_pillow("load_bsd400")
    files = _numbered_files(Path(path))[_SPLITS[split]]
    images = np.empty((len(files), *_SHAPE), dtype=dtype)
    for image, file in zip(images, files, strict=True):
        pixels = read_image(file)
        if pixels.shape != _SHAPE:
            raise ValueError(
                f"The image file {str(file)!r} holds an image of shape {pixels.shape}; BSD400's "
                f"are grey and of shape {_SHAPE}. {_WHERE_TO_GET_THEM}"
            )
        image[:] = pixels / 255.0
    return Bunch(images=images, names=[file.stem for file in files], DESCR=_DESCR)


def _numbered_files(folder: Path) -> list[Path]:
    """List the 400 PNG files by the number at the end of their names."""
    if not folder.exists():
        raise FileNotFoundError(
            f"path={str(folder)!r} does not exist. Name the folder that holds BSD400's "
            f"{_N_IMAGES} PNG files. {_WHERE_TO_GET_THEM}"
        )
    if not folder.is_dir():
        raise NotADirectoryError(
            f"path={str(folder)!r} is not a folder. Name the folder that holds BSD400's "
            f"{_N_IMAGES} PNG files."
        )
    numbered = []
    for file in folder.iterdir():
        number = re.search(r"\d+$", file.stem)
        if number and file.suffix.lower() == ".png":
            numbered.append((int(number.group()), file.name, file))
    if len(numbered) != _N_IMAGES:
        raise ValueError(
            f"path={str(folder)!r} holds {len(numbered)} PNG files whose names end in a number; "
            f"BSD400 has {_N_IMAGES}. {_WHERE_TO_GET_THEM}"
        )
    return [file for _, _, file in sorted(numbered)]
