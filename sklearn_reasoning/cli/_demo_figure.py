"""The demo's figure: restored digits, and the gap against k."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from sklearn_reasoning._runs.atomic_files import write_atomically
from sklearn_reasoning.model_selection import GeneralizationGapDisplay


def draw(data: Bunch, predictions: Mapping[str, Any], table: Mapping[str, Any], path: Path) -> None:
    """Draw noisy, restored and clean digits above the losses against k, and save the figure.

    Predictions are restorations of the test images, of shape (n_test, 64), by method.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 9.5), layout="constrained")
    FigureCanvasAgg(figure)
    halves: Any = figure.subfigures(2, 1, height_ratios=[1.25, 1])
    images, losses = halves
    _draw_images(images, data, predictions)
    _draw_losses(losses, table)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=120)
    write_atomically(path, content.getvalue())


def _draw_images(figure: Any, data: Bunch, predictions: Mapping[str, Any]) -> None:
    n_shown = 10
    rows = {
        "noisy": -data.X_test[:, -64:],
        **predictions,
        "clean": data.y_test,
    }
    axes = figure.subplots(len(rows), n_shown)
    for line, (name, values) in zip(axes, rows.items(), strict=True):
        for ax, image in zip(line, values[:n_shown] + data.mean_image, strict=False):
            ax.imshow(image.reshape(8, 8), cmap="gray", vmin=0.0, vmax=1.0)
            ax.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    figure.suptitle("Untouched digits, restored")


def _draw_losses(figure: Any, table: Mapping[str, Any]) -> None:
    display = GeneralizationGapDisplay(table=table)
    axes = figure.subplots(1, len(display.panels), sharey=True, squeeze=False)[0]
    display.plot(axes, kind="losses", score_name="mean loss  ||y - f(x)||")
    for ax in axes:
        ax.set_xlabel("steps k")
    figure.suptitle("The gap (shaded) between held-out and empirical loss")
