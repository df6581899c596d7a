"""Layers whose outputs obey a set: against projected loops, and against scipy's minimisers."""

import math

import numpy as np
import pytest
import torch
from _covering import covering
from scipy.optimize import lsq_linear, nnls

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.algorithms import get_algorithm
from sklearn_reasoning.energies import (
    DenseQuadratic,
    DiagonalQuadratic,
    OperatorQuadratic,
    SpectralQuadratic,
)
from sklearn_reasoning.penalties import Nonnegative, Penalty

MU, L, N, D = 0.1, 1.0, 6, 4
FIRST_ORDER = ["gd", "nag", "heavy_ball", "fista", "admm"]
REFUSED = ["chebyshev", "cg", "rnn"]
KINDS = ["diagonal", "spectral", "shared rotation", "dense", "operator"]
RNG = np.random.default_rng(11)
SPECTRUM = RNG.uniform(MU, L, (N, D))
SPECTRUM[:, 0], SPECTRUM[:, 1] = MU, L
R = np.linalg.qr(RNG.normal(size=(N, D, D)))[0]
B, START = RNG.normal(size=(N, D)), 3.0 * RNG.normal(size=(N, D))


def projected(name, Q, b, y, k, phi):
    """Run the method with every step projected, on one sample."""
    y = np.maximum(y, 0)
    root = math.sqrt(MU * phi)
    if name == "gd":
        for _ in range(k):
            y = np.maximum(y - phi * (Q @ y + b), 0)
    elif name in ("nag", "fista"):
        z = y
        for i in range(k):
            y_next = np.maximum(z - phi * (Q @ z + b), 0)
            beta = (1 - root) / (1 + root) if name == "nag" else i / (i + 3)
            z = y_next + beta * (y_next - y)
            y = y_next
    elif name == "admm":  # as Douglas and Rachford's splitting
        w, implicit = y - phi * (Q @ y + b), np.linalg.inv(np.eye(len(b)) + phi * Q)
        for _ in range(k):
            y = np.maximum(w, 0)
            w = w + implicit @ (2 * y - w - phi * b) - y
            y = np.maximum(w, 0)
    else:
        before = y
        for _ in range(k):
            move = (1 - root) ** 2 * (y - before)
            y, before = np.maximum(y - phi * (Q @ y + b) + move, 0), y
    return y


def matrices(kind):
    rotation = {"diagonal": np.eye(D), "shared rotation": R[0]}.get(kind, R)
    rotation = np.broadcast_to(rotation, R.shape)
    return rotation * SPECTRUM[:, None] @ rotation.transpose(0, 2, 1)


def make(kind, b=B):
    b, spectrum, Q = torch.as_tensor(b), torch.tensor(SPECTRUM), torch.tensor(matrices(kind))
    if kind == "diagonal":
        return DiagonalQuadratic(spectrum, b)
    if kind == "dense":
        return DenseQuadratic(Q, b)
    if kind == "operator":
        return OperatorQuadratic(lambda y: torch.einsum("nij,nj->ni", Q, y), b)
    return SpectralQuadratic(spectrum, torch.tensor(R[0] if kind == "shared rotation" else R), b)


def layer_of(name, share=0.8, penalty=None, **options):
    low, high = get_algorithm(name).stable_region(MU, L)
    size = max(share * high, low)
    penalty = Nonnegative() if penalty is None else penalty
    return ReasoningLayer(name, mu=MU, L=L, step_size=size, penalty=penalty, **options)


def constrained_minimiser(Q, b):
    """Minimise y'Qy / 2 + b'y over y >= 0 as the least squares problem |U y + U^-T b|."""
    U = np.linalg.cholesky(Q).T
    target = -np.linalg.solve(U.T, b)
    y, _ = nnls(U, target)
    bounded = lsq_linear(U, target, (0, np.inf), method="bvls", tol=1e-15).x
    np.testing.assert_allclose(y, bounded, atol=1e-12)
    return y


# ---------------------------------------------------------------------- values


@covering("start, name, kind", [None, START, START[0]], FIRST_ORDER, KINDS)
def test_the_layer_is_the_projected_loop(name, kind, start):
    Q = matrices(kind)
    starts = np.broadcast_to(0.0 if start is None else start, B.shape)
    given = None if start is None else torch.tensor(start)
    for share in (0.3, 1.0):
        layer = layer_of(name, share)
        for k in (0, 1, 2, 7, 30, 200):
            rows = zip(Q, B, starts, strict=True)
            phi = layer.step_size.item()
            expected = np.stack([projected(name, *row, k, phi) for row in rows])
            y = layer(make(kind), k=k, start=given).detach().numpy()
            np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


@covering("name, kind", FIRST_ORDER, KINDS)
@torch.no_grad()
def test_not_one_entry_is_negative_after_any_number_of_steps(name, kind):
    """Not by a rounding error either, in both precisions, at both ends of the stable region."""
    for share in (0.01, 0.8, 1.0):
        for k in (0, 1, 2, 7, 1000 if share == 1.0 else 100):
            layer = layer_of(name, share, k=k)
            for start in (None, torch.tensor(START), torch.tensor(-START)):
                assert (layer(make(kind), start=start) >= 0).all()
    single = DiagonalQuadratic(
        torch.tensor(SPECTRUM, dtype=torch.float32), torch.tensor(B, dtype=torch.float32)
    )
    for k in (0, 1, 2, 7, 1000):
        y = layer_of(name)(single, k=k, start=torch.tensor(START))
        assert y.dtype == torch.float32
        assert (y >= 0).all()


@covering("name, kind", FIRST_ORDER, KINDS)
@torch.no_grad()
def test_many_steps_end_at_scipys_minimiser(name, kind):
    expected = np.stack(
        [constrained_minimiser(*row) for row in zip(matrices(kind), B, strict=True)]
    )
    assert (expected == 0).any()
    assert (expected > 0).any()
    for start in (None, torch.tensor(START)):
        y = layer_of(name)(make(kind), k=1000, start=start).numpy()
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)
        # An output that scipy holds at the bound is exactly there.
        np.testing.assert_array_equal(y[expected == 0], 0)


def test_projecting_the_unconstrained_minimiser_is_something_else():
    """What a user would do without the penalty: for a full Q it is not the minimiser."""
    free = np.maximum(-np.linalg.solve(matrices("dense"), B[..., None])[..., 0], 0)
    y = layer_of("nag")(make("dense"), k=1000).detach().numpy()
    assert np.abs(y - free).max() > 0.1
    diagonal = layer_of("nag")(make("diagonal"), k=1000).detach().numpy()
    np.testing.assert_allclose(diagonal, np.maximum(-B / SPECTRUM, 0), atol=1e-9)


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_each_sample_takes_its_own_number_of_steps(name):
    layer, k = layer_of(name), [7, 0, 30, 1, 2, 200]
    y = layer(make("dense"), k=torch.tensor(k), start=torch.tensor(START))
    for row, steps in enumerate(k):
        alone = layer(make("dense"), k=steps, start=torch.tensor(START))
        assert torch.equal(y[row], alone[row])


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_each_iteration_its_own_step_size(name):
    sizes = [0.9, 0.3, 1.2, 0.6]
    layer = layer_of(name, k=4, step_size_per_iteration=True, step_size_range=(0.01, 9.0))
    layer._step_size.data = torch.tensor(sizes, dtype=torch.float64)
    expected = []
    for Q, b, y in zip(matrices("dense"), B, np.maximum(START, 0), strict=True):
        state = (y, y)
        for i, phi in enumerate(sizes):
            y, other = state
            root = math.sqrt(MU * phi)
            if name in ("nag", "fista"):
                moved = np.maximum(other - phi * (Q @ other + b), 0)
                beta = (1 - root) / (1 + root) if name == "nag" else i / (i + 3)
                state = moved, moved + beta * (moved - y)
                continue
            if name == "admm":  # the other one is the multiplier
                if i == 0:
                    w = y - phi * (Q @ y + b)
                    y, other = np.maximum(w, 0), np.minimum(w, 0) / phi
                x = np.linalg.solve(np.eye(D) + phi * Q, y - phi * other - phi * b)
                w = x + phi * other
                state = np.maximum(w, 0), np.minimum(w, 0) / phi
                continue
            beta = 0 if name == "gd" else (1 - root) ** 2
            state = np.maximum(y - phi * (Q @ y + b) + beta * (y - other), 0), y
        expected.append(state[0])
    y = layer(make("dense"), start=torch.tensor(START)).detach().numpy()
    np.testing.assert_allclose(y, np.stack(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", FIRST_ORDER)
def test_three_models_side_by_side_get_the_bits_of_each_alone(name, dtype):
    spectra = torch.tensor(np.stack([SPECTRUM, SPECTRUM[::-1], SPECTRUM[:, ::-1]]), dtype=dtype)
    b = torch.tensor(np.stack([B, -B, B[::-1]]), dtype=dtype)
    starts = torch.tensor(np.stack([START, START[::-1], -START]), dtype=dtype)
    layer = layer_of(name, k=9)

    def run(models):
        leaf = b[models].clone().requires_grad_()
        y = layer(DiagonalQuadratic(spectra[models], leaf), start=starts[models])
        return y.detach(), *torch.autograd.grad(torch.cos(y).sum(), leaf)

    together = run(slice(None))
    for model in range(3):
        for whole, alone in zip(together, run(model), strict=True):
            assert torch.equal(whole[model], alone)


# ---------------------------------------------------------------------- derivatives


@covering("name, kind", FIRST_ORDER, ["diagonal", "spectral", "dense", "operator"])
def test_derivatives_in_b_start_and_step_size_are_finite_differences(name, kind):
    layer = layer_of(name)
    inputs = [torch.tensor(B), torch.tensor(START), layer._step_size.detach().clone()]
    for leaf in inputs:
        leaf.requires_grad_()

    def run(b, start, size, k):
        parameters = {"_step_size": size}
        return torch.func.functional_call(layer, parameters, (make(kind, b), k, start))

    for k in (1, 2, 5, torch.tensor([3, 1, 2, 5, 1, 4])):
        assert torch.autograd.gradcheck(
            lambda *leaves, k=k: run(*leaves, k), inputs, fast_mode=True
        )


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_derivatives_in_the_matrix_are_finite_differences(name):
    layer = layer_of(name, k=4)
    root = torch.linalg.cholesky(torch.tensor(matrices("dense"))).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda M: layer(DenseQuadratic(M @ M.mT, torch.tensor(B))), (root,), fast_mode=True
    )


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_the_gradient_after_many_steps_is_that_on_the_entries_that_are_not_zero(name):
    """dy/db of the minimiser is -Q^-1 on the free entries and 0 elsewhere."""
    Q, b = matrices("dense")[0], torch.tensor(B[0])
    spectrum = torch.tensor(Q)[None]
    jacobian = torch.autograd.functional.jacobian(
        lambda c: layer_of(name)(DenseQuadratic(spectrum, c[None]), k=400)[0], b
    ).numpy()
    free = constrained_minimiser(Q, B[0]) > 0
    assert 0 < free.sum() < D
    expected = np.zeros((D, D))
    expected[np.ix_(free, free)] = -np.linalg.inv(Q[np.ix_(free, free)])
    np.testing.assert_allclose(jacobian, expected, atol=1e-9)


def test_an_output_at_the_edge_of_the_set_still_learns():
    """From 0 with b = 0 the step ends at exactly 0, where the output counts as inside."""
    b = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    energy = DiagonalQuadratic(torch.full((1, 2), 0.5, dtype=torch.float64), b)
    layer = ReasoningLayer("gd", 1, MU, L, step_size=1.0, learn_step_size=False,
                           penalty=Nonnegative())  # fmt: skip
    layer(energy).sum().backward()
    assert b.grad.tolist() == [[-1.0, -1.0]]


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize("name", REFUSED)
def test_methods_that_cannot_take_a_set_are_refused_when_the_layer_is_made(name):
    with pytest.raises(ValueError, match=f"^algo='{name}' needs .*penalty=Nonnegative") as caught:
        ReasoningLayer(name, penalty=Nonnegative())
    usable = "['gd', 'nag', 'heavy_ball', 'opt', 'fista', 'admm']"
    assert str(caught.value).endswith(f"Use one of {usable}.")


@pytest.mark.parametrize("penalty", ["nonnegative", Nonnegative, (0, 1), lambda y: y.clamp_min(0)])
def test_what_is_no_penalty(penalty):
    with pytest.raises(TypeError, match=r"^penalty=.* must be a Penalty or None"):
        ReasoningLayer("gd", penalty=penalty)


def test_none_is_no_penalty():
    with_none = ReasoningLayer("nag", k=7, penalty=None)(make("dense"))
    assert torch.equal(with_none, ReasoningLayer("nag", k=7)(make("dense")))
    assert (with_none < 0).any()


# ---------------------------------------------------------------------- a term of one's own


class Absolute(Penalty):
    """The term weight |y|_1, whose proximal step moves every entry towards 0."""

    def __init__(self, weight):
        self.weight = weight

    def value(self, y):
        return self.weight * y.abs().sum(dim=-1)

    def prox(self, v, step):
        return v.sign() * (v.abs() - self.weight * step).clamp_min(0.0)

    def in_units(self, unit):
        return Absolute(self.weight / unit)


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_a_term_of_ones_own_is_added_to_the_energy(name):
    """At the minimiser the gradient is -weight sign(y), or at most the weight where y is 0."""
    weight, Q = 0.3, matrices("dense")
    y = layer_of(name, penalty=Absolute(weight))(make("dense"), k=1000).detach().numpy()
    slope = np.einsum("nij,nj->ni", Q, y) + B
    assert (y == 0).any()
    np.testing.assert_allclose(slope[y != 0], -weight * np.sign(y[y != 0]), atol=1e-9)
    assert (np.abs(slope[y == 0]) <= weight).all()


def test_the_start_is_not_moved_by_a_term():
    start = torch.tensor(START)
    assert torch.equal(
        layer_of("gd", penalty=Absolute(0.3))(make("dense"), k=0, start=start), start
    )
