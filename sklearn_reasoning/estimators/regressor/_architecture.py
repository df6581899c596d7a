"""From an estimator's parameters to the architecture, settings and rows that are trained."""

from __future__ import annotations

from typing import Any

from sklearn_reasoning.estimators._held_out import kept_and_held_out, n_held_out
from sklearn_reasoning.estimators._parameters import hidden_sizes
from sklearn_reasoning.layer import initial_sizes
from sklearn_reasoning.training import Architecture, ModelSettings, Rows, first_step_sizes


def architecture_of(estimator: Any) -> Architecture:
    """Return the architecture that an estimator asks for, once its columns are resolved."""
    columns, d = estimator._columns, estimator.n_outputs_
    given = columns.rotation is not None
    spectrum = estimator.spectrum
    if spectrum == "auto":
        spectrum = "anchored" if given and d >= 3 else "free"
    b_hidden = hidden_sizes("b_hidden", estimator.b_hidden)
    start = estimator.start
    if start == "auto":
        start = "mean" if columns.b is None else "zero"
    corrects = (
        estimator.linear_term == "corrected" if isinstance(estimator.linear_term, str) else False
    )
    return Architecture(
        n_features=len(columns.x),
        n_outputs=d,
        algorithm=estimator.algorithm_,
        mu=float(estimator.mu),
        L=float(estimator.L),
        q_hidden=hidden_sizes("q_hidden", estimator.q_hidden),
        b_hidden=b_hidden if columns.b is None or corrects else None,
        spectrum=spectrum,
        rotation="given" if given else str(estimator.rotation),
        start=start,
        start_hidden=(b_hidden or ()) if start == "predicted" else (),
        initial_weights=estimator.initial_weights,
        corrects=corrects,
        penalty=estimator._penalty,
        # Without a penalty it says nothing.
        project="each_step" if estimator._penalty is None else estimator.project,
    )


def settings_of(estimator: Any, n: int, seed: int) -> ModelSettings:
    """Return the settings that an estimator asks for, for n training rows."""
    e = estimator
    sizes, ends = first_step_sizes(e.algorithm_, e.step_size, e.step_size_range, e.mu, e.L)
    if sizes and e.step_size_per_iteration:
        sizes = initial_sizes(sizes[0], ends[0], int(e.k), bool(e.learn_step_size))
    return ModelSettings(
        k=int(estimator.k),
        step_size=sizes,
        step_size_range=ends,
        learn_step_size=bool(estimator.learn_step_size),
        loss=str(estimator.loss),
        optimizer=estimator.optimizer,
        lr=float(estimator.lr),
        weight_decay=None
        if isinstance(estimator.weight_decay, str)
        else float(estimator.weight_decay),
        lr_schedule=estimator.lr_schedule,
        max_epochs=int(estimator.max_epochs),
        batch_size=batch_size_of(estimator, n),
        keep=estimator.keep,
        patience=int(estimator.n_iter_no_change) if estimator.early_stopping else None,
        tol=float(estimator.tol),
        seed=seed,
    )


def batch_size_of(estimator: Any, n: int) -> int:
    """Return the largest number of rows in a step, for n training rows."""
    if isinstance(estimator.batch_size, str):
        return n if n <= 64 else max(50, n // 20)
    return int(estimator.batch_size)


def n_held_out_of(estimator: Any, n: int) -> int:
    """Return how many of n rows early stopping holds out."""
    return n_held_out(n, estimator.validation_fraction) if estimator.early_stopping else 0


def hold_out(estimator: Any, rows: Rows, seed: int) -> tuple[Rows, Rows | None]:
    """Return training rows and, for early stopping, validation rows.

    A ValueError if no training row would be left.
    """
    if not estimator.early_stopping:
        return rows, None
    n = len(rows.y)
    refusal = (
        "early_stopping=True needs two rows with a positive sample_weight or more, to train on "
        f"and to hold out, and validation_fraction={estimator.validation_fraction!r} leaves no "
        f"training rows of {n}."
    )
    kept, held_out = kept_and_held_out(n, estimator.validation_fraction, seed, refusal)
    return rows.take(kept), rows.take(held_out)
