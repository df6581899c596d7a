"""What ``constraint`` and ``penalty`` come to together."""

import numpy as np
import pytest
import torch

from sklearn_reasoning.penalties import (
    L1,
    Ball,
    Box,
    Budget,
    GroupL1,
    Monotone,
    Nonnegative,
    Simplex,
    penalty_of,
)


@pytest.mark.parametrize(
    ("constraint", "penalty", "expected"),
    [
        (None, None, None),
        ("nonnegative", None, Nonnegative()),
        ("simplex", None, Simplex()),
        ((0, 1), None, Box(0.0, 1.0)),
        ([-1.5, np.float32(2.0)], None, Box(-1.5, 2.0)),
        ((-np.inf, 3), None, Box(-np.inf, 3.0)),
        (Budget(2.0), None, Budget(2.0)),
        (None, L1(0.1), L1(0.1)),
        (None, Ball(1.0), Ball(1.0)),
    ],
)
def test_one_of_them(constraint, penalty, expected):
    assert penalty_of(constraint, penalty) == expected


@pytest.mark.parametrize(
    ("constraint", "penalty"),
    [
        ("nonnegative", L1(0.3)),
        ("nonnegative", GroupL1(0.5, (2, 1))),
        ((-0.2, 0.4), L1([0.1, 0.3, 0.0])),
        ((0.3, 0.5), L1(0.2)),
        (Ball(0.7), L1(0.3)),
        (Ball(0.7), GroupL1([0.2, 0.3], (1, 2))),
    ],
    ids=str,
)
def test_both_are_minimised_together(constraint, penalty):
    """Against the splitting of Dykstra for sums, run until it stands still."""
    together = penalty_of(constraint, penalty)
    constraint = penalty_of(constraint)
    v = torch.tensor(np.random.default_rng(0).normal(size=(30, 3)))
    x, p, q = v, torch.zeros_like(v), torch.zeros_like(v)
    for _ in range(20000):
        y = constraint.prox(x + p, 0.8)
        p = x + p - y
        before, x = x, penalty.prox(y + q, 0.8)
        q = y + q - x
        if (x - before).abs().max() < 1e-10 and (x - y).abs().max() < 1e-8:
            break
    torch.testing.assert_close(together.prox(v, 0.8), x, rtol=0, atol=1e-6)
    assert (constraint.value(together.prox(v, 0.8)) == 0.0).all()


@pytest.mark.parametrize(
    ("constraint", "penalty"),
    [
        ("simplex", L1(0.1)),
        ((0, 1), GroupL1(0.1, (2, 1))),
        (Monotone(), L1(0.1)),
        (Budget(1.0), L1(0.1)),
        ("nonnegative", Ball(1.0)),
        (Ball(1.0), Nonnegative()),
    ],
    ids=str,
)
def test_others_are_refused_with_both_named(constraint, penalty):
    with pytest.raises(ValueError, match=r"constraint=.* and penalty=.* is not known"):
        penalty_of(constraint, penalty)


@pytest.mark.parametrize(
    ("constraint", "penalty", "error", "message"),
    [
        ("nonegative", None, ValueError, "is not one of .* Did you mean 'nonnegative'?"),
        ("box", None, ValueError, r"is not one of \['nonnegative', 'simplex'\]\.$"),
        (L1(0.1), None, ValueError, r"is no set. Hand it over as penalty=L1\(weight=0.1\)"),
        ((1, 0), None, ValueError, "low=1 must not be above high=0"),
        ((0, 1, 2), None, TypeError, "a pair of numbers"),
        (("a", "b"), None, TypeError, "a pair of numbers"),
        ((False, True), None, TypeError, "a pair of numbers"),
        (([0, 0], [1, 1]), None, TypeError, "for bounds of each output use Box"),
        (3.0, None, TypeError, "constraint=3.0 must be None"),
        (Nonnegative, None, TypeError, "must be None"),
        (None, "l1", TypeError, "penalty='l1' must be a Penalty or None"),
        ("simplex", 0.1, TypeError, "penalty=0.1 must be a Penalty or None"),
    ],
)
def test_what_is_refused(constraint, penalty, error, message):
    with pytest.raises(error, match=message):
        penalty_of(constraint, penalty)
