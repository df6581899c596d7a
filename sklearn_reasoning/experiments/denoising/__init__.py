"""The study of the paper's Figure 7: denoising natural images."""

from ._claims import (
    denoising_claims as denoising_claims,
    gaps_over_repetitions as gaps_over_repetitions,
)
from ._data import draw_patches as draw_patches, load_images as load_images
from ._figure import draw_denoising as draw_denoising, example_of as example_of
from ._protocol import DenoisingProtocol
from ._study import DenoisingStudy as DenoisingStudy

__all__ = ["DenoisingProtocol"]
