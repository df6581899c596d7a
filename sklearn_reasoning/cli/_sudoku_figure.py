"""The figure of the Sudoku demo: a board from pixels to its solution, and boards against k."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_reasoning._runs.atomic_files import write_atomically

#: Numbers of steps after which the board is drawn.
SHOWN_STEPS = (1, 5, 20, 100)

_WRONG, _WRONG_CELL, _GIVEN_CELL = "#B30000", "#FFD9D0", "#E8E8E8"

# A cell whose likeliest digit has no more is open; one with no lead over chance is empty.
_OPEN, _NO_LEAD = 0.5, 0.02


@dataclass(frozen=True)
class Puzzle:
    """A board, and what a model makes of it.

    ``pixels`` is of shape (9, 9, height, width), ``givens``, ``solution`` and ``read`` (the digits
    that the network alone sees) of shape (81,), ``probabilities`` of shape (81, 9) by number of
    steps.
    """

    pixels: Any
    givens: Any
    solution: Any
    read: Any
    probabilities: Mapping[int, Any]


def steps_axes() -> tuple[Any, Any]:
    """Return a new figure, and two axes in its lower part for a :class:`StepsDisplay`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 10.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.subfigures(2, 1, height_ratios=[1.75, 1])
    _, lower = figure.subfigs
    return figure, lower.subplots(1, 2)


def draw(figure: Any, puzzle: Puzzle, path: Path) -> None:
    """Draw a board into the upper part of a figure, and save it."""
    upper, lower = figure.subfigs
    upper.suptitle("One board that was not seen in training")
    lower.suptitle("All boards that were not seen in training: a row of X is a board")
    axes = iter(upper.subplots(2, 4).flat)
    _draw_pixels(next(axes), puzzle)
    everywhere = np.ones(81, dtype=bool)
    _draw_digits(next(axes), puzzle, "network alone", puzzle.read, puzzle.givens, puzzle.givens)
    for k, probabilities in puzzle.probabilities.items():
        name = f"{k} {'step' if k == 1 else 'steps'}"
        answer, sure = 1 + probabilities.argmax(axis=1), probabilities.max(axis=1)
        _draw_digits(next(axes), puzzle, name, answer, sure, everywhere)
    _draw_digits(next(axes), puzzle, "solution", puzzle.solution, everywhere, everywhere)
    _draw_key(next(axes))
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    write_atomically(path, content.getvalue())


def _draw_pixels(ax: Any, puzzle: Puzzle) -> None:
    for cell in np.flatnonzero(puzzle.givens):
        row, column = divmod(int(cell), 9)
        # Images fill their cells; a margin keeps them apart.
        extent = (column + 0.12, column + 0.88, row + 0.88, row + 0.12)
        image = puzzle.pixels[row, column]
        ax.imshow(image, cmap="gray_r", vmin=0.0, vmax=1.0, extent=extent)
    _draw_lines(ax)
    ax.set_title("given: images of digits")


def _draw_digits(ax: Any, puzzle: Puzzle, name: str, digits: Any, sure: Any, shown: Any) -> None:
    """Draw digits as black as their probabilities are large, the wrong ones red, with a title."""
    from matplotlib.patches import Rectangle

    chance = 1 / 9
    wrong = shown & (sure > _OPEN) & (digits != puzzle.solution)
    for cell in range(81):
        row, column = divmod(cell, 9)
        if wrong[cell] or puzzle.givens[cell]:
            face = _WRONG_CELL if wrong[cell] else _GIVEN_CELL
            ax.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor="none"))
        lead = (sure[cell] - chance) / (1 - chance)
        if shown[cell] and lead > _NO_LEAD:
            _draw_digit(ax, column + 0.5, row + 0.53, digits[cell], lead, wrong[cell])
    _draw_lines(ax)
    n_open = int((shown & (sure <= _OPEN)).sum())
    counts = [f"{wrong.sum()} wrong"] * bool(wrong.any()) + [f"{n_open} open"] * bool(n_open)
    right = "" if digits is puzzle.solution else ": all right"
    ax.set_title(f"{name}: {', '.join(counts)}" if counts else f"{name}{right}")


def _draw_digit(ax: Any, x: float, y: float, digit: int, ink: float, is_wrong: bool) -> None:
    ax.text(
        x, y, str(digit), ha="center", va="center", fontsize=11,
        color=_WRONG if is_wrong else "black", weight="bold" if is_wrong else "normal",
        alpha=float(np.clip(ink, 0.2, 1.0)),
    )  # fmt: skip


def _draw_lines(ax: Any) -> None:
    for place in range(10):
        width = 1.6 if place % 3 == 0 else 0.4
        ax.plot([place, place], [0, 9], color="black", linewidth=width)
        ax.plot([0, 9], [place, place], color="black", linewidth=width)
    ax.set(xlim=(-0.05, 9.05), ylim=(9.05, -0.05), aspect="equal")
    ax.axis("off")


def _draw_key(ax: Any) -> None:
    from matplotlib.patches import Rectangle

    entries = [
        (_GIVEN_CELL, 1.0, False, "a given cell"),
        ("white", 1.0, False, "a cell that is sure"),
        ("white", 0.3, False, "an open cell: its likeliest\ndigit has less than 1/2"),
        (_WRONG_CELL, 1.0, True, "a wrong digit"),
    ]
    for i, (face, ink, is_wrong, meaning) in enumerate(entries):
        top = 0.9 + 2.0 * i
        ax.add_patch(Rectangle((0.3, top), 1, 1, facecolor=face, edgecolor="0.6", linewidth=0.6))
        _draw_digit(ax, 0.8, top + 0.53, 7, ink, is_wrong)
        ax.text(1.7, top + 0.5, meaning, va="center", fontsize=10)
    ax.set(xlim=(-0.05, 9.05), ylim=(9.05, -0.05), aspect="equal")
    ax.axis("off")
