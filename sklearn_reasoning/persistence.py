"""Models in files that hold numbers and no code."""

from __future__ import annotations

import json
import os
import warnings
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import sklearn
import skorch
import torch
from safetensors.torch import save

from ._files import write_atomically
from .algorithms import Algorithm, get_algorithm, list_algorithms
from .estimators import HybridReasoningRegressor
from .estimators import _state as _regressor_state
from .imaging import HybridReasoningDenoiser
from .imaging import _state as _denoiser_state

FORMAT_VERSION = 1

# Only these are ever made from a file, each with what takes its state apart and puts it back.
_CLASSES: dict[str, tuple[type[Any], Any]] = {
    "HybridReasoningDenoiser": (HybridReasoningDenoiser, _denoiser_state),
    "HybridReasoningRegressor": (HybridReasoningRegressor, _regressor_state),
}


def save_model(
    estimator: HybridReasoningRegressor | HybridReasoningDenoiser, path: str | os.PathLike[str]
) -> None:
    """Write a fitted estimator to a safetensors file.

    The file holds tensors, and JSON with the constructor's parameters and what ``fit`` found
    out; loading it runs no code of the file. It is written beside ``path`` first and then
    moved there, so a file at ``path`` is always whole.

    Parameters
    ----------
    estimator : HybridReasoningRegressor or HybridReasoningDenoiser
        A fitted estimator. ``callbacks`` and a RandomState as ``random_state`` are objects
        with code and are left out, with a warning.
    path : str or path-like

    Raises
    ------
    TypeError
        If the estimator is of another class, or a parameter cannot be written.
    NotFittedError
        If it is not fitted.

    Warns
    -----
    UserWarning
        If a parameter is left out.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
    >>> model = HybridReasoningRegressor(max_epochs=5, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     save_model(model, path)
    ...     again = load_model(path)
    >>> bool((again.predict(X) == model.predict(X)).all())
    True
    """
    name = type(estimator).__name__
    known = _CLASSES.get(name)
    if known is None or known[0] is not type(estimator):
        raise TypeError(f"save_model knows {sorted(_CLASSES)}, not {name}.")
    sklearn.utils.validation.check_is_fitted(estimator)
    parameters = estimator.get_params(deep=False)
    for key in ("callbacks", "random_state"):
        value = parameters[key]
        if value is not None and not isinstance(value, Integral):
            warnings.warn(
                f"{key} is an object with code of its own and is not saved; the loaded model "
                f"has {key}=None.",
                stacklevel=2,
            )
            parameters[key] = None
    tensors, values = known[1].fitted_state(estimator)
    description = {
        "format_version": FORMAT_VERSION,
        "class": name,
        "parameters": parameters,
        "fitted": values,
        "versions": {
            library.__name__: library.__version__ for library in (np, sklearn, skorch, torch)
        },
    }
    metadata = {"sklearn_reasoning": json.dumps(_encode(description), allow_nan=False)}
    content = save({key: t.cpu().contiguous() for key, t in tensors.items()}, metadata)
    write_atomically(Path(path), content)


def load_model(path: str | os.PathLike[str]) -> Any:
    """Read an estimator that :func:`save_model` wrote.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    HybridReasoningRegressor or HybridReasoningDenoiser
        Fitted, on the CPU; its predictions are the same bits.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not one of :func:`save_model`'s, or its version is unknown.

    Examples
    --------
    See :func:`save_model`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            text = (file.metadata() or {})["sklearn_reasoning"]
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        description = _decode(json.loads(text))
        version = description["format_version"]
        if version != FORMAT_VERSION:
            raise ValueError(f"format version {version!r}, this release reads {FORMAT_VERSION}")
        if description["class"] not in _CLASSES:
            raise ValueError(f"class {description['class']!r} is none of {sorted(_CLASSES)}")
        kind, state = _CLASSES[description["class"]]
        estimator = kind(**description["parameters"])
        state.restore_fitted_state(estimator, tensors, description["fitted"])
    except (
        safetensors.SafetensorError,
        AttributeError,
        IndexError,
        KeyError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(f"{path} cannot be read as a model: {str(error).rstrip('.')}.") from error
    return estimator


def _encode(value: Any) -> Any:
    """Return a value as JSON, with tags for what JSON has no word for."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, tuple):
        return {"tuple": [_encode(entry) for entry in value]}
    if isinstance(value, list | np.ndarray):
        return [_encode(entry) for entry in value]
    if isinstance(value, dict):
        return {"dict": {str(key): _encode(entry) for key, entry in value.items()}}
    if isinstance(value, Algorithm):
        if value.name not in list_algorithms() or type(get_algorithm(value.name)) is not type(
            value
        ):
            raise TypeError(
                f"{value!r} cannot be found by its name when the model is loaded; call "
                "register_algorithm on its class first, and whenever the model is loaded."
            )
        return {"algorithm": value.name, "options": _encode(dict(vars(value)))}
    if isinstance(value, torch.device):
        return str(value)
    raise TypeError(f"{value!r} cannot be written to a model file.")


def _decode(value: Any) -> Any:
    """Return what ``_encode`` was given."""
    if isinstance(value, list):
        return [_decode(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(_decode(entry) for entry in value["tuple"])
    if "algorithm" in value:
        # The name must be registered: a user's own algorithm is imported before loading.
        return type(get_algorithm(value["algorithm"]))(**_decode(value["options"]))
    return {key: _decode(entry) for key, entry in value["dict"].items()}
