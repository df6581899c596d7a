"""The contract of algorithms and energies, as checks to run on one's own.

Each check holds the object against what it declares of itself (``is_polynomial``,
``has_step_size``, ...), never against its class.
"""

from ._algorithm import check_algorithm
from ._energy import check_energy

__all__ = ["check_algorithm", "check_energy"]
