"""The contract of algorithms, energies and penalties, as checks to run on one's own.

Each check holds the object against what it declares of itself (``needs``, ``provides``,
``is_set``, ...), never against its class.
"""

from ._algorithm import check_algorithm
from ._energy import check_energy
from ._penalty import check_penalty

__all__ = ["check_algorithm", "check_energy", "check_penalty"]
