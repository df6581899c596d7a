"""How groups are cut into support and query: every row once, in another way every epoch."""

import numpy as np
import pytest
import torch

from sklearn_reasoning.estimators.few_shot._episodes import Episodes, support_sizes
from sklearn_reasoning.estimators.few_shot._groups import GroupedRows

SIZES = [1, 2, 3, 9, 9, 9, 4, 30]


def make_episodes(shots=5, batch_size=3, cut="random", **options):
    groups = np.repeat(np.arange(len(SIZES)), SIZES)
    x = np.arange(1.0, len(groups) + 1.0)[:, None]
    rows = GroupedRows.of(x, np.stack([groups, x[:, 0]], axis=1), groups.tolist())
    return Episodes(rows, shots, cut, batch_size, 0, torch.float64, "cpu", **options), groups


def rows_of(batch):
    """Return the rows of a batch as (row, group, is in the support)."""
    found = []
    x = batch.x[0, 0].reshape(batch.target.shape[1:3])
    for part, mask in (("support", batch.is_support[0]), ("query", batch.is_query[0])):
        for group, place in mask.nonzero().tolist():
            row = float(x[group, place])
            name, again = batch.target[0, group, place].tolist()
            assert row == again
            found.append((int(row) - 1, int(name), part == "support"))
    return found


@pytest.mark.parametrize("shots", ["auto", 5])
def test_every_row_is_there_once(shots):
    episodes, groups = make_episodes(shots)
    for epoch in range(3):
        batches = list(episodes.epoch(epoch))
        rows = [row for batch in batches for row in rows_of(batch)]
        assert sorted(row for row, *_ in rows) == list(range(len(groups)))
        assert all(groups[row] == group for row, group, _ in rows)
        n_support = np.bincount([g for _, g, first in rows if first], minlength=len(SIZES))
        half = [size // 2 for size in SIZES]
        expected = half if shots == "auto" else [min(5, size - 1) for size in SIZES]
        assert n_support.tolist() == expected
        assert sum(batch.count for batch in batches) == episodes.counts(epoch)[0]
        assert all(len(batch.x[0, 0]) % 16 == 0 for batch in batches)


def test_cuts_follow_from_the_epoch():
    episodes, _ = make_episodes()

    def cut(episodes, number):
        return sorted(row for batch in episodes.epoch(number) for row in rows_of(batch))

    assert cut(episodes, 1) == cut(episodes, 1)
    assert cut(episodes, 1) != cut(episodes, 2)
    fixed, _ = make_episodes(is_fixed=True)
    assert cut(fixed, 1) == cut(fixed, 2)


@pytest.mark.parametrize(("cut", "share"), [("random", 0.0), ("first", 1.0), ("mixed", 0.5)])
def test_supports_are_first_rows_where_they_are_to_be(cut, share):
    episodes, groups = make_episodes(cut=cut)
    firsts = np.searchsorted(groups, np.arange(len(SIZES)))
    large = 7  # thirty rows: five are the first five by chance once in 142,506 cuts
    n_first = 0
    for epoch in range(200):
        rows = [row for batch in episodes.epoch(epoch) for row in rows_of(batch)]
        support = {
            name: {row for row, group, is_support in rows if is_support and group == name}
            for name in range(len(SIZES))
        }
        n_first += support[large] == set(range(firsts[large], firsts[large] + 5))
        if cut == "first":
            assert all(
                rows == set(range(firsts[name], firsts[name] + len(rows)))
                for name, rows in support.items()
            )
    assert abs(n_first / 200 - share) < 0.12


def test_sizes_of_supports():
    sizes = np.array([1, 2, 5, 20])
    assert support_sizes(sizes, "auto").tolist() == [0, 1, 2, 10]
    assert support_sizes(sizes, 10).tolist() == [0, 1, 4, 10]
