"""What ViennaRNA says of sequences, each folded once and kept in a file if there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sklearn_reasoning.rna import parse_dot_bracket

_LEAST = 1e-4
_SAVED_EVERY = 50


class Fold(NamedTuple):
    """Pairs of the least free energy and of maximum expected accuracy; and probabilities."""

    mfe: Any
    mea: Any
    pairs: Any
    probability: Any


class Vienna:
    """Folds of sequences.

    Parameters
    ----------
    path : str or None
        An npz file of folds, read if it is there and written as it grows.
    """

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(path)
        self._folds: dict[str, Fold] = {}
        if self._path is not None and self._path.exists():
            with np.load(self._path) as kept:
                self._folds = _unpacked(kept)

    def fold(self, sequences: list[str]) -> None:
        """Fold those that are not there yet."""
        new = [sequence for sequence in dict.fromkeys(sequences) if sequence not in self._folds]
        for count, sequence in enumerate(new, 1):
            self._folds[sequence] = _folded(sequence)
            if self._path is not None and (count % _SAVED_EVERY == 0 or count == len(new)):
                np.savez(self._path, **_packed(self._folds))

    def pairs(self, sequence: str, which: str) -> Any:
        """Return the pairs, "mfe" or "mea"."""
        return getattr(self._folds[sequence], which)

    def prior(self, sequence: str) -> Any:
        """Return the probabilities, as ``prior="vienna"`` computes them."""
        found = self._folds[sequence]
        whole = np.zeros((len(sequence),) * 2)
        whole[tuple(found.pairs.T)] = found.probability
        return whole


def _folded(sequence: str) -> Fold:
    import RNA

    compound = RNA.fold_compound(sequence)
    structure, energy = compound.mfe()
    compound.exp_params_rescale(energy)
    compound.pf()
    p = np.asarray(compound.bpp())[1:, 1:]
    pairs = np.argwhere(p > _LEAST)
    mea = parse_dot_bracket(compound.MEA()[0])
    return Fold(parse_dot_bracket(structure), mea, pairs, p[tuple(pairs.T)].astype(np.float32))


def _packed(folds: dict[str, Fold]) -> dict[str, Any]:
    arrays = {"sequences": np.array(list(folds))}
    for name in Fold._fields:
        of_each = [getattr(fold, name) for fold in folds.values()]
        arrays[name] = np.concatenate(of_each)
        arrays[f"{name}_ends"] = np.cumsum([len(own) for own in of_each])
    return arrays


def _unpacked(kept: Any) -> dict[str, Fold]:
    parts = [np.split(kept[name], kept[f"{name}_ends"][:-1]) for name in Fold._fields]
    of_each = zip(*parts, strict=True)
    return {str(s): Fold(*own) for s, own in zip(kept["sequences"], of_each, strict=True)}
