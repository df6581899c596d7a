"""Draw the pictures of docs/denoising.md into docs/figures: python docs/make_denoising_pictures.py.

The photographs are those of load_natural_images to test on, the model is the shipped one, which saw
none of them. Needs the extras "images" and "rivals" (bm3d). Everything runs on one thread.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits

from sklearn_reasoning import load_model
from sklearn_reasoning.datasets import LocallyAdaptiveNoise, load_natural_images
from sklearn_reasoning.estimators.denoiser._measure import psnr
from sklearn_reasoning.pretrained import load_denoiser
from sklearn_reasoning.properties import convergence

# Where to look: top and left of a square, and in which photographs.
SIDE = 96
CROPS = {"camera": (70, 195), "flower": (120, 230), "ascent": (290, 150)}
MAP_OF, MAP_AT, MAP_SIDE = "camera", (20, 90), 256
K = (1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 100, 300, 1000)


def cut(image, corner, side=SIDE):
    top, left = corner
    return image[top : top + side, left : left + side]


def panels(figure, n_rows, n_columns, side, title, gap=6, right=6):
    """Return axes of exactly side x side pixels, so that no pixel of an image is resampled."""
    width = gap + n_columns * (side + right)
    height = n_rows * (side + title) + gap
    figure.set_size_inches(width / figure.dpi, height / figure.dpi)
    axes = np.empty((n_rows, n_columns), dtype=object)
    for i, j in np.ndindex(axes.shape):
        left, bottom = gap + j * (side + right), height - (i + 1) * (side + title)
        box = (left / width, bottom / height, side / width, side / height)
        axes[i, j] = figure.add_axes(box)
        axes[i, j].set_axis_off()
    return axes


def save(figure, path, n_colours=None):
    """Write a small PNG: as grey levels, or with so many colours."""
    from matplotlib import pyplot as plt
    from PIL import Image

    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    picture = picture.quantize(n_colours) if n_colours else picture.convert("L")
    picture.save(path, optimize=True)
    plt.close(figure)
    print(f"{path.name}: {picture.size[0]} x {picture.size[1]}, {path.stat().st_size / 1e3:.0f} kB")


def draw_restored(path, photographs, noisy, restored, levels):
    """Draw what the model and BM3D make of an image; PSNR of the whole photograph."""
    from bm3d import bm3d
    from matplotlib import pyplot as plt

    figure = plt.figure(dpi=100)
    axes = panels(figure, len(CROPS), 4, 2 * SIDE, title=20)
    for row, (name, corner) in zip(axes, CROPS.items(), strict=True):
        clean = photographs[name]
        images = {
            f"{name}": clean,
            "noisy": noisy[name],
            "restored": restored[name],
            "BM3D": bm3d(noisy[name], float(np.sqrt(np.mean(levels[name] ** 2)))),
        }
        for ax, (label, image) in zip(row, images.items(), strict=True):
            shown = np.clip(cut(image, corner), 0.0, 1.0)
            ax.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
            found = "" if image is clean else f", {psnr(image, clean):.2f} dB"
            ax.set_title(label + found, fontsize=10, pad=4)
    save(figure, path)


def draw_map(path, clean, level, f_squared):
    """Draw the learned f^2 beside the noise and the edges."""
    from matplotlib import pyplot as plt

    smooth = gaussian_filter(clean, 1.0)
    edges = np.hypot(*np.gradient(smooth))
    by_rank = spearmanr(f_squared.ravel(), level.ravel()).statistic
    print(f"{MAP_OF}: rank correlation of f^2 with the noise level {by_rank:+.2f},", end=" ")
    print(
        f"with brightness {spearmanr(f_squared.ravel(), smooth.ravel()).statistic:+.2f},", end=" "
    )
    print(f"median f^2 {np.median(f_squared):.3f}, 99th percentile", end=" ")
    print(f"{np.percentile(f_squared, 99):.3f}")
    maps = {
        "original": (clean, "gray", (0, 1)),
        "edges": (edges, "gray", (0, np.percentile(edges, 99))),
        "noise level, of 255": (255 * level, "viridis", (10, 40)),
        "learned f^2": (f_squared, "viridis", (0, np.percentile(f_squared, 99))),
    }
    figure = plt.figure(dpi=100)
    axes = panels(figure, 2, 2, MAP_SIDE, title=24, right=80)
    for ax, (label, (values, colours, limits)) in zip(axes.flat, maps.items(), strict=True):
        image = cut(values, MAP_AT, MAP_SIDE)
        shown = ax.imshow(
            image, cmap=colours, vmin=limits[0], vmax=limits[1], interpolation="nearest"
        )
        ax.set_title(label.replace("f^2", "$f^2$"), fontsize=11, pad=4)
        if colours != "gray":
            figure.colorbar(shown, cax=ax.inset_axes((1.02, 0.0, 0.04, 1.0)))
    save(figure, path, n_colours=128)


def draw_k(path, model, photographs, noisy):
    """Draw PSNR against the number of steps at prediction, and the distance to the minimiser."""
    from matplotlib import pyplot as plt

    images, clean = list(noisy.values()), list(photographs.values())
    energies = model.predict_energy(images)
    minimisers = [-b / diagonal for diagonal, b in zip(*energies, strict=True)]
    lengths = [np.linalg.norm(y) for y in minimisers]
    quality, left = [], []
    for k in K:
        restored = model.predict(images, k=k)
        quality.append(np.mean([psnr(x, y) for x, y in zip(restored, clean, strict=True)]))
        distances = [np.linalg.norm(x - y) for x, y in zip(restored, minimisers, strict=True)]
        left.append(np.max(np.divide(distances, lengths)))
    certified = convergence(model.algo, np.array(K), model.step_size_, mu=1.0, L=model.L).certified
    print("| k | mean PSNR | certified | largest measured |\n|---|---|---|---|")
    for k, ratio, bound, measured in zip(K, quality, certified, left, strict=True):
        print(f"| {k} | {ratio:.2f} | {bound:.1e} | {measured:.1e} |")
    figure, (above, below) = plt.subplots(
        2, sharex=True, figsize=(7.6, 5.4), dpi=100, layout="constrained"
    )
    above.semilogx(K, quality, "o-", color="black", markersize=4)
    above.axhline(
        np.mean([psnr(x, y) for x, y in zip(images, clean, strict=True)]),
        color="gray", linestyle=":", label="noisy",
    )  # fmt: skip
    above.set_ylabel("mean PSNR in dB")
    below.loglog(K, certified, "-", color="tab:red", label="certified: at most this much")
    below.loglog(K, left, "o", color="black", markersize=4, label="measured, worst photograph")
    below.set(
        xlabel=f"k at prediction (trained with {model.k}, blue)",
        ylabel="fraction of the way\nto the minimiser left",
    )
    # Below it float32 has no digits left.
    below.set_ylim(bottom=1e-7, top=2.0)
    for ax in (above, below):
        ax.axvline(model.k, color="tab:blue", linewidth=1)
        ax.grid(alpha=0.3)
    below.legend(fontsize=9)
    above.legend(fontsize=9)
    save(figure, path, n_colours=64)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help="another model file than the shipped one")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("figures"))
    asked = parser.parse_args()
    model = load_model(asked.model) if asked.model else load_denoiser()
    data = load_natural_images("test")
    noise = LocallyAdaptiveNoise(random_state=0)
    # sporco's photographs are an extra that few have, so the pictures do without.
    kept = [i for i, source in enumerate(data.sources) if source != "sporco"]
    photographs = {data.names[i]: data.images[i] for i in kept}
    clean = list(photographs.values())
    noisy = dict(zip(photographs, noise.transform(clean), strict=True))
    levels = dict(zip(photographs, noise.noise_level(clean), strict=True))
    restored = dict(zip(photographs, model.predict(list(noisy.values())), strict=True))
    for name in photographs:
        print(f"{name}: {data.licences[data.names.index(name)]}")
    (diagonal,), _ = model.predict_energy([noisy[MAP_OF]])
    draw_map(asked.out / "denoising-map.png", photographs[MAP_OF], levels[MAP_OF], diagonal - 1.0)
    draw_k(asked.out / "denoising-k.png", model, photographs, noisy)
    draw_restored(asked.out / "denoising-restored.png", photographs, noisy, restored, levels)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
