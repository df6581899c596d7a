"""Kill processes that save a model, and look at what they leave.

``python tests/hard/_kill_saves.py --timed 500`` prints a JSON object. A child is killed at every
moment before and after a call of the system, or of anything else written in C, while the file is
written; and ``--timed`` children that save without end are killed after random times.
"""

import argparse
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from sklearn_reasoning import HybridReasoningRegressor, load_model, save_model
from sklearn_reasoning._runs import atomic_files as _files


def models(width):
    """Return two models whose files differ."""
    X = np.arange(24.0).reshape(8, 3)
    options = {"q_hidden": (width, width), "max_epochs": 1, "k": 2}
    return [
        HybridReasoningRegressor(**options, random_state=seed).fit(X, X[:, 0]) for seed in (0, 1)
    ]


def killed_at(moment, model, path):
    """Save in a child that dies at a moment of the writing; return whether it did."""
    child = os.fork()
    if child == 0:
        calls = itertools.count()

        def die(frame, event, _):
            inside = frame.f_code.co_filename == _files.__file__
            if inside and event.startswith("c_") and next(calls) == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(die)
        save_model(model, path)
        sys.setprofile(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        assert os.WEXITSTATUS(status) == 0, "the child failed"
    return os.WIFSIGNALED(status)


def killed_after(seconds, pair, path):
    """Save the two models in turns in a child, and kill it after a time."""
    child = os.fork()
    if child == 0:
        for model in itertools.cycle(pair):
            save_model(model, path)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def look(path, old, new, answers, X):
    """Return what is there, which must be one of two whole files."""
    content = path.read_bytes()
    assert content in (old, new), "the file is neither the old one nor the new one"
    expected = answers[content == new]
    assert np.array_equal(load_model(path).predict(X), expected), "another answer"
    others = [name for name in os.listdir(path.parent) if name != path.name]
    assert all(name.startswith(".") and name.endswith(".partial") for name in others), others
    return ("new" if content == new else "old") + (" and a partial file" if others else "")


def main():
    """Run, and print the counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--timed", type=int, required=True)
    arguments = parser.parse_args()
    X = np.arange(24.0).reshape(8, 3) / 7
    found = {"at each call": Counter(), "after a time": Counter()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"

        def begin(pair):
            for name in os.listdir(folder):
                os.unlink(Path(folder) / name)
            contents = []
            for model in reversed(pair):
                save_model(model, path)
                contents.append(path.read_bytes())
            new, old = contents
            return old, new, [model.predict(X) for model in pair]

        pair = models(4)
        for moment in itertools.count():
            old, new, answers = begin(pair)
            died = killed_at(moment, pair[1], path)
            found["at each call"][look(path, old, new, answers, X)] += died
            save_model(pair[1], path)  # what is left does not stand in the way
            assert path.read_bytes() == new
            if not died:
                break
        pair = models(300)  # a file of a megabyte
        rng = random.Random(0)
        old, new, answers = begin(pair)
        for _ in range(arguments.timed):
            killed_after(rng.uniform(0.0, 0.06), pair, path)
            found["after a time"][look(path, old, new, answers, X)] += 1
            for name in os.listdir(folder):
                if name != path.name:
                    os.unlink(Path(folder) / name)
    print(json.dumps({**found, "moments": moment, "bytes": len(new)}, indent=1))


if __name__ == "__main__":
    main()
