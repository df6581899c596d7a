"""Models in files that hold numbers and no code."""

from ._model_files import load_model, save_model

__all__ = ["load_model", "save_model"]
