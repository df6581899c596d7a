"""Model files taken apart and put together by docs/model-files.md, with no code of the package."""

import hashlib
import json
import struct

SHA256_OF_NOTHING = "0" * 64


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
