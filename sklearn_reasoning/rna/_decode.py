"""From weights of pairs to pairs, in which no base occurs twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._sequences import LEAST_SPAN

_Array = np.ndarray[Any, Any]


def decode_pairs(weights: Any, *, pseudoknots: bool = True, threshold: float = 0.5) -> _Array:
    r"""Return the pairs that weights ask for.

    Parameters
    ----------
    weights : array-like of shape (n, n)
        Of :math:`w_{ij}` and :math:`w_{ji}` the mean counts. Pairs of bases less than four places
        apart are never taken.
    pseudoknots : bool, default=True
        Whether pairs may cross. If so, a pair is taken where each base is the other's best and its
        weight is above the threshold. If not, it is the nested set of pairs with the largest sum of
        weights less the threshold.
    threshold : float, default=0.5
        The least weight of a pair.

    Returns
    -------
    ndarray of int of shape (m, 2)
        Pairs i < j, sorted by i.

    Raises
    ------
    ValueError
        If weights are not square, or not finite.

    Notes
    -----
    The best nested pairs are found exactly, by the dynamic programme of Nussinov and Jacobson
    (1980) in time :math:`O(m n)` for m pairs above the threshold.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.zeros((12, 12))
    >>> weights[0, 8], weights[1, 7], weights[2, 11] = 2.0, 2.0, 1.8
    >>> decode_pairs(weights).tolist()
    [[0, 8], [1, 7], [2, 11]]
    >>> decode_pairs(weights, pseudoknots=False).tolist()
    [[0, 8], [1, 7]]
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim != 2 or w.shape[0] != w.shape[1]:
        raise ValueError(f"weights of shape {w.shape} must be square.")
    if not np.isfinite(w).all():
        raise ValueError("weights must be finite.")
    above = np.triu(0.5 * (w + w.T) - threshold, LEAST_SPAN).clip(min=0.0)
    return _mutual(above) if pseudoknots else _nested(above)


def _mutual(above: _Array) -> _Array:
    """Return the pairs of bases of which each is the other's best."""
    if not len(above):
        return np.zeros((0, 2), dtype=np.intp)
    both = above + above.T
    best = both.argmax(axis=1)
    i = np.arange(len(both))
    taken = (best[best] == i) & (both[i, best] > 0.0) & (i < best)
    return np.stack([i[taken], best[taken]], axis=1)


def _nested(above: _Array) -> _Array:
    """Return the nested pairs with the largest sum."""
    n = len(above)
    partners = [np.flatnonzero(row) for row in above]
    # best[i, e]: of the bases from i to e - 1; from e on, nothing ends there.
    best = np.where(np.arange(n + 2)[:, None] <= np.arange(n + 1), 0.0, -np.inf)
    for i in reversed(range(n)):
        best[i, i + 1 :] = best[i + 1, i + 1 :]
        j = partners[i]
        if len(j):
            paired = (above[i, j] + best[i + 1, j])[:, None] + best[j + 1]
            np.maximum(best[i], paired.max(axis=0), out=best[i])
    pairs: list[tuple[int, int]] = []
    left = [(0, n)]
    while left:
        i, e = left.pop()
        while i < e and best[i, e] == best[i + 1, e]:
            i += 1
        if i >= e:
            continue
        ends = partners[i][partners[i] < e]
        partner = int(ends[(above[i, ends] + best[i + 1, ends] + best[ends + 1, e]).argmax()])
        pairs.append((i, partner))
        left += [(i + 1, partner), (partner + 1, e)]
    return np.array(sorted(pairs), dtype=np.intp).reshape(-1, 2)
