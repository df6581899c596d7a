"""Gap tables of random numbers, and what a plain loop reads off them."""

import io

import numpy as np
import pandas as pd
from sklearn.experimental import enable_halving_search_cv  # noqa: F401

PAPER_GRID = {"algo": ["nag", "gd"], "k": [8, 1, 2], "q_hidden": [(16,), None]}


def table_of(candidates, n_splits=3, kind="loss", prefix="", seed=0):
    """A gap table of random numbers, with the columns that `gap_table` gives it."""
    candidates = list(candidates)
    names = list(dict.fromkeys(name for candidate in candidates for name in candidate))
    rng = np.random.default_rng(seed)
    empirical = rng.uniform(1.0, 2.0, (len(candidates), n_splits))
    gap = rng.uniform(0.0, 1.0, (len(candidates), n_splits))
    held_out = empirical + gap if kind == "loss" else empirical - gap
    table = {}
    for name in names:
        table[f"param_{prefix}{name}"] = column = np.empty(len(candidates), dtype=object)
        column[:] = [candidate.get(name, np.nan) for candidate in candidates]
    parts = {f"empirical_{kind}": empirical, f"held_out_{kind}": held_out, "gap": gap}
    for name, values in parts.items():
        table[name] = values.mean(axis=1)
        table[f"{name}_std"] = values.std(axis=1)
    for split in range(n_splits):
        for name, values in parts.items():
            table[f"split{split}_{name}"] = values[:, split]
    return table


def through_csv(table, **options):
    return pd.read_csv(io.StringIO(pd.DataFrame(table).to_csv()), **options)


def rows_of(table, **wanted):
    """Rows of the candidates with these parameters, by a plain loop."""
    n_rows = len(table["gap"])
    return [i for i in range(n_rows) if all(table[f"param_{n}"][i] == v for n, v in wanted.items())]


def pooled(table, rows, name):
    n_splits = sum(column.endswith("_gap") for column in table)
    return np.array([table[f"split{i}_{name}"][row] for row in rows for i in range(n_splits)])


def band_of(collection, n_points):
    """Lower and upper edge of what fill_between drew."""
    vertices = collection.get_paths()[0].vertices[:, 1]
    return vertices[1 : n_points + 1], vertices[n_points + 2 : 2 * n_points + 2][::-1]
