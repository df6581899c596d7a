"""The demo: which algorithm, how deep, how big a Q? On noisy digits, in about a minute."""

import io
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import KFold, cross_validate
from sklearn.neural_network import MLPRegressor
from sklearn.utils import Bunch

from sklearn_reasoning._runs.atomic_files import remove_abandoned, write_atomically
from sklearn_reasoning.datasets import load_digits_restoration
from sklearn_reasoning.estimators import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV, gap_table, l2_loss_scorer

from ._demo_figure import draw

GRID: dict[str, list[Any]] = {
    "algo": ["gd", "nag"],
    "k": [1, 2, 5, 10, 20],
    "q_hidden": [None, (16,)],
}

_N_PIXELS = 64


def run_demo(
    out: str | Path = "demo-output",
    *,
    n_train: int = 400,
    grid: Mapping[str, list[Any]] = GRID,
    cv: int = 3,
    max_epochs: int = 80,
    n_jobs: int = 2,
    random_state: int = 0,
) -> dict[str, Any]:
    """Search, explain, compare, save, reload and draw; everything is printed on the way.

    The folder ``out`` for the model and the figure is made if it is not there. Returns ``table``
    (the gap table), ``best_params``, ``mse`` (of each method on untouched images), ``same_bits``
    (of the reloaded model) and ``files``.
    """
    began = time.perf_counter()
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    remove_abandoned(folder)  # it tries whether the folder can be written to, too
    model, figure = folder / "model.joblib", folder / "demo.png"
    for path in (model, figure):
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder, in the place of a result")
    data = load_digits_restoration(n_train=n_train, random_state=random_state)
    print(
        f"Restoring {len(data.y_test)} noisy digits after training on {n_train}. A network maps "
        "the noisy image\nx to a matrix Q(x); k steps of an algorithm minimise 1/2 y'Qy + b'y "
        "with b = -x; y is the\nrestored image.\n"
    )
    search = _search(data, dict(grid), cv, max_epochs, n_jobs, random_state)
    table = gap_table(search)
    print(_format_table(table))
    print(f"\n{explain(table)}\n")

    predictions = {"hybrid": search.best_estimator_.predict(data.X_test)}
    predictions.update(_rivals(data, random_state))
    mse = {
        name: float(mean_squared_error(data.y_test, predicted))
        for name, predicted in predictions.items()
    }
    print(f"Mean squared error on {len(data.y_test)} untouched images:")
    for name, value in sorted(mse.items(), key=lambda item: item[1]):
        print(f"  {name:<13} {value:.4f}")

    same_bits = _survives_reloading(search.best_estimator_, data, model)
    print(
        f"\nSaved with joblib and loaded in a new process: predictions are "
        f"{'the same bits' if same_bits else 'DIFFERENT'}."
    )
    draw(data, predictions, table, figure)
    print(f"Model:  {model}\nFigure: {figure}\nTook {time.perf_counter() - began:.0f} s.")
    return {
        "table": table,
        "best_params": search.best_params_,
        "mse": mse,
        "same_bits": same_bits,
        "files": [model, figure],
    }


def _search(
    data: Bunch, grid: dict[str, list[Any]], cv: int, max_epochs: int, n_jobs: int, seed: int
) -> BatchedGridSearchCV:
    estimator = HybridReasoningRegressor(
        mu=1.0,
        L=10.0,
        linear_term="given",
        batch_size=50,
        max_epochs=max_epochs,
        random_state=seed,
    )
    search = BatchedGridSearchCV(
        estimator,
        grid,
        scoring=l2_loss_scorer,
        cv=cv,
        n_jobs=n_jobs,
        return_train_score=True,
        verbose=1,
    )
    began = time.perf_counter()
    search.fit(data.X_train, data.y_train)
    seconds = time.perf_counter() - began
    n_fits = len(search.cv_results_["params"]) * search.n_splits_
    single, n_sample = _seconds_of_one_fit(search, data)
    print(
        f"BatchedGridSearchCV trained {n_fits} models and refitted the best in {seconds:.0f} s.\n"
        f"GridSearchCV would take about {single * (n_fits / n_jobs + 1):.0f} s on as many workers "
        f"(estimated: {n_sample} of its fits, each on its own,\n"
        f"took {single:.2f} s on average).\n"
    )
    return search


def _seconds_of_one_fit(search: BatchedGridSearchCV, data: Bunch) -> tuple[float, int]:
    """Return how long a candidate takes to train and score by itself, and of how many."""
    candidates = search.cv_results_["params"]
    n_sample = min(4, len(candidates))
    # Evenly spread over the grid, so that each algorithm and each size is there.
    places = np.linspace(0, len(candidates) - 1, n_sample).round().astype(int)
    fold = next(KFold(search.cv).split(data.X_train))
    began = time.perf_counter()
    for place in places:
        cross_validate(
            clone(search.estimator).set_params(**candidates[place]),
            data.X_train,
            data.y_train,
            cv=[fold],
            scoring=search.scoring,
            return_train_score=True,
        )
    return (time.perf_counter() - began) / n_sample, n_sample


def _format_table(table: Mapping[str, Any]) -> str:
    algos = [_algo(algo) for algo in table["param_algo"]]
    width = 2 + max(4, *map(len, algos))
    lines = [
        f"{'algo':<{width}}{'k':>4}  {'q_hidden':<10}{'empirical':>10}{'held out':>10}{'gap':>8}"
        "  +/-",
    ]
    for row in np.argsort(table["held_out_loss"], kind="stable"):
        hidden = _hidden(table["param_q_hidden"][row])
        lines.append(
            f"{algos[row]:<{width}}{table['param_k'][row]:>4}  {hidden:<10}"
            f"{table['empirical_loss'][row]:>10.3f}{table['held_out_loss'][row]:>10.3f}"
            # No gap is 0.000, from whichever side it was rounded.
            f"{round(table['gap'][row], 3) + 0.0:>8.3f}  {table['gap_std'][row]:.3f}"
        )
    return "\n".join(lines)


def _algo(algo: Any) -> str:
    return getattr(algo, "name", algo)


def _hidden(q_hidden: Any) -> str:
    return "constant" if q_hidden is None else str(tuple(np.atleast_1d(q_hidden).tolist()))


def _name(table: Mapping[str, Any], row: int) -> str:
    hidden = table["param_q_hidden"][row]
    size = "a constant Q" if hidden is None else f"a Q(x) of hidden sizes {_hidden(hidden)}"
    return f"{_algo(table['param_algo'][row])} with k = {table['param_k'][row]} and {size}"


def explain(table: Mapping[str, Any]) -> str:
    """Return one sentence: which candidate of a gap table to take, and why."""
    best = int(np.argmin(table["held_out_loss"]))
    closest_fit = int(np.argmin(table["empirical_loss"]))
    advice = (
        f"Take {_name(table, best)}: its held-out loss, {table['held_out_loss'][best]:.3f}, is "
        f"the lowest of {len(table['gap'])}"
    )
    if closest_fit == best:
        return (
            f"{advice}, and so is its empirical loss, {table['empirical_loss'][best]:.3f}: no "
            "candidate here is too flexible for this many rows."
        )
    return (
        f"{advice}; {_name(table, closest_fit)} fits the training rows better "
        f"({table['empirical_loss'][closest_fit]:.3f} against "
        f"{table['empirical_loss'][best]:.3f}), but pays for it with a gap of "
        f"{table['gap'][closest_fit]:.3f} instead of {table['gap'][best]:.3f}."
    )


def _rivals(data: Bunch, seed: int) -> dict[str, Any]:
    x_train, x_test = data.X_train[:, :_N_PIXELS], data.X_test[:, :_N_PIXELS]
    rivals = {
        "RidgeCV": RidgeCV(alphas=np.logspace(-2, 3, 20)),
        "MLPRegressor": MLPRegressor(max_iter=1000, random_state=seed),
    }
    predictions = {}
    for name, rival in rivals.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            predictions[name] = rival.fit(x_train, data.y_train).predict(x_test)
    return predictions


_LOAD_AND_PREDICT = """
import sys, joblib, numpy
model = joblib.load(sys.argv[1])
numpy.save(sys.argv[3], model.predict(numpy.load(sys.argv[2])))
"""


def _survives_reloading(model: HybridReasoningRegressor, data: Bunch, path: Path) -> bool:
    """Save the model, predict in a new process, and compare the bits."""
    content = io.BytesIO()
    joblib.dump(model, content)
    write_atomically(path, content.getvalue())
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = (str(Path(folder, f"{name}.npy")) for name in ("inputs", "outputs"))
        np.save(inputs, data.X_test)
        subprocess.run(
            [sys.executable, "-c", _LOAD_AND_PREDICT, str(path), inputs, outputs], check=True
        )
        return bool(np.array_equal(np.load(outputs), model.predict(data.X_test)))
