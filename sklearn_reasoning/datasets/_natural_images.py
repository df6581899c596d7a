"""Photographs under permissive licences that installed packages ship."""

import hashlib
from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from sklearn_reasoning._images.reading import check_pillow, read_image

_Array: TypeAlias = NDArray[np.float64]

# Rec. 601, as Pillow's and Matlab's conversions to grey.
_LUMA = np.array([0.299, 0.587, 0.114])

_PARAMETER_CONSTRAINTS: dict[str, list[Any]] = {
    "split": [StrOptions({"all", "train", "test"})],
    "min_size": [Interval(Integral, 1, None, closed="left")],
    "grey": ["boolean"],
}


class _Source(NamedTuple):
    distribution: str  # what pip installs
    module: str
    folder: str  # inside the module


_SKLEARN = _Source("scikit-learn", "sklearn", "datasets/images")
_SKIMAGE = _Source("scikit-image", "skimage", "data")
_MATPLOTLIB = _Source("matplotlib", "matplotlib", "mpl-data/sample_data")
_PYWAVELETS = _Source("PyWavelets", "pywt", "data")
_SPORCO = _Source("sporco", "sporco", "data")


class _Photograph(NamedTuple):
    file: str
    source: _Source
    split: Literal["train", "test"]
    licence: str
    sha256: str  # the first 16 digits, of the file whose licence is stated

    @property
    def name(self) -> str:
        return Path(self.file).stem

    @property
    def path(self) -> Path | None:
        """Where the file is, found without importing the package; None where it is not."""
        try:
            spec = find_spec(self.source.module)
        except ValueError:  # a module that something else put into sys.modules
            return None
        for root in (spec and spec.submodule_search_locations) or ():
            path = Path(root, self.source.folder, self.file)
            # camera.png, for one, was another photograph, under another licence, before 2020.
            if path.is_file() and _checksum(path) == self.sha256:
                return path
        return None


_WATERLOO = "free of copyright restrictions (Waterloo BragZone), as sporco's notes say"
_CC0 = "CC0"

# What is not here, although the packages ship it: PyWavelets' camera, which is scikit-image's;
# scikit-image's stereo pair of a motorcycle, for which no licence is stated; pictures that
# are no photographs of things one sees (slides, scans, drawings).
_PHOTOGRAPHS = (
    _Photograph(
        "china.jpg", _SKLEARN, "train", "CC BY 2.0, by danielbuechele (Flickr)", "8378025ad2519d64"
    ),
    _Photograph(
        "flower.jpg", _SKLEARN, "test", "CC BY 2.0, by vultilion (Flickr)", "a77f6ec41e353afd"
    ),
    _Photograph("astronaut.png", _SKIMAGE, "train", "public domain (NASA)", "88431cd9653ccd53"),
    _Photograph("brick.png", _SKIMAGE, "train", _CC0, "7966caf324f6ba84"),
    _Photograph("camera.png", _SKIMAGE, "test", "CC0, by Lav Varshney", "b0793d2adda0fa6a"),
    _Photograph(
        "chelsea.png", _SKIMAGE, "train", "CC0, by Stefan van der Walt", "596aa1e7cb875eb7"
    ),
    _Photograph("coffee.png", _SKIMAGE, "test", "CC0, by Rachel Michetti", "cc02f8ca188b167c"),
    _Photograph(
        "coins.png",
        _SKIMAGE,
        "train",
        "no known copyright restrictions (Brooklyn Museum)",
        "f8d773fc9cfa6f4d",
    ),
    _Photograph("grass.png", _SKIMAGE, "train", _CC0, "b6b6022426b38936"),
    _Photograph("gravel.png", _SKIMAGE, "train", _CC0, "c48615b451bf1e60"),
    _Photograph(
        "moon.png",
        _SKIMAGE,
        "train",
        "public domain (NASA); scikit-image ships it without a statement of its own",
        "78739619d11f7eb9",
    ),
    _Photograph("rocket.jpg", _SKIMAGE, "train", "public domain (SpaceX)", "c2dd0de7c538df8d"),
    _Photograph(
        "grace_hopper.jpg",
        _MATPLOTLIB,
        "train",
        "public domain (US Navy); matplotlib ships it without a statement of its own",
        "a8ca6d734765703b",
    ),
    _Photograph(
        "aero.npz",
        _PYWAVELETS,
        "train",
        "MIT, as PyWavelets, which does not name the photographer",
        "df862635798bac94",
    ),
    _Photograph(
        "ascent.npz",
        _PYWAVELETS,
        "test",
        "public domain (public-domain-image.com)",
        "a6d56bc8e96571d6",
    ),
    _Photograph(
        "barbara.png",
        _SPORCO,
        "test",
        "believed to be in the public domain or freely redistributable, as sporco's notes say",
        "61ce3bead097f17d",
    ),
    _Photograph(
        "kodim23.png",
        _SPORCO,
        "train",
        "released by Kodak for unrestricted use, as sporco's notes say",
        "34d8f029d2eae3ed",
    ),
    _Photograph("monarch.png", _SPORCO, "train", _WATERLOO, "c2435a5e37c04658"),
    _Photograph("sail.png", _SPORCO, "test", _WATERLOO, "7b8a3b23c79bf83b"),
    _Photograph("tulips.png", _SPORCO, "train", _WATERLOO, "6f7fa671ce446f85"),
)


def load_natural_images(
    split: Literal["all", "train", "test"] = "all", *, min_size: int = 1, grey: bool = True
) -> Bunch:
    """Load photographs under permissive licences that installed packages ship.

    Nothing is downloaded, and no package is imported for it. There are 20 photographs in
    scikit-learn (2), scikit-image (10), matplotlib (1), PyWavelets (2) and sporco (5). This
    package's extra ``images`` brings all of them but sporco's, which ``pip install --no-deps
    sporco`` brings. Those of packages that are not installed are left out and named in
    ``missing``. Reading needs Pillow.

    Parameters
    ----------
    split : {"all", "train", "test"}, default="all"
        All photographs, those to train on or those to test on. The split is fixed by name, so it
        does not depend on what is installed: camera, coffee, flower, ascent, barbara and sail are
        for testing. No photograph is on both sides, nor are crops of one.
    min_size : int, default=1
        Fewest pixels that the shorter side of a photograph may have; smaller ones are left out.
        The shortest side of all 20 has 300.
    grey : bool, default=True
        Whether to turn colour into grey levels, 0.299 red + 0.587 green + 0.114 blue (Rec. 601).
        If False, colour photographs keep their channels; grey ones stay grey.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        images : list of n float64 ndarrays of shape (height, width) or (height, width, 3)
            Photographs of unlike sizes, values in [0, 1]; three channels only with
            ``grey=False``. The order is fixed.
        names : list of n str
            What each photograph is called.
        sources : list of n str
            The package that ships it.
        licences : list of n str
            Its licence in words, with the photographer to name where it asks for that.
        missing : list of str
            Names of the photographs of this split that were not found: their package is not
            installed, or the file is not the one whose licence is known, by its SHA-256.
        DESCR : str
            Description, with source and licence of every photograph.

    Raises
    ------
    ValueError
        If a parameter is outside its domain, or no photograph is as large as ``min_size``.
    ImportError
        If Pillow is not installed, or no photograph is found.
    OSError
        If a file cannot be read; the message names it.

    Examples
    --------
    >>> from sklearn_reasoning.datasets import load_natural_images
    >>> photographs = load_natural_images("train")
    >>> photographs.names[0], photographs.images[0].shape, photographs.sources[0]
    ('china', (427, 640), 'scikit-learn')
    >>> photographs.licences[0]
    'CC BY 2.0, by danielbuechele (Flickr)'
    """
    validate_parameter_constraints(
        _PARAMETER_CONSTRAINTS, dict(locals()), caller_name="load_natural_images"
    )
    check_pillow("load_natural_images")
    wanted = [photo for photo in _PHOTOGRAPHS if split in ("all", photo.split)]
    paths = {photo: photo.path for photo in wanted}
    found = [(photo, path) for photo, path in paths.items() if path is not None]
    if not found:
        packages = ", ".join(dict.fromkeys(photo.source.distribution for photo in wanted))
        raise ImportError(
            f"No photograph was found for split={split!r}. They come with the packages {packages}: "
            "install this package's extra [images], as in pip install 'sklearn-reasoning[images]'."
        )
    large = []
    for photo, path in found:
        image = _read(path, grey)
        if min(image.shape[:2]) >= min_size:
            large.append((photo, image))
    if not large:
        raise ValueError(
            f"min_size={min_size} leaves out all {len(found)} photographs found; lower it."
        )
    chosen = [photo for photo, _ in large]
    return Bunch(
        images=[image for _, image in large],
        names=[photo.name for photo in chosen],
        sources=[photo.source.distribution for photo in chosen],
        licences=[photo.licence for photo in chosen],
        missing=[photo.name for photo, path in paths.items() if path is None],
        DESCR=_description(chosen),
    )


def _read(path: Path, grey: bool) -> _Array:
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            pixels = arrays["data"]
    else:
        pixels = read_image(path)
    image: _Array = pixels / 255.0
    # Weights that sum to one can still round to above it.
    return np.minimum(image @ _LUMA, 1.0) if grey and image.ndim == 3 else image


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _description(photographs: list[_Photograph]) -> str:
    lines = [
        "Photographs that installed packages ship",
        "----------------------------------------",
        "",
        "8-bit values divided by 255; nothing else is changed but colour to grey, where asked for.",
        "",
        *(
            f"{photo.name} ({photo.source.distribution}, {photo.split}): {photo.licence}"
            for photo in photographs
        ),
    ]
    return "\n".join(lines) + "\n"
