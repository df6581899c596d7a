"""skorch's checkpoints: each fit loads what it has saved itself, whoever saves beside it."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from skorch.callbacks import Checkpoint


def template_folder(callback: Any) -> str | None:
    """Return the name of a file of a checkpoint whose folder is a template; None if there is none.

    Of such a checkpoint the files could not be given to one fit.
    """
    for name in _names(callback).values():
        if "{" in os.path.dirname(callback.fn_prefix + name):
            return callback.fn_prefix + name
    return None


@contextlib.contextmanager
def own_folders(net: Any, callbacks: Sequence[Any]) -> Iterator[None]:
    """Let each checkpoint that loads its best write into a folder that no other fit knows.

    Fits of a search share the names of a checkpoint, and would load one another's weights. At the
    end, whatever it is, the files go where their names say, the last fit's over those before.
    """
    with contextlib.ExitStack() as stack:
        for callback in callbacks:
            if isinstance(callback, Checkpoint) and callback.load_best and _names(callback):
                stack.enter_context(_own_folder(net, callback))
        yield


@contextlib.contextmanager
def _own_folder(net: Any, callback: Any) -> Iterator[None]:
    before = dict(vars(callback))
    folder = Path(callback.dirname) / f"fit-{uuid.uuid4().hex}"
    places = {}
    for key, name in _names(callback).items():
        head, tail = os.path.split(callback.fn_prefix + name)
        # By its kind: two kinds may have one name in two folders.
        (folder / key).mkdir(parents=True)
        places[folder / key] = Path(callback.dirname) / head
        setattr(callback, key, os.path.join(key, tail))
    saved_before = _saved_before(net, callback, before)
    callback.dirname, callback.fn_prefix = str(folder), ""
    for key, path in saved_before.items():
        shutil.copy2(path, folder / key)
    try:
        yield
    finally:
        for key in ("dirname", "fn_prefix", *_names(callback)):
            setattr(callback, key, before[key])
        for own, place in places.items():
            place.mkdir(parents=True, exist_ok=True)
            for saved in own.iterdir():
                shutil.move(saved, place / saved.name)
        shutil.rmtree(folder)


def _saved_before(net: Any, callback: Any, original: dict[str, Any]) -> dict[str, str]:
    """Return the files of a net that training goes on with: its best may lie behind it."""
    if not net.history:
        return {}
    as_it_was = object.__new__(type(callback))
    vars(as_it_was).update(original)
    try:
        paths = as_it_was.get_formatted_files(net)
    except KeyError:  # its history was made without this checkpoint
        return {}
    return {
        key: path for key, path in paths.items() if key in _names(callback) and os.path.exists(path)
    }


def _names(callback: Any) -> dict[str, str]:
    """Return the file names of a checkpoint: not its open files, nor what is not saved."""
    return {
        key: value
        for key, value in vars(callback).items()
        if key.startswith("f_") and isinstance(value, str)
    }
