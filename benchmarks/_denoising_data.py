"""Images and noise of benchmarks/denoising.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_reasoning.datasets import LocallyAdaptiveNoise, load_bsd400, load_natural_images

NOISES = ("sigma15", "sigma25", "sigma50", "adaptive")
# An image's place in a list seeds its noise too, so these are all that must differ.
TRAIN_SEED, TEST_SEEDS = 0, (1, 2, 3)


@dataclass(frozen=True)
class Data:
    """Clean images; those to tune on are some of those to train on."""

    name: str
    train: list
    tune: list
    test: list
    test_names: list


def load_bsd(folder):
    """Return BSD400: its first 100 images to train on, every third of the others to test on."""
    train, test = (load_bsd400(folder, split) for split in ("train", "test"))
    images = list(train.images)
    return Data("BSD400", images, images[::10], list(test.images[::3]), test.names[::3])


def load_photographs(crop=None, n_tune=None):
    """Return the photographs that packages ship, or the middle of each."""
    parts = [load_natural_images(split) for split in ("train", "test")]
    train, test = ([_middle(image, crop) for image in part.images] for part in parts)
    return Data(f"photographs, crop={crop}", train, train[:n_tune], test, parts[1].names)


def _middle(image, side):
    if side is None:
        return image
    top, left = ((length - side) // 2 for length in image.shape)
    return image[top : top + side, left : left + side]


def noise_of(kind, seed):
    """Return the transformer that adds one of NOISES."""
    if kind == "adaptive":
        return LocallyAdaptiveNoise(random_state=seed)
    sigma = int(kind.removeprefix("sigma")) / 255
    return LocallyAdaptiveNoise(sigma, sigma, random_state=seed)


def rms_levels(noise, images):
    """Return the true noise level of each image, as the root of the mean square over pixels."""
    return [float(np.sqrt(np.mean(level**2))) for level in noise.noise_level(images)]
