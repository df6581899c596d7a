"""The denoiser: one small energy a pixel, predicted by convolutional networks."""

from ._denoiser import HybridReasoningDenoiser
from ._denoising_model import PatchLoss as PatchLoss
from ._measure import psnr as psnr
from ._parameters import architecture_of as architecture_of, settings_of as settings_of
from ._patches import PatchBatch as PatchBatch
from ._stored_denoiser import DenoiserState as DenoiserState
from ._tiles import restore as restore
from ._train import train_denoisers as train_denoisers

__all__ = ["HybridReasoningDenoiser"]
