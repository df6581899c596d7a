"""Models that are trained already."""

from ._denoiser import load_denoiser

__all__ = ["load_denoiser"]
