"""Inspection: what the theory says of algorithms and fitted models, in pictures and tables."""

from ._bound_display import BoundDisplay
from ._certificate_display import CertificateDisplay
from ._properties_display import AlgorithmPropertiesDisplay
from ._properties_table import properties_table
from ._residual_display import ResidualPolynomialDisplay

__all__ = [
    "AlgorithmPropertiesDisplay",
    "BoundDisplay",
    "CertificateDisplay",
    "ResidualPolynomialDisplay",
    "properties_table",
]
