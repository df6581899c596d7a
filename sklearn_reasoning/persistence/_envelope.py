"""A model file as text and tensors: what is in the bytes, and that none of them has changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

_KEY = "sklearn_reasoning"
_DIGEST = re.compile(r'\A\{"sha256": "([0-9a-f]{64})"')
_NO_DIGEST = "0" * 64

# An empty one takes twenty times its place in the file; models have some tens.
_MOST_TENSORS = 10_000

# The library has no types.
_deserialize: Any = safetensors.deserialize

# The names that safetensors gives to what models are made of.
_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}


def seal(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> bytes:
    """Return the bytes of a model file, with a checksum over all that is read from it.

    The document is what JSON can hold.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({"sha256": _NO_DIGEST, **document}, allow_nan=False)
    unsigned = safetensors.torch.save(plain, {_KEY: text})
    # Over the tensors as a reader will find them.
    digest = _digest(text, _deserialize(unsigned))
    return safetensors.torch.save(plain, {_KEY: text.replace(_NO_DIGEST, digest, 1)})


def unseal(content: bytes) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the document and the tensors of a model file.

    SafetensorError, KeyError, TypeError, ValueError or RecursionError if the bytes are none, or are
    not those that were written.
    """
    # It checks the header, so that the lines below can rely on it.
    found = _deserialize(content)
    if len(found) > _MOST_TENSORS:
        raise ValueError(f"it has more than {_MOST_TENSORS:,} tensors")
    length = int.from_bytes(content[:8], "little")
    text = json.loads(content[8 : 8 + length])["__metadata__"][_KEY]
    if (signed := _DIGEST.match(text)) is not None:
        unsigned = text.replace(signed[1], _NO_DIGEST, 1)
        if _digest(unsigned, found) != signed[1]:
            raise ValueError("it is damaged: the checksum is not that of its content")
    document = json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)
    if not isinstance(document, dict):
        raise TypeError("its description is no object")
    if ("sha256" in document) != (signed is not None):
        raise ValueError("its checksum is not where it should be")
    return document, {name: _tensor(value) for name, value in found}


def _digest(text: str, tensors: list[tuple[str, dict[str, Any]]]) -> str:
    digest = hashlib.sha256(text.encode())
    for name, value in sorted(tensors, key=lambda entry: entry[0]):
        shape = ",".join(map(str, value["shape"]))
        digest.update(f"\0{name}\0{value['dtype']}\0{shape}\0".encode())
        digest.update(value["data"])
    return digest.hexdigest()


def _tensor(value: Mapping[str, Any]) -> Tensor:
    if value["dtype"] not in _DTYPES:
        raise ValueError(f"it has tensors of {value['dtype']}")
    # A copy that can be written to and that lies where vector instructions want it.
    flat = np.frombuffer(value["data"], dtype=_DTYPES[value["dtype"]]).copy()
    return torch.from_numpy(flat.reshape(value["shape"]))


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("its description gives a key twice")
    return found
