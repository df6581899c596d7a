"""The claims about Fig. 2, which need no training: they hold, or not, exactly."""

from collections.abc import Mapping, Sequence

import numpy as np

from ._certified import certified_properties, find_algorithm
from ._evidence import FAILS, HOLDS, IN_PART, NOT_TESTABLE, Part, combine
from ._measurements import Matrix
from ._protocol import Protocol

# Values that agree to this share are one number, computed in two ways.
_SAME = 1e-9


def exact_claims(protocol: Protocol) -> list[tuple[str, Part]]:
    """Judge the claims about Fig. 2: each one's words, verdict and numbers, without p-values."""
    texts = (
        "Cvg of nag is below that of gd for every k > 1",
        "Stab of nag is above that of gd for every k > 1, in b and in Q",
        "Stab x Cvg rises with k, then falls, and peaks earlier for nag, in b and in Q",
    )
    gd, nag = (find_algorithm(protocol, name) for name in ("gd", "nag"))
    if gd is None or nag is None:
        return [(text, Part(NOT_TESTABLE, "The protocol lacks gd or nag.", None)) for text in texts]
    chosen = sorted(k for k in protocol.k if k > 1)
    # The shape is looked at in every k up to the largest, whichever of them are trained.
    every = range(1, max(protocol.k) + 1)
    at_chosen = [certified_properties(each, chosen, protocol) for each in (gd, nag)]
    at_every = [certified_properties(each, every, protocol) for each in (gd, nag)]
    parts = (
        _is_below(*_values(at_chosen, "convergence")[::-1], chosen, ("nag", "gd"), ""),
        combine(
            [
                _is_below(
                    *_values(at_chosen, f"stability_in_{x}"), chosen, ("gd", "nag"), f"in {x}: "
                )
                for x in ("b", "Q")
            ]
        ),
        combine([_peaks_earlier(*_values(at_every, f"product_in_{x}"), x) for x in ("b", "Q")]),
    )
    return list(zip(texts, parts, strict=True))


def _values(of_both: Sequence[Mapping[str, Matrix]], name: str) -> tuple[Matrix, Matrix]:
    """Return a property of gd and of nag."""
    gd, nag = (columns[name] for columns in of_both)
    return gd, nag


def _is_below(
    low: Matrix, high: Matrix, k: Sequence[int], names: tuple[str, str], note: str
) -> Part:
    if not k:
        return Part(NOT_TESTABLE, f"{note}the protocol has no k > 1.", None)
    differ = np.abs(high - low) > _SAME * np.maximum(high, low)
    is_below, is_above = differ & (low < high), differ & (low > high)
    found = (
        f"{note}{names[0]} is below {names[1]} at {int(is_below.sum())} of {len(k)} k; "
        f"{low[0]:.3g} and {high[0]:.3g} at k = {k[0]}, "
        f"{low[-1]:.3g} and {high[-1]:.3g} at k = {k[-1]}."
    )
    if not differ.all():
        equal = ", ".join(str(each) for each, d in zip(k, differ, strict=True) if not d)
        found += f" Equal to nine digits at k = {equal}."
    if not is_below.any():
        return Part(FAILS, found, None)
    return Part(IN_PART if is_above.any() else HOLDS, found, None)


def _peaks_earlier(gd: Matrix, nag: Matrix, where: str) -> Part:
    """Judge values at k = 1, 2, ..."""
    peaks = [1 + int(np.argmax(values)) for values in (gd, nag)]
    found = (
        f"in {where}: the peaks up to k = {len(gd)} are at k = {peaks[0]} (gd) and "
        f"k = {peaks[1]} (nag)."
    )
    if len(gd) in peaks:
        return Part(NOT_TESTABLE, f"{found} One is at the end, where a fall cannot be seen.", None)
    shaped = [_rises_then_falls(values) for values in (gd, nag)]
    earlier = peaks[1] < peaks[0]
    if all(shaped) and earlier:
        return Part(HOLDS, found, None)
    if not all(shaped):
        found += " Not both rise to the peak and fall after it."
    return Part(IN_PART if all(shaped) or earlier else FAILS, found, None)


def _rises_then_falls(values: Matrix) -> bool:
    top = int(np.argmax(values))
    tolerance = _SAME * values[top]
    steps = np.diff(values)
    rises, falls = (steps[:top] > -tolerance).all(), (steps[top:] < tolerance).all()
    return bool(0 < top < len(values) - 1 and rises and falls)
