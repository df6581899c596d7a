"""Models in files that hold numbers and no code."""

from ._model_files import FORMAT_VERSION, load_model, save_model

__all__ = ["FORMAT_VERSION", "load_model", "save_model"]
