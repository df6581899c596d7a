"""The paper's claims about figure 7, and what the denoising study says of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sklearn_reasoning.experiments._claims import ROLES, Claim, Reader, gap_claims
from sklearn_reasoning.experiments._evidence import combine, mean_and_p
from sklearn_reasoning.experiments._measurements import Measurements
from sklearn_reasoning.experiments._tables import Table, table_of
from sklearn_reasoning.model_selection.gap import standard_error

from ._protocol import PARAMETERISATIONS

_MEASURED = ("train_loss", "held_out_loss", "gap", "gap_one_way")


def denoising_measurements(table: Mapping[str, Any]) -> Measurements:
    """Return the table of a denoising study, whose hidden sizes are the places of the roles.

    ``q_hidden`` is 0, 1 and 2 for under-parameterised, about right and over-parameterised. Rows may
    be in any order; a ValueError if the table cannot be read as one.
    """
    if "parameterisation" not in table:
        raise ValueError(f"The table lacks the column 'parameterisation'; it has {list(table)}.")
    names = [str(name) for name in table["parameterisation"]]
    unknown = sorted(set(names) - set(ROLES))
    if unknown:
        raise ValueError(f"parameterisation={unknown[0]!r} is not one of {list(ROLES)}.")
    places = [ROLES.index(name) for name in names]
    return Measurements({**table, "q_hidden": places}, _MEASURED)


def denoising_claims(table: Mapping[str, Any]) -> list[Claim]:
    """Judge the paper's claims about figure 7: a shape and an order for each parameterisation.

    They are those about figure 5, panel by panel, under the same rules.
    """
    data = denoising_measurements(table)
    return [
        Claim("fig7", text, *combine(parts))
        for place, each in enumerate(PARAMETERISATIONS)
        for text, parts in gap_claims(each.name, f"{each.name} ({each})", Reader(data, place))
    ]


def gaps_over_repetitions(table: Mapping[str, Any]) -> Table:
    """Return the means over repetitions, a row for each parameterisation, algorithm and k.

    Besides the means ``standard_error`` of the gap, ``p`` of a gap of 0 and ``one_way_error``, what
    the standard error would be if models were trained on the first set of a repetition alone.
    """
    data = denoising_measurements(table)
    rows = []
    for place in data.q_hidden:
        for algo in data.algos:
            matrices = {name: data.matrix(name, algo, place) for name in _MEASURED}
            for column, k in enumerate(data.k):
                values = {name: matrix[:, column] for name, matrix in matrices.items()}
                values = {name: v[np.isfinite(v)] for name, v in values.items()}
                if not len(values["gap"]):
                    continue
                means = (float(values[name].mean()) for name in _MEASURED[:3])
                gap = values["gap"]
                errors = (
                    standard_error(gap),
                    mean_and_p(gap)[1],
                    standard_error(values["gap_one_way"]),
                )
                rows.append((ROLES[place], algo, k, *means, *errors))
    names = ("parameterisation", "algo", "k", *_MEASURED[:3])
    return table_of((*names, "standard_error", "p", "one_way_error"), rows)
