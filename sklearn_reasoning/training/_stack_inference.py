"""The models of a stack applied side by side: the bits of each applied alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sklearn_reasoning._support.threads import one_thread

from ._compaction import some_models
from ._inference import PaddedRows, in_float64, inputs_of, outputs, predict, rows_at_once
from ._regression_model import RegressionModel
from ._settings import Given

_Array = np.ndarray[Any, Any]


def predict_stack(module: RegressionModel, wanted: Sequence[tuple[int, Given]]) -> list[_Array]:
    """Return what models of a stack make of rows, the bits that each alone gives them.

    Parameters
    ----------
    module : RegressionModel
    wanted : sequence of (int, Given)
        Numbers of models, and rows; what is one object is read once.

    Returns
    -------
    list of ndarray of shape (n, d)
    """
    results: list[Any] = [None] * len(wanted)
    blocks: dict[int, PaddedRows] = {}
    longest = rows_at_once(module)
    groups: dict[int, list[int]] = defaultdict(list)
    for place, (model, given) in enumerate(wanted):
        if len(given[0]) > longest:  # blocks of its own fill the cache
            results[place] = predict(some_models(module, [model]), *given)
            continue
        if id(given) not in blocks:
            blocks[id(given)] = PaddedRows.of(*given)
        groups[blocks[id(given)].x.shape[1]].append(place)
    for length, places in groups.items():
        # Neighbours of equal k are cheaper than unlike ones.
        places.sort(key=lambda place: module.k[wanted[place][0]])
        at_once = max(longest // max(length, 1), 1)
        for first in range(0, len(places), at_once):
            part = places[first : first + at_once]
            used = list(dict.fromkeys(id(wanted[place][1]) for place in part))
            which = [used.index(id(wanted[place][1])) for place in part]
            some = in_float64(some_models(module, [wanted[place][0] for place in part]))
            with torch.no_grad(), one_thread():
                inputs = inputs_of(some, [blocks[name] for name in used], which)
                found = outputs(some, inputs)
            for place, output in zip(part, found, strict=True):
                results[place] = blocks[id(wanted[place][1])].cut(output)
    return results
