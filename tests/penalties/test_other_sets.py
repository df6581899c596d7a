"""Boxes, balls, equations, order, and the two norms: each against another way to its numbers."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.isotonic import isotonic_regression

from sklearn_reasoning.penalties import L1, Affine, Ball, Box, GroupL1, Monotone, Nonnegative


def drawn(seed, n=40, d=6):
    return np.random.default_rng(seed).normal(size=(n, d))


# ---------------------------------------------------------------------- boxes


def test_a_box_clips():
    v, low, high = drawn(0), -np.random.default_rng(1).random(6), np.random.default_rng(2).random(6)
    for dtype in (np.float64, np.float32):
        rows = v.astype(dtype)
        found = Box(low, high).prox(torch.tensor(rows), 1.0)
        np.testing.assert_array_equal(
            found.numpy(), np.clip(rows, low.astype(dtype), high.astype(dtype))
        )
        assert (Box(low, high).value(found) == 0.0).all()
    assert Box(0.0, np.inf) != Nonnegative()
    assert torch.equal(
        Box(0.0, np.inf).prox(torch.tensor(v), 1.0), Nonnegative().prox(torch.tensor(v), 1.0)
    )


def test_a_box_of_one_point():
    found = Box([1.0, 2.0], [1.0, 2.0]).prox(torch.tensor(drawn(3, d=2)), 1.0)
    assert found.tolist() == [[1.0, 2.0]] * 40


def test_an_edge_of_a_box_still_learns():
    v = torch.tensor([[0.0, 1.0, 2.0, -1.0]], requires_grad=True)
    Box(torch.zeros(4), 1.0).prox(v, 1.0).sum().backward()
    assert v.grad.tolist() == [[1.0, 1.0, 0.0, 0.0]]


def test_largest_norm_of_boxes():
    assert Box(-3.0, 1.0).largest_norm(4) == 6.0
    assert Box([0.0, -2.0], 1.0).largest_norm(2) == pytest.approx(5**0.5)
    assert Box([[0.0, -2.0], [0.0, 0.0]], [[1.0, 1.0], [3.0, 4.0]]).largest_norm(2) == 5.0
    assert Box(0.0, np.inf).largest_norm(3) == np.inf
    assert Nonnegative().largest_norm(3) == np.inf


# ---------------------------------------------------------------------- balls


@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e8])
def test_a_ball_shortens(scale):
    v = scale * drawn(4)
    length = np.linalg.norm(v, axis=1, keepdims=True)
    for radius in (0.5, 2.0, 0.0):
        found = Ball(radius).prox(torch.tensor(v), 1.0).numpy()
        expected = v * np.minimum(1.0, radius / length)
        np.testing.assert_allclose(found, expected, rtol=1e-14, atol=0)
        assert np.linalg.norm(found, axis=1).max() <= radius * (1 + 1e-15)
        assert (Ball(radius).value(torch.tensor(found)) == 0.0).all()
    assert Ball(0.5).value(torch.tensor([[0.3, 0.4], [0.3, 0.41]])).tolist() == [0.0, np.inf]


def test_a_ball_at_its_middle_has_derivatives():
    v = torch.zeros(1, 3, dtype=torch.float64)
    hessian = torch.func.jacrev(torch.func.jacrev(lambda v: Ball(1.0).prox(v, 1.0)))(v)
    assert (hessian == 0.0).all()


# ---------------------------------------------------------------------- equations


@pytest.mark.parametrize("m", [1, 3, 6])
def test_equations_hold_and_the_point_is_the_nearest(m):
    A, c = np.random.default_rng(5).normal(size=(m, 6)), np.random.default_rng(6).normal(size=m)
    v = drawn(7)
    balance = Affine(A, c)
    found = balance.prox(torch.tensor(v), 1.0).numpy()
    for row, ours in zip(v, found, strict=True):
        # The conditions of first order, solved as one system.
        system = np.block([[np.eye(6), A.T], [A, np.zeros((m, m))]])
        expected = np.linalg.solve(system, np.append(row, c))[:6]
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)
    assert np.abs(found @ A.T - c).max() <= 1e-12
    assert (balance.value(torch.tensor(found)) == 0.0).all()
    assert (balance.value(torch.tensor(v)) == np.inf).all()
    if m == 6:
        assert balance.largest_norm(6) == pytest.approx(np.linalg.norm(np.linalg.solve(A, c)))
    else:
        assert balance.largest_norm(6) == np.inf


def test_equations_that_say_a_thing_twice():
    A = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    twice, once = Affine(A, [1.0, 2.0, 3.0]), Affine(A[[0, 2]], [1.0, 3.0])
    v = torch.tensor(drawn(8, d=3))
    torch.testing.assert_close(twice.prox(v, 1.0), once.prox(v, 1.0), rtol=0, atol=1e-14)
    with pytest.raises(ValueError, match=r"A y = c has no solution.* c=\[1.0, 2.5, 3.0\] does not"):
        Affine(A, [1.0, 2.5, 3.0])
    with pytest.raises(ValueError, match=r"c=\[0.0, 1.0, 0.0\] does not, in row 1"):
        Affine(A, [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    of_samples = Affine(A, torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    with pytest.raises(ValueError, match=r"c=\[0.0, 1.0, 0.0\] does not, in row 1"):
        of_samples.check(3)


def test_equations_far_from_the_origin():
    balance = Affine([[1.0, 1.0, -1.0]], [0.0])
    found = balance.prox(torch.tensor(1e8 * drawn(9, d=3)), 1.0)
    assert (balance.value(found) == 0.0).all()
    in_float32 = balance.prox(torch.tensor(drawn(9, d=3), dtype=torch.float32), 1.0)
    assert in_float32.dtype == torch.float32
    assert (balance.value(in_float32) == 0.0).all()


def test_right_hand_sides_of_each_sample():
    v, c = torch.tensor(drawn(10, n=3, d=4)), torch.tensor(drawn(11, n=3, d=2))
    A = drawn(12, n=2, d=4)
    found = Affine(A, c).prox(v, 1.0)
    for i in range(3):
        assert torch.equal(found[i], Affine(A, c[i].numpy()).prox(v[i : i + 1], 1.0)[0])
    torch.testing.assert_close(found @ torch.tensor(A).mT, c)


# ---------------------------------------------------------------------- order


@pytest.mark.parametrize("d", [1, 2, 3, 10, 40])
@pytest.mark.parametrize("kind", ["plain", "ties", "far", "far off", "sorted", "reversed"])
def test_order_against_isotonic_regression(kind, d):
    v = drawn(13, n=25, d=d)
    if kind == "ties":
        v = np.round(v)
    elif kind == "far":
        v = 1e8 * v
    elif kind == "far off":
        v = 1e8 + v
    elif kind != "plain":
        v = np.sort(v, axis=1)[:, :: 1 if kind == "sorted" else -1].copy()
    for increasing in (True, False):
        curve = Monotone(increasing)
        found = curve.prox(torch.tensor(v), 1.0)
        expected = [isotonic_regression(row, increasing=increasing) for row in v]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(v).max())
        assert (curve.value(found) == 0.0).all()
        assert (curve.value(curve.prox(torch.tensor(v, dtype=torch.float32), 1.0)) == 0.0).all()


def test_order_has_the_derivatives_of_means():
    v = torch.tensor([[3.0, 1.0, 1.4, 7.0, 6.5]], dtype=torch.float64)
    by_v = torch.func.jacrev(lambda v: Monotone().prox(v, 1.0))(v)[0, :, 0]
    blocks = torch.block_diag(torch.full((3, 3), 1 / 3), torch.full((2, 2), 0.5)).double()
    torch.testing.assert_close(by_v, blocks, rtol=0, atol=1e-7)


def test_order_tells_curves_apart():
    y = torch.tensor([[1.0, 1.0, 2.0], [1.0, 0.9999, 2.0], [3.0, 2.0, 2.0]])
    assert Monotone().value(y).tolist() == [0.0, np.inf, np.inf]
    assert Monotone(increasing=False).value(y).tolist() == [np.inf, np.inf, 0.0]


# ---------------------------------------------------------------------- norms


def test_l1_thresholds_softly():
    v, weight = drawn(14), np.random.default_rng(15).random(6)
    for step in (0.1, 2.0, torch.tensor(0.7, dtype=torch.float64)):
        found = L1(weight).prox(torch.tensor(v), step).numpy()
        expected = np.sign(v) * np.maximum(np.abs(v) - weight * float(step), 0.0)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-16)
    np.testing.assert_allclose(L1(weight).value(torch.tensor(v)), np.abs(v) @ weight)
    assert torch.equal(L1(0.0).prox(torch.tensor(v), 1.0), torch.tensor(v))


def test_what_costs_nothing_still_learns_at_zero():
    v = torch.zeros(1, 2, requires_grad=True)
    L1([0.0, 1.0]).prox(v, 0.5).sum().backward()
    assert v.grad.tolist() == [[1.0, 0.0]]
    v = torch.zeros(1, 2, requires_grad=True)
    GroupL1([0.0, 1.0], groups=(1, 1)).prox(v, 0.5).sum().backward()
    assert v.grad.tolist() == [[0.0, 0.0]]  # lengths have no derivative at 0


@pytest.mark.parametrize("sizes", [(3, 1, 2), (2, 2, 2), (6,)])
def test_group_l1_shortens_groups(sizes):
    v, weight = drawn(16), np.random.default_rng(17).random(len(sizes)) + 0.3
    term = GroupL1(weight, groups=sizes)
    found = term.prox(torch.tensor(v), 1.5).numpy()
    ends, value = np.cumsum(sizes)[:-1], 0.0
    for w, ours, rows in zip(weight, np.split(found, ends, 1), np.split(v, ends, 1), strict=True):
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        expected = rows * np.maximum(0.0, 1.0 - 1.5 * w / length)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-15)
        value = value + w * length[:, 0]
    np.testing.assert_allclose(term.value(torch.tensor(v)), value)
    assert (found == 0.0).any()


def test_groups_of_one_are_l1():
    v = torch.tensor(drawn(18))
    torch.testing.assert_close(
        GroupL1(0.4, groups=(1,) * 6).prox(v, 0.5), L1(0.4).prox(v, 0.5), rtol=0, atol=1e-15
    )


@pytest.mark.parametrize(
    "term",
    [L1(0.4), L1([0.4, 0.1, 0.2, 0.0, 1.0, 0.3]), GroupL1(0.4, (4, 2)), GroupL1(0.4, (3, 3))],
)
def test_steps_of_each_sample(term):
    v = torch.tensor(drawn(19, n=3))
    steps = torch.tensor([[0.1], [0.5], [2.0]], dtype=torch.float64)
    found = term.prox(v, steps)
    for i in range(3):
        assert torch.equal(found[i : i + 1], term.prox(v[i : i + 1], float(steps[i])))
    of_models = term.prox(v.expand(2, 3, 6), torch.tensor([[[0.1]], [[2.0]]], dtype=torch.float64))
    assert torch.equal(of_models[0, 0], found[0])
    assert torch.equal(of_models[1, 2], found[2])


@pytest.mark.parametrize(
    "penalty",
    [Box(-0.2, 0.7), Ball(0.8), L1(0.3), GroupL1(0.3, groups=(2, 1)), Affine([[1.0, 2.0, 3.0]], 1)],
    ids=repr,
)
def test_against_a_general_solver(penalty):
    for v in drawn(20, n=4, d=3):
        aim = torch.tensor(v)

        def cost(y, aim=aim):
            y = penalty.project(torch.tensor(y)[None])[0]
            return float(penalty.value(y[None])) + 0.5 * float((y - aim).square().sum()) / 0.6

        solved = minimize(cost, v, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13})
        found = penalty.prox(aim[None], 0.6)[0].numpy()
        assert cost(found) <= solved.fun + 1e-9
