"""Derivatives of first and second order, in v, in the step and in every option; torch.func."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from sklearn_reasoning.penalties import (
    L1,
    Affine,
    Ball,
    Box,
    Budget,
    GroupL1,
    Monotone,
    Nonnegative,
    Simplex,
    penalty_of,
)


def normal(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def number(value):
    return torch.tensor(value, dtype=torch.float64)


N, D = 5, 6
LOW = -normal(0, N, D).abs()
HIGH = normal(1, N, D).abs()
TOTAL = LOW.sum(-1) + 0.4 * (HIGH - LOW).sum(-1)
EQUATIONS = normal(2, 2, D).tolist()

# How a penalty is made of tensors, and the tensors.
MADE = {
    "box, of all": (Box, number(-0.3), number(0.5)),
    "box, of outputs": (Box, LOW[0], HIGH[0]),
    "box, of samples": (Box, LOW, HIGH),
    "simplex": (Simplex, number(1.3)),
    "simplex, of samples": (Simplex, number([1.0, 2.0, 0.5, 3.0, 1.5])),
    "simplex, of groups": (lambda t: Simplex(t, groups=(3, 1, 2)), number([1.0, 2.0, 0.5])),
    "budget, of all": (Budget, number(0.3), number(-0.6), number(0.7)),
    "budget, of outputs": (Budget, TOTAL[0], LOW[0], HIGH[0]),
    "budget, of samples": (Budget, TOTAL, LOW, HIGH),
    "budget without caps": (lambda t, low: Budget(t, low), TOTAL, LOW),
    "ball": (Ball, number(0.7)),
    "ball, of samples": (Ball, number([0.5, 1.0, 9.0, 2.0, 0.1])),
    "affine": (lambda c: Affine(EQUATIONS, c), normal(3, 2)),
    "affine, of samples": (lambda c: Affine(EQUATIONS, c), normal(4, N, 2)),
    "l1": (L1, number(0.4)),
    "l1, of outputs": (L1, HIGH[0]),
    "l1, of samples": (L1, HIGH),
    "group l1": (lambda w: GroupL1(w, groups=(3, 1, 2)), number(0.9)),
    "group l1, of samples": (lambda w: GroupL1(w, groups=(2, 4)), normal(5, N, 2).abs()),
    "nonnegative": (Nonnegative,),
    "increasing": (Monotone,),
    "decreasing": (lambda: Monotone(increasing=False),),
    "box and l1": (lambda h, w: penalty_of(Box(-0.1, h), L1(w)), HIGH, number(0.2)),
    "ball and groups": (
        lambda r, w: penalty_of(Ball(r), GroupL1(w, (4, 2))),
        number(0.7),
        HIGH[0, :2],
    ),
}


# What `make test-hard` alone differentiates numerically: others have more options of the kind.
LIKE_ANOTHER = {
    "box, of all",
    "box, of outputs",
    "simplex, of groups",
    "budget, of all",
    "budget, of outputs",
    "ball",
    "affine",
    "l1",
    "l1, of outputs",
    "group l1",
    "decreasing",
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.hard if name in LIKE_ANOTHER else ()) for name in MADE],
)
def test_in_everything(name):
    make, *options = MADE[name]
    inputs = [normal(6, N, D), number(0.7), *options]
    inputs = tuple(x.clone().requires_grad_() for x in inputs)

    def prox(v, step, *options):
        return make(*options).prox(v, step)

    assert gradcheck(prox, inputs)
    assert gradgradcheck(prox, inputs, fast_mode=True)


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("rows_innermost", [False, True])
def test_steps_that_bring_their_pullback(name, rows_innermost):
    make, *options = MADE[name]
    penalty, v, pulled = make(*options), normal(9, N, D), normal(10, N, D)
    v[0, :3] = v[0, 3]  # ties
    if rows_innermost:
        v, pulled = v.mT.contiguous().mT, pulled.mT.contiguous().mT
    step = number([[0.3], [0.7], [0.2], [1.0], [0.4]])
    y, pull = penalty._prox_with_pullback(v, step)
    v_, step_ = pull(pulled)
    leaves = [x.clone().requires_grad_() for x in (v, step)]
    expected = penalty.prox(*leaves)
    torch.testing.assert_close(y, expected.detach(), rtol=0, atol=1e-14)
    grads = torch.autograd.grad(expected, leaves, pulled, materialize_grads=True)
    torch.testing.assert_close(v_, grads[0], rtol=1e-13, atol=1e-14)
    assert penalty.is_set == (step_ is None)
    if step_ is not None:
        torch.testing.assert_close(step_, grads[1], rtol=1e-13, atol=1e-14)
    assert not y.requires_grad


@pytest.mark.parametrize("kind", [Nonnegative, Simplex, lambda: Box(0.0, 0.75)])
def test_an_output_on_the_edge_still_learns(kind):
    v, pulled = number([[0.0, 0.25, 0.75]]), number([[1.0, 0.0, 0.0]])
    _, pull = kind()._prox_with_pullback(v, 1.0)
    assert pull(pulled)[0][0, 0] > 0.5


def test_whoever_writes_a_step_anew_has_its_pullback():
    class Doubled(Simplex):
        def prox(self, v, step):
            return 2.0 * super().prox(v, step)

    v, pulled = normal(11, N, D), normal(12, N, D)
    y, pull = Doubled()._prox_with_pullback(v, 1.0)
    plain, pull_plain = Simplex()._prox_with_pullback(v, 1.0)
    torch.testing.assert_close(y, 2.0 * plain)
    torch.testing.assert_close(pull(pulled)[0], 2.0 * pull_plain(pulled)[0])


@pytest.mark.parametrize("name", MADE)
def test_no_derivative_is_nan_at_zero_and_at_ties(name):
    make, *options = MADE[name]
    for v in (torch.zeros(N, D), torch.ones(N, D), torch.eye(D)[:N]):
        v = v.double().requires_grad_()
        given = [x.clone().requires_grad_() for x in options]
        out = make(*given).prox(v, 0.7)
        first = torch.autograd.grad(
            out.square().sum(), [v, *given], create_graph=True, allow_unused=True
        )
        assert all(g is None or g.isfinite().all() for g in first)
        total = sum(g.square().sum() for g in first if g is not None)
        second = torch.autograd.grad(total, [v, *given], allow_unused=True)
        assert all(g is None or g.isfinite().all() for g in second)


@pytest.mark.parametrize("name", MADE)
def test_function_transforms(name):
    make, *options = MADE[name]
    penalty, v = make(*options), normal(7, 3, N, D)
    plain = penalty.prox(v, 0.7)
    torch.testing.assert_close(torch.vmap(lambda v: penalty.prox(v, 0.7))(v), plain)
    by_v = torch.func.jacrev(lambda v: penalty.prox(v, 0.7))(v[0])
    expected = torch.autograd.functional.jacobian(lambda v: penalty.prox(v, 0.7), v[0])
    torch.testing.assert_close(by_v, expected)
    slopes = torch.func.vmap(torch.func.grad(lambda v: penalty.prox(v, 0.7).square().sum()))(v)
    assert slopes.shape == v.shape
    if options:  # models with options of their own

        def of_model(v, *options):
            return make(*options).prox(v, 0.7)

        stacked = [torch.stack([x, 1.1 * x, 1.2 * x]) for x in options]
        found = torch.vmap(of_model)(v, *stacked)
        for i in range(3):
            alone = of_model(v[i], *[x[i] for x in stacked])
            torch.testing.assert_close(found[i], alone)


@pytest.mark.parametrize("name", MADE)
def test_in_float32_with_options_in_float64(name):
    make, *options = MADE[name]
    penalty, v = make(*options), normal(8, N, D)
    found = penalty.prox(v.float(), 0.7)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), penalty.prox(v, 0.7), rtol=1e-5, atol=1e-5)
    if penalty.is_set:
        assert (penalty.value(found) == 0.0).all()


def test_constants_can_be_used_whatever_they_were_made_under():
    made = []

    def f(v):
        made.append(Box([0.0, -1.0], [1.0, 2.0]))
        return made[-1].prox(v, 1.0).sum()

    torch.func.grad(f)(torch.tensor([[0.5, 0.5]]))
    with torch.inference_mode():
        made += [
            Box([0.0, -1.0], [1.0, 2.0]),
            Affine([[1.0, 2.0]], [1.0]),
            Simplex([1.0, 2.0], groups=(1, 1)),
            GroupL1(0.5, groups=(1, 1)),
        ]
    for penalty in made:
        v = number([[3.0, -3.0]]).requires_grad_()
        penalty.prox(v, 1.0).sum().backward()
        assert v.grad.isfinite().all()
