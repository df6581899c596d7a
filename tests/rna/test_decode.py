"""Discrete pairs: valid for any weights, and the best nested ones."""

import numpy as np
import pytest

from sklearn_reasoning.rna import decode_pairs


def all_nested(pairs):
    """Yield every nested set of disjoint pairs, by recursion over the list."""
    if not pairs:
        yield []
        return
    (i, j), *rest = pairs
    yield from all_nested(rest)
    compatible = [(a, b) for a, b in rest if len({i, j, a, b}) == 4 and not i < a < j < b]
    compatible = [(a, b) for a, b in compatible if not a < i < b < j]
    for others in all_nested(compatible):
        yield [(i, j), *others]


def crosses(pairs):
    return any(i < a < j < b for i, j in pairs for a, b in pairs)


@pytest.mark.parametrize("seed", range(30))
def test_nested_pairs_are_the_best_ones(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 13))
    weights = rng.uniform(-1.0, 1.0, (n, n)) * (rng.random((n, n)) < 0.5)
    worth = 0.5 * (weights + weights.T) - 0.1
    candidates = [(i, j) for i in range(n) for j in range(i + 4, n) if worth[i, j] > 0.0]
    best = max(sum(worth[pair] for pair in pairs) for pairs in all_nested(candidates))
    found = [tuple(pair) for pair in decode_pairs(weights, pseudoknots=False, threshold=0.1)]
    assert not crosses(found)
    assert sum(worth[pair] for pair in found) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize(("pseudoknots", "n_drawn"), [(True, 10_000), (False, 2000)])
def test_no_base_is_in_two_pairs_of_random_weights(pseudoknots, n_drawn):
    rng = np.random.default_rng(0)
    for _ in range(n_drawn):
        n = int(rng.integers(1, 10))
        # Few different numbers: many ties.
        pairs = decode_pairs(
            rng.integers(-2, 4, (n, n)), pseudoknots=pseudoknots, threshold=rng.uniform(-1, 1)
        )
        assert len(np.unique(pairs)) == pairs.size
        assert (pairs[:, 1] - pairs[:, 0] >= 4).all()
        assert (np.diff(pairs[:, 0]) > 0).all()


def test_a_long_nested_structure():
    rng = np.random.default_rng(1)
    pairs = decode_pairs(rng.random((300, 300)), pseudoknots=False)
    assert len(np.unique(pairs)) == pairs.size
    assert not crosses(pairs.tolist())


def test_mutual_pairs_are_all_pairs_above_half_of_a_feasible_pairing():
    rng = np.random.default_rng(2)
    y = rng.random((40, 40)) ** 20
    y = y + y.T
    y /= np.maximum(1.0, np.maximum.outer(y.sum(axis=1), y.sum(axis=1)))
    expected = np.argwhere(np.triu(y > 0.5, 4))
    np.testing.assert_array_equal(decode_pairs(y), expected)


def test_bad_weights():
    with pytest.raises(ValueError, match="must be square"):
        decode_pairs(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="must be finite"):
        decode_pairs([[np.nan]])
