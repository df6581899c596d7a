"""Quadratic energies: each knows how to apply Q and, where it can, the spectrum of Q."""

from ._base import KnownSpectrum, QuadraticEnergy
from ._dense import DenseQuadratic
from ._diagonal import DiagonalQuadratic
from ._gradient import QuadraticGradient
from ._operator import OperatorQuadratic
from ._spectral import SpectralQuadratic

__all__ = [
    "DenseQuadratic",
    "DiagonalQuadratic",
    "KnownSpectrum",
    "OperatorQuadratic",
    "QuadraticEnergy",
    "QuadraticGradient",
    "SpectralQuadratic",
]
