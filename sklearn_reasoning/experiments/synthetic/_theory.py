"""Whether the theory explains the gap: its terms and three rival laws against what was measured."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.bounds import local_rademacher_bound
from sklearn_reasoning.experiments._certified import certified_properties
from sklearn_reasoning.experiments._claims import hidden_roles
from sklearn_reasoning.experiments._measurements import Matrix, Measurements
from sklearn_reasoning.experiments._protocol import Protocol
from sklearn_reasoning.experiments._report import Findings
from sklearn_reasoning.experiments._tables import Table, table_of
from sklearn_reasoning.inspection import rank_correlation
from sklearn_reasoning.model_selection.gap import standard_error

# Linear in depth (arXiv 2112.04364), its square root (2303.05582), no growth (2304.09802).
_LAWS = {"k": 1.0, "sqrt(k)": 0.5, "constant": 0.0}


def explain_gap(
    table: Mapping[str, Any], protocol: Protocol, complexity: Mapping[str, Any] | None = None
) -> Table:
    """Correlate the measured gap with the terms of Theorem 5.1.

    A row for each ``q_hidden`` and ``term``: "Cvg", "Stab", "Stab x Cvg" (Q, at the step size
    1/L), "Theorem 5.1" (Eq. 15, all constants 1, at the mean squared training loss), the
    depth "k" and, where ``measure_complexity`` estimated it, "complexity"; ``rank_correlation`` is
    Spearman's over all algorithms and k, the mean over repetitions, with ``standard_error``.
    """
    data = Measurements(table, ["gap", "train_loss"])
    rows = []
    for q_hidden in data.q_hidden:
        gaps = _side_by_side(data, "gap", q_hidden)
        terms = _terms(data, protocol, q_hidden)
        if complexity is not None:
            once = {**complexity, "repetition": [0] * len(complexity["k"])}
            estimated = Measurements(once, ["complexity"])
            terms["complexity"] = _at(data, estimated, q_hidden)
        for term, of_term in terms.items():
            values = np.where(np.isfinite(of_term), of_term, np.nan)
            found = np.array([rank_correlation(row, values, at_least=3) for row in gaps])
            found = found[np.isfinite(found)]
            mean = float(found.mean()) if len(found) else float("nan")
            rows.append((q_hidden, term, mean, standard_error(found)))
    return table_of(("q_hidden", "term", "rank_correlation", "standard_error"), rows)


def depth_laws(table: Mapping[str, Any]) -> Table:
    """Fit the mean gap of each algorithm and size by a k, a sqrt(k) and a constant a.

    A row for each ``algo``, ``q_hidden`` and ``law``; ``error`` is the root mean square of what the
    fit leaves, over that of the gap; ``best`` marks the law that leaves least.
    """
    data = Measurements(table, ["gap"])
    rows = []
    k = np.array(data.k, dtype=np.float64)
    for q_hidden in data.q_hidden:
        for algo in data.algos:
            gap = np.nanmean(data.matrix("gap", algo, q_hidden), axis=0)
            errors = {}
            for law, power in _LAWS.items():
                x = k**power
                left = gap - x * (x @ gap) / (x @ x)
                errors[law] = float(np.linalg.norm(left) / np.linalg.norm(gap))
            least = min(errors.values())
            rows += [(algo, q_hidden, law, error, error == least) for law, error in errors.items()]
    return table_of(("algo", "q_hidden", "law", "error", "best"), rows)


def _side_by_side(data: Measurements, column: str, q_hidden: int) -> Matrix:
    """Return a row a repetition, the algorithms' k one after another."""
    return np.hstack([data.matrix(column, algo, q_hidden) for algo in data.algos])


def _at(data: Measurements, estimated: Measurements, q_hidden: int) -> Matrix:
    """Return estimates in the places of the study's algorithms and k, NaN where there is none."""
    places = np.searchsorted(data.k, estimated.k)
    values = np.full((len(data.algos), len(data.k)), np.nan)
    for row, algo in zip(values, data.algos, strict=True):
        row[places] = estimated.matrix("complexity", algo, q_hidden)[0]
    return values.ravel()


def _terms(data: Measurements, protocol: Protocol, q_hidden: int) -> dict[str, Matrix]:
    by_name = {get_algorithm(algo).name: get_algorithm(algo) for algo in protocol.algos}
    certified = [certified_properties(by_name[algo], data.k, protocol) for algo in data.algos]

    def joined(name: str) -> Matrix:
        return np.concatenate([values[name] for values in certified])

    cvg, stab = joined("convergence"), joined("stability_in_Q")
    level = np.nanmean(_side_by_side(data, "train_loss", q_hidden) ** 2, axis=0)
    # b is uniform in [-5, 5]^d; the covering number is that of the count of weights.
    b_norm = 5.0 * np.sqrt(protocol.n_outputs)
    n_weights = (protocol.n_features + 1) * max(q_hidden, 1) + (q_hidden + 1) * (
        protocol.n_outputs - 2
    )
    theorem = local_rademacher_bound(
        n_weights * np.log(protocol.n_samples),
        n_samples=protocol.n_samples,
        d=protocol.n_outputs,
        convergence=np.nan_to_num(cvg, nan=1.0),
        stability=np.nan_to_num(stab, nan=np.inf) * b_norm,
        level=np.nan_to_num(level),
        M=b_norm / protocol.mu,
    )
    depth = np.tile(np.array(data.k, dtype=np.float64), len(data.algos))
    return {
        "Cvg": cvg,
        "Stab": stab,
        "Stab x Cvg": cvg * stab,
        "Theorem 5.1": np.asarray(theorem, dtype=np.float64),
        "k": depth,
    }


def theory_findings(explained: Table, laws: Table, protocol: Protocol) -> list[Findings]:
    """Return both tables as sections of the report, a column a hidden size and a law."""
    roles = hidden_roles(protocol.q_hidden)
    terms = list(dict.fromkeys(explained["term"]))
    correlations: Table = {"term": list(terms)}
    for q_hidden, *_, correlation, error in zip(*explained.values(), strict=True):
        name = f"{q_hidden} hidden units" + (f" ({roles[q_hidden]})" if q_hidden in roles else "")
        shown = "not defined" if np.isnan(correlation) else f"{correlation:.2f} ± {error:.2f}"
        correlations.setdefault(name, []).append(shown)
    fits: Table = {name: [] for name in ("algorithm", "hidden units", *_LAWS, "best")}
    for algo, q_hidden, law, error, best in zip(*laws.values(), strict=True):
        if law == next(iter(_LAWS)):
            fits["algorithm"].append(algo)
            fits["hidden units"].append(q_hidden)
            fits["best"].append("")
        fits[law].append(error)
        if best:
            fits["best"][-1] = law
    return [
        Findings(
            "Does the theory explain the gap?",
            "Spearman's rank correlation between the measured gap and each term of Theorem 5.1, "
            "over all algorithms and k: the mean over repetitions and its standard error. "
            "All constants of the theorem are 1; Stab is that in Q at the step size 1/L. The "
            "complexity, where it was asked for, is the local Rademacher complexity of the "
            "losses around a fitted model, estimated from below",
            [correlations],
        ),
        Findings(
            "How does the gap grow with depth?",
            "Least-squares fits of the mean gap by a k, a sqrt(k) and a constant a; shown is the "
            "root mean square of what each leaves, as a share of that of the gap. Bounds of the "
            "literature on depth grow linearly, as the square root, or not at all",
            [fits],
        ),
    ]
