"""What a fitted folder makes of one sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from sklearn_reasoning._support.threads import one_thread
from sklearn_reasoning.matching import (
    MatchingCertificate,
    certificate_of,
    within_capacity,
)
from sklearn_reasoning.rna import allowed_pairs_of_batch

from ._inputs import Sequences
from ._model import FoldingModel
from ._network import padded_codes
from ._prior import SparsePrior, read_priors

_Array = np.ndarray[Any, Any]


class Folding:
    """The dual energy of one sequence, alone, so that it does not depend on others."""

    @torch.no_grad()
    def __init__(self, model: FoldingModel, codes: _Array, prior: SparsePrior | None) -> None:
        device = next(model.parameters()).device
        rows = padded_codes([codes]).to(device)
        given = None if prior is None else torch.from_numpy(prior.dense(len(codes))[None])
        with one_thread():
            self._dual, _ = model.scored(
                rows, allowed_pairs_of_batch(rows), None if given is None else given.to(device)
            )
        self._model = model

    @torch.no_grad()
    def pairing(self, k: int | None) -> _Array:
        """Return the feasible pairing after k steps, of shape (n, n), in float64."""
        with one_thread():
            s = self._model.multipliers(self._dual, k)
            # Sums of float32 may be above 1 by their rounding.
            pairing = within_capacity(self._dual.pairing(s).double())[0]
        found: _Array = pairing.cpu().numpy()
        return found

    def certificate(self, k: int) -> MatchingCertificate:
        """Return how far the pairing is from the best one."""
        with torch.no_grad(), one_thread():
            s = self._model.multipliers(self._dual, k)
            accelerated = self._model.algorithm.name == "fista"
            return certificate_of(self._dual, s, k, is_accelerated=accelerated)


def foldings(model: FoldingModel, prior: Any, read: Sequences) -> Iterator[Folding]:
    """Yield the foldings of sequences.

    A ValueError if a prior is given and the model was trained without one, or the other way.
    """
    if (prior is not None) != model.architecture.has_prior:
        raise ValueError(
            f"prior={prior!r} is not that of fit, which had "
            f"{'one' if prior is None else 'none'}: fit again, or set it back."
        )
    for index, codes in enumerate(read.codes):
        given = read_priors(prior, read.strings[index : index + 1], first=index)
        yield Folding(model, codes, None if given is None else given[0])
