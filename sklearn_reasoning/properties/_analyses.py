"""All analyses, registered."""

from ._analysis import analysis_of

__all__ = ["analysis_of"]
