"""Shares of a total, against a plain loop over sorted entries."""

import numpy as np
import pytest
import torch
from _covering import covering
from scipy.optimize import minimize

from sklearn_reasoning.penalties import Budget, Simplex


def by_loop(v, total=1.0):
    """Take entries in falling order while the next one is above the threshold so far."""
    v = v - v.max()
    order = np.sort(v)[::-1]
    threshold = order[0] - total
    for count in range(2, len(v) + 1):
        if order[count - 1] <= threshold:
            break
        threshold = (order[:count].sum() - total) / count
    return np.maximum(v - threshold, 0.0)


def drawn(seed, n=40, d=6):
    return np.random.default_rng(seed).normal(size=(n, d))


ROWS = {
    "near": drawn(0),
    "far": 1e8 * drawn(1),
    "far off, near each other": 1e8 + drawn(2),
    "tiny": 1e-8 * drawn(3),
    "ties": np.round(drawn(4)),
    "all equal": np.ones((2, 5)),
    "one output": drawn(5, d=1),
    "many outputs": drawn(6, n=5, d=3000),
    "corners": np.eye(4),
}


@covering("name, total", ROWS, [1.0, 0.01, 250.0])
def test_against_a_loop(name, total):
    v = ROWS[name]
    found = Simplex(total).prox(torch.tensor(v), 0.3).numpy()
    expected = np.array([by_loop(row, total) for row in v])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14 * total * v.shape[1] ** 0.5)
    assert (found >= 0.0).all()
    assert np.abs(found.sum(axis=1) - total).max() <= 1e-12 * total
    assert (Simplex(total).value(torch.tensor(found)) == 0.0).all()


def test_in_float32():
    v = torch.tensor(drawn(7, d=50), dtype=torch.float32)
    found = Simplex().prox(v, 1.0)
    assert found.dtype == torch.float32
    expected = Simplex().prox(v.double(), 1.0)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-6)
    assert (found >= 0.0).all()
    assert (Simplex().value(found) == 0.0).all()


def test_points_of_the_set_stay():
    inside = np.random.default_rng(8).dirichlet(np.ones(7), size=30)
    for points in (inside, np.eye(7), np.full((1, 7), 1 / 7)):
        found = Simplex().prox(torch.tensor(points), 1.0).numpy()
        np.testing.assert_allclose(found, points, rtol=0, atol=1e-15)


def test_a_total_of_nothing_leaves_the_origin():
    assert torch.equal(Simplex(0.0).prox(torch.ones(2, 3), 1.0), torch.zeros(2, 3))
    assert Simplex(0.0).value(torch.zeros(2, 3)).tolist() == [0.0, 0.0]
    assert Simplex(0.0).largest_norm(3) == 0.0


def test_value_is_infinite_outside():
    rows = [[0.5, 0.5], [0.5, 0.5 + 1e-9], [1.5, -0.5], [1.0, -1e-300], [0.3, 0.3]]
    y = torch.tensor(rows, dtype=torch.float64)
    assert Simplex().value(y).tolist() == [0.0, np.inf, np.inf, np.inf, np.inf]


def test_what_is_not_a_number_spreads_over_its_row_alone():
    v = torch.tensor([[0.0, torch.nan, 1.0], [0.0, 0.0, 1.0], [-torch.inf, 2.0, 2.0]])
    found = Simplex().prox(v, 1.0)
    assert found[0].isnan().all()
    assert found[1:].tolist() == [[0.0, 0.0, 1.0], [0.0, 0.5, 0.5]]
    assert Simplex().value(found).tolist() == [np.inf, 0.0, 0.0]


# ---------------------------------------------------------------------- groups


@pytest.mark.parametrize("sizes", [(3, 4, 2), (1, 1, 5), (7,), (2, 2, 2), (1, 1, 1)])
def test_each_group_is_on_a_simplex_of_its_own(sizes):
    v = drawn(9, d=sum(sizes))
    found = Simplex(2.0, groups=sizes).prox(torch.tensor(v), 1.0).numpy()
    ends = np.cumsum(sizes)[:-1]
    for ours, rows in zip(np.split(found, ends, 1), np.split(v, ends, 1), strict=True):
        expected = [by_loop(row, 2.0) for row in rows]
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-14)
    assert (Simplex(2.0, groups=sizes).value(torch.tensor(found)) == 0.0).all()
    assert Simplex(2.0, groups=sizes).largest_norm(sum(sizes)) == pytest.approx(
        2.0 * len(sizes) ** 0.5
    )


def test_totals_of_groups_and_of_samples():
    v = torch.tensor(drawn(10, n=3, d=4))
    of_groups = Simplex([1.0, 3.0], groups=(3, 1)).prox(v, 1.0)
    torch.testing.assert_close(of_groups[:, :3].sum(-1), torch.ones(3, dtype=torch.float64))
    assert (of_groups[:, 3] == 3.0).all()
    totals = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    for total in (totals, totals[:, None], totals.numpy(), totals.tolist()):
        torch.testing.assert_close(Simplex(total).prox(v, 1.0).sum(-1), totals)
        torch.testing.assert_close(
            Simplex(total).prox(v.expand(2, 3, 4), 1.0).sum(-1), totals.expand(2, 3)
        )
    both = torch.stack([totals, 2.0 * totals], dim=-1)
    found = Simplex(both, groups=(1, 3)).prox(v, 1.0)
    torch.testing.assert_close(torch.stack([found[:, 0], found[:, 1:].sum(-1)], dim=-1), both)


def test_a_group_value_looks_at_every_group():
    y = torch.tensor([[1.0, 0.25, 0.75], [0.25, 0.75, 1.0], [1.0, -0.5, 1.5]])
    assert Simplex(groups=(1, 2)).value(y).tolist() == [0.0, np.inf, np.inf]


# ---------------------------------------------------------------------- other ways to it


def test_it_is_the_budget_without_caps():
    v = torch.tensor(drawn(11, d=12))
    torch.testing.assert_close(
        Simplex(2.0).prox(v, 1.0), Budget(2.0).prox(v, 1.0), rtol=0, atol=1e-14
    )


def test_against_a_general_solver():
    for v in drawn(12, n=5):
        solved = minimize(
            lambda y, v=v: np.sum((y - v) ** 2),
            np.full(6, 1 / 6),
            jac=lambda y, v=v: 2 * (y - v),
            bounds=[(0, None)] * 6,
            constraints={"type": "eq", "fun": lambda y: y.sum() - 1},
            options={"ftol": 1e-14},
        )
        found = Simplex().prox(torch.tensor(v)[None], 1.0)[0].numpy()
        np.testing.assert_allclose(found, solved.x, atol=1e-6)


def test_against_entmax():
    sparsemax = pytest.importorskip("entmax").sparsemax
    v = torch.tensor(drawn(13, d=30)).requires_grad_()
    pull = torch.tensor(drawn(14, d=30))
    theirs = sparsemax(v, dim=-1)
    ours = Simplex().prox(v, 1.0)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(
        torch.autograd.grad(ours, v, pull), torch.autograd.grad(theirs, v, pull)
    )
