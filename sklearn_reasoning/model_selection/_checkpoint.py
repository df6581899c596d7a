"""The folder that a search can be resumed from."""

from __future__ import annotations

import json
import os
import uuid
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
import torch

import sklearn_reasoning
from sklearn_reasoning._files import write_atomically

_FORMAT = 1
_MANIFEST = "search.json"
_RESULTS = "results-*.json"


class Checkpoint:
    """The results of a search so far, in files that are whole or not there.

    Every file says which search it belongs to. Two processes may write to one folder: they
    write files of their own, and equal fits have equal results.

    Parameters
    ----------
    folder : str or path-like
        Made if it is not there.
    search : mapping of str to object
        What the results are a function of, by what users call it: "the data", "the grid". Told
        apart by their content.

    Raises
    ------
    ValueError
        If the folder holds another search, or files that are no search's.
    OSError
        If it cannot be made or written to.
    """

    def __init__(self, folder: str | os.PathLike[str], search: Mapping[str, Any]) -> None:
        self._folder = Path(folder)
        self._digests = {name: _digest(value) for name, value in search.items()}
        self._search = _digest(self._digests)
        self._folder.mkdir(parents=True, exist_ok=True)
        manifest = self._folder / _MANIFEST
        if manifest.exists():
            self._check(manifest)
            return
        if any(not name.startswith(".") for name in os.listdir(self._folder)):
            raise ValueError(
                f"checkpoint_dir={str(folder)!r} holds files, but no {_MANIFEST}: it is no folder "
                "of a search. Name an empty or a new one."
            )
        content = {"format": _FORMAT, "versions": _versions(), "search": self._digests}
        write_atomically(manifest, json.dumps(content, indent=1).encode())

    def _check(self, manifest: Path) -> None:
        """Refuse a folder whose results would not be this search's."""
        where = f"checkpoint_dir={str(self._folder)!r}"
        remedy = "Name another folder, or delete this one to begin anew."
        try:
            content = json.loads(manifest.read_bytes())
            kept = content["format"], content["versions"], content["search"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{where} has a {_MANIFEST} that cannot be read. {remedy}") from error
        if kept[:2] != (_FORMAT, _versions()):
            raise ValueError(
                f"{where} was written by other versions, whose bits may differ: format {kept[0]}, "
                f"{kept[1]}; here are format {_FORMAT}, {_versions()}. {remedy}"
            )
        if kept[2] != self._digests:
            names = {*kept[2], *self._digests}
            other = sorted(n for n in names if kept[2].get(n) != self._digests.get(n))
            raise ValueError(
                f"{where} holds another search: it differs in {' and '.join(other)}. {remedy}"
            )

    def load(self) -> dict[int, dict[str, Any]]:
        """Return the results that are there, by the index of their fit."""
        results: dict[int, dict[str, Any]] = {}
        for path in sorted(self._folder.glob(_RESULTS)):
            try:
                content = json.loads(path.read_bytes())
                if content["search"] == self._search:
                    results.update((int(index), result) for index, result in content["results"])
            except (ValueError, KeyError, TypeError):
                warnings.warn(
                    f"{path} is damaged and is left out: its fits are trained again.", stacklevel=2
                )
        return results

    def save(self, results: list[tuple[int, dict[str, Any]]]) -> None:
        """Add results to the folder.

        Parameters
        ----------
        results : list of (int, dict)
        """
        content = json.dumps({"search": self._search, "results": results})
        name = _RESULTS.replace("*", uuid.uuid4().hex)
        write_atomically(self._folder / name, content.encode())


def _versions() -> dict[str, str]:
    """Return the versions that bits may depend on."""
    libraries = (sklearn_reasoning, torch, np, sklearn)
    return {library.__name__: library.__version__ for library in libraries}


def _digest(value: Any) -> str:
    """Return a hash of the content of an object."""
    if hasattr(value, "iloc"):
        # Frames keep caches, and their own pickles change with them.
        columns = getattr(value, "columns", [None])
        values = [np.asarray(value[name] if name is not None else value) for name in columns]
        value = (list(columns), values)
    try:
        return joblib.hash(value)
    except Exception:  # pickle's errors for what is defined in a notebook have many types
        return joblib.hash(joblib.wrap_non_picklable_objects(value))
