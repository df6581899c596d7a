"""Figure 7: the gaps of small denoisers, and an image that one of them restored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_reasoning._support.drawing import check_matplotlib, zero_line
from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.datasets import LocallyAdaptiveNoise
from sklearn_reasoning.estimators.denoiser import psnr, restore
from sklearn_reasoning.experiments._claims import ROLES
from sklearn_reasoning.experiments._figures import (
    TITLES,
    Panel,
    _draw_line,
    _finish,
    _label,
    _new_figure,
    _what_bands_are,
    own_settings,
    save,
)

from ._claims import denoising_measurements
from ._protocol import PARAMETERISATIONS, DenoisingProtocol
from ._study import DenoisingStudy

_Array = np.ndarray[Any, Any]

_PAPERS_K = 12
_SIDE = 180  # of the picture, in pixels: that of BSD400


@dataclass(frozen=True, eq=False)
class Example:
    """An image, with noise, and as one of the study's models, told in words, restored it."""

    clean: _Array
    noisy: _Array
    restored: _Array
    model: str


def example_of(
    study: DenoisingStudy, table: Mapping[str, Any], images: Sequence[_Array]
) -> Example:
    """Restore an image by the best model of a study, which is trained again for it.

    The algorithm is gd where the study has it, else its first; k is the study's nearest to the
    paper's 12; of the parameterisations the one with the smallest mean held-out loss. The model
    is the one of the first repetition, the image one that was held out from it.
    """
    p = study.protocol
    algorithms = {algorithm.name: algorithm for algorithm in map(get_algorithm, p.algos)}
    algo = "gd" if "gd" in algorithms else next(iter(algorithms))
    k = min(p.k, key=lambda each: abs(each - _PAPERS_K))
    data = denoising_measurements(table)
    place = data.k.index(k)
    losses = [
        np.nanmean(data.matrix("held_out_loss", algo, number)[:, place])
        for number in range(len(PARAMETERISATIONS))
    ]
    best = PARAMETERISATIONS[int(np.nanargmin(losses))]
    (trained,) = study.train(best, algorithms[algo], k, [0])
    image = images[study.patches.sources[0, 1]]
    top, left = (max(0, (length - _SIDE) // 2) for length in image.shape)
    clean = image[top : top + _SIDE, left : left + _SIDE]
    (noisy,) = LocallyAdaptiveNoise(random_state=p.seed).transform([clean])
    restored = restore(trained.net.module_, noisy.astype(np.float32))
    size = p.patch_size
    trained_on = f"trained on {p.n_patches} patches of {size} x {size} pixels of other images"
    return Example(clean, noisy, restored, f"{algo}, k = {k}, {best.name}, {trained_on}")


def draw_denoising(
    table: Mapping[str, Any],
    example: Example,
    folder: str | Path,
    protocol: DenoisingProtocol,
) -> list[Path]:
    """Draw the gaps, and the example, as PNG and SVG: ``fig7`` and ``fig7_images`` in the folder.

    The order of the protocol's algorithms decides colours and markers. The same table and example
    give the same bytes.
    """
    check_matplotlib("Drawing figures")
    with own_settings():
        gaps = save(gap_figure(table, protocol), folder, "fig7")
        return gaps + save(_images(example), folder, "fig7_images")


def gap_figure(table: Mapping[str, Any], protocol: DenoisingProtocol) -> Any:
    """Return the gaps as a matplotlib figure, a panel for each parameterisation.

    Heights differ too much between panels for one scale.
    """
    data = denoising_measurements(table)
    algos = dict(enumerate(get_algorithm(algo).name for algo in protocol.algos))
    drawn, axes = _new_figure(len(ROLES), len(ROLES))
    unit = "grey levels" if protocol.loss == "l2" else "grey levels squared"
    for place, (ax, each) in enumerate(zip(axes, PARAMETERISATIONS, strict=True)):
        for number, algo in algos.items():
            _draw_line(ax, data.k, data.matrix("gap", algo, place), number, algo)
        zero_line(ax)
        label = f"generalisation gap, {unit} of 255" if place == 0 else ""
        _label(ax, Panel(f"{each}\n{each.name}", label, "gap"), data.k)
    _finish(drawn, axes, algos, f"{TITLES['fig7']}\n{_what_bands_are(data)}")
    return drawn


def _images(example: Example) -> Any:
    drawn, axes = _new_figure(3, 3)
    for ax, title, image in zip(
        axes,
        ("original", "noisy", "denoised"),
        (example.clean, example.noisy, example.restored),
        strict=True,
    ):
        if image is not example.clean:
            title += f", {psnr(image, example.clean):.1f} dB"
        ax.imshow(np.clip(image, 0.0, 1.0), cmap="gray", vmin=0.0, vmax=1.0)
        ax.set_title(title, fontsize="medium")
        ax.set_axis_off()
    drawn.suptitle(f"Figure 7: an image that was held out\n{example.model}", fontsize="medium")
    return drawn
