"""The complexity of what the study fits, estimated beside the gap that was measured."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.bounds import empirical_rademacher
from sklearn_reasoning.estimators import HybridReasoningRegressor
from sklearn_reasoning.experiments._measurements import evenly_by_rank
from sklearn_reasoning.experiments._protocol import Protocol
from sklearn_reasoning.experiments._tables import Table, table_of

from ._population import draw_population
from ._study import fit_all, training_and_held_out_rows

_Array = np.ndarray[Any, Any]
_MEASURED = ("complexity", "standard_error", "level")
_N_K = 6
_N_DRAWS = 40
_SLACK = 2.0


def measure_complexity(
    study: Mapping[str, Any],
    protocol: Protocol,
    folder: str | Path | None = None,
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Table:
    r"""Estimate the local Rademacher complexity of the losses at the models of the study.

    A model is fitted for each algorithm, hidden size and some k, on the training rows of the
    first repetition, with the rate and optimiser that the study, as ``run_study`` returns it,
    chose most often. Of more than six k, six are taken: the ends, and others evenly by rank.
    Around the model the complexity :math:`R_n \ell_F^{loc}(r)` is estimated from below, on the
    same rows, with r twice the model's mean square. Finished stacks are kept in the folder, so
    that a killed run goes on.

    A row for each ``algo``, ``q_hidden`` and ``k``: ``complexity`` in the units of y, its
    ``standard_error`` over draws of signs, and ``level``, which is r.
    """
    population = draw_population(protocol)
    X, y = training_and_held_out_rows(population)
    train = population.folds[0][0] + len(population.y)
    rows = []
    for algo in map(get_algorithm, protocol.algos):
        for q_hidden in protocol.q_hidden:
            optimizer, lr = _usual(study, algo.name, q_hidden)
            one = protocol.but(
                {
                    "algos": (algo,),
                    "q_hidden": (q_hidden,),
                    "k": tuple(evenly_by_rank(protocol.k, _N_K)),
                    "optimizers": (optimizer,),
                    "lrs": (lr,),
                }
            )
            kept = None if folder is None else Path(folder) / f"{algo.name}-{q_hidden}"
            found = fit_all(
                one, X, y, [(train, train)], _estimate, kept, n_jobs, verbose, score_training=False
            )
            measured = (found[f"test_{name}"][:, 0] for name in _MEASURED)
            for params, *values in zip(found["params"], *measured, strict=True):
                rows.append((algo.name, q_hidden, params["k"], *map(float, values)))
    return table_of(("algo", "q_hidden", "k", *_MEASURED), rows)


def _estimate(estimator: HybridReasoningRegressor, X: _Array, y: _Array) -> dict[str, float]:
    """Estimate around a fitted model; a scorer of three entries."""
    mean_square = float((np.linalg.norm(estimator.predict(X) - y, axis=1) ** 2).mean())
    level = _SLACK * mean_square
    found = empirical_rademacher(estimator, X, y, n_draws=_N_DRAWS, level=level, random_state=0)
    return {
        "complexity": found.estimate,
        "standard_error": found.standard_error,
        "level": level,
    }


def _usual(study: Mapping[str, Any], algo: str, q_hidden: int) -> tuple[str, float]:
    """Return the optimiser and rate that were selected most often."""
    rows = zip(study["algo"], study["q_hidden"], study["optimizer"], study["lr"], strict=True)
    chosen = Counter((how, lr) for name, size, how, lr in rows if (name, size) == (algo, q_hidden))
    return chosen.most_common(1)[0][0]
