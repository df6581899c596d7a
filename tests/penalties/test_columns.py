"""Numbers of each sample: what stands in columns of X, arrays with a row a sample, and checks."""

import copy
import pickle

import numpy as np
import pytest
import torch

from sklearn_reasoning.penalties import (
    L1,
    Affine,
    Ball,
    Box,
    Budget,
    Columns,
    GroupL1,
    Monotone,
    Nonnegative,
    Penalty,
    Simplex,
    penalty_of,
)

N, D = 5, 3


def numbers(*shape):
    return torch.tensor(np.random.default_rng(0).random(shape)) + 0.5


# A penalty of columns, and the same one of the values of n samples.
CASES = {
    "box, an output each": (
        Box(0.0, Columns(["a", "b", "c"])),
        lambda values: Box(0.0, values),
    ),
    "box, one for all": (Box(Columns([4]), 2.0), lambda values: Box(values, 2.0)),
    "box, both": (
        Box(Columns(["low"]), Columns(["a", "b", "c"])),
        lambda values: Box(values[:, :1], values[:, 1:]),
    ),
    "budget": (
        Budget(Columns(["load"]), 0.0, Columns(["a", "b", "c"])),
        lambda values: Budget(values[:, 0], 0.0, values[:, 1:]),
    ),
    "a column twice": (
        Budget(Columns(["a"]), 0.0, Columns(["a", "b", "a"])),
        lambda values: Budget(values[:, 0], 0.0, values[:, [0, 1, 0]]),
    ),
    "simplex": (Simplex(Columns([0])), lambda values: Simplex(values)),
    "simplex of groups": (
        Simplex(Columns([0, 1]), groups=(1, 2)),
        lambda values: Simplex(values, groups=(1, 2)),
    ),
    "ball": (Ball(Columns(["r"])), lambda values: Ball(values)),
    "affine": (
        Affine([[1.0, 1.0, 1.0], [0.0, 1.0, -1.0]], Columns(["c1", "c2"])),
        lambda values: Affine([[1.0, 1.0, 1.0], [0.0, 1.0, -1.0]], values),
    ),
    "l1": (L1(Columns(["w"])), lambda values: L1(values)),
    "group l1": (
        GroupL1(Columns(["w1", "w2"]), groups=(2, 1)),
        lambda values: GroupL1(values, groups=(2, 1)),
    ),
    "a set and a term": (
        penalty_of(Box(-1.0, Columns(["cap"])), L1(Columns(["w"]))),
        lambda values: penalty_of(Box(-1.0, values[:, :1]), L1(values[:, 1:])),
    ),
    "a set of one's own, in units": (
        Penalty.in_units(Box(0.0, Columns(["cap"])), 2.0),
        lambda values: Penalty.in_units(Box(0.0, values), 2.0),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_values_take_the_place_of_the_columns(name):
    penalty, made = CASES[name]
    names = penalty.columns()
    assert len(set(names)) == len(names)
    values = numbers(N, len(names))
    filled, expected = penalty.with_columns(values), made(values)
    assert type(filled) is type(penalty)
    assert filled.columns() == ()
    v = 3.0 * torch.tensor(np.random.default_rng(1).normal(size=(N, D)))
    assert torch.equal(filled.prox(v, 0.7), expected.prox(v, 0.7))
    torch.testing.assert_close(filled.value(v), expected.value(v))
    stacked = filled.prox(v.expand(2, N, D), 0.7)
    assert torch.equal(stacked, expected.prox(v, 0.7).expand(2, N, D))


@pytest.mark.parametrize("name", CASES)
def test_models_with_rows_of_their_own(name):
    penalty, _ = CASES[name]
    values = numbers(2, N, len(penalty.columns()))
    v = 3.0 * torch.tensor(np.random.default_rng(1).normal(size=(2, N, D)))
    found = penalty.with_columns(values).prox(v, 0.7)
    for i in range(2):
        assert torch.equal(found[i], penalty.with_columns(values[i]).prox(v[i], 0.7))


@pytest.mark.parametrize("name", CASES)
def test_until_then_it_says_what_is_missing(name):
    penalty, _ = CASES[name]
    v = torch.zeros(N, D)
    for use in (lambda: penalty.prox(v, 1.0), lambda: penalty.value(v)):
        with pytest.raises(
            ValueError, match=r"from the columns .* of X, and does not have them yet"
        ):
            use()
    penalty.check(D)  # what is known is all right
    twin = pickle.loads(pickle.dumps(penalty))
    assert twin == penalty
    assert hash(twin) == hash(penalty)
    assert "Columns(names=" in repr(penalty)


def test_other_units_wait_for_the_columns():
    penalty = Budget(Columns(["load"]), 0.0, Columns(["a", "b", "c"]))
    with pytest.raises(ValueError, match="does not have them yet"):
        penalty.in_units(2.0)
    filled = penalty.with_columns(numbers(N, 4))
    v = torch.tensor(np.random.default_rng(1).normal(size=(N, D)))
    torch.testing.assert_close(2.0 * filled.in_units(2.0).prox(v / 2.0, 1.0), filled.prox(v, 1.0))


def test_derivatives_reach_the_columns():
    values = numbers(N, 4).requires_grad_()
    penalty = Budget(Columns([0]), 0.0, Columns([1, 2, 3]))
    v = torch.tensor(np.random.default_rng(1).normal(size=(N, D)))
    assert torch.autograd.gradcheck(lambda x: penalty.with_columns(x).prox(v, 1.0), (values,))


def test_the_order_of_columns():
    budget = Budget(Columns([7]), Columns([3]), Columns([7, 2, 3]))
    assert budget.columns() == (7, 3, 2)
    with pytest.raises(
        ValueError, match=r"shape \(5, 2\) do not go with the 3 columns \[7, 3, 2\]"
    ):
        budget.with_columns(numbers(5, 2))
    assert Nonnegative().columns() == ()
    assert Nonnegative().with_columns(torch.empty(4, 0)) == Nonnegative()


@pytest.mark.parametrize("names", ["load", 3, 2.5, None, ["a", 1], [True, False], [1.5], [None]])
def test_what_are_no_columns(names):
    with pytest.raises(TypeError, match="names="):
        Columns(names)


def test_columns_are_values():
    assert Columns(["a", "b"]) == Columns(("a", "b")) != Columns(["b", "a"])
    assert Columns(np.array([1, 2])) == Columns([1, 2])
    assert hash(Columns(range(2))) == hash(Columns([0, 1]))
    assert repr(Columns(["a"])) == "Columns(names=('a',))"
    assert not isinstance(Columns(["a"]), Penalty)
    with pytest.raises(ValueError, match="no column"):
        Columns([])


# ---------------------------------------------------------------------- checks of rows


LOADS = torch.tensor([[1.0, 0.5, 0.5], [1.0, 0.5, 0.4], [9.0, 0.5, 0.4]])


@pytest.mark.parametrize(
    ("penalty", "d", "message"),
    [
        (
            Budget(Columns([0]), high=Columns([1, 2])).with_columns(LOADS),
            2,
            r"Budget: total=1 is above the sum of high, 0.9: the set is empty, in row 1\.",
        ),
        (
            Budget([3.0, 3.5, -1.0], high=1.0),
            3,
            r"total=3.5 is above the sum of high, 3: the set is empty, in row 1\.",
        ),
        (Budget(torch.tensor([1.0, 1.0, -0.5])), 2, r"below the sum of low, 0: .*, in row 2\."),
        (Budget(2.0, high=0.5), 3, r"total=2 is above the sum of high, 1.5: the set is empty\."),
        (Budget(1.0, low=[0.0, 0.1]), 3, "low holds 2 numbers, and there are 3 outputs"),
        (
            Box(torch.tensor([[0.0, 2.0], [0.0, 3.0]]), torch.tensor([[1.0, 2.0], [5.0, 2.0]])),
            2,
            r"low=3 must not be above high=2 \(number 1\), in row 1\.",
        ),
        (Box(torch.tensor(1.0), 0.5), 4, r"low=1 must not be above high=0.5\."),
        (Box(0.0, torch.tensor([torch.nan, 1.0])), 2, r"high=nan is not a number \(number 0\)\."),
        (Box(0.0, Columns([0, 1])), 3, "high holds 2 numbers, and there are 3 outputs"),
        (Simplex(torch.tensor([1.0, -2.0])), 3, r"total=-2 is negative: .* empty, in row 1\."),
        (Simplex(groups=(2, 2)), 3, r"groups=\(2, 2\) add up to 4, and there are 3 outputs"),
        (GroupL1(1.0, groups=(2, 2)), 3, r"groups=\(2, 2\) add up to 4, and there are 3 outputs"),
        (Ball(torch.tensor([[1.0], [torch.nan]])), 3, r"radius=nan is not a number, in row 1\."),
        (Ball(torch.tensor([1.0, -1.0])), 3, r"radius=-1 must not be negative, in row 1\."),
        (L1(torch.tensor([1.0, -1.0])), 2, r"weight=-1 must not be negative \(number 1\)\."),
        (L1([1.0, 2.0]), 3, "weight holds 2 numbers, and there are 3 outputs"),
        (GroupL1(torch.tensor([[0.5, -1.0]]), (1, 2)), 3, r"weight=-1 must not be negative"),
        (Affine([[1.0, 2.0]], 0.0), 3, "A has 2 columns, and there are 3 outputs"),
        (penalty_of((0, 1), L1([1.0, 2.0])), 3, "weight holds 2 numbers"),
        (
            Box(Columns([0]), 1.0).with_columns(torch.tensor([[[0.0], [0.5]], [[0.0], [2.0]]])),
            3,
            r"low=2 must not be above high=1, in row 1\.",
        ),
    ],
)
def test_check_names_what_is_wrong_and_the_row(penalty, d, message):
    with pytest.raises(ValueError, match=message):
        penalty.check(d)


@pytest.mark.parametrize(
    ("penalty", "d"),
    [
        (Budget(3.0, high=1.0), 3),
        (Budget(0.3, low=[0.1, 0.2]), 2),  # which add up to more, by rounding
        (Budget(0.6000001, high=torch.tensor([0.1, 0.2, 0.3])), 3),  # in float32 no difference
        (Budget(torch.tensor([1.0, 2.0]), high=torch.tensor([[0.5, 0.5], [1.0, 1.0]])), 2),
        (Simplex([1.0, 2.0], groups=(2, 1)), 3),
        (Monotone(), 5),
        (Nonnegative(), 1),
        (Affine([[1.0, 0.0], [2.0, 0.0]], torch.tensor([[1.0, 2.0], [0.0, 0.0]])), 2),
        (L1(torch.tensor(1.0)), 9),
    ],
)
def test_check_lets_what_is_right_pass(penalty, d):
    penalty.check(d)
    penalty.in_units(0.07).check(d)


# ---------------------------------------------------------------------- what is refused when made


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Box(1.0, 0.0), ValueError, r"Box: low=1 must not be above high=0\."),
        (lambda: Box([0, 2], [1, 1]), ValueError, r"low=2 must not be above high=1 \(number 1\)\."),
        (lambda: Box(np.nan, 0.0), ValueError, "low=nan must be numbers"),
        (lambda: Box(np.inf, np.inf), ValueError, "low=inf leaves no number"),
        (lambda: Box(-np.inf, -np.inf), ValueError, "high=-inf leaves no number"),
        (lambda: Box([0, 0], [1, 1, 1]), ValueError, "low holds 2 numbers and high 3"),
        (lambda: Box([], 1.0), ValueError, r"low=\[\] must be numbers"),
        (lambda: Box("0", 1.0), TypeError, "low='0' must be a number, an array of them"),
        (lambda: Box(None, 1.0), TypeError, "low=None must be a number"),
        (lambda: Box(low=True, high=1.0), TypeError, "low=True must be a number"),
        (lambda: Box([[1], [1, 2]], 1.0), TypeError, "low="),
        (lambda: Box(torch.tensor([0]), 1.0), TypeError, "low must have a floating point dtype"),
        (
            lambda: Box([[0.0], [2.0]], [[1.0], [1.0]]),
            ValueError,
            r"low=2 must not be above high=1, in row 1\.",
        ),
        (lambda: Simplex(-1.0), ValueError, "Simplex: total=-1 is negative: the set is empty"),
        (lambda: Simplex(np.inf), ValueError, "total=inf must be finite numbers"),
        (lambda: Simplex(groups=(2, 0)), ValueError, r"groups=\(2, 0\) must hold sizes of at"),
        (lambda: Simplex(groups=()), ValueError, "groups="),
        (lambda: Simplex(groups=(2, 1.5)), TypeError, r"groups=\(2, 1.5\) must hold whole numbers"),
        (lambda: Simplex(groups=(2, True)), TypeError, "whole numbers"),
        (lambda: Simplex(groups=3), TypeError, "groups=3 must list sizes"),
        (lambda: Simplex([1, 2, 3], groups=(2, 1)), ValueError, "total holds 3 .* 2 groups"),
        (lambda: Budget(3.0, high=[1.0, 1.0]), ValueError, "total=3 is above the sum of high, 2"),
        (lambda: Budget(1.0, low=[1.0, 1.0]), ValueError, "total=1 is below the sum of low, 2"),
        (lambda: Budget(-1.0), ValueError, "total=-1 is below the sum of low, 0"),
        (lambda: Budget([1, 4], high=[1, 2]), ValueError, r"total=4 is above .* in row 1\."),
        (lambda: Budget(1.0, 1.0, 0.5), ValueError, "low=1 must not be above high=0.5"),
        (lambda: Budget(np.nan), ValueError, "total=nan must be finite numbers"),
        (lambda: Budget(Columns([1, 2])), ValueError, "total holds 2 numbers"),
        (lambda: Ball(-1.0), ValueError, "Ball: radius=-1 must not be negative"),
        (lambda: Ball(np.inf), ValueError, "radius=inf must be finite"),
        (lambda: Ball(Columns([1, 2])), ValueError, "radius holds 2 numbers"),
        (lambda: L1(-0.1), ValueError, "L1: weight=-0.1 must not be negative"),
        (lambda: L1([1.0, -0.1]), ValueError, r"weight=-0.1 must not be negative \(number 1\)"),
        (lambda: L1("much"), TypeError, "weight='much'"),
        (lambda: GroupL1(-0.1, (1,)), ValueError, "GroupL1: weight=-0.1 must not be negative"),
        (lambda: GroupL1([1, 2], (1,)), ValueError, "weight holds 2 numbers, .* 1 groups"),
        (lambda: GroupL1(1.0, "ab"), TypeError, "groups='ab'"),
        (lambda: Affine([1.0, 2.0], 0.0), TypeError, r"A has the shape \(2,\)"),
        (lambda: Affine([["a"]], 0.0), TypeError, "A=.* must be a matrix of numbers"),
        (lambda: Affine(Columns([1]), 0.0), TypeError, "A=Columns.* the same for all samples"),
        (lambda: Affine([[np.nan]], 0.0), ValueError, "A must hold finite numbers"),
        (lambda: Affine([[1.0, 2.0]], [1.0, 2.0]), ValueError, "c holds 2 numbers, .* 1 rows of A"),
        (lambda: Affine([[0.0, 0.0]], 1.0), ValueError, "A y = c has no solution"),
        (lambda: Monotone(1), TypeError, "increasing=1 must be True or False"),
    ],
)
def test_what_is_refused_when_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


# ---------------------------------------------------------------------- values


def test_numbers_are_copied_and_compared_by_value():
    low, high = np.zeros(2), torch.ones(3, 2)
    box = Box(low, high)
    low[0], high[0, 0] = 9.0, -9.0
    assert box == Box([0.0, 0.0], torch.ones(3, 2))
    assert hash(box) == hash(Box((0, 0), torch.ones(3, 2)))
    assert box != Box(0.0, torch.ones(3, 2))
    assert box != Box([0.0, 0.0], torch.ones(2, 2))
    assert box != Box([0.0, 0.0], torch.ones(3, 2, dtype=torch.float64))
    assert box != Box([0.0, 0.0], 1.0)
    assert repr(box) == "Box(high=<tensor of shape (3, 2)>, low=(0.0, 0.0))"
    for twin in (copy.deepcopy(box), pickle.loads(pickle.dumps(box))):
        assert twin == box
        assert torch.equal(twin.prox(5.0 * torch.ones(3, 2), 1.0), torch.ones(3, 2))
    assert Box(np.float32(0.5), np.array(1)) == Box(0.5, 1.0)


def test_numbers_may_lie_where_they_are_used():
    for penalty in (
        Box([0.1, 0.2, 0.3], torch.ones(3, dtype=torch.float64)),
        Simplex([0.1, 0.2], groups=(1, 2)),
        Affine([[0.1, 0.2, 0.3]], [0.4]),
        penalty_of("nonnegative", GroupL1([0.1, 0.2], (1, 2))),
    ):
        v = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
        moved = penalty.to(v)
        assert torch.equal(moved.prox(v, 1.0), penalty.prox(v, 1.0))
        if not isinstance(penalty, Box):  # whose tensor has another dtype now
            assert moved == penalty
            assert moved.in_units(3.0) == penalty.in_units(3.0)


def test_distance_and_projection():
    y = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    assert Ball(1.0).distance(y).tolist() == [4.0, 0.0]
    assert L1(1.0).distance(y).tolist() == [0.0, 0.0]
    assert torch.equal(L1(1.0).project(y), y)
    both = penalty_of((0.0, 1.0), L1(0.5))
    assert torch.equal(both.project(y), y.clamp(0.0, 1.0))
    assert not both.is_set
    assert both.largest_norm(4) == 2.0
    assert both.value(y)[0] == torch.inf
    assert both.value(y)[1].item() == pytest.approx(0.35)
