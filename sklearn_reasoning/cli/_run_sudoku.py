"""The demo of structured classification: Sudoku boards from pixels, the rules learned."""

import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
from skorch.callbacks import Callback

from sklearn_reasoning._runs.progress import EpochBar
from sklearn_reasoning.datasets import load_sudoku_images
from sklearn_reasoning.estimators import HybridReasoningClassifier
from sklearn_reasoning.inspection import StepsDisplay
from sklearn_reasoning.persistence import save_model

from ._demo_files import places, predicted_by_a_new_process
from ._sudoku_figure import SHOWN_STEPS, Puzzle, draw, steps_axes

N_TEST = 300
N_RESTARTS = 10

# The steps of predictions, and the numbers of them in the table.
PREDICT_K = 200
_IN_TABLE = (0, 1, 5, 10, 24, 50, 100, PREDICT_K)


def run_sudoku(
    out: str | Path = "demo-output",
    *,
    n_boards: int = 3000,
    unlabelled: bool = False,
    max_epochs: int | str = "auto",
    random_state: int = 0,
) -> dict[str, Any]:
    """Train, solve, save, reload and draw; everything is printed on the way.

    The folder ``out`` for the model and the figure is made if it is not there. Returns ``solved``
    (the share of unseen boards, by number of steps), ``with_restarts`` (that share with restarts by
    guessing), ``perceived`` (the share of the given digits that the network alone reads),
    ``same_bits`` (of the reloaded model) and ``files``.
    """
    began = time.perf_counter()
    path, picture = places(out, "sudoku.safetensors", "sudoku.png")
    train = load_sudoku_images(n_boards, distort=True, dtype="float32", random_state=random_state)
    test = load_sudoku_images(N_TEST, subset="test", dtype="float32", random_state=random_state)
    _print_filled(
        f"Learning Sudoku from {n_boards:,} solved boards, whose 31 to 42 given digits are images "
        "of handwriting, each distorted a little. No rule is told: one small network reads every "
        "cell, and one coupling of the 81 cells, the same for all digits, is learned with it. k "
        "steps of an algorithm minimise the energy of both."
    )
    if unlabelled:
        _print_filled("The labels of the given cells are left out: none says what an image shows.")
    print(flush=True)

    model = HybridReasoningClassifier(
        perception="per_cell",
        perception_hidden=(300,),
        predict_k=PREDICT_K,
        missing_label=-1 if unlabelled else None,
        max_epochs=max_epochs,
        callbacks=[_Bar()],
        random_state=random_state,
    )
    started = time.perf_counter()
    model.fit(train.data, np.where(train.givens & unlabelled, -1, train.target))
    print(f"Trained for {model.n_iter_} epochs in {time.perf_counter() - started:.0f} s.\n")

    figure, axes = steps_axes()
    display = StepsDisplay.from_estimator(model, test.data, test.target, k=PREDICT_K, ax=axes)
    print(_table(display))

    read = _perceived(model, test.data)
    right = (read == test.target)[test.givens]
    all_right = ((read == test.target) | ~test.givens).all(axis=1)
    answers, is_whole, with_restarts = _restarted(model, test, random_state)
    print()
    _print_filled(
        f"The network alone reads {right.mean():.1%} of the given digits, and all of them on "
        f"{all_right.mean():.0%} of the {N_TEST} boards; {PREDICT_K} steps solve "
        f"{display.rows_right[-1]:.1%} of them. {N_RESTARTS} restarts by guessing, on the "
        f"{np.sum(~is_whole)} boards that have a cell undecided, make it {with_restarts:.1%}."
    )

    # What draws the bar is no part of the model.
    save_model(model.set_params(callbacks=None), path)
    again = predicted_by_a_new_process(path, test.data, "predict_proba")
    same_bits = bool(np.array_equal(again, np.hstack(model.predict_proba(test.data))))
    print(
        "\nSaved with save_model and loaded with load_model in a new process: probabilities are "
        f"{'the same bits' if same_bits else 'DIFFERENT'}."
    )
    shown = _worth_showing(read, answers, test)
    draw(figure, _puzzle(model, read[shown], test, shown), picture)
    print(f"Model:  {path}\nFigure: {picture}\nTook {time.perf_counter() - began:.0f} s.")
    return {
        "solved": dict(zip(display.k.tolist(), display.rows_right.tolist(), strict=True)),
        "with_restarts": with_restarts,
        "perceived": float(right.mean()),
        "same_bits": same_bits,
        "files": [path, picture],
    }


class _Bar(Callback):
    """Show a bar while a net trains."""

    def on_epoch_begin(self, net: Any, **details: Any) -> None:
        """Make the bar, before the first epoch."""
        if not net.history[:-1]:
            self.bar = EpochBar(net.models[0].max_epochs)

    def on_epoch_end(self, net: Any, **details: Any) -> None:
        """Count an epoch."""
        self.bar.done(net.history[-1, "train_loss"])

    def on_train_end(self, net: Any, *arguments: Any, **details: Any) -> None:
        """Leave the bar as it is."""
        self.bar.close()


def _print_filled(text: str) -> None:
    print(textwrap.fill(text, 90))


def _table(display: StepsDisplay) -> str:
    """Return lines of what some numbers of steps reach."""
    lines = [f"{'steps k':>9}{'boards solved':>16}{'cells right':>14}{'movement, median':>19}"]
    for k in _IN_TABLE:
        note = "  as trained" if k == display.trained_k else ""
        lines.append(
            f"{k:>9}{display.rows_right[k]:>16.1%}{display.cells_right[k]:>14.1%}"
            f"{display.median_movement[k]:>19.1e}{note}"
        )
    return "\n".join(lines)


def _perceived(model: HybridReasoningClassifier, X: Any) -> Any:
    """Return the digit of each cell for which the network alone has the most evidence."""
    _, b = model.predict_energy(X)
    return 1 + _of_all_digits(model, b, np.inf).argmin(axis=2)


def _of_all_digits(model: HybridReasoningClassifier, values: Any, otherwise: float) -> Any:
    """Return values of the classes of all cells as (n, 81, 9).

    A digit that a cell never had in training, as happens with few boards, is no class of it.
    """
    found = np.full((len(values), len(model.classes_), 9), otherwise)
    is_class = np.array([np.isin(np.arange(1, 10), own) for own in model.classes_])
    found[:, is_class] = values
    return found


def _restarted(model: HybridReasoningClassifier, test: Any, seed: int) -> tuple[Any, Any, float]:
    """Return answers and which boards are decided, without restarts, and the share with them."""
    answers, _, is_whole = model.predict(test.data, return_energy=True)
    final = model.predict(test.data, n_restarts=N_RESTARTS, random_state=seed)
    return answers, is_whole, float((final == test.target).all(axis=1).mean())


def _worth_showing(read: Any, answers: Any, test: Any) -> int:
    """Return a board that is solved although a given digit was misread, if there is one."""
    misread = ((read != test.target) & test.givens).sum(axis=1)
    solved = (answers == test.target).all(axis=1)
    return int(np.argmax(2 * solved + (misread > 0)))


def _puzzle(model: HybridReasoningClassifier, read: Any, test: Any, board: int) -> Puzzle:
    """Return what is drawn of a board."""
    X = test.data[board : board + 1]
    each = [
        _of_all_digits(model, np.hstack(model.predict_proba(X, k=k)), 0.0)[0] for k in SHOWN_STEPS
    ]
    return Puzzle(
        pixels=test.data[board].reshape(9, 9, *test.image_shape),
        givens=test.givens[board],
        solution=test.target[board],
        read=read,
        probabilities=dict(zip(SHOWN_STEPS, each, strict=True)),
    )
