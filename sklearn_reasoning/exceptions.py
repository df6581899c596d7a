"""Errors and warnings of the package."""

__all__ = ["ConvergenceWarning", "DivergenceError", "ModelFileError", "VersionMismatchWarning"]


class ConvergenceWarning(UserWarning):
    """An iteration ended above its tolerance.

    Examples
    --------
    >>> issubclass(ConvergenceWarning, UserWarning)
    True
    """


class DivergenceError(FloatingPointError):
    """Training left the finite numbers.

    Examples
    --------
    >>> issubclass(DivergenceError, ArithmeticError)
    True
    """


class ModelFileError(ValueError):
    """A file holds no model that this release can read.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn_reasoning import load_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     with open(path, "wb") as file:
    ...         _ = file.write(b"not a model")
    ...     load_model(path)
    Traceback (most recent call last):
    ...
    sklearn_reasoning.exceptions.ModelFileError: ...model.safetensors cannot be read as a model: ...
    """


class VersionMismatchWarning(UserWarning):
    """A model was stored by another release, or by one that cannot be told.

    Examples
    --------
    >>> issubclass(VersionMismatchWarning, UserWarning)
    True
    """
