"""Energies: each knows its gradient and, where it can, products with Q and the spectrum of Q."""

from ._anchored import AnchoredQuadratic as AnchoredQuadratic
from ._base import Energy, KnownSpectrum, QuadraticEnergy, broadcasts_to as broadcasts_to
from ._dense import DenseQuadratic
from ._diagonal import DiagonalQuadratic
from ._inverted import for_steps_of as for_steps_of
from ._misfit import misfit as misfit
from ._operator import OperatorQuadratic
from ._scalar import ScalarQuadratic as ScalarQuadratic
from ._spectral import SpectralQuadratic
from ._suggest_spectrum import suggest_spectrum

__all__ = [
    "DenseQuadratic",
    "DiagonalQuadratic",
    "Energy",
    "KnownSpectrum",
    "OperatorQuadratic",
    "QuadraticEnergy",
    "SpectralQuadratic",
    "suggest_spectrum",
]
