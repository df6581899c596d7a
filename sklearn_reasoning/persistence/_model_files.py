"""Models to files and back."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import sklearn
import skorch
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_reasoning._runs.atomic_files import write_atomically
from sklearn_reasoning._version import __version__
from sklearn_reasoning.exceptions import ModelFileError, VersionMismatchWarning

from ._compositions import COMPOSITIONS
from ._envelope import seal, unseal
from ._ours import OURS
from ._reader import Reader
from ._stored_class import StoredClass
from ._transformers import TRANSFORMERS
from ._writer import Writer

#: The version of the format of files that ``save_model`` writes.
FORMAT_VERSION = 4

# Only these are ever made from a file.
_CLASSES: dict[str, StoredClass] = {
    stored.kind.__name__: stored for stored in (*OURS, *COMPOSITIONS, *TRANSFORMERS)
}

_PACKAGE = "sklearn_reasoning"


def save_model(estimator: Any, path: str | bytes | os.PathLike[str]) -> None:
    """Write a fitted model to a safetensors file.

    The file holds tensors, and JSON with the constructor's parameters and what ``fit`` found
    out; loading it runs no code of the file. It is written beside ``path`` first and then
    moved there, so a file at ``path`` is always whole.

    Parameters
    ----------
    estimator : estimator
        A fitted :class:`~sklearn_reasoning.HybridReasoningRegressor` or
        :class:`~sklearn_reasoning.HybridReasoningDenoiser`, or a Pipeline or
        TransformedTargetRegressor around one. Before it may stand StandardScaler,
        MinMaxScaler, MaxAbsScaler, RobustScaler, Normalizer, PCA, "passthrough", and a
        ColumnTransformer or Pipeline of those. ``callbacks``, a RandomState as
        ``random_state`` and the ``memory`` of a Pipeline are left out, with a warning.
    path : str, bytes or path-like
        The file to write; one that is there is replaced, and keeps its mode. Of a link, the file
        that it leads to.

    Raises
    ------
    TypeError
        If an estimator is of another class, or a parameter holds code. The message names the
        step.
    ValueError
        If a parameter is out of its domain, or k is above 1,000,000.
    NotFittedError
        If the model is not fitted.
    OSError
        If the file cannot be written, is write-protected, or is no file but a device or a pipe;
        what was at ``path`` is then as it was.

    Warns
    -----
    UserWarning
        If a parameter is left out.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
    >>> regressor = HybridReasoningRegressor(max_epochs=5, random_state=0)
    >>> model = make_pipeline(StandardScaler(), regressor).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     save_model(model, path)
    ...     again = load_model(path)
    >>> bool((again.predict(X) == model.predict(X)).all())
    True
    """
    writer = Writer(_CLASSES)
    if type(estimator).__name__ in _CLASSES:
        check_is_fitted(estimator)
    model = writer.estimator(estimator)
    if not any(_CLASSES[name].is_ours for name in writer.names):
        raise TypeError(f"save_model is for models with one of {[c.kind.__name__ for c in OURS]}.")
    for parameter in writer.left_out:
        name = parameter.rpartition(" ")[2]
        warnings.warn(
            f"{parameter} is an object with code of its own and is not saved; the loaded model "
            f"has {name}=None.",
            stacklevel=2,
        )
    libraries = {library.__name__: library.__version__ for library in (np, sklearn, skorch, torch)}
    document = {
        "format_version": FORMAT_VERSION,
        "versions": {_PACKAGE: __version__, **libraries},
        "model": model,
    }
    write_atomically(Path(os.fsdecode(path)), seal(document, writer.tensors))


def load_model(path: str | bytes | os.PathLike[str]) -> Any:
    """Read a model that :func:`save_model` wrote.

    Parameters
    ----------
    path : str, bytes or path-like
        The file to read.

    Returns
    -------
    estimator
        What was saved: fitted, on the CPU, wherever it was trained; its predictions are the
        same bits.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    IsADirectoryError
        If it is a folder.
    ModelFileError
        If the file is not one of :func:`save_model`'s, is damaged, or is of a format that
        this release does not know. It is a ValueError.

    Warns
    -----
    VersionMismatchWarning
        If the file is from another release of this package; for a model with steps of
        scikit-learn's, also from another release of scikit-learn.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
    >>> model = HybridReasoningRegressor(k=3, max_epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     save_model(model, path)
    ...     load_model(path).k
    3
    """
    path = Path(os.fsdecode(path))
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name the file that save_model wrote in it.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    content = path.read_bytes()
    with _refused(path):
        model, stored, names = _read(content)
    now = {_PACKAGE: __version__}
    if not all(_CLASSES[name].is_ours for name in names):
        now["sklearn"] = sklearn.__version__
    for package, here in now.items():
        if stored.get(package, here) != here:
            warnings.warn(
                f"{path} was written with {package} {stored[package]}, and this is {here}. "
                "Compare its predictions with those it made there.",
                VersionMismatchWarning,
                stacklevel=2,
            )
    return model


def _read(content: bytes) -> tuple[Any, dict[str, Any], list[str]]:
    """Return the model in a file's bytes, the releases that wrote it, and its classes."""
    document, tensors = unseal(content)
    version = document.get("format_version", 1)
    if type(version) is int and version in range(1, FORMAT_VERSION):
        raise ValueError(
            f"format version {version!r} is of a version of this package that was never released; "
            f"this one reads {FORMAT_VERSION}. Fit the model again and save it"
        )
    if type(version) is not int or version != FORMAT_VERSION:
        raise ValueError(f"format version {version!r}, this release reads {FORMAT_VERSION}")
    if "sha256" not in document:
        raise ValueError("it has no checksum")
    reader = Reader(_CLASSES, tensors)
    model = reader.model(document["model"])
    return model, dict(document["versions"]), reader.names


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file's content into one kind of error."""
    try:
        yield
    except (
        safetensors.SafetensorError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        reason = str(error).rstrip(".")
        if isinstance(error, KeyError):
            reason = f"{reason} is missing"
        raise ModelFileError(f"{path} cannot be read as a model: {reason}.") from error
