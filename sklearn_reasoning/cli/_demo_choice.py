"""Which candidate of a search to take: the lowest held-out loss, or a cheaper one that ties."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def cheapest_of_the_best(results: Mapping[str, Any]) -> int:
    """Return the row of ``cv_results_`` to take, as a search's ``refit`` asks for it.

    Of the candidates within one standard error of the best score, the one with the fewest steps,
    of equally many steps the one with the smaller network of Q, then the one with the best score.
    """
    scores = np.asarray(results["mean_test_score"], dtype=float)
    if np.isnan(scores).all():
        return 0
    best = int(np.nanargmax(scores))
    ties = np.flatnonzero(scores >= scores[best] - standard_error(results, best))
    return int(min(ties, key=lambda row: (*_cost(results, int(row)), -scores[row])))


def standard_error(results: Mapping[str, Any], row: int) -> float:
    """Return the standard error of a candidate's mean score over the splits."""
    scores = [values[row] for name, values in results.items() if _is_split(name)]
    return float(np.std(scores, ddof=1) / np.sqrt(len(scores)))


def _is_split(name: str) -> bool:
    return name.startswith("split") and name.endswith("_test_score")


def _cost(results: Mapping[str, Any], row: int) -> tuple[int, int]:
    hidden = results["param_q_hidden"][row]
    return results["param_k"][row], 0 if hidden is None else 1 + int(np.sum(hidden))


def format_table(table: Mapping[str, Any]) -> str:
    """Return the gap table as lines, the lowest held-out loss first."""
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


def explain(table: Mapping[str, Any], chosen: int, error: float) -> str:
    """Return sentences: which candidate of a gap table to take, and why.

    ``chosen`` is its row, ``error`` the standard error of the lowest held-out loss.
    """
    held_out = table["held_out_loss"]
    lowest = int(np.nanargmin(held_out))
    taken = f"Take {_name(table, chosen)}"
    if chosen == lowest:
        sentences = [
            f"{taken}: its held-out loss, {held_out[chosen]:.3f}, is the lowest of "
            f"{len(held_out)}, and nothing cheaper is within one standard error of it, {error:.3f}."
        ]
    else:
        sentences = [
            f"{taken}: its held-out loss, {held_out[chosen]:.3f}, is within one standard error "
            f"({error:.3f}) of the lowest of {len(held_out)}, {held_out[lowest]:.3f} of "
            f"{_name(table, lowest)}, and it is the cheapest that is."
        ]
    return "\n".join([*sentences, *_without_x(table), _closest_fit(table, chosen)])


def _without_x(table: Mapping[str, Any]) -> list[str]:
    """Return what the best candidate of each kind, Q(x) and a constant Q, has; nothing of one."""
    constant = np.array([hidden is None for hidden in table["param_q_hidden"]])
    if constant.all() or not constant.any():
        return []
    held_out = table["held_out_loss"]
    best = [float(np.nanmin(held_out[kind])) for kind in (constant, ~constant)]
    return [f"The best constant Q has {best[0]:.3f}, the best Q(x) {best[1]:.3f}."]


def _closest_fit(table: Mapping[str, Any], chosen: int) -> str:
    empirical, gap = table["empirical_loss"], table["gap"]
    closest = int(np.nanargmin(empirical))
    if closest == chosen:
        return (
            f"No candidate fits the training rows better ({empirical[chosen]:.3f}): none is too "
            "flexible for this many rows."
        )
    return (
        f"{_name(table, closest)} fits the training rows best ({empirical[closest]:.3f} against "
        f"{empirical[chosen]:.3f}), with a gap of {gap[closest]:.3f} instead of {gap[chosen]:.3f}."
    )


def _algo(algo: Any) -> str:
    return getattr(algo, "name", algo)


def _hidden(q_hidden: Any) -> str:
    return "constant" if q_hidden is None else str(tuple(np.atleast_1d(q_hidden).tolist()))


def _name(table: Mapping[str, Any], row: int) -> str:
    hidden = table["param_q_hidden"][row]
    size = "a constant Q" if hidden is None else f"a Q(x) of hidden sizes {_hidden(hidden)}"
    return f"{_algo(table['param_algo'][row])} with k = {table['param_k'][row]} and {size}"
