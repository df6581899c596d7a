"""Loading a model file takes time and memory in proportion to its size, a hostile one included.

Files of models from 10 kB to 100 MB, with long histories and with many columns, and files made to
cost as much as they can: each is loaded in a process of its own, which reports the largest memory
beyond what it had before, and the CPU time. On Linux. Run: python benchmarks/model_files.py
"""

import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

from sklearn_reasoning import HybridReasoningRegressor, load_model, save_model
from sklearn_reasoning.exceptions import ModelFileError

MEGABYTE = 2**20


def fitted(hidden, epochs=1, n_features=4):
    X = np.random.default_rng(0).normal(size=(4, n_features))
    return HybridReasoningRegressor(
        k=1, q_hidden=None, b_hidden=hidden, max_epochs=epochs, random_state=0
    ).fit(X, X[:, 0])


def write_hostile(path, document, tensors=""):
    """Write a file of a text for the document and one for the tensors, without any numbers."""
    header = f'{{"__metadata__":{{"sklearn_reasoning":{json.dumps(document)}}}{tensors}}}'
    content = header.encode()
    content += b" " * (-len(content) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(content)) + content)


def documents(size):
    """Yield names and texts of documents of about a size, which are no model's."""
    for name, start, middle, end in (
        ("lists in JSON", "[", "[],", "0]"),
        ("objects in JSON", "[", "{},", "0]"),
        ("numbers in JSON", "[", "1e9,", "0]"),
        ("deep JSON", "", "[", ""),
        ("a text in JSON", '"', "x", '"'),
    ):
        text = start + middle * (size // len(middle)) + end
        yield name, signed(f'"parameters": {{"q_hidden": {text}}}')


def signed(parameters, tensors=()):
    """Return the text of a document with its checksum, as docs/model-files.md has it."""
    text = f'{{"sha256": "{"0" * 64}", "format_version": 4, "versions": {{}}, "model": {{'
    text += f'"class": "HybridReasoningRegressor", "number": 0, "fitted": null, {parameters}}}}}'
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(f"\0{name}\0U8\0{0}\0".encode())
    return text.replace("0" * 64, digest.hexdigest(), 1)


def files(folder):
    """Yield names and paths of files."""
    path = os.path.join(folder, "model.safetensors")
    for width in (16, 128, 360, 1150, 3600):
        save_model(fitted((width, width)), path)
        yield f"networks of {width} x {width}", path
    save_model(fitted((4,), epochs=20_000), path)
    yield "20,000 epochs", path
    save_model(fitted((4,), n_features=100_000), path)
    yield "100,000 columns", path
    for size in (MEGABYTE // 2, 2 * MEGABYTE):
        for name, text in documents(size):
            write_hostile(path, text)
            yield name, path
        names = [f"0.{i}" for i in range(size // 62)]
        one = ',"{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
        write_hostile(
            path, signed('"parameters": {}', names), "".join(one.format(name) for name in names)
        )
        yield "many tensors", path


def peak_memory(begin=False):
    """Return the largest memory of this process so far, in bytes, or since it was told to begin."""
    if begin:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def measure(path):
    """Print what loading a file takes, in this process."""
    warm = path + ".warm"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if os.path.exists(warm):
            load_model(warm)
        before = peak_memory(begin=True)
        began = time.process_time()
        try:
            load_model(path)
            outcome = "loaded"
        except ModelFileError as error:
            outcome = f"refused: {str(error).partition('model: ')[2][:44]}"
        seconds = time.process_time() - began
    print(json.dumps([peak_memory() - before, seconds, outcome]))


def main():
    print(f"{'file':34} {'MB':>7} {'memory':>7} {'s':>7} {'s a MB':>7}")
    with tempfile.TemporaryDirectory() as folder:
        save_model(fitted((4,)), os.path.join(folder, "model.safetensors.warm"))
        for name, path in files(folder):
            size = os.path.getsize(path)
            run = subprocess.run(
                [sys.executable, __file__, path], capture_output=True, text=True, check=True
            )
            peak, seconds, outcome = json.loads(run.stdout)
            print(
                f"{name:34} {size / MEGABYTE:7.2f} {peak / size:6.1f}x {seconds:7.3f} "
                f"{seconds * MEGABYTE / size:7.3f}  {outcome}",
                flush=True,
            )


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
