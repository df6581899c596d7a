"""Files and folders of images through a denoiser."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_reasoning._images.picture_files import (
    encode_picture,
    read_picture,
    target_name,
)
from sklearn_reasoning._runs.atomic_files import remove_abandoned, write_atomically
from sklearn_reasoning.estimators import check_k
from sklearn_reasoning.estimators.denoiser import HybridReasoningDenoiser

# What is taken from a folder; a file that is named itself may have any suffix.
_SUFFIXES = {
    *(".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pbm", ".pgm"),
    *(".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
}


class DenoisedFiles(NamedTuple):
    """What became of image files.

    Parameters
    ----------
    written : list of Path
        The restored files, in the order of the inputs.
    failed : dict of Path to str
        Inputs that could not be restored, and why.

    Examples
    --------
    >>> from pathlib import Path
    >>> result = DenoisedFiles(written=[Path("out/a.png")], failed={Path("b.png"): "no image"})
    >>> len(result.written), len(result.failed)
    (1, 1)
    """

    written: list[Path]
    failed: dict[Path, str]


def denoise_files(
    model: HybridReasoningDenoiser,
    inputs: Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    k: int | None = None,
    progress: Callable[[str], object] | None = None,
) -> DenoisedFiles:
    """Restore image files, and write the results into a folder.

    An image comes back as it went in but for its noise: grey or colour, 8 bits, or 16 for grey;
    the alpha channel, the colour profile, the EXIF record and the resolution are kept. Colour is
    restored channel by channel, a palette as the colours that it stands for. Pillow reads colour
    of 16 bits as 8; the line of progress says so, and says where 16 bits of grey come nowhere near
    white, as in a 12-bit camera's file. Pixels are turned as the EXIF record says.

    PNG and TIFF files keep their name and format. Every other file becomes a PNG of the same
    stem, since another lossy compression would put artefacts where noise was: photo.jpg is
    written as photo.png.

    Parameters
    ----------
    model : HybridReasoningDenoiser
        A fitted one, such as :func:`~sklearn_reasoning.pretrained.load_denoiser` returns.
    inputs : iterable of str or path-like
        Image files, and folders, from which every file with the suffix of an image is taken; not
        hidden ones, nor those in folders within.
    out : str or path-like
        The folder to write into, made if it is not there. A file of the same name that is no
        input is written over, whole or not at all.
    k : int or None, default=None
        Another number of steps than the one trained with.
    progress : callable or None, default=None
        Called with a line of text for every file that is done.

    Returns
    -------
    DenoisedFiles
        ``written``, and ``failed``: files that cannot be read (or written) are named there, and
        all others are done.

    Raises
    ------
    TypeError
        If ``model`` is no denoiser, or ``k`` no whole number. This and all other errors come
        before any image is read.
    NotFittedError
        If ``model`` is not fitted.
    FileNotFoundError
        If an input is not there.
    ValueError
        If ``k`` is negative, no input is left, two inputs would be written under one name, or
        an input would be written over.
    OSError
        If ``out`` is no folder, or cannot be made or written to.
    ImportError
        If Pillow is not installed.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> from sklearn_reasoning.imaging import denoise_files
    >>> from sklearn_reasoning.pretrained import load_denoiser
    >>> noise = np.random.default_rng(0).normal(0.0, 25.0, (48, 64))
    >>> pixels = np.clip(128.0 + noise, 0, 255).astype(np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.fromarray(pixels).save(os.path.join(folder, "grey.bmp"))
    ...     result = denoise_files(load_denoiser(), [folder], os.path.join(folder, "restored"))
    ...     restored = np.asarray(Image.open(result.written[0]))
    >>> result.written[0].name, restored.shape, restored.dtype
    ('grey.png', (48, 64), dtype('uint8'))
    >>> bool(restored.std() < 0.3 * pixels.std())
    True
    """
    # Not at the top: the data sets bring in scikit-learn's, which an import need not wait for.
    from sklearn_reasoning._images.reading import check_pillow

    check_pillow("denoise_files")
    if not isinstance(model, HybridReasoningDenoiser):
        raise TypeError(f"model={type(model).__name__} must be a HybridReasoningDenoiser.")
    check_is_fitted(model)
    steps = None if k is None else check_k(k)
    folder = Path(out)
    paths = _files(inputs)
    targets = _targets(paths, folder)
    folder.mkdir(parents=True, exist_ok=True)
    # It tries whether the folder can be written to, too.
    remove_abandoned(folder)

    result = DenoisedFiles([], {})
    for i, (path, target) in enumerate(zip(paths, targets, strict=True), start=1):
        began = time.perf_counter()
        try:
            shape, note = _denoise(model, path, target, steps)
        # One bad file must not cost the others, whatever is wrong with it.
        except Exception as error:
            result.failed[path] = str(error) or type(error).__name__
            line = f"{path}: FAILED: {result.failed[path]}"
        else:
            result.written.append(target)
            size = " x ".join(map(str, shape))
            seconds = time.perf_counter() - began
            line = f"{path} -> {target}  {size}  {seconds:.2f} s{note and f'  ({note})'}"
        if progress is not None:
            progress(f"[{i}/{len(paths)}] {line}")
    return result


def _denoise(
    model: HybridReasoningDenoiser, path: Path, target: Path, k: int | None
) -> tuple[tuple[int, ...], str]:
    """Restore a file; return the shape of its pixels and what is to be said about them."""
    picture = read_picture(path)
    pixels = picture.pixels
    if pixels.dtype == np.uint16:
        pixels = (pixels / 65535.0).astype(np.float32)
    (restored,) = model.predict([pixels], k=k)
    write_atomically(target, encode_picture(picture, restored, target.name))
    return pixels.shape, picture.note


def _files(inputs: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """List the files that inputs stand for, each once."""
    if isinstance(inputs, str | os.PathLike):
        raise TypeError(f"inputs={os.fspath(inputs)!r} must be a list of files and folders.")
    given = [Path(path) for path in inputs]
    if not given:
        raise ValueError("inputs names no file and no folder.")
    if missing := [str(path) for path in given if not path.exists()]:
        raise FileNotFoundError(f"There is no file or folder {', '.join(missing)}.")
    files: dict[Path, Path] = {}
    for path in given:
        found = [path]
        if path.is_dir():
            found = sorted(
                entry
                for entry in path.iterdir()
                if entry.suffix.lower() in _SUFFIXES
                and not entry.name.startswith(".")
                and not entry.is_dir()
            )
            if not found:
                raise ValueError(f"The folder {path} holds no image file.")
        for file in found:
            files.setdefault(file.resolve(), file)
    return list(files.values())


def _targets(paths: list[Path], folder: Path) -> list[Path]:
    """Return where results go, and refuse what would be written over."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, not a folder.")
    sources: dict[str, Path] = {}
    for path in paths:
        name = target_name(path)
        # Some file systems do not tell capitals apart.
        other = sources.setdefault(name.casefold(), path)
        if other != path:
            raise ValueError(
                f"{other} and {path} would both be written as {folder / name}; restore them into "
                "two folders."
            )
    targets = [folder / target_name(path) for path in paths]
    # By what the names stand for: paths can be spelt in many ways.
    inputs = {_identity(path): path for path in paths}
    for target in targets:
        if target.is_dir():
            raise IsADirectoryError(f"{target} is a folder, in the place of a result.")
        if target.exists() and (source := inputs.get(_identity(target))):
            raise ValueError(f"{folder} would have its result written over {source}.")
    return targets


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
