"""How the curves of a properties display look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_reasoning._support.drawing import drawable

from ._property_curves import PropertyCurve

SHORT = {
    "convergence": "Cvg",
    "stability": "Stab",
    "stability_in_Q": "Stab in Q",
    "stability_in_b": "Stab in b",
    "product": "Stab x Cvg",
    "sensitivity": "Sens",
}
# Two bounds that are nearer than this look the same.
_VISIBLE = 1.02
HOLLOW: dict[str, Any] = {
    "linestyle": "",
    "marker": "o",
    "markersize": 4,
    "markerfacecolor": "none",
}


def draw(ax: Any, curve: PropertyCurve, quantity: str, style: dict[str, Any]) -> tuple[Any, Any]:
    """Draw the certified bound, and what is attained where that is visibly less, or None."""
    bounds = getattr(curve, quantity)
    certified = drawable(bounds.certified)
    (line,) = ax.plot(curve.k, certified, **{**_for_lone_points(certified), **style})
    below = bounds.attained < bounds.certified / _VISIBLE
    if not below.any():
        return line, None
    (attained,) = ax.plot(
        curve.k[below],
        drawable(bounds.attained[below]),
        color=line.get_color(),
        label=f"{curve.label}, attained",
        **HOLLOW,
    )
    return line, attained


def _for_lone_points(values: NDArray[Any]) -> dict[str, Any]:
    """Return a marker for points without a neighbour, of which no line would show anything."""
    finite = np.pad(np.isfinite(values), 1)
    lone = np.flatnonzero(finite[1:-1] & ~finite[:-2] & ~finite[2:])
    return {"marker": "s", "markersize": 5, "markevery": lone.tolist()} if len(lone) else {}


def top_of(curves: Sequence[PropertyCurve], quantity: str) -> float:
    """Return where a linear axis ends: a bound far above all that is attained would flatten it."""
    bounds = [getattr(curve, quantity) for curve in curves]
    attained = drawable(np.concatenate([bound.attained for bound in bounds]))
    certified = drawable(np.concatenate([bound.certified for bound in bounds]))
    highest = np.nanmax(attained, initial=0.0)
    shown = certified[certified <= 2.0 * highest]
    return 1.06 * float(max(highest, shown.max(initial=0.0))) or 1.0


def unproven(curve: PropertyCurve, quantities: Sequence[str]) -> str:
    """Return where an algorithm's lines end, in words."""
    ends: dict[str, list[str]] = {}
    for quantity in quantities:
        nothing = np.isinf(getattr(curve, quantity).certified)
        if nothing.any():
            first = curve.k[nothing][0]
            tail = nothing[curve.k >= first].all()
            where = f"from k = {first}" if tail else f"for {nothing.sum()} of {len(curve.k)} k"
            ends.setdefault(where, []).append(SHORT[quantity])
    parts = [f"{' and '.join(names)} {where}" for where, names in ends.items()]
    return f" (nothing proven: {'; '.join(parts)})" if parts else ""
