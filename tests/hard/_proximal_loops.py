"""The algorithms that take a penalty, as plain loops over one vector in the longest floats."""

import numpy as np

from ._loops import Long, _solve

NAMES = ("gd", "nag", "heavy_ball", "fista", "admm")


def proximal_iterates(name, Q, b, sizes, mu, start, prox):
    """Return the iterates y_0, ..., y_k of one sample, of shape (k + 1, d)."""
    Q, b, y = (np.asarray(values, dtype=Long) for values in (Q, b, start))
    mu, path = Long(mu), [y]
    z = before = y
    w = None
    for i, phi in enumerate(map(Long, sizes)):
        if name == "admm":
            # Douglas-Rachford: w is the point that the prox is taken of.
            if w is None:
                w = y - phi * (Q @ y + b)
                y = prox(w, phi)
            x = _solve(np.eye(len(b)) + phi * Q, 2 * y - w - phi * b)
            w = x + w - y
            y = prox(w, phi)
        elif name == "gd":
            y = prox(y - phi * (Q @ y + b), phi)
        elif name == "heavy_ball":
            push = (1 - np.sqrt(mu * phi)) ** 2 * (y - before)
            y, before = prox(y - phi * (Q @ y + b) + push, phi), y
        else:
            root = np.sqrt(mu * phi)
            momentum = Long(i) / (i + 3) if name == "fista" else (1 - root) / (1 + root)
            after = prox(z - phi * (Q @ z + b), phi)
            z, y = after + momentum * (after - y), after
        path.append(y)
    return np.stack(path)
