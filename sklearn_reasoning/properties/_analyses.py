"""All analyses, registered."""

from . import _conjugate_gradient, _recurrent_cell  # noqa: F401  (they register themselves)
from ._analysis import analysis_of

__all__ = ["analysis_of"]
