"""The exact minimiser with a penalty: other solvers, derivatives, and what is said of failure."""

import warnings

import numpy as np
import pytest
import torch
from scipy.optimize import lsq_linear, minimize as scipy_minimize

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.algorithms import Problem
from sklearn_reasoning.energies import DenseQuadratic, OperatorQuadratic, SpectralQuadratic
from sklearn_reasoning.exceptions import ConvergenceWarning
from sklearn_reasoning.penalties import (
    L1,
    Affine,
    Ball,
    Box,
    Budget,
    GroupL1,
    Monotone,
    Nonnegative,
    Penalty,
    Simplex,
)

N, D = 8, 5
PENALTIES = [
    Nonnegative(),
    Box(-0.2, 0.5),
    Simplex(),
    Simplex(groups=(2, 3)),
    Budget(1.0, high=0.4),
    Ball(0.7),
    Affine([[1.0, 1.0, 1.0, 1.0, 1.0]], [1.0]),
    Monotone(),
    L1(0.3),
    GroupL1(0.3, (2, 3)),
]
LOCALLY_LINEAR = [p for p in PENALTIES if not isinstance(p, Ball | GroupL1)]


def energy(mu, dtype=torch.float64, kind="spectral"):
    rng = np.random.default_rng(0)
    spectrum = mu ** rng.uniform(0.0, 1.0, (N, D))
    spectrum[:, 0], spectrum[:, 1] = mu, 1.0
    R = torch.tensor(np.linalg.qr(rng.normal(size=(N, D, D)))[0], dtype=dtype)
    b = torch.tensor(3.0 * rng.normal(size=(N, D)), dtype=dtype)
    spectral = SpectralQuadratic(torch.tensor(spectrum, dtype=dtype), R, b)
    if kind == "spectral":
        return spectral
    Q = spectral.matrix()
    if kind == "dense":
        return DenseQuadratic(Q, b)
    return OperatorQuadratic(lambda y: (Q @ y.unsqueeze(-1)).squeeze(-1), b)


def layer(penalty, mu, algo="opt", **options):
    return ReasoningLayer(algo, mu=mu, L=1.0, penalty=penalty, **options)


def few(*kinds):
    """The penalties, of which the ordinary suite runs those of some kinds."""
    return [
        pytest.param(penalty, marks=() if isinstance(penalty, kinds) else pytest.mark.hard)
        for penalty in PENALTIES
    ]


@pytest.mark.parametrize("penalty", PENALTIES)
def test_it_is_where_many_steps_end(penalty):
    assert_many_steps_end_there(penalty, 0.1)


@pytest.mark.parametrize("penalty", few(Simplex, Ball, L1))
def test_it_is_where_many_steps_end_where_they_are_slow(penalty):
    assert_many_steps_end_there(penalty, 1e-3)


def assert_many_steps_end_there(penalty, mu):
    y = layer(penalty, mu)(energy(mu))
    steps = layer(penalty, mu, "nag", k=int(40 / mu**0.5))(energy(mu)).detach()
    assert (y - steps).norm() <= 1e-10 * steps.norm()
    if penalty.is_set:
        assert (penalty.distance(y) <= 1e-12 * (1.0 + y.norm(dim=-1))).all()


def test_scipys_minimisers():
    posed = energy(0.1, kind="dense")
    for Q, b, y, share in zip(
        posed.Q.numpy(),
        posed.b.numpy(),
        layer(Box(-0.2, 0.5), 0.1)(posed).numpy(),
        layer(Simplex(), 0.1)(posed).numpy(),
        strict=True,
    ):
        U = np.linalg.cholesky(Q).T
        bounded = lsq_linear(U, -np.linalg.solve(U.T, b), (-0.2, 0.5), method="bvls", tol=1e-15)
        np.testing.assert_allclose(y, bounded.x, atol=1e-12)
        found = scipy_minimize(
            lambda v, Q=Q, b=b: 0.5 * v @ Q @ v + b @ v,
            np.full(D, 0.2),
            jac=lambda v, Q=Q, b=b: Q @ v + b,
            bounds=[(0, None)] * D,
            constraints={"type": "eq", "fun": lambda v: v.sum() - 1.0},
            options={"ftol": 1e-15, "maxiter": 500},
        )
        np.testing.assert_allclose(share, found.x, atol=1e-6)


@pytest.mark.parametrize("penalty", [Simplex(), Monotone(), L1(0.3)])
def test_all_energies_any_start_and_any_k_give_the_same(penalty):
    expected = layer(penalty, 0.1)(energy(0.1))
    for kind in ("dense", "operator"):
        assert (layer(penalty, 0.1)(energy(0.1, kind=kind)) - expected).abs().max() <= 1e-12
    far = torch.full((D,), 100.0, dtype=torch.float64)
    assert torch.equal(layer(penalty, 0.1)(energy(0.1), start=far, k=3), expected)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_single_precision(penalty):
    y = layer(penalty, 0.1)(energy(0.1, torch.float32))
    assert y.dtype == torch.float32
    expected = layer(penalty, 0.1)(energy(0.1)).float()
    assert (y - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_rows_are_no_matter_of_each_other():
    for penalty in (Simplex(), Ball(0.7), L1(0.3)):
        posed = energy(1e-3, kind="dense")
        together = layer(penalty, 1e-3)(posed)
        for i in range(N):
            alone = layer(penalty, 1e-3)(DenseQuadratic(posed.Q[i : i + 1], posed.b[i : i + 1]))
            assert torch.equal(together[i : i + 1], alone)


# ---------------------------------------------------------------------- derivatives


@pytest.mark.parametrize("penalty", few(Nonnegative, Ball, Monotone, GroupL1))
def test_derivatives_of_both_orders_are_finite_differences(penalty):
    posed = energy(0.1, kind="dense")
    inputs = [x[:2].clone().requires_grad_() for x in (posed.Q, posed.b)]

    def run(Q, b):
        return layer(penalty, 0.1)(DenseQuadratic(0.5 * (Q + Q.mT), b))

    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, inputs, fast_mode=True)


@pytest.mark.parametrize("penalty", [Nonnegative(), Simplex(), Ball(0.7)])
def test_gradients_are_those_of_many_steps(penalty):
    posed = energy(0.1, kind="dense")

    def gradients(algo, **options):
        Q, b = (x.clone().requires_grad_() for x in (posed.Q, posed.b))
        y = layer(penalty, 0.1, algo, **options)(DenseQuadratic(Q, b))
        return torch.autograd.grad(torch.cos(3.0 * y).sum(), (Q, b))

    for own, unrolled in zip(gradients("opt"), gradients("nag", k=300), strict=True):
        torch.testing.assert_close(own, unrolled, rtol=1e-8, atol=1e-10)


def test_bounds_learn_too():
    high = torch.tensor([0.4] * D, dtype=torch.float64, requires_grad=True)

    def run(high):
        return layer(Budget(1.0, high=high), 0.1)(energy(0.1))

    assert torch.autograd.gradcheck(run, (high,), fast_mode=True)


@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
def test_the_transforms_of_torch_func():
    posed = energy(0.1, kind="dense")

    def one(Q, b):
        return layer(Simplex(), 0.1)(DenseQuadratic(Q[None], b[None]))[0]

    expected = layer(Simplex(), 0.1)(posed)
    rows = torch.func.vmap(one)(posed.Q, posed.b)
    torch.testing.assert_close(rows, expected, rtol=0, atol=1e-12)
    Q, b, along = posed.Q[0], posed.b[0], torch.ones(D, dtype=torch.float64)
    back = torch.func.jacrev(one, argnums=1)(Q, b)
    _, forward = torch.func.jvp(lambda b: one(Q, b), (b,), (along,))
    torch.testing.assert_close(back @ along, forward, rtol=0, atol=1e-12)
    with torch.inference_mode():
        assert torch.equal(layer(Simplex(), 0.1)(posed), expected)


# ---------------------------------------------------------------------- failure


class Reflects(Penalty):
    """No convex set: its step turns every point about 0, and never ends."""

    is_set = True

    def value(self, y):
        return torch.zeros_like(y[..., 0])

    def prox(self, v, step):
        return -v.detach() + torch.where(v.norm(dim=-1, keepdim=True) > 0, 0.0 * v + 1.0, v)


def test_what_is_not_reached_is_told():
    with pytest.warns(ConvergenceWarning, match=r"has not reached the minimiser .* in \d rows"):
        y = layer(Reflects(), 0.1)(energy(0.1))
    assert y.shape == (N, D)


def test_what_is_reached_is_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The bounds of the spectrum may be off by a little.
        Problem(energy(0.1), 0.2, 0.5, Simplex()).minimizer()
