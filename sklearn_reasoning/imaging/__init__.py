"""Restoring images: one small energy a pixel, predicted by convolutional networks."""

from ._denoiser import HybridReasoningDenoiser

__all__ = ["HybridReasoningDenoiser"]
