"""The synthetic study: every algorithm, depth, size and training set, as one batched search."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import KFold

from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.estimators import HybridReasoningRegressor
from sklearn_reasoning.experiments._protocol import Protocol
from sklearn_reasoning.experiments._selection import selected
from sklearn_reasoning.experiments._tables import Table
from sklearn_reasoning.model_selection import BatchedGridSearchCV
from sklearn_reasoning.training import unit_near

from ._population import Population, TrueSpectrum, draw_population

_Array = np.ndarray[Any, Any]
# What the scorer of the study is called in a table.
_MEASURED = {
    "train_loss": "train_loss",
    "population_loss": "test_loss",
    "q_spectral": "test_q_spectral",
    "q_frobenius": "test_q_frobenius",
}
_N_INNER_FOLDS = 5


def run_study(
    protocol: Protocol,
    folder: str | Path | None = None,
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Table:
    """Train and measure every model of the study.

    Finished stacks are kept in the folder, so that a killed study goes on. Returns equally long
    columns, one row for each algorithm, k, hidden size and repetition, with the learning rate and
    optimiser that were selected: ``train_loss``, ``population_loss``, ``gap``, ``q_spectral`` and
    ``q_frobenius`` (mean distance between Q_theta and Q* on the held-out rows).
    """
    population = draw_population(protocol)
    parts = [protocol]
    if not protocol.same_initial_weights:
        # One search a repetition, each with a seed of its own.
        parts = [
            replace(protocol, seed=protocol.seed + 1000 * (1 + i))
            for i in range(protocol.repetitions)
        ]
    tables = []
    for i, part in enumerate(parts):
        folds = population.folds if len(parts) == 1 else population.folds[i : i + 1]
        first = 0 if len(parts) == 1 else i
        kept = None if folder is None else Path(folder) / f"stacks-{i}"
        tables.append(_search(part, population, folds, first, kept, n_jobs, verbose))
    return {name: [v for table in tables for v in table[name]] for name in tables[0]}


def _search(
    protocol: Protocol,
    population: Population,
    folds: list[tuple[_Array, _Array]],
    first: int,
    folder: Path | None,
    n_jobs: int | None,
    verbose: int,
) -> Table:
    n = len(population.y)
    X, y = training_and_held_out_rows(population)
    measured = fit_all(
        protocol,
        X,
        y,
        [(train + n, held_out) for train, held_out in folds],
        _Measures(population.spectrum, protocol.n_features),
        None if folder is None else folder / "fits",
        n_jobs,
        verbose,
    )
    losses = measured["train_loss"]
    if protocol.selection == "cross-validation":
        losses = _cross_validated(protocol, X, y, folds, folder, n_jobs, verbose)
    candidates = [{**each, "algo": each["algo"].name} for each in measured["params"]]
    kept = {name: measured[column] for name, column in _MEASURED.items()}
    return selected(candidates, ("algo", "q_hidden", "k"), losses, kept, first)


def training_and_held_out_rows(population: Population) -> tuple[_Array, _Array]:
    """Return the population twice: true labels, then those with the noise of training rows."""
    X = np.vstack([population.X, population.X]).astype(np.float32)
    return X, np.vstack([population.y, population.noisy]).astype(np.float32)


def fit_all(
    protocol: Protocol,
    X: _Array,
    y: _Array,
    folds: list[tuple[_Array, _Array]],
    scoring: Any,
    folder: Path | None,
    n_jobs: int | None,
    verbose: int,
    *,
    score_training: bool = True,
) -> dict[str, Any]:
    """Fit the models of a protocol to each fold, as one batched search.

    Returns ``params`` of each candidate, and what ``scoring`` says on the held-out rows
    (``test_<name>``) and, with ``score_training``, the training rows (``train_<name>``), of shape
    (n_candidates, n_folds).
    """
    p = protocol
    # The estimator trains in a unit, here that of all labels, which divides its loss. Decay and
    # rates of SGD are for the loss as the paper has it; Adam's rates have no scale.
    unit = unit_near(float(np.sqrt((y.astype(np.float64) ** 2).mean())))
    rate_units = {"adam": 1.0, "sgd": unit}
    model = HybridReasoningRegressor(
        mu=p.mu,
        L=p.L,
        spectrum="anchored",
        rotation="identity",
        linear_term="given",
        initial_weights="glorot",
        learn_step_size=p.learn_step_size,
        weight_decay=p.weight_decay / unit,
        max_epochs=p.epochs,
        batch_size=p.n_samples // 2,
        lr_schedule="constant",
        keep="best",
        random_state=p.seed,
    )
    grid = [
        {
            "algo": [get_algorithm(algo) for algo in p.algos],
            "q_hidden": list(p.q_hidden),
            "k": list(p.k),
            "optimizer": [optimizer],
            "lr": [rate_units[optimizer] * lr for lr in p.lrs],
        }
        for optimizer in p.optimizers
    ]
    search = BatchedGridSearchCV(
        model,
        grid,
        scoring=scoring,
        cv=folds,
        refit=False,
        return_train_score=score_training,
        n_jobs=n_jobs,
        verbose=verbose,
        checkpoint_dir=folder,
    )
    with warnings.catch_warnings():
        # A rate that diverges is not selected; that it did is no news.
        warnings.simplefilter("ignore", FitFailedWarning)
        warnings.filterwarnings("ignore", message=".*diverged|.*not finite|.*non-finite")
        search.fit(X, y)
    results = search.cv_results_
    # The rates are those of the protocol: a power of two and back is exact.
    params = [
        {**each, "lr": each["lr"] / rate_units[each["optimizer"]]} for each in results["params"]
    ]
    columns: dict[str, Any] = {"params": params}
    for name in [key.removeprefix("mean_") for key in results if key.startswith("mean_t")]:
        columns[name] = np.stack([results[f"split{i}_{name}"] for i in range(len(folds))], axis=1)
    return columns


class _Measures:
    """A scorer: mean loss, and mean distances between Q_theta and Q*, in one pass.

    Q_theta and Q* have the same eigenvectors here, so the eigenvalues tell the distance.
    """

    def __init__(self, spectrum: TrueSpectrum, n_features: int) -> None:
        self.spectrum = spectrum
        self.n_features = n_features

    def __call__(
        self, estimator: HybridReasoningRegressor, X: _Array, y: _Array
    ) -> dict[str, float]:
        eigenvalues = estimator._measure_rows(X).eigenvalues
        difference = eigenvalues - self.spectrum(X[:, : self.n_features].astype(np.float64))
        return {
            "loss": estimator.loss(X, y),
            "q_spectral": float(np.abs(difference).max(axis=1).mean()),
            "q_frobenius": float(np.linalg.norm(difference, axis=1).mean()),
        }


def _cross_validated(
    protocol: Protocol,
    X: _Array,
    y: _Array,
    folds: list[tuple[_Array, _Array]],
    folder: Path | None,
    n_jobs: int | None,
    verbose: int,
) -> _Array:
    """Return the cross-validated losses on the training rows, as :func:`fit_all` does."""
    n = len(X) // 2
    inner = [
        (n + train[kept], n + train[left])
        for train, _ in folds
        for kept, left in KFold(_N_INNER_FOLDS).split(train)
    ]
    kept = None if folder is None else folder / "cross-validation"
    measured = fit_all(protocol, X, y, inner, mean_loss, kept, n_jobs, verbose)
    losses: _Array = measured["test_loss"].reshape(-1, len(folds), _N_INNER_FOLDS).mean(axis=2)
    return losses


def mean_loss(estimator: HybridReasoningRegressor, X: _Array, y: _Array) -> dict[str, float]:
    """Return the mean norm of the error, as a scorer of one entry."""
    return {"loss": estimator.loss(X, y)}
