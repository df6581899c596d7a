"""A total within bounds, against exact arithmetic, bisection and a general solver."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.optimize import brentq, lsq_linear

from sklearn_reasoning.penalties import Budget

inf = np.inf


def exactly(v, total, low, high):
    """Return the projection in rational numbers, by way of every piece of the sum."""
    v, total = [Fraction(x) for x in v], Fraction(total)

    def points(tau):
        moved = [x - tau for x in v]
        moved = [x if b == -inf else max(x, Fraction(b)) for x, b in zip(moved, low, strict=True)]
        return [x if b == inf else min(x, Fraction(b)) for x, b in zip(moved, high, strict=True)]

    places = {x - Fraction(b) for x, b in zip(v, low, strict=True) if b != -inf}
    places |= {x - Fraction(b) for x, b in zip(v, high, strict=True) if b != inf}
    places = sorted(places) or [Fraction(0)]
    places = [places[0] - 1, *places, places[-1] + 1]
    sums = [sum(points(tau)) for tau in places]
    i = max((i for i, s in enumerate(sums[1:-1], 1) if s >= total), default=0)
    slope = sums[i] - sums[i + 1]
    step = (sums[i] - total) / slope if slope else 0
    return [float(y) for y in points(places[i] + step * (places[i + 1] - places[i]))]


def problem(rng, d, scale, *, whole=False, at_the_edge=False):
    v, low, high = rng.normal(size=d) * scale, -rng.random(d), rng.random(d)
    if whole:
        v, low, high = np.round(2 * v), np.round(low), np.round(high)
    if rng.random() < 0.3:
        high[rng.random(d) < 0.4] = inf
    if rng.random() < 0.3:
        low[rng.random(d) < 0.4] = -inf
    floor, cap = np.maximum(low, -1.0), np.minimum(high, 1.0)
    total = float((floor + (cap - floor) * rng.random(d)).sum())
    if at_the_edge:
        edge = low if rng.random() < 0.5 else high
        total = float(edge.sum()) if np.isfinite(edge).all() else total
    return v, total, low, high


CASES = {
    "plain": {"scale": 1.0},
    "far": {"scale": 1e3},
    "very far": {"scale": 1e8},
    "near each other": {"scale": 1e-8},
    "ties": {"scale": 1.0, "whole": True},
    "one point": {"scale": 1.0, "at_the_edge": True},
    "one point, far": {"scale": 1e8, "at_the_edge": True},
    "one point, ties": {"scale": 2.0, "whole": True, "at_the_edge": True},
}


@pytest.mark.parametrize("case", CASES)
def test_against_exact_arithmetic(case):
    rng = np.random.default_rng(0)
    for trial in range(45):
        v, total, low, high = problem(rng, 1 + trial % 9, **CASES[case])
        budget = Budget(total, low, high)
        found = budget.prox(torch.tensor(v)[None], 1.0)
        expected = exactly(v, total, low, high)
        atol = 1e-14 * (1 + np.abs(v).max())
        np.testing.assert_allclose(found[0].numpy(), expected, rtol=0, atol=atol)
        assert (found[0].numpy() >= low).all()
        assert (found[0].numpy() <= high).all()
        assert abs(float(found.sum()) - total) <= 1e-13 * (1 + float(found.abs().sum()))
        assert budget.value(found) == 0.0


def test_many_outputs_against_bisection():
    v = np.random.default_rng(1).normal(size=(20, 400))
    caps = np.random.default_rng(2).random(400)
    found = Budget(12.0, 0.0, caps).prox(torch.tensor(v), 1.0).numpy()
    for ours, row in zip(found, v, strict=True):
        tau = brentq(lambda t, row=row: np.clip(row - t, 0, caps).sum() - 12.0, -9, 9, xtol=1e-14)
        np.testing.assert_allclose(ours, np.clip(row - tau, 0, caps), rtol=0, atol=1e-12)
    assert np.abs(found.sum(axis=1) - 12.0).max() <= 1e-12


def test_against_a_general_solver():
    """With the equation as a row of great weight."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        v, total, low, high = problem(rng, 6, 1.0)
        low, high = np.maximum(low, -2.0), np.minimum(high, 2.0) + 0.01
        A, heavy = np.vstack([np.eye(6), np.full(6, 1e5)]), 1e5 * total
        solved = lsq_linear(A, np.append(v, heavy), (low, high), tol=1e-14)
        found = Budget(total, low, high).prox(torch.tensor(v)[None], 1.0)[0]
        np.testing.assert_allclose(found.numpy(), solved.x, atol=1e-5)


def test_in_float32():
    v = torch.tensor(np.random.default_rng(4).normal(size=(50, 20)), dtype=torch.float32)
    budget = Budget(1.0, 0.01, 0.2)
    found = budget.prox(v, 1.0)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), budget.prox(v.double(), 1.0), rtol=0, atol=1e-6)
    low, high = torch.tensor(0.01), torch.tensor(0.2)
    assert ((found >= low) & (found <= high)).all()
    assert (budget.value(found) == 0.0).all()


def test_points_of_the_set_stay():
    budget = Budget(1.0, [0.0, 0.1, 0.0, 0.0], [0.5, 0.5, 0.5, inf])
    rows = [[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.0, 0.0], [0.0, 0.1, 0.0, 0.9]]
    y = torch.tensor(rows, dtype=torch.float64)
    torch.testing.assert_close(budget.prox(y, 1.0), y, rtol=0, atol=1e-15)


def test_bounds_and_totals_of_each_sample():
    v = torch.tensor(np.random.default_rng(5).normal(size=(3, 4)))
    total = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
    high = torch.tensor(np.random.default_rng(6).random((3, 4))) + 0.5
    found = Budget(total, 0.0, high).prox(v, 1.0)
    for i in range(3):
        alone = Budget(float(total[i]), 0.0, high[i].numpy()).prox(v[i : i + 1], 1.0)
        assert torch.equal(found[i : i + 1], alone)
    stacked = Budget(total[:, None], 0.0, high).prox(v.expand(2, 3, 4), 1.0)
    assert torch.equal(stacked, found.expand(2, 3, 4))


def test_what_is_not_a_number_spreads_over_its_row_alone():
    v = torch.tensor([[0.0, torch.nan, 1.0], [0.0, 0.0, 1.0]])
    found = Budget(1.0, high=0.5).prox(v, 1.0)
    assert found[0].isnan().all()
    assert found[1].tolist() == [0.25, 0.25, 0.5]


def test_on_a_plateau_nothing_moves():
    """Two caps use the total up, with room to spare: derivatives are 0 in v, 1 in the caps."""
    v = torch.tensor([[5.0, 5.0, 0.0]], dtype=torch.float64)
    by_v = torch.func.jacrev(lambda v: Budget(1.0, high=0.5).prox(v, 1.0))(v)
    assert (by_v == 0.0).all()
    v = torch.tensor([[5.0, 6.0, 0.0, -1.0]], dtype=torch.float64)
    for total, cap in ((0.3, 0.1), (0.2, 0.1), (0.1 + 0.2, 0.3)):  # rounded unlike their sums
        by_v = torch.func.jacrev(lambda v, t=total, c=cap: Budget(t, high=c).prox(v, 1.0))(v)
        assert float(by_v.abs().max()) in (0.0, pytest.approx(0.5))
        near = Budget(total, high=cap).prox(v + torch.tensor([[1e-6, 0, 0, 0]]), 1.0)
        moved = (near - Budget(total, high=cap).prox(v, 1.0)) / 1e-6
        torch.testing.assert_close(moved, by_v[..., 0, 0], rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("budget", "d", "norm"),
    [
        (Budget(1.0), 4, 1.0),
        (Budget(1.0, high=0.5), 4, 0.5**0.5),
        (Budget(1.0, high=0.4), 4, (2 * 0.16 + 0.08) ** 0.5),  # above the corner's .6
        (Budget(0.0, low=-1.0, high=1.0), 2, 2**0.5),
        (Budget(2.0, low=-1.0), 2, 10**0.5),
        (Budget(3.0, low=1.0), 3, 3**0.5),
        (Budget(0.0, low=-inf), 2, inf),
        (Budget(0.0, low=[-inf, 0.0], high=[inf, 1.0]), 2, 2**0.5),
        (Budget([1.0, 5.0]), 2, 5.0),
    ],
)
def test_largest_norm(budget, d, norm):
    assert budget.largest_norm(d) == pytest.approx(norm)


def test_no_point_is_longer_than_the_largest_norm():
    rng = np.random.default_rng(7)
    for trial in range(40):
        _, total, low, high = problem(rng, 5, 1.0, whole=trial % 2 == 0)
        budget = Budget(total, low, high)
        points = budget.prox(torch.tensor(50.0 * rng.normal(size=(200, 5))), 1.0)
        longest = float(points.norm(dim=-1).max())
        assert longest <= budget.largest_norm(5) * (1 + 1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("offset", "scale"), [(1e8, 1.0), (0.0, 1e8), (1e8, 1e3), (0.0, 1e30)])
def test_numbers_that_dwarf_the_bounds(offset, scale, dtype):
    """So large that v less a bound is v again: outputs are in the set all the same."""
    rng = np.random.default_rng(8)
    v = torch.tensor(offset + scale * rng.normal(size=(200, 12)), dtype=dtype)
    caps = torch.tensor(0.2 + rng.random((200, 12)), dtype=dtype)
    for budget in (Budget(1.0, high=0.3), Budget(2.0, -0.5, 1.0), Budget(1.0, high=caps)):
        found = budget.prox(v, 1.0)
        assert (budget.value(found) == 0.0).all()
