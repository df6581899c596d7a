"""Inspection: what the theory says of algorithms and fitted models, in pictures and tables."""

from ._bound_display import BoundDisplay, rank_correlation as rank_correlation
from ._certificate_display import CertificateDisplay
from ._properties_display import AlgorithmPropertiesDisplay
from ._properties_table import properties_table, table_of as table_of
from ._property_curves import (
    PropertyCurve as PropertyCurve,
    describe_step_size as describe_step_size,
    property_curves as property_curves,
)
from ._residual_display import ResidualPolynomialDisplay
from ._steps_display import StepsDisplay
from ._structure_display import StructureDisplay

__all__ = [
    "AlgorithmPropertiesDisplay",
    "BoundDisplay",
    "CertificateDisplay",
    "ResidualPolynomialDisplay",
    "StepsDisplay",
    "StructureDisplay",
    "properties_table",
]
