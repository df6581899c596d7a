"""Model files taken apart and put together by docs/model-files.md, with no code of the package."""

import hashlib
import json
import struct
from itertools import pairwise

import numpy as np

SHA256_OF_NOTHING = "0" * 64
_DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}


def take_apart(content):
    """Return the document, and the tensors as {name: (dtype, shape, bytes)}."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    text = header.pop("__metadata__")["sklearn_reasoning"]
    tensors = {}
    for name, entry in header.items():
        start, stop = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = (entry["dtype"], entry["shape"], content[start:stop])
    return json.loads(text), tensors


def checksum(text, tensors):
    """Return the checksum of a description whose own place for it holds 64 zeros."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        dtype, shape, data = tensors[name]
        digest.update(b"\0" + name.encode() + b"\0" + dtype.encode() + b"\0")
        digest.update(",".join(str(size) for size in shape).encode() + b"\0")
        digest.update(data)
    return digest.hexdigest()


def put_together(document, tensors, sign=True):
    """Return the bytes of a file; signed anew, or with the checksum that the document has."""
    if sign and "sha256" in document:
        document = {"sha256": SHA256_OF_NOTHING} | (document | {"sha256": SHA256_OF_NOTHING})
    text = json.dumps(document)
    if sign and "sha256" in document:
        text = text.replace(SHA256_OF_NOTHING, checksum(text, tensors), 1)
    header, data = {"__metadata__": {"sklearn_reasoning": text}}, b""
    for name, (dtype, shape, content) in tensors.items():
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        data += content
    encoded = json.dumps(header).encode()
    # Tensors begin at a multiple of 8 bytes.
    encoded += b" " * (-len(encoded) % 8)
    return struct.pack("<Q", len(encoded)) + encoded + data


def predict(document, tensors, X):
    """Return what a regressor alone in a file predicts, with gd or nag for its algorithm."""
    arrays = {
        name.removeprefix("0."): np.frombuffer(data, _DTYPES[dtype]).reshape(shape)
        for name, (dtype, shape, data) in tensors.items()
    }
    fitted = document["model"]["fitted"]
    a, settings = fitted["architecture"]["dict"], fitted["settings"]["dict"]
    d, mu, L = a["n_outputs"], a["mu"], a["L"]
    names = "unit", "offset", "start", "scale", "axes", "spread", "slopes", "level"
    unit, offset, start, scale, axes, spread, slopes, level = (
        arrays[f"module.{name}"][0].astype(float) for name in names
    )
    row, place = arrays["module.weights"][0].astype(float), 0

    def take(*shape):
        nonlocal place
        padded = [-(-size // 8) * 8 for size in shape]
        block = row[place : place + np.prod(padded)].reshape(padded)
        place += block.size
        return block[tuple(slice(size) for size in shape)]

    def network(hidden, n_out):
        n_in = a["n_features"]
        if hidden is None or n_in == 0:
            return [(None, take(n_out))]
        sizes = [n_in, *hidden["tuple"], n_out]
        return [(take(after, before), take(after)) for before, after in pairwise(sizes)]

    def outputs(layers):
        h = X[:, arrays["columns.x"]]
        for i, (matrix, bias) in enumerate(layers):
            h = np.maximum(h, 0.0) if i else h
            h = np.tile(bias, (len(X), 1)) if matrix is None else h @ matrix.T + bias
        return h

    n_pairs = d * (d - 1) // 2
    n_logits = d - 2 if a["spectrum"] == "anchored" else d
    out_Q = outputs(network(a["q_hidden"], n_logits + n_pairs * (a["rotation"] == "predicted")))
    if a["b_hidden"] is None or a["corrects"]:
        b = X[:, arrays["columns.b"]] / unit
    else:
        x = X[:, arrays["columns.x"]]
        b = x @ slopes[:d, : x.shape[1]].T + level[:d, 0]
    if a["b_hidden"] is not None:
        b = b + scale * outputs(network(a["b_hidden"], d))
    y = np.tile(start, (len(X), 1))
    project, in_steps = _projection(a, X, arrays, unit)
    if a["start"] == "predicted":
        y = y + scale * outputs(network(a["start_hidden"], d))
    logits, upper = out_Q[:, :n_logits], out_Q[:, n_logits:]
    R = np.tile(np.eye(d), (len(X), 1, 1))
    if a["rotation"] == "given":
        R = X[:, arrays["columns.rotation"]].reshape(-1, d, d)
    elif a["rotation"] != "identity":
        if a["rotation"] == "shared":
            upper = np.tile(take(n_pairs), (len(X), 1))
        A = np.zeros((len(X), d, d))
        i, j = np.triu_indices(d, 1)
        larger = np.maximum(spread[i], spread[j])
        ratio = np.divide(
            np.minimum(spread[i], spread[j]), larger, out=np.ones(len(i)), where=larger > 0
        )
        A[:, i, j] = upper * ratio**2
        A = A - A.transpose(0, 2, 1)
        R = axes @ np.linalg.solve(np.eye(d) - A, np.eye(d) + A)
    if a["start"] == "learned":
        y = y + scale * take(d)
    if a["spectrum"] == "anchored":
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        inner = mu + (L - mu) * shares / shares.sum(axis=1, keepdims=True)
        eigenvalues = np.pad(inner, ((0, 0), (1, 1)), constant_values=((0, 0), (L, mu)))
    else:
        eigenvalues = mu + (L - mu) / (1.0 + np.exp(-logits))
    Q = (R * eigenvalues[:, None]) @ R.transpose(0, 2, 1)

    (phi,) = arrays["module.step_size"]
    root = np.sqrt(mu * phi)
    momentum = (1 - root) / (1 + root) if a["algorithm"]["algorithm"] == "nag" else 0.0
    y = z = project(y + offset) - offset
    for _ in range(settings["k"]):
        before, y = y, z - phi * ((Q @ z[..., None])[..., 0] + b)
        if in_steps:
            y = project(y + offset) - offset
        z = y + momentum * (y - before)
    return unit * project(y + offset)


def _projection(architecture, X, arrays, unit):
    """Return the projection in the model's unit, of simplices and boxes, and if steps have it."""
    penalty = architecture.get("penalty")
    if penalty is None:
        return (lambda y: y), False
    in_steps = architecture.get("project", "each_step") == "each_step"
    options = penalty["options"]["dict"]

    def number(name):
        value = options[name]
        if isinstance(value, dict) and "infinity" in value:
            return np.inf if value["infinity"] == "+" else -np.inf
        if isinstance(value, dict) and "columns" in value:
            # The only ones here: as many as there are limits.
            return X[:, arrays["columns.limits"]] / unit
        return value / unit

    if penalty["penalty"] == "Box":
        return (lambda y: np.clip(y, number("low"), number("high"))), in_steps

    def to_simplex(y):
        sums = np.sort(y, axis=1)[:, ::-1].cumsum(axis=1) - number("total")
        threshold = (sums / np.arange(1, y.shape[1] + 1)).max(axis=1, keepdims=True)
        return np.maximum(y - threshold, 0.0)

    return to_simplex, in_steps
