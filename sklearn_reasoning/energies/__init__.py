"""Energies: each knows its gradient and, where it can, products with Q and the spectrum of Q."""

from ._base import Energy, KnownSpectrum, QuadraticEnergy
from ._dense import DenseQuadratic
from ._diagonal import DiagonalQuadratic
from ._operator import OperatorQuadratic
from ._spectral import SpectralQuadratic

__all__ = [
    "DenseQuadratic",
    "DiagonalQuadratic",
    "Energy",
    "KnownSpectrum",
    "OperatorQuadratic",
    "QuadraticEnergy",
    "SpectralQuadratic",
]
