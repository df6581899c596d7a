"""The demo: which algorithm, how deep, one Q or a Q(x)? On noisy digits, in about a minute."""

import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import mean_squared_error
from sklearn.utils import Bunch

from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.estimators import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV, gap_table, l2_loss_scorer
from sklearn_reasoning.persistence import save_model

from ._demo_choice import cheapest_of_the_best, explain, format_table, standard_error
from ._demo_figure import draw
from ._demo_files import places, predicted_by_a_new_process
from ._demo_task import LEAST_NOISE, MOST_NOISE, load_task, restored_by_rivals
from ._demo_times import compare_times

GRID: dict[str, list[Any]] = {
    "algo": ["gd", "nag"],
    "k": [1, 2, 5, 10, 20],
    "q_hidden": [None, (16,)],
}


def run_demo(
    out: str | Path = "demo-output",
    *,
    n_train: int = 400,
    grid: Mapping[str, list[Any]] = GRID,
    cv: int = 3,
    max_epochs: int = 40,
    n_jobs: int = 2,
    random_state: int = 0,
) -> dict[str, Any]:
    """Search, explain, compare, save, reload and draw; everything is printed on the way.

    The folder ``out`` for the model and the figure is made if it is not there. Returns ``table``
    (the gap table), ``best_index`` and ``best_params`` (of the candidate that was taken), ``mse``
    (of each method on untouched images), ``seconds`` (of CPU time, by class of search),
    ``same_bits`` (of the reloaded model) and ``files``.
    """
    began = time.perf_counter()
    model, figure = places(out, "model.safetensors", "demo.png")
    data = load_task(n_train, random_state)
    print(
        f"Restoring {len(data.y_test)} noisy digits after training on {n_train}. The noise differs "
        f"from image to\nimage: its level x, from {LEAST_NOISE} to {MOST_NOISE} of the pixels' "
        "range, is known. A network maps x to a\nmatrix Q(x); k steps of an algorithm minimise "
        "1/2 y'Qy + b'y, where b is minus the noisy\nimage; y is the restored image.\n"
    )
    search = _search(data, dict(grid), cv, max_epochs, n_jobs, random_state)
    table = gap_table(search)
    print(format_table(table))
    lowest = int(np.nanargmin(table["held_out_loss"]))
    reasons = explain(table, search.best_index_, standard_error(search.cv_results_, lowest))
    print("", *(textwrap.fill(reason, 90) for reason in reasons.splitlines()), "", sep="\n")

    best = search.best_estimator_
    what, seconds = compare_times(best, grid["k"], cv, data.X_train, data.y_train)
    print(textwrap.fill(f"The same {what}:", 90))
    for name, value in seconds.items():
        print(f"  {name:<20} {value:.2f} s")

    predictions = {"hybrid": best.predict(data.X_test)}
    predictions.update(restored_by_rivals(data, random_state))
    mse = {
        name: float(mean_squared_error(data.y_test, predicted))
        for name, predicted in predictions.items()
    }
    print(f"\nMean squared error on {len(data.y_test)} untouched images (products: of x and b):")
    for name, value in sorted(mse.items(), key=lambda item: item[1]):
        print(f"  {name:<18} {value:.4f}")

    same_bits = _survives_reloading(best, data, model)
    print(
        "\nSaved with save_model and loaded with load_model in a new process: predictions are "
        f"{'the same bits' if same_bits else 'DIFFERENT'}."
    )
    draw(data, predictions, table, figure)
    print(f"Model:  {model}\nFigure: {figure}\nTook {time.perf_counter() - began:.0f} s.")
    return {
        "table": table,
        "best_index": search.best_index_,
        "best_params": search.best_params_,
        "mse": mse,
        "seconds": seconds,
        "same_bits": same_bits,
        "files": [model, figure],
    }


def _search(
    data: Bunch, grid: dict[str, list[Any]], cv: int, max_epochs: int, n_jobs: int, seed: int
) -> BatchedGridSearchCV:
    estimator = HybridReasoningRegressor(
        mu=1.0,
        L=20.0,
        linear_term="given",
        batch_size=50,
        max_epochs=max_epochs,
        random_state=seed,
    )
    search = BatchedGridSearchCV(
        estimator,
        grid,
        scoring=l2_loss_scorer,
        refit=cheapest_of_the_best,
        cv=cv,
        n_jobs=n_jobs,
        return_train_score=True,
        verbose=1,
    )
    return search.fit(data.X_train, data.y_train)


def _survives_reloading(model: HybridReasoningRegressor, data: Bunch, path: Path) -> bool:
    """Save the model, predict in a new process, and compare the bits."""
    save_model(model, path)
    kind = type(get_algorithm(model.algo))
    is_ours = kind.__module__.startswith("sklearn_reasoning.")
    own = [] if is_ours else [kind.__module__, kind.__qualname__]
    again = predicted_by_a_new_process(path, data.X_test, "predict", *own)
    return bool(np.array_equal(again, model.predict(data.X_test)))
