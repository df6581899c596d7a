"""The denoiser that ships with the package gains 6.7 to 11 dB on noise that it is not told.

BM3D is told the level (its root mean square, where the noise is locally adaptive), and gains
0.1 dB (locally adaptive noise) to 1.6 dB more.
The middle 256 x 256 pixels of four test photographs, one noise seed, results clipped to [0, 1].

A second table has the whole photographs with little noise, or none. There the model does harm: up
to 2/255 to all four, at 3/255 to three, at 5/255 to one. From 7/255 on it gains on each.

Run: python benchmarks/pretrained_denoiser.py               measure the model that ships
     python benchmarks/pretrained_denoiser.py --train FILE  train it again, write FILE, measure it

Training takes about half an hour of one core. Both read nothing but photographs of
load_natural_images, from the packages of the extra "images".
BM3D is left out where the package bm3d is not installed.
"""

import argparse
import importlib.util
import time
from pathlib import Path

import numpy as np

from sklearn_reasoning import HybridReasoningDenoiser
from sklearn_reasoning.datasets import LocallyAdaptiveNoise, load_natural_images
from sklearn_reasoning.estimators.denoiser._measure import psnr
from sklearn_reasoning.persistence import load_model, save_model

SEED = 0
# The size and the number of steps are the denoiser's defaults.
PARAMETERS = {
    # It would fall while g is still 0, and a layer of small steps cannot keep a clean pixel.
    "learn_step_size": False,
    # The squared error would be ruled by the patches with most noise.
    "loss": "l2",
    # The same bits on processors with and without instructions for bfloat16.
    "mixed_precision": False,
    "random_state": SEED,
}

# sporco's are left out, so that the extra alone gives the same numbers; the other three because
# the packages that ship them state no licence for the photograph itself.
LEFT_OUT_PACKAGES = {"sporco"}
LEFT_OUT_PHOTOGRAPHS = {"aero", "grace_hopper", "moon"}

# Noisy copies of each photograph, and of the photograph at half the size: fine structure that
# the photographs themselves are too blurred to show.
COPIES = {1: 8, 2: 16}
UNIFORM_LEVELS = (2 / 255, 55 / 255)
ADAPTIVE_HIGH_LEVELS = (8 / 255, 60 / 255)
ADAPTIVE_RATIOS = (0.1, 0.6)  # the level on edges over that where the image is smooth

LOW_LEVELS = (0, 1, 2, 3, 5, 7, 10)  # of 255


def photographs(split, *, grey):
    """Return names, licences and images that may be used."""
    data = load_natural_images(split, grey=grey)
    kept = [
        i
        for i, (name, source) in enumerate(zip(data.names, data.sources, strict=True))
        if source not in LEFT_OUT_PACKAGES and name not in LEFT_OUT_PHOTOGRAPHS
    ]
    return [(data.names[i], data.licences[i], data.images[i]) for i in kept]


def smaller(image, factor):
    """Return means over squares of factor x factor pixels."""
    height, width = (side // factor for side in image.shape[:2])
    cut = image[: height * factor, : width * factor]
    return cut.reshape(height, factor, width, factor, *image.shape[2:]).mean(axis=(1, 3))


def spread(rng, limits, n):
    """Return n numbers, one drawn in each of n equal parts of a range, in random order."""
    low, high = limits
    return low + (high - low) * rng.permutation((np.arange(n) + rng.random(n)) / n)


def noisy_copies(rng, image, n):
    """Return n noisy copies: half of uniform noise, half of locally adaptive noise.

    Every other one is clipped to [0, 1], as an image file is.
    """
    copies = []
    uniform = spread(rng, UNIFORM_LEVELS, n // 2)
    adaptive = spread(rng, ADAPTIVE_HIGH_LEVELS, n // 2)
    for i in range(n // 2):
        copies.append(image + uniform[i] * rng.standard_normal(image.shape))
        noise = LocallyAdaptiveNoise(
            low=adaptive[i] * rng.uniform(*ADAPTIVE_RATIOS),
            high=adaptive[i],
            random_state=int(rng.integers(2**31)),
        )
        copies += noise.fit_transform([image])
        if i % 2:
            copies[-2:] = [np.clip(copy, 0.0, 1.0) for copy in copies[-2:]]
    return [copy.astype(np.float32) for copy in copies]


def training_pairs():
    """Return noisy and clean images. Colour stays: its channels are restored one by one."""
    rng = np.random.default_rng(SEED)
    noisy, clean = [], []
    for name, licence, image in photographs("train", grey=False):
        print(f"train on {name}: {licence}")
        for factor, n in COPIES.items():
            small = smaller(image, factor)
            noisy += noisy_copies(rng, small, n)
            clean += [small.astype(np.float32)] * n
    return noisy, clean


def train(path):
    noisy, clean = training_pairs()
    model = HybridReasoningDenoiser(**PARAMETERS, verbose=1)
    began = time.process_time()
    model.fit(noisy, clean)
    print(f"{model.n_steps_} steps in {time.process_time() - began:.0f} s of CPU time")
    save_model(model.set_params(verbose=0), path)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def settings():
    """Yield names and noises."""
    for sigma in (15, 25, 50):
        yield f"uniform, sigma {sigma}", LocallyAdaptiveNoise(low=sigma / 255, high=sigma / 255)
    yield "locally adaptive, 10 to 40", LocallyAdaptiveNoise()


def table(model):
    bm3d = None
    if importlib.util.find_spec("bm3d") is not None:
        from bm3d import bm3d
    print("| noise | photograph | noisy | BM3D, told the level | denoiser |")
    print(5 * "|---" + "|")
    for name, noise in settings():
        rows = []
        for photograph, _, clean in photographs("test", grey=True):
            noise.set_params(random_state=SEED)
            clean = clean[tuple(slice(side // 2 - 128, side // 2 + 128) for side in clean.shape)]
            (noisy,) = noise.fit_transform([clean])
            level = float(np.sqrt(np.mean(np.square(noise.noise_level([clean])[0]))))
            rival = np.nan if bm3d is None else psnr(bm3d(noisy, level), clean)
            rows.append((psnr(noisy, clean), rival, psnr(model.predict([noisy])[0], clean)))
            print(line(name, photograph, rows[-1]), flush=True)
        print(line(name, "**mean**", np.mean(rows, axis=0)), flush=True)


def low_levels(model):
    """Print the PSNR of whole photographs, restored from little noise or none."""
    whole = photographs("test", grey=True)
    print("| level, of 255 | noisy | " + " | ".join(name for name, _, _ in whole) + " |")
    print((2 + len(whole)) * "|---" + "|")
    for level in LOW_LEVELS:
        noise = LocallyAdaptiveNoise(low=level / 255, high=level / 255, random_state=SEED)
        before, after = [], []
        for _, _, clean in whole:
            noisy = noise.fit_transform([clean])[0] if level else clean
            before.append(psnr(noisy, clean))
            after.append(psnr(model.predict([noisy])[0], clean))
        cells = " | ".join(f"{value:.2f}" for value in after)
        print(f"| {level} | {np.mean(before):.2f} | {cells} |", flush=True)


def line(noise, photograph, values):
    cells = " | ".join("not installed" if np.isnan(value) else f"{value:.2f}" for value in values)
    return f"| {noise} | {photograph} | {cells} |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", metavar="FILE", type=Path)
    options = parser.parse_args()
    if options.train is not None:
        train(options.train)
        model = load_model(options.train)
    else:
        from sklearn_reasoning.pretrained import load_denoiser

        model = load_denoiser()
    table(model)
    print()
    low_levels(model)


if __name__ == "__main__":
    main()
