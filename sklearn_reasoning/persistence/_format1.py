"""Files of format 1: one estimator, no checksum, no version of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def upgrade(
    document: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what a file of format 1 holds as format 2 has it.

    Parameters
    ----------
    document : mapping
        Of format 1: ``{"dict": {"format_version": 1, ...}}``.
    tensors : mapping of str to Tensor

    Returns
    -------
    document : dict
    tensors : dict of str to Tensor

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is of no known format.
    """
    old = document["dict"]
    if type(old["format_version"]) is not int or old["format_version"] != 1:
        raise ValueError(f"format version {old['format_version']!r} is unknown to this release")
    model = {
        "class": old["class"],
        "number": 0,
        "parameters": old["parameters"]["dict"],
        "fitted": old["fitted"]["dict"],
    }
    upgraded = {"format_version": 2, "versions": {}, "model": model}
    return upgraded, {f"0.{name}": tensor for name, tensor in tensors.items()}
