"""What benchmarks/denoising.py compares with: ways to restore an image that need no training.

Each is told the noise level of the image, the root of its mean square, and is tuned on training
images: every combination of a small grid, by mean PSNR.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from skimage.metrics import structural_similarity
from skimage.restoration import (
    cycle_spin,
    denoise_nl_means,
    denoise_tv_chambolle,
    denoise_wavelet,
)

from sklearn_reasoning.estimators.denoiser._measure import psnr


def ssim(restored, clean):
    """Return the structural similarity as its authors define it: Gaussian windows of width 1.5."""
    return float(
        structural_similarity(
            clean,
            restored,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def nothing(image, level):
    return image


def nl_means(image, level, h, told, patch_size, patch_distance):
    """Average similar patches; h and the level it subtracts are multiples of the noise level."""
    return denoise_nl_means(
        image, patch_size, patch_distance, h=h * level, sigma=told * level, fast_mode=True
    )


def wavelet(image, level, wavelet, method, told, shifts):
    """Shrink wavelet coefficients, averaged over (shifts + 1)^2 shifts of the image."""
    options = {
        "sigma": told * level,
        "wavelet": wavelet,
        "method": method,
        "mode": "soft",
        "rescale_sigma": True,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice about the number of levels
        return cycle_spin(image, denoise_wavelet, max_shifts=shifts, func_kw=options, num_workers=1)


def tv_chambolle(image, level, weight, eps):
    """Minimise squared distance plus total variation; the weight is a multiple of the level."""
    return denoise_tv_chambolle(image, weight=weight * level, eps=eps, max_num_iter=500)


def bm3d(image, level):
    from bm3d import bm3d as restore  # only the extra "rivals" brings it

    return restore(image, sigma_psd=level)


@dataclass(frozen=True)
class Rival:
    """A function of a noisy image and its noise level, and the settings to choose from."""

    restore: Any
    grid: Mapping[str, tuple[Any, ...]]

    def combinations(self):
        return [
            dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values())
        ]


RIVALS = {
    "noisy": Rival(nothing, {}),
    "wavelet": Rival(
        wavelet,
        {
            "wavelet": ("db1", "db2", "sym4"),
            "method": ("BayesShrink", "VisuShrink"),
            "told": (0.25, 0.4, 0.6, 0.8, 1.0, 1.2),
            "shifts": (0, 3),
        },
    ),
    "nl_means": Rival(
        nl_means,
        {
            "h": (0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
            "told": (0.0, 1.0),
            "patch_size": (5, 7, 9),
            "patch_distance": (7, 11),
        },
    ),
    "tv_chambolle": Rival(
        tv_chambolle,
        {"weight": (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2), "eps": (2e-4, 1e-5)},
    ),
    "bm3d": Rival(bm3d, {}),
}


def tune(rival, noisy, levels, clean):
    """Return the settings with the best mean PSNR, and that PSNR.

    Parameters
    ----------
    rival : Rival
    noisy, clean : lists of n ndarrays
    levels : list of n floats
    """
    best, best_score = {}, -np.inf
    for settings in rival.combinations():
        score = np.mean(
            [
                psnr(rival.restore(x, level, **settings), y)
                for x, level, y in zip(noisy, levels, clean, strict=True)
            ]
        )
        if score > best_score:
            best, best_score = settings, float(score)
    return best, best_score
