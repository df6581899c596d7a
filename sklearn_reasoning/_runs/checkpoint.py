"""The folder that a search can be resumed from."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
import skorch
import torch

from sklearn_reasoning._version import __version__

from .atomic_files import remove_abandoned, write_atomically
from .identity import identity

_FORMAT = 1
_MANIFEST = "search.json"
_RESULTS = "results-*.json"
_ON_AGAIN = " What was saved before is kept: fit, called again, goes on from there."
# Seconds between two files: fits that take a millisecond would be slowed down by a file each,
# and a kill costs no more than this.
_INTERVAL = 0.2
# How many differences a message names.
_TOLD = 4
_REMEDY = "Name another folder, or delete this one to begin anew."


class Checkpoint:
    """The results of a search so far, in files that are whole or not there.

    ``search`` is what the results are a function of, by what users call it: "X", "n_repeats"; told
    apart by content. Every file says which search it belongs to. Two processes may write to one
    folder: they write files of their own, and equal fits have equal results. As a context, it has
    saved all results when it is left. A ValueError if the folder holds another search, or files
    that are no search's.
    """

    def __init__(self, folder: str | os.PathLike[str], search: Mapping[str, Any]) -> None:
        self._folder = Path(folder)
        self._name = f"checkpoint_dir={os.fspath(folder)!r}"
        self._parts = {name: identity(value) for name, value in search.items()}
        self._search = identity(sorted(self._parts.items()))
        self._unsaved: list[tuple[int, dict[str, Any]]] = []
        self._saved_at = -math.inf
        self._open()

    def _open(self) -> None:
        """Make the folder this search's, or refuse it."""
        if self._folder.exists() and not self._folder.is_dir():
            raise NotADirectoryError(f"{self._name} is a file, and must be a folder.")
        with self._naming_the_folder("cannot be made"):
            self._folder.mkdir(parents=True, exist_ok=True)
        manifest = self._folder / _MANIFEST
        with self._naming_the_folder("cannot be read"):
            there = [name for name in os.listdir(self._folder) if not name.startswith(".")]
        # Asked last, because another process may have begun this search since.
        if there and not manifest.exists():
            raise ValueError(
                f"{self._name} holds files ({there[0]!r}), but no {_MANIFEST}: it is no folder of "
                "a search. Name an empty or a new one."
            )
        begun = manifest.exists()
        if begun:
            self._check(manifest)
        with self._naming_the_folder("cannot be written to"):
            remove_abandoned(self._folder)
        if begun:
            return
        content = {"format": _FORMAT, "versions": _versions(), "search": self._parts}
        try:
            with self._naming_the_folder("cannot be written to"):
                encoded = json.dumps(content, indent=1).encode()
                write_atomically(manifest, encoded, replace=False)
        except FileExistsError:
            self._check(manifest)

    def _check(self, manifest: Path) -> None:
        """Refuse a folder whose results would not be this search's."""
        with self._naming_the_folder("cannot be read"):
            encoded = manifest.read_bytes()
        try:
            content = json.loads(encoded)
            kept = content["format"], dict(content["versions"]), dict(content["search"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self._name} has a {_MANIFEST} that is damaged, or no search's. {_REMEDY}"
            ) from error
        there = {"format": kept[0], **kept[1]}
        here = {"format": _FORMAT, **_versions()}
        if there != here:
            raise ValueError(
                f"{self._name} was written by other versions, whose bits may differ: "
                f"{_differences(there, here)}. {_REMEDY}"
            )
        if kept[2] != self._parts:
            raise ValueError(
                f"{self._name} holds another search, which differs in "
                f"{_differences(kept[2], self._parts)}. {_REMEDY}"
            )

    def load(self) -> dict[int, dict[str, Any]]:
        """Return the results that are there, by the index of their fit."""
        results: dict[int, dict[str, Any]] = {}
        for path in sorted(self._folder.glob(_RESULTS)):
            try:
                content = json.loads(path.read_bytes())
                entries = content["results"]
                whole = content["checksum"] == _checksum(entries)
                search = content["search"]
            except OSError as error:
                self._warn(f"{path} cannot be read ({error.strerror})")
                continue
            except (ValueError, KeyError, TypeError):
                whole = False
            if not whole:
                # Nothing of it can be used; left here, it would be told of at every start.
                path.unlink(missing_ok=True)
                self._warn(f"{path} was damaged and has been removed")
            elif search != self._search:
                self._warn(f"{path} belongs to another search and is left alone")
            else:
                results.update((index, _decoded(entry)) for index, entry in entries)
        return results

    def _warn(self, what: str) -> None:
        warnings.warn(f"{what}: its fits are trained again.", stacklevel=5)

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *error: object) -> None:
        self._write()

    def save(self, results: list[tuple[int, dict[str, Any]]]) -> None:
        """Add results to the folder, at once or with others that follow soon."""
        self._unsaved.extend(results)
        if time.monotonic() > self._saved_at + _INTERVAL:
            self._write()

    def _write(self) -> None:
        """Write what is not saved yet, to a file of its own."""
        results, self._unsaved = self._unsaved, []
        if not results:
            return
        entries = [[index, _encoded(result)] for index, result in results]
        content = {"search": self._search, "checksum": _checksum(entries), "results": entries}
        path = self._folder / _RESULTS.replace("*", uuid.uuid4().hex)
        with self._naming_the_folder("cannot be written to", _ON_AGAIN):
            write_atomically(path, json.dumps(content).encode())
        self._saved_at = time.monotonic()

    @contextmanager
    def _naming_the_folder(self, what: str, remedy: str = "") -> Iterator[None]:
        """Raise the system's errors with the name of the parameter that they are about."""
        try:
            yield
        except OSError as error:
            # With a number, OSError makes itself a PermissionError or what else it is.
            raise OSError(error.errno, f"{self._name} {what}: {error.strerror}.{remedy}") from error


def _encoded(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result as JSON can keep it: numbers of any library are numbers of Python."""
    return {key: _number(value) for key, value in result.items()}


def _number(value: Any) -> Any:
    if isinstance(value, dict):
        # As pairs, because JSON would make texts of other keys.
        return {"scores": [[name, _number(score)] for name, score in value.items()]}
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    return int(value) if isinstance(value, int | np.integer) else float(value)


def _decoded(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what :func:`_encoded` was given."""
    return {
        key: dict(value["scores"]) if isinstance(value, dict) else value
        for key, value in entry.items()
    }


def _checksum(entries: Any) -> str:
    """Return a number that damage to a file changes."""
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()


def _versions() -> dict[str, str]:
    """Return the versions that bits, or the code that users write, may depend on."""
    libraries = (torch, skorch, sklearn, scipy, np)
    python = ".".join(map(str, sys.version_info[:2]))
    versions = {library.__name__: library.__version__ for library in libraries}
    return {"python": python, "sklearn_reasoning": __version__, **versions}


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Name what differs, with the values where they are short."""
    names = [name for name in {**here, **there} if there.get(name) != here.get(name)]
    told = []
    for name in names:
        if any(other.startswith((f"{name}'s ", f"{name}__")) for other in names):
            continue  # a part of it is named
        values = there.get(name), here.get(name)
        readable = all(value is not None and len(str(value)) <= 45 for value in values)
        told.append(f"{name} ({values[0]} there, {values[1]} here)" if readable else name)
    if len(told) > _TOLD:
        told[_TOLD:] = [f"{len(told) - _TOLD} more parts"]
    return " and ".join(filter(None, [", ".join(told[:-1]), told[-1]]))
