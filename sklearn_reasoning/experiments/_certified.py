"""What the theory says of the study's algorithms: the numbers of Fig. 2."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_reasoning.algorithms import Algorithm, get_algorithm
from sklearn_reasoning.properties import convergence, stability

from ._protocol import Protocol


def find_algorithm(protocol: Protocol, name: str) -> Algorithm | None:
    """Return the protocol's algorithm of that name, None where it has none."""
    found = [algo for algo in map(get_algorithm, protocol.algos) if algo.name == name]
    return found[0] if found else None


def certified_convergence(
    algorithm: Algorithm, k: Sequence[int], protocol: Protocol
) -> NDArray[np.float64]:
    """Return the certified Cvg of an algorithm at the step size 1/L, of shape (n_k,)."""
    steps = np.asarray(k, dtype=np.int64)
    certified = convergence(algorithm, steps, None, protocol.mu, protocol.L).certified
    return np.array(np.broadcast_to(certified, len(steps)), dtype=np.float64)


def certified_properties(
    algorithm: Algorithm, k: Sequence[int], protocol: Protocol
) -> dict[str, NDArray[np.float64]]:
    """Return the certified properties of an algorithm at the step size 1/L, each of shape (n_k,).

    ``convergence`` (Cvg), ``stability_in_b`` and ``stability_in_Q`` (Stab; the latter per unit of
    the norm of b), and the products of each with Cvg, ``product_in_b`` and ``product_in_Q``. NaN
    where nothing is proven.
    """
    steps = np.asarray(k, dtype=np.int64)
    bounds = stability(algorithm, steps, None, protocol.mu, protocol.L)
    values = {
        "convergence": certified_convergence(algorithm, k, protocol),
        "stability_in_b": bounds.in_b.certified,
        "stability_in_Q": bounds.in_Q.certified,
    }
    columns = {name: np.array(np.broadcast_to(v, len(steps))) for name, v in values.items()}
    for column in columns.values():
        column[np.isinf(column)] = np.nan
    for where in ("b", "Q"):
        columns[f"product_in_{where}"] = columns["convergence"] * columns[f"stability_in_{where}"]
    return columns


def certified_table(protocol: Protocol) -> dict[str, list[Any]]:
    """Return Fig. 2 as a table: a row for each algorithm and k of the protocol."""
    table: dict[str, list[Any]] = {"algo": [], "k": []}
    k = sorted(protocol.k)
    for algorithm in map(get_algorithm, protocol.algos):
        table["algo"] += [algorithm.name] * len(k)
        table["k"] += k
        for name, column in certified_properties(algorithm, k, protocol).items():
            table.setdefault(name, []).extend(column.tolist())
    return table
