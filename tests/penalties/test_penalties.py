"""Sets and terms: what ships against plain arithmetic, and what the public check finds out."""

import copy
import pickle

import numpy as np
import pytest
import torch

from sklearn_reasoning import penalties
from sklearn_reasoning.penalties import (
    L1,
    Affine,
    Ball,
    Budget,
    Columns,
    GroupL1,
    Monotone,
    Nonnegative,
    Penalty,
    Simplex,
    penalty_of,
)
from sklearn_reasoning.testing import check_penalty

EQUATIONS = [[1.0, 1.0, -1.0, 0.5], [0.0, 2.0, 1.0, -1.0]]

# With the numbers of outputs that they are for.
SHIPPED = [
    (Nonnegative(), 1, 2, 4, 7),
    (penalties.Box(-0.5, 1.5), 1, 4),
    (penalties.Box(0.0, [0.1, 2.0, np.inf, 0.0]), 4),
    (Simplex(), 1, 2, 4, 7),
    (Simplex(2.0, groups=(3, 1, 2)), 6),
    (Simplex([2.0, 0.5], groups=(2, 2)), 4),
    (Budget(1.0, high=0.6), 2, 4),
    (Budget(1.0), 1, 3),
    (Budget(0.5, [-1.0, -2.0, -np.inf], [1.0, np.inf, 0.5]), 3),
    (Budget(0.5, low=-np.inf), 2),
    (Ball(1.5), 1, 4),
    (Affine(EQUATIONS, [1.0, 2.0]), 4),
    (Affine([[2.0]], 3.0), 1),
    (Affine([*EQUATIONS, EQUATIONS[0]], [1.0, 2.0, 1.0]), 4),
    (Monotone(), 1, 2, 4, 7),
    (Monotone(increasing=False), 4),
    (L1(0.5), 1, 4),
    (L1([0.0, 0.2, 3.0]), 3),
    (GroupL1(0.5, groups=(3, 1, 2)), 6),
    (GroupL1([0.5, 0.1], groups=(2, 2)), 4),
    (penalty_of("nonnegative", L1(0.3)), 4),
    (penalty_of((-0.2, 1.0), L1([0.3, 0.1])), 2),
    (penalty_of("nonnegative", GroupL1(0.3, (2, 1))), 3),
    (penalty_of(Ball(1.0), L1(0.3)), 3),
    (penalty_of(Ball(1.0), GroupL1(0.3, (2, 1))), 3),
]


# `make test-hard` checks all of them, `make test` the last of each kind; budgets are slow.
ORDINARY = {type(penalty): (penalty, max(sizes)) for penalty, *sizes in SHIPPED}
del ORDINARY[Budget]
CASES = [
    pytest.param(penalty, d, marks=() if (penalty, d) in ORDINARY.values() else pytest.mark.hard)
    for penalty, *sizes in SHIPPED
    for d in sizes
]


# ---------------------------------------------------------------------- what ships


@pytest.mark.parametrize(("penalty", "d"), CASES, ids=str)
def test_all_that_is_shipped_passes(penalty, d):
    check_penalty(penalty, d)


def test_every_shipped_penalty_is_checked_here():
    public = {getattr(penalties, name) for name in penalties.__all__} - {Penalty, Columns}
    assert {type(penalty) for penalty, *_ in SHIPPED} >= public


def test_nonnegative_is_the_maximum_with_zero():
    v = np.random.default_rng(0).normal(size=(3, 5, 4))
    for step in (0.1, 1.0, torch.tensor(3.0)):
        np.testing.assert_array_equal(Nonnegative().prox(torch.tensor(v), step), np.maximum(v, 0))


def test_nonnegative_has_no_value_but_zero_and_infinity():
    y = torch.tensor([[0.0, 2.0], [1.0, -1e-300], [-3.0, -1.0], [0.0, -0.0]], dtype=torch.float64)
    assert Nonnegative().value(y).tolist() == [0.0, np.inf, np.inf, 0.0]
    assert Nonnegative().value(y.float().expand(2, 4, 2)).dtype == torch.float32
    assert Nonnegative().value(y.expand(2, 4, 2)).shape == (2, 4)
    assert Nonnegative().value(torch.ones(0, 3)).shape == (0,)


def test_nonnegative_is_the_nearest_point_of_the_set():
    """Against a grid of the set: none of its points is nearer."""
    axis = torch.linspace(0.0, 2.0, 41, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    v = torch.tensor(np.random.default_rng(1).normal(size=(50, 2)))
    own = (Nonnegative().prox(v, 1.0) - v).norm(dim=-1)
    assert (torch.cdist(v, grid).min(dim=-1).values >= own - 1e-12).all()


def test_nonnegative_lets_gradients_through_where_an_entry_is_not_negative():
    v = torch.tensor([[1.0, 0.0, -1.0]], requires_grad=True)
    Nonnegative().prox(v, 1.0).sum().backward()
    assert v.grad.tolist() == [[1.0, 1.0, 0.0]]


def test_nonnegative_passes_what_is_not_a_number_on():
    """A model that has diverged must be seen to have done so."""
    assert Nonnegative().prox(torch.tensor([[torch.nan, 1.0]]), 1.0).isnan().tolist() == [
        [True, False]
    ]


@pytest.mark.parametrize("penalty", [penalty for penalty, *_ in SHIPPED], ids=repr)
def test_they_are_values(penalty):
    for twin in (copy.copy(penalty), copy.deepcopy(penalty), pickle.loads(pickle.dumps(penalty))):
        assert twin == penalty
        assert hash(twin) == hash(penalty)
        assert repr(twin) == repr(penalty)
    assert penalty != object()
    assert sum(penalty == other for other, *_ in SHIPPED) == 1


@pytest.mark.parametrize("cone", [Nonnegative(), Monotone()], ids=repr)
def test_cones_are_the_same_in_every_unit(cone):
    assert cone.in_units(0.01) == cone


def test_options_count_for_equality_and_are_shown():
    assert Absolute(0.5) == Absolute(0.5)
    assert Absolute(0.5) != Absolute(0.6)
    assert len({Absolute(0.5), Absolute(0.5), Absolute(0.6)}) == 2
    assert repr(Absolute(0.5)) == "Absolute(weight=0.5)"


def test_a_penalty_needs_value_and_prox():
    class Unfinished(Penalty):
        def value(self, y):
            return y[..., 0]

    with pytest.raises(TypeError, match=r"abstract method '?prox'?"):
        Unfinished()


@pytest.mark.parametrize("unit", [0.25, 3.0])
def test_units_follow_from_value_and_prox(unit):
    class Plain(Absolute):
        in_units = Penalty.in_units

    v = torch.linspace(-3.0, 3.0, 13, dtype=torch.float64).unsqueeze(0)
    found, expected = Plain(0.5).in_units(unit), Absolute(0.5).in_units(unit)
    torch.testing.assert_close(found.prox(v, 0.7), expected.prox(v, 0.7), rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(found.value(v), expected.value(v))
    assert found.is_set is False
    assert found == Plain(0.5).in_units(unit)
    check_penalty(Plain(0.5))


# ---------------------------------------------------------------------- right ones of one's own


class Absolute(Penalty):
    """The term weight |y|_1."""

    def __init__(self, weight=0.5):
        self.weight = weight

    def value(self, y):
        return self.weight * y.abs().sum(dim=-1)

    def prox(self, v, step):
        return v.sign() * (v.abs() - self.weight * step).clamp_min(0.0)

    def in_units(self, unit):
        return type(self)(self.weight / unit)


class Box(Penalty):
    """The set low <= y_i <= high."""

    is_set = True

    def __init__(self, low=-0.5, high=1.5):
        self.low, self.high = low, high

    def value(self, y):
        outside = ((y < self.low) | (y > self.high)).any(dim=-1)
        return torch.zeros_like(y[..., 0]).masked_fill(outside, torch.inf)

    def prox(self, v, step):
        return v.clamp(self.low, self.high)

    def in_units(self, unit):
        return type(self)(self.low / unit, self.high / unit)


class Length(Penalty):
    """The term |y|_2, whose proximal step shortens rows."""

    def __init__(self, weight=0.5):
        self.weight = weight

    def value(self, y):
        return self.weight * y.norm(dim=-1)

    def prox(self, v, step):
        length = v.norm(dim=-1, keepdim=True)
        return v * (1.0 - self.weight * step / length).clamp_min(0.0)

    def in_units(self, unit):
        return type(self)(self.weight / unit)


@pytest.mark.parametrize(
    "penalty", [Absolute(), Absolute(2.0), Box(), Box(0, 0.1), Length()], ids=repr
)
@pytest.mark.parametrize("d", [pytest.param(1, marks=pytest.mark.hard), 4])
def test_right_ones_pass(penalty, d):
    check_penalty(penalty, d)


# ---------------------------------------------------------------------- wrong ones


class HardThreshold(Absolute):
    """Keeps entries above the weight as they are: the proximal step of no convex term."""

    def prox(self, v, step):
        return v * (v.abs() > self.weight * step)


class ForgetsTheStep(Absolute):
    def prox(self, v, step):
        return v.sign() * (v.abs() - self.weight).clamp_min(0.0)


class Inflated(Absolute):
    """Consistent, but for a value that is too large by a constant."""

    def value(self, y):
        return super().value(y) + 1.0


class SameInEveryUnit(Absolute):
    def in_units(self, unit):
        return self


class ForgetsTheSquare(Absolute):
    """g(unit u) / unit: divided once too rarely."""

    def in_units(self, unit):
        return type(self)(self.weight)


class BoxInOldUnits(Box):
    def in_units(self, unit):
        return self


class TermFromASet(Box):
    def in_units(self, unit):
        return Absolute()


class NegativeValue(Absolute):
    def value(self, y):
        return -super().value(y)


class OneValueForAll(Absolute):
    def value(self, y):
        return super().value(y).sum()


class Doubled(Absolute):
    def prox(self, v, step):
        return super().prox(v, step).double()


class InPlace(Nonnegative):
    def prox(self, v, step):
        return v.clamp_min_(0.0)


class Divides(Absolute):
    def prox(self, v, step):
        return v / v.abs() * (v.abs() - self.weight * step).clamp_min(0.0) / (step - 0.5)


class Outside(Nonnegative):
    def prox(self, v, step):
        return v.clamp_min(-0.1)


class TooFarInside(Nonnegative):
    def prox(self, v, step):
        return v.clamp_min(0.1)


class TermThatClaimsToBeASet(Absolute):
    is_set = True


class NothingIsInside(Nonnegative):
    def value(self, y):
        return torch.full_like(y[..., 0], torch.inf)


class HalfWay(NothingIsInside):
    def prox(self, v, step):
        return 0.5 * v


class LongStepsGoFurther(Nonnegative):
    def prox(self, v, step):
        return v.clamp_min(0.0 if step < 5.0 else 1.0)


class Detached(Absolute):
    def prox(self, v, step):
        return v.sign() * (v.abs() - self.weight * step).clamp_min(0.0).detach()


class DetachedStep(Absolute):
    def prox(self, v, step):
        return super().prox(v, step if isinstance(step, float) else step.detach())


class ScaledByTheLargest(Absolute):
    """Right but for its last bits, which depend on the other rows."""

    def prox(self, v, step):
        scale = 3.0 * v.abs().max()
        return super().prox(v / scale, step / scale) * scale


class Short(Nonnegative):
    def largest_norm(self, d):
        return 1.0


class Stays(Nonnegative):
    def project(self, y):
        return y


class Counts(Nonnegative):
    def __init__(self):
        self.n_calls = 0

    def prox(self, v, step):
        self.n_calls += 1
        return super().prox(v, step)


class Identity(Nonnegative):
    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (HardThreshold(), r"prox is not firmly nonexpansive at step .*: .* of no convex function"),
        (ForgetsTheStep(), r"prox is not where g\(y\) \+ \|y - v\|\^2 / \(2 step\) is smallest"),
        (Inflated(), r"in_units\(0.25\).value is not g\(unit u\) / unit\^2"),
        (SameInEveryUnit(), r"in_units\(0.25\).prox is not the proximal step in that unit"),
        (ForgetsTheSquare(), r"in_units\(0.25\).prox is not the proximal step in that unit"),
        (BoxInOldUnits(), r"in_units\(0.25\).prox is not the proximal step in that unit"),
        (TermFromASet(), "in_units must return a penalty of the same kind"),
        (NegativeValue(), "value makes .* or a negative number"),
        (OneValueForAll(), r"value makes \(\), .*; it is a number from 0 on for each row"),
        (Doubled(), "prox makes .*torch.float64 of .*torch.float32"),
        (InPlace(), "prox changes v in place"),
        (Divides(), "or numbers that are not finite"),
        (Outside(), "prox is not where"),
        (TooFarInside(), "prox is not where"),
        (TermThatClaimsToBeASet(), "is_set is True, and value is neither 0 nor inf"),
        (NothingIsInside(), "value is inf at every output of prox"),
        (HalfWay(), "the projection moves a point of the set"),
        (LongStepsGoFurther(), "the projection depends on the step size"),
        (Detached(), "the derivatives of prox are wrong"),
        (DetachedStep(), "the derivatives of prox are wrong"),
        (ScaledByTheLargest(), "models side by side get other bits than each alone"),
        (Short(), r"a point of the set is longer than largest_norm\(4\)"),
        (Stays(), "project is not the projection"),
        (Counts(), "running it has changed its attributes"),
        (Identity(), "a copy of it does not compare equal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Penalty) else "",
)
def test_what_is_wrong_is_found_out_and_named(penalty, message):
    with pytest.raises(AssertionError, match=message) as caught:
        check_penalty(penalty)
    assert str(caught.value).startswith(f"{type(penalty).__name__}: ")


@pytest.mark.parametrize("wrong", [Nonnegative, "nonnegative", None, (0.0, 1.0)])
def test_what_is_no_penalty(wrong):
    with pytest.raises(TypeError, match="must be a Penalty"):
        check_penalty(wrong)


def test_what_its_own_methods_raise_passes_through():
    class Raises(Nonnegative):
        def prox(self, v, step):
            raise ArithmeticError("mine")

    with pytest.raises(ArithmeticError, match="mine"):
        check_penalty(Raises())


def test_the_checked_penalty_is_not_changed():
    penalty = Box()
    check_penalty(penalty)
    assert vars(penalty) == {"low": -0.5, "high": 1.5}
