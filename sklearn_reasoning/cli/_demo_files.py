"""Where the demos write, and whether a saved model predicts the same in a new process."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_reasoning._runs.atomic_files import remove_abandoned


def places(out: str | Path, *names: str) -> list[Path]:
    """Return files of a folder, which is made if it is not there.

    An OSError if it cannot be written to, or a folder stands in the place of a file.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    remove_abandoned(folder)  # it tries whether the folder can be written to, too
    files = [folder / name for name in names]
    for path in files:
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder, in the place of a result")
    return files


# An algorithm of the user's own must be registered where its model is loaded.
_LOAD_AND_PREDICT = """
import importlib, sys, numpy
from sklearn_reasoning import load_model
from sklearn_reasoning.algorithms import register_algorithm
path, method, inputs, outputs, *own = sys.argv[1:]
if own:
    register_algorithm(getattr(importlib.import_module(own[0]), own[1]))
found = getattr(load_model(path), method)(numpy.load(inputs))
numpy.save(outputs, numpy.hstack(found) if isinstance(found, list) else found)
"""


def predicted_by_a_new_process(path: Path, X: Any, method: str, *own: str) -> Any:
    """Return what a method of the model in a file gives, loaded in a new process.

    Arrays in a list, as of the probabilities of several outputs, are put side by side.
    ``own`` are module and class of an algorithm that is not the package's.
    """
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = (str(Path(folder, f"{name}.npy")) for name in ("inputs", "outputs"))
        np.save(inputs, X)
        subprocess.run(
            [sys.executable, "-c", _LOAD_AND_PREDICT, str(path), method, inputs, outputs, *own],
            check=True,
        )
        return np.load(outputs)
