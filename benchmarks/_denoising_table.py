"""The tables of benchmarks/denoising.py, from the files that its stages left."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
from scipy.stats import t

from sklearn_reasoning._runs.atomic_files import write_atomically

NOISES = {
    "sigma15": "sigma 15",
    "sigma25": "sigma 25",
    "sigma50": "sigma 50",
    "adaptive": "adaptive",
}
LABELS = {
    "noisy": "noisy",
    "wavelet": "wavelet",
    "nl_means": "non-local means",
    "tv_chambolle": "total variation",
    "bm3d": "BM3D, told the rms",
    "dncnn": "DnCNN of equal size",
    "hybrid": "**hybrid**",
    "dncnn-x8": "DnCNN, mean of 8 positions",
    "hybrid-x8": "hybrid, mean of 8 positions",
}
PAIRS = (
    ("hybrid", "bm3d"),
    ("hybrid", "dncnn"),
    ("hybrid-x8", "bm3d"),
    ("hybrid-x8", "dncnn-x8"),
)
MEASURES = {"psnr": 2, "ssim": 3}


def paired_interval(first, second):
    """Return the mean of a difference over images, and half of its 95 % interval.

    Student's t over images; what is measured more than once for an image is averaged before,
    because it is no other image.

    Parameters
    ----------
    first, second : ndarray of shape (n_seeds, n_images)
    """
    difference = np.mean(first, axis=0) - np.mean(second, axis=0)
    n = len(difference)
    half = t.ppf(0.975, n - 1) * np.std(difference, ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return float(np.mean(difference)), float(half)


class Scores:
    """All scores in a folder."""

    def __init__(self, work):
        self._kept = {}
        for path in sorted(work.glob("scores-*.json")):
            _, noise, *method, seed = path.stem.split("-")
            found = json.loads(path.read_text())
            # One folder holds one data set, but perhaps a trial before it was complete.
            self._kept.setdefault((noise, "-".join(method)), {})[int(seed)] = found

    def of(self, noise, method, seeds=None):
        """Return {measure: ndarray of shape (n_seeds, n_images)}, or None."""
        kept = self._kept.get((noise, method))
        if kept is None:
            return None
        chosen = [kept[seed] for seed in (sorted(kept) if seeds is None else seeds)]
        return {name: np.array([scores[name] for scores in chosen]) for name in MEASURES}

    def seeds(self, noise, *methods):
        """Return the seeds that all methods have."""
        return sorted(set.intersection(*(set(self._kept.get((noise, m), ())) for m in methods)))


def print_tables(work, methods):
    """Print what docs/denoising.md holds, and write ``table.csv``."""
    scores, about = Scores(work), [json.loads(p.read_text()) for p in work.glob("model-*.json")]
    noises = [n for n in NOISES if any(scores.of(n, method) for method in methods)]
    _print_scores(scores, noises, methods)
    _print_differences(scores, noises)
    order = list(NOISES)
    about.sort(key=lambda model: (order.index(model["noise"]), model["method"]))
    _print_models(about)
    _print_tuned(work)
    cost = work / "cost.json"
    if cost.exists():
        _print_cost(json.loads(cost.read_text()))
    _write_csv(work / "table.csv", scores, noises, methods, about)


def _head(*columns):
    print("\n| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))


def _row(*cells):
    print("| " + " | ".join(cells) + " |")


def _print_scores(scores, noises, methods):
    _head("PSNR in dB / SSIM", *(NOISES[noise] for noise in noises))
    for method in methods:
        found = [scores.of(noise, method) for noise in noises]
        if any(found):
            cells = (
                "" if each is None else f"{each['psnr'].mean():.2f} / {each['ssim'].mean():.3f}"
                for each in found
            )
            _row(LABELS[method], *cells)
    shapes = {scores.of(n, m)["psnr"].shape for n in noises for m in methods if scores.of(n, m)}
    for n_seeds, n_images in sorted(shapes):
        print(f"\nMeans over {n_images} images and {n_seeds} noise seed(s).", end="")
    print("" if len(shapes) == 1 else "\n**Not every cell has the same seeds.**")


def _print_differences(scores, noises):
    _head("difference", "measure", *(NOISES[noise] for noise in noises))
    for pair in PAIRS:
        seeds = {noise: scores.seeds(noise, *pair) for noise in noises}
        if not any(seeds.values()):
            continue
        for measure, digits in MEASURES.items():
            cells = []
            for noise in noises:
                if not seeds[noise]:
                    cells.append("")
                    continue
                both = (scores.of(noise, method, seeds[noise])[measure] for method in pair)
                mean, half = paired_interval(*both)
                cells.append(f"{mean:+.{digits}f} ± {half:.{digits}f}")
            name = " - ".join(LABELS[method].replace("*", "") for method in pair)
            _row(name, "PSNR, dB" if measure == "psnr" else "SSIM", *cells)


def _print_models(about):
    _head("model", "noise", "weights", "channels of g", "steps", "CPU minutes of training")
    for model in about:
        sizes = (f"{model['weights']:,}", str(model["g_channels"]), f"{model['steps']:,}")
        name = "hybrid" if model["method"] == "hybrid" else "DnCNN"
        _row(name, NOISES[model["noise"]], *sizes, f"{model['cpu_minutes']:.0f}")


def _print_tuned(work):
    _head("tuned on training images", "noise", "settings", "PSNR there")
    for path in sorted(work.glob("tuned-*.json")):
        _, noise, method = path.stem.split("-")
        found = json.loads(path.read_text())
        settings = ", ".join(f"{name} {value}" for name, value in found["settings"].items())
        _row(LABELS[method], NOISES[noise], settings, f"{found['psnr']:.2f}")


def _print_cost(cost):
    _head(f"one image of {cost['shape']}, one thread", "CPU s", "times the hybrid's")
    own = cost["cpu_seconds"]["hybrid"]
    for method, seconds in cost["cpu_seconds"].items():
        _row(LABELS[method], f"{seconds:.4f}", f"{seconds / own:.1f}")
    _head("k", "predict, peak", "training step, peak", "kept for the backward pass")
    for row in cost["memory_mb"]:
        _row(f"{row['k']:,}", *(f"{row[name]:.2f} MB" for name in ("predict", "step", "saved")))


def _write_csv(path, scores, noises, methods, about):
    models = {(model["noise"], model["method"]): model for model in about}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    kept = ("weights", "steps", "cpu_minutes")
    writer.writerow(["noise", "method", "psnr", "ssim", "n_seeds", "n_images", *kept])
    for noise in noises:
        for method in methods:
            found = scores.of(noise, method)
            if found is not None:
                means = [round(float(found[name].mean()), 4) for name in MEASURES]
                model = models.get((noise, method.partition("-")[0]), {})
                shape = found["psnr"].shape
                rest = [model.get(name, "") for name in kept]
                writer.writerow([noise, method, *means, *shape, *rest])
    write_atomically(path, text.getvalue().encode())
