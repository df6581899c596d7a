"""Restoring images: one small energy a pixel, predicted by convolutional networks."""

from sklearn_reasoning.estimators.denoiser import HybridReasoningDenoiser

from ._folders import DenoisedFiles, denoise_files

__all__ = ["DenoisedFiles", "HybridReasoningDenoiser", "denoise_files"]
