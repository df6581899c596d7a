"""The denoiser that ships with the package."""

from __future__ import annotations

from importlib.resources import as_file, files

from sklearn_reasoning.imaging import HybridReasoningDenoiser
from sklearn_reasoning.persistence import load_model


def load_denoiser() -> HybridReasoningDenoiser:
    """Load the denoiser that ships with the package: one model for photographs of any noise.

    It is not told the level of the noise, and takes uniform Gaussian noise as well as noise that
    varies from place to place, of standard deviations between about 10/255 and 50/255.

    Returns
    -------
    HybridReasoningDenoiser
        Fitted, on the CPU, another object at every call. 113,240 weights; the file
        has 464 kB and runs no code when it is loaded.

    Notes
    -----
    **Training.** Eight photographs, those of ``load_natural_images("train")`` that scikit-learn
    and scikit-image ship under a licence stated for the photograph itself: astronaut and rocket
    (public domain), brick, grass and gravel (CC0), chelsea (CC0, by Stefan van der Walt), coins
    (no known copyright restrictions) and china (CC BY 2.0, by danielbuechele). Each comes in 24
    noisy copies, 16 of them at half the size; half have uniform noise, half
    :class:`~sklearn_reasoning.datasets.LocallyAdaptiveNoise`, and every other one is clipped to
    [0, 1], as image files are. ``python benchmarks/pretrained_denoiser.py --train FILE`` does it.

    **Accuracy.** Mean PSNR in dB on the middle 256 x 256 pixels of the test photographs flower,
    camera, coffee and ascent, by ``python benchmarks/pretrained_denoiser.py``; BM3D is told the
    level, the model is not.

    ==========================  =====  =====  =====
    noise, of 255               noisy  BM3D   model
    ==========================  =====  =====  =====
    uniform, sigma 15           24.81  33.08  31.52
    uniform, sigma 25           20.57  30.38  29.04
    uniform, sigma 50           15.07  26.88  26.11
    locally adaptive, 10 to 40  18.30  29.30  29.17
    ==========================  =====  =====  =====

    Where the level of the noise is known and uniform, BM3D is better, at many times the CPU time.
    It does harm to images with hardly any noise: the same photographs, whole, come back worse than
    they went in up to a level of 2/255, from 7/255 on all of them gain, and without noise they come
    back at 35.5 to 41.9 dB.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_reasoning.pretrained import load_denoiser
    >>> clean = np.kron([[0.2, 0.8], [0.6, 0.4]], np.ones((24, 24)))
    >>> noisy = clean + 25 / 255 * np.random.default_rng(0).standard_normal(clean.shape)
    >>> model = load_denoiser()
    >>> gain = model.score([noisy], [clean]) + 10 * np.log10(np.mean((noisy - clean) ** 2))
    >>> bool(gain > 8)  # dB
    True
    """
    with as_file(files(__package__) / "denoiser.safetensors") as path:
        model: HybridReasoningDenoiser = load_model(path)
    return model
