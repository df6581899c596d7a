"""The denoiser beside what an imaging user would pick, on uniform and on locally adaptive noise.

Without a command: a trial of a minute on photographs that packages ship, with small models that
are hardly trained; its numbers mean nothing. For the numbers of docs/denoising.md, with the 400
images of BSD400 in a folder of yours (100 to train on, a fixed 100 of the other 300 to test on):

    python benchmarks/denoising.py train  --images FOLDER --work DIR --noise adaptive --steps 14000
    python benchmarks/denoising.py rivals --images FOLDER --work DIR
    python benchmarks/denoising.py cost   --images FOLDER --work DIR
    python benchmarks/denoising.py table  --work DIR

Each keeps what it finishes in DIR and skips what is there, so it can be killed and started again,
and parts (--noise, --method, --seeds) can run side by side. Everything runs on one thread.

All methods get the same noisy images, as they are: not clipped. All predictions are clipped to
[0, 1] before they are scored.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from _denoising_cost import cpu_seconds, memory
from _denoising_data import (
    NOISES,
    TEST_SEEDS,
    TRAIN_SEED,
    load_bsd,
    load_photographs,
    noise_of,
    rms_levels,
)
from _denoising_rivals import RIVALS, ssim, tune
from _denoising_table import print_tables
from skorch.callbacks import Callback
from threadpoolctl import threadpool_limits

from sklearn_reasoning import HybridReasoningDenoiser, load_model, save_model
from sklearn_reasoning._runs.atomic_files import write_atomically
from sklearn_reasoning.estimators.denoiser._denoising_model import DenoisingModel
from sklearn_reasoning.estimators.denoiser._measure import psnr
from sklearn_reasoning.estimators.denoiser._parameters import architecture_of

MODELS = ("dncnn", "hybrid")
# A trained model, and the same averaged over the 8 flips and turns of the image.
METHODS = (*RIVALS, *MODELS, *(f"{name}-x8" for name in MODELS))
TRIAL = {"f_channels": 8, "f_layers": 2, "g_channels": 16, "g_layers": 3, "lr": 4e-3}


# ------------------------------------------------------------------ training


def n_weights(model):
    """Return the number of weights that a denoiser with these parameters has."""
    return sum(p.numel() for p in DenoisingModel(architecture_of(model), (model.k,)).parameters())


def dncnn_like(hybrid):
    """Return the plain residual network whose number of weights is nearest to a hybrid's.

    As deep as the hybrid's g, and wider to make up for f.
    """
    wanted = n_weights(hybrid)

    def plain(channels):
        parameters = {"algo": "opt", "f_layers": 0, "g_channels": channels}
        return HybridReasoningDenoiser(**{**hybrid.get_params(), **parameters})

    around = range(hybrid.g_channels, 2 * hybrid.g_channels + hybrid.f_channels)
    return min(map(plain, around), key=lambda model: abs(n_weights(model) - wanted))


class Progress(Callback):
    """A line a minute, with the time left."""

    def __init__(self, what, n_steps):
        self.what, self.n_steps = what, n_steps

    def on_train_begin(self, net, **kwargs):
        """Look at the clock."""
        self.began_ = self.printed_ = time.monotonic()

    def on_epoch_end(self, net, **kwargs):
        """Say how far it is, if a minute has passed."""
        now = time.monotonic()
        if now - self.printed_ >= 60.0:
            self.printed_ = now
            done = net.n_steps_
            left = (now - self.began_) * (self.n_steps / done - 1.0)
            loss = net.history[-10:, "train_loss"]
            say(f"{self.what}: step {done} of {self.n_steps}, loss {np.mean(loss):.3e}", left)


def train(data, work, noises, methods, *, steps, seed, copies, settings):
    """Train what is not there yet: a model file, and beside it what went into it."""
    for noise in noises:
        for method in methods:
            model = HybridReasoningDenoiser(max_steps=steps, random_state=seed, **settings)
            if method == "dncnn":
                model = dncnn_like(model)
            given = {"steps": steps, "seed": seed, "copies": copies, "settings": settings}
            asked = {"data": data.name, "noise": noise, "method": method, **given}
            # As it reads in a file: tuples are lists there.
            _train(data, work / f"model-{noise}-{method}", model, json.loads(json.dumps(asked)))


def _train(data, path, model, asked):
    about, file = path.with_suffix(".json"), path.with_suffix(".safetensors")
    if about.exists():
        found = json.loads(about.read_text())
        if {name: found[name] for name in asked} != asked:
            raise SystemExit(f"{file} was trained otherwise ({found}): take another --work.")
        return say(f"{path.name} is there")
    # A fixed noisy copy of each image would be learned by heart.
    images = [np.float32(image) for image in data.train] * asked["copies"]
    noisy = noise_of(asked["noise"], TRAIN_SEED).transform(images)
    what = f"{path.name}, {n_weights(model):,} weights"
    say(f"{what}: {asked['steps']} steps on {len(images)} noisy images")
    model.set_params(callbacks=[Progress(what, asked["steps"])])
    clock, cpu = time.monotonic(), time.process_time()
    model.fit(noisy, images)
    spent = {
        "weights": n_weights(model),
        "g_channels": model.g_channels,
        "cpu_minutes": (time.process_time() - cpu) / 60,
        "minutes": (time.monotonic() - clock) / 60,
    }
    save_model(model.set_params(callbacks=None, device="cpu"), file)
    write_json(about, {**asked, **spent})
    say(f"{what}: trained in {spent['cpu_minutes']:.1f} CPU minutes")


# ------------------------------------------------------------------ scores


def averaged(model, image):
    """Return the mean of what a model makes of the 8 flips and turns of an image."""
    turned = [np.rot90(side, turns) for side in (image, image[:, ::-1]) for turns in range(4)]
    restored = [
        np.rot90(found, -turns)
        for found, turns in zip(model.predict(turned), [*range(4)] * 2, strict=True)
    ]
    return (sum(restored[:4]) + sum(restored[4:])[:, ::-1]) / 8


def restorer(data, work, noise, method):
    """Return a function of (noisy image, noise level), and what identifies it.

    None if the model is not trained, or the rival is not installed.
    """
    if method in RIVALS:
        if method == "bm3d" and find_spec("bm3d") is None:
            return None
        rival, settings = RIVALS[method], tuned(data, work, noise, method)
        return lambda image, level: rival.restore(image, level, **settings), settings
    name, _, times = method.partition("-")
    path = work / f"model-{noise}-{name}.safetensors"
    if not path.with_suffix(".json").exists():
        return None
    model = load_model(path)
    identity = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    if times:
        return lambda image, level: averaged(model, image), identity
    return lambda image, level: model.predict([image])[0], identity


def tuned(data, work, noise, method):
    """Return a rival's settings, chosen on training images; kept in a file."""
    if not RIVALS[method].grid:
        return {}
    path = work / f"tuned-{noise}-{method}.json"
    asked = {"data": data.name, "grid": json.loads(json.dumps(dict(RIVALS[method].grid)))}
    found = read_json(path)
    if {name: found.get(name) for name in asked} != asked:
        clean, adds = data.tune, noise_of(noise, TRAIN_SEED)
        best, score = tune(RIVALS[method], adds.transform(clean), rms_levels(adds, clean), clean)
        found = {**asked, "settings": best, "psnr": score, "n_images": len(clean)}
        write_json(path, found)
        say(f"{noise} {method}: {best} of {len(RIVALS[method].combinations())}, {score:.2f} dB")
    return found["settings"]


def rivals(data, work, noises, methods, seeds):
    """Score every method, models too, on every noise and seed that is not there yet."""
    tasks = [(noise, seed, method) for noise in noises for seed in seeds for method in methods]
    began, n_scored, missing = time.monotonic(), 0, set()
    for i, (noise, seed, method) in enumerate(tasks):
        found = restorer(data, work, noise, method)
        if found is None:
            missing.add(f"{noise} {method}")
            continue
        restore, identity = found
        path = work / f"scores-{noise}-{method}-{seed}.json"
        key = {"data": data.name, "names": data.test_names, "identity": identity}
        kept = read_json(path)
        if {name: kept.get(name) for name in key} == key:
            continue
        adds = noise_of(noise, seed)
        cpu = time.process_time()
        images = zip(adds.transform(data.test), rms_levels(adds, data.test), data.test, strict=True)
        scores = [_score(restore(x, level), y) for x, level, y in images]
        psnrs, ssims = zip(*scores, strict=True)
        write_json(path, {**key, "psnr": psnrs, "ssim": ssims})
        n_scored += 1
        left = (time.monotonic() - began) / n_scored * (len(tasks) - i - 1)
        spent = time.process_time() - cpu
        text = f"{noise} {method} seed {seed}: {np.mean(psnrs):.2f} dB, SSIM {np.mean(ssims):.3f}"
        say(f"{text}, {spent:.0f} CPU s", left)
    if missing:
        say(f"left out, not trained or not installed: {', '.join(sorted(missing))}")


def _score(restored, clean):
    clipped = np.clip(np.asarray(restored, dtype=np.float64), 0.0, 1.0)
    return psnr(clipped, clean), ssim(clipped, clean)


# ------------------------------------------------------------------ cost


def cost(data, work, noise, repeats):
    """Measure CPU time and memory for the first test image, and keep them."""
    found = {method: restorer(data, work, noise, method) for method in METHODS[1:]}
    restorers = {method: each[0] for method, each in found.items() if each is not None}
    image, adds = data.test[:1], noise_of(noise, TEST_SEEDS[0])
    noisy, level = adds.transform(image)[0], rms_levels(adds, image)[0]
    say(f"{noise}: {', '.join(restorers)} take turns {repeats} times")
    settings = read_json(work / f"model-{noise}-hybrid.json").get("settings", {})
    content = {
        "shape": " x ".join(map(str, noisy.shape)),
        "noise": noise,
        "cpu_seconds": cpu_seconds(restorers, noisy, level, repeats),
        "memory_mb": memory(settings, noisy.clip(0.0, 1.0)),
    }
    write_json(work / "cost.json", content)


# ------------------------------------------------------------------ files and words


def read_json(path):
    return json.loads(path.read_text()) if path.exists() else {}


def write_json(path, content):
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def say(text, seconds_left=None):
    left = "" if seconds_left is None else f"; about {seconds_left / 60:.0f} min left"
    print(f"{time.strftime('%H:%M')} {text}{left}", file=sys.stderr, flush=True)


def setting(text):
    name, _, value = text.partition("=")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def trial():
    """Run every stage on little, to see that it runs."""
    print("A trial: small, hardly trained models on crops. These numbers mean nothing.\n")
    noises, data = ("adaptive",), load_photographs(crop=96, n_tune=2)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        train(data, work, noises, MODELS, steps=400, seed=0, copies=4, settings=TRIAL)
        rivals(data, work, noises, METHODS, TEST_SEEDS[:1])
        cost(data, work, "adaptive", repeats=3)
        print_tables(work, METHODS)


def main():
    asked = arguments().parse_args()
    if asked.command is None:
        return trial()
    work = asked.work
    work.mkdir(parents=True, exist_ok=True)
    if asked.command == "table":
        return print_tables(work, METHODS)
    data = load_bsd(asked.images) if asked.images else load_photographs()
    if asked.command == "cost":
        return cost(data, work, asked.noise, asked.repeats)
    if asked.command == "rivals":
        return rivals(data, work, asked.noise, asked.method, asked.seeds)
    options = {"steps": asked.steps, "seed": asked.seed, "copies": asked.copies}
    return train(data, work, asked.noise, asked.method, settings=dict(asked.settings), **options)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command")
    train, rivals, cost, table = map(commands.add_parser, ("train", "rivals", "cost", "table"))
    for command in (train, rivals, cost, table):
        command.add_argument("--work", type=Path, required=True, help="where results are kept")
    for command in (train, rivals, cost):
        command.add_argument("--images", type=Path, help="the folder of BSD400's 400 PNG files")
    for command, methods in ((train, MODELS), (rivals, METHODS)):
        command.add_argument("--noise", nargs="+", choices=NOISES, default=NOISES)
        command.add_argument("--method", nargs="+", choices=methods, default=methods)
    train.add_argument("--steps", type=int, default=14_000)
    train.add_argument("--seed", type=int, default=0, help="random_state of the models")
    train.add_argument("--copies", type=int, default=20, help="noisy copies of each image")
    train.add_argument(
        "--set",
        nargs="+",
        type=setting,
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="other parameters of HybridReasoningDenoiser; DnCNN is matched to it",
    )
    rivals.add_argument("--seeds", nargs="+", type=int, default=TEST_SEEDS)
    cost.add_argument("--noise", choices=NOISES, default="adaptive")
    cost.add_argument("--repeats", type=int, default=7)
    return parser


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
