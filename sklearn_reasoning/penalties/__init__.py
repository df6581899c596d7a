"""Sets that outputs must lie in, and terms that are added to an energy: one a file."""

from ._base import Penalty
from ._nonnegative import Nonnegative

__all__ = ["Nonnegative", "Penalty"]
