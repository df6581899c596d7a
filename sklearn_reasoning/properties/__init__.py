"""Properties: numbers that follow from an algorithm's recurrence and the spectrum of Q."""

from ._certificate import Certificate, StabilityCertificate
from ._convergence import convergence
from ._sensitivity import sensitivity
from ._stability import stability
from ._stable_region import stable_region

__all__ = [
    "Certificate",
    "StabilityCertificate",
    "convergence",
    "sensitivity",
    "stability",
    "stable_region",
]
