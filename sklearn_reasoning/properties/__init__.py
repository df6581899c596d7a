"""Properties: numbers that follow from an algorithm's recurrence and the spectrum of Q."""

from ._arguments import resolve as resolve
from ._certificate import Certificate, StabilityCertificate, times as times
from ._certify import certify, convergence_of as convergence_of, model_of as model_of
from ._convergence import convergence
from ._fitted import FittedLayer, MeasuredRows
from ._model_certificate import ModelCertificate
from ._orders import Order, OrderFit, fit_orders
from ._sensitivity import sensitivity
from ._stability import stability
from ._stable_region import stable_region
from ._steps_needed import steps_needed

__all__ = [
    "Certificate",
    "FittedLayer",
    "MeasuredRows",
    "ModelCertificate",
    "Order",
    "OrderFit",
    "StabilityCertificate",
    "certify",
    "convergence",
    "fit_orders",
    "sensitivity",
    "stability",
    "stable_region",
    "steps_needed",
]
