"""Sets and terms as the property-based tests draw them, each beside its prox in numpy."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression

from sklearn_reasoning.penalties import (
    L1,
    Affine,
    Ball,
    Box,
    Budget,
    GroupL1,
    Monotone,
    Nonnegative,
    Penalty,
    Simplex,
)


@dataclass(frozen=True)
class Drawn:
    """A penalty, its ``prox(v, phi)`` of one vector, and how far a point is from obeying it.

    ``low`` and ``high`` are bounds that no entry may pass at all.
    """

    penalty: Penalty
    prox: Callable = field(repr=False)
    violation: Callable = field(repr=False, default=lambda y: 0.0)
    low: object = -np.inf
    high: object = np.inf


def _budget(v, total, low, high):
    """Halve an interval of thresholds until floats end."""
    below, above = (v - high).min() - 1.0, (v - low).max() + 1.0
    for _ in range(200):
        tau = 0.5 * (below + above)
        below, above = (tau, above) if np.clip(v - tau, low, high).sum() > total else (below, tau)
    return np.clip(v - 0.5 * (below + above), low, high)


def _by_groups(function, v, groups):
    parts = np.split(v, np.cumsum(groups)[:-1])
    return np.concatenate([function(part) for part in parts])


def _shrunk(v, size):
    norm = np.sqrt((v * v).sum())
    return v * max(1.0 - size / norm, 0.0) if norm > 0.0 else v


@st.composite
def _groups(draw, d):
    cuts = sorted(draw(st.sets(st.integers(1, d - 1)))) if d > 1 else []
    return tuple(int(size) for size in np.diff([0, *cuts, d]))


@st.composite
def sets(draw, d, scale=1.0):
    """Draw a set of d outputs whose bounds are of the size ``scale``."""
    kind = draw(
        st.sampled_from(
            ["nonnegative", "simplex", "groups", "box", "budget", "ball", "affine", "monotone"]
        )
    )
    size = scale * draw(st.floats(0.1, 2.0))
    if kind == "nonnegative":
        return Drawn(Nonnegative(), lambda v, phi: np.maximum(v, 0.0), low=0.0)
    if kind in ("simplex", "groups"):
        groups = (d,) if kind == "simplex" else draw(_groups(d))

        def to_simplex(v):
            return _budget(v, size, 0.0, size)

        def off(y):
            return max(abs(part.sum() - size) for part in np.split(y, np.cumsum(groups)[:-1]))

        penalty = Simplex(size, groups=None if kind == "simplex" else groups)
        return Drawn(penalty, lambda v, phi: _by_groups(to_simplex, v, groups), off, low=0.0)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if kind == "box":
        low, high = np.sort(scale * rng.normal(size=(2, d)), axis=0)
        return Drawn(Box(low, high), lambda v, phi: np.clip(v, low, high), low=low, high=high)
    if kind == "budget":
        low, high = np.sort(scale * rng.normal(size=(2, d)), axis=0)
        total = float(low.sum() + draw(st.floats(0.05, 0.95)) * (high - low).sum())
        return Drawn(
            Budget(total, low=low, high=high),
            lambda v, phi: _budget(v, total, low, high),
            lambda y: abs(y.sum() - total),
            low,
            high,
        )
    if kind == "ball":
        return Drawn(
            Ball(size),
            lambda v, phi: v * min(1.0, size / np.sqrt((v * v).sum())) if v.any() else v,
            lambda y: max(np.sqrt((y * y).sum()) - size, 0.0),
        )
    if kind == "affine":
        A, c = rng.normal(size=(1, d)), np.array([size])
        return Drawn(
            Affine(A, c),
            lambda v, phi: v - A[0] * (A[0] @ v - size) / (A[0] @ A[0]),
            lambda y: abs(A[0] @ y - size) / np.sqrt(A[0] @ A[0]),
        )
    rises = draw(st.booleans())
    return Drawn(
        Monotone(rises),
        lambda v, phi: isotonic_regression(v.astype(np.float64), increasing=rises),
        lambda y: max(0.0, *(np.diff(y) * (-1 if rises else 1)), 0.0),
    )


@st.composite
def terms(draw, d, scale=1.0):
    """Draw a term that is no set, with weights of the size ``scale``."""
    weight = scale * draw(st.floats(0.01, 1.0))
    if draw(st.booleans()):
        return Drawn(
            L1(weight), lambda v, phi: np.sign(v) * np.maximum(np.abs(v) - weight * phi, 0.0)
        )
    groups = draw(_groups(d))

    def prox(v, phi):
        return _by_groups(lambda part: _shrunk(part, weight * phi), v, groups)

    return Drawn(GroupL1(weight, groups), prox)
