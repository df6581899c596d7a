"""Probabilities of pairs that are given: by a physical model, or by the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

_Array = np.ndarray[Any, Any]

# Below, a pair is as good as impossible: it is not kept, and has the logit of this.
LEAST_PROBABILITY = 1e-4


class SparsePrior(NamedTuple):
    """Probabilities of pairs i < j of one sequence, without those that are next to nothing."""

    i: _Array
    j: _Array
    p: _Array

    def dense(self, n: int) -> _Array:
        """Return them as a symmetric array of shape (n, n)."""
        whole = np.zeros((n, n), dtype=np.float32)
        whole[self.i, self.j] = whole[self.j, self.i] = self.p
        return whole


def read_priors(prior: Any, sequences: Sequence[str], first: int = 0) -> list[SparsePrior] | None:
    """Return the probabilities for each sequence; None where none are given.

    ``prior`` is "vienna", a callable or None. ValueError or TypeError if a callable returns what
    are no probabilities, with the index of the sequence; ImportError without ViennaRNA.
    """
    if prior is None:
        return None
    of_sequence: Callable[[str], Any] = _vienna() if isinstance(prior, str) else prior
    return [
        _checked(of_sequence(sequence), len(sequence), index)
        for index, sequence in enumerate(sequences, first)
    ]


def check_prior(prior: Any) -> None:
    """Raise an ImportError if ViennaRNA is asked for and missing."""
    if isinstance(prior, str):
        _vienna()


def _vienna() -> Callable[[str], Any]:
    try:
        import RNA
    except ImportError as error:
        raise ImportError(
            "prior='vienna' needs ViennaRNA. Install it with pip install viennarna, or with this "
            "package's extra [rna]."
        ) from error

    def probabilities(sequence: str) -> Any:
        compound = RNA.fold_compound(sequence.upper().replace("T", "U"))
        # Partition functions of long sequences leave double precision without a scale.
        compound.exp_params_rescale(compound.mfe()[1])
        compound.pf()
        return np.asarray(compound.bpp())[1:, 1:]

    return probabilities


def _checked(given: Any, n: int, index: int) -> SparsePrior:
    p = np.asarray(given)
    if p.shape != (n, n) or p.dtype.kind not in "fiu":
        raise ValueError(
            f"prior returned {p.dtype} of shape {p.shape} for sequences[{index}]; it must return "
            f"numbers of shape ({n}, {n})."
        )
    # ViennaRNA fills the upper half only, others both.
    p = np.maximum(np.triu(p, 1), np.tril(p, -1).T)
    if not (np.isfinite(p).all() and p.min(initial=0.0) >= 0.0 and p.max(initial=0.0) <= 1.001):
        raise ValueError(f"prior must return probabilities in [0, 1]; sequences[{index}] has not.")
    i, j = np.nonzero(p > LEAST_PROBABILITY)
    return SparsePrior(i, j, np.minimum(p[i, j], 1.0).astype(np.float32))
