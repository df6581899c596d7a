"""The layer against plain NumPy loops, one sample at a time, in float64."""

import math

import numpy as np
import pytest
import torch
from _covering import covering

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.algorithms import RecurrentCell, get_algorithm, list_algorithms
from sklearn_reasoning.energies import (
    DenseQuadratic,
    DiagonalQuadratic,
    OperatorQuadratic,
    SpectralQuadratic,
)

MU, L, N, D = 0.1, 1.0, 4, 5
K = [0, 1, 2, 7, 30, 200]


# ---------------------------------------------------------------------- the loops


def gd(Q, b, k, phi, weights):
    y = np.zeros_like(b)
    for _ in range(k):
        y = y - phi * (Q @ y + b)
    return y


def nag(Q, b, k, phi, weights):
    root = math.sqrt(MU * phi)
    beta = (1 - root) / (1 + root)
    y = z = np.zeros_like(b)
    for _ in range(k):
        y_next = z - phi * (Q @ z + b)
        z = y_next + beta * (y_next - y)
        y = y_next
    return y


def heavy_ball(Q, b, k, phi, weights):
    beta = (1 - math.sqrt(MU * phi)) ** 2
    y = y_before = np.zeros_like(b)
    for _ in range(k):
        y, y_before = y - phi * (Q @ y + b) + beta * (y - y_before), y
    return y


def fista(Q, b, k, phi, weights):
    y = z = np.zeros_like(b)
    for i in range(k):
        y_next = z - phi * (Q @ z + b)
        z = y_next + i / (i + 3) * (y_next - y)
        y = y_next
    return y


def admm(Q, b, k, phi, weights):
    """Take implicit steps after an explicit one: without a penalty there is no multiplier."""
    y, implicit = -phi * b, np.linalg.inv(np.eye(len(b)) + phi * Q)
    for _ in range(k):
        y = implicit @ (y - phi * b)
    return y if k else np.zeros_like(b)


def chebyshev(Q, b, k, phi, weights):
    t, V = np.linalg.eigh(Q)
    x = np.clip((L + MU - 2 * t) / (L - MU), -1, 1)
    ratio = np.cos(k * np.arccos(x)) / np.cosh(k * np.arccosh((L + MU) / (L - MU)))
    return -V @ ((1 - ratio) / t * (V.T @ b))


def cg(Q, b, k, phi, weights):
    y, r = np.zeros_like(b), -b
    p = r
    for _ in range(k):
        if np.linalg.norm(r) <= 1e-15 * np.linalg.norm(b):
            break
        Qp = Q @ p
        alpha = (r @ r) / (p @ Qp)
        y = y + alpha * p
        r_next = r - alpha * Qp
        p = r_next + (r_next @ r_next) / (r @ r) * p
        r = r_next
    return y


def rnn(Q, b, k, phi, weights):
    y = np.zeros_like(b)
    for _ in range(k):
        h = np.maximum(weights["W1_state"] @ y + weights["W1_gradient"] @ (Q @ y + b), 0)
        layer = 2
        while f"W{layer}" in weights:
            h = np.maximum(weights[f"W{layer}"] @ h, 0)
            layer += 1
        y = weights["V"] @ h
    return y


def opt(Q, b, k, phi, weights):
    return -np.linalg.solve(Q, b)


LOOPS = {f.__name__: f for f in (gd, nag, heavy_ball, fista, admm, chebyshev, cg, rnn, opt)}


def by_loops(layer, Q, b, k):
    """Run the loop on each sample; k is an int or one a sample."""
    phi = None if layer.step_size is None else layer.step_size.item()
    weights = {name: weight.detach().numpy() for name, weight in layer.weights.items()}
    steps = np.broadcast_to(k, len(b))
    loop = LOOPS[layer.algorithm.name]
    return np.stack([loop(*sample, phi, weights) for sample in zip(Q, b, steps, strict=True)])


# ---------------------------------------------------------------------- the energies


def problem(kind, dtype=torch.float64):
    """Return an energy of a kind, with its Q and b as arrays."""
    rng = np.random.default_rng(3)
    eigenvalues = rng.uniform(MU, L, (N, D))
    eigenvalues[:, 0], eigenvalues[:, 1] = MU, L
    R, _ = np.linalg.qr(rng.normal(size=(N, D, D)))
    if kind == "diagonal":
        R = np.broadcast_to(np.eye(D), R.shape)
    elif kind == "shared rotation":
        R = np.broadcast_to(R[0], R.shape)
    Q = R * eigenvalues[:, None] @ R.transpose(0, 2, 1)
    b = rng.normal(size=(N, D))

    def to(array):
        return torch.tensor(array.copy(), dtype=dtype)

    energy = {
        "diagonal": lambda: DiagonalQuadratic(to(eigenvalues), to(b)),
        "spectral": lambda: SpectralQuadratic(to(eigenvalues), to(R), to(b)),
        "shared rotation": lambda: SpectralQuadratic(to(eigenvalues), to(R[0]), to(b)),
        "dense": lambda: DenseQuadratic(to(Q), to(b)),
        "operator": lambda: OperatorQuadratic(
            lambda y: torch.einsum("nij,nj->ni", to(Q), y), to(b)
        ),
    }[kind]()
    return energy, Q, b


KINDS = ["diagonal", "spectral", "shared rotation", "dense", "operator"]


def relative(y, expected):
    scale = np.linalg.norm(expected)
    return np.linalg.norm(y.detach().numpy() - expected) / (scale or 1.0)


def step_size(name, share):
    algorithm = get_algorithm(name)
    return share * algorithm.stable_region(MU, L)[1] if algorithm.has_step_size else None


@covering("name, kind", list_algorithms(), KINDS)
def test_layer_is_the_loop(name, kind):
    energy, Q, b = problem(kind)
    for k in K:
        for share in (0.3, 1.0):
            layer = ReasoningLayer(name, k=k, mu=MU, L=L, step_size=step_size(name, share))
            y = layer(energy)
            assert y.shape == (N, D)
            assert relative(y, by_loops(layer, Q, b, k)) <= 1e-10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"width": 3, "n_layers": 3}])
def test_a_cell_with_any_weights_is_the_loop(kind, options):
    energy, Q, b = problem(kind)
    layer = ReasoningLayer(RecurrentCell(**options), mu=MU, L=L, d=D)
    generator = torch.Generator().manual_seed(0)
    for weight in layer.weights.values():
        drawn = torch.randn(weight.shape, dtype=weight.dtype, generator=generator)
        weight.data = 0.7 * drawn / math.sqrt(weight.shape[1])
    for k in K:
        expected = by_loops(layer, Q, b, k)
        assert k == 0 or np.linalg.norm(expected) > 1e-6
        assert relative(layer(energy, k=k), expected) <= 1e-10


@covering("name, kind", list_algorithms(), KINDS)
def test_each_sample_its_own_k_and_another_k_when_called(name, kind):
    energy, Q, b = problem(kind)
    k = [7, 0, 30, 1]
    layer = ReasoningLayer(name, k=torch.tensor(k), mu=MU, L=L, step_size=step_size(name, 0.8))
    y = layer(energy)  # before the loops: rnn makes its weights in the first call
    expected = by_loops(layer, Q, b, np.array(k))
    assert relative(y, expected) <= 1e-10
    assert relative(layer(energy, k=torch.tensor(k).unsqueeze(-1)), expected) <= 1e-10
    assert relative(layer(energy, k=np.array(k)), expected) <= 1e-10
    assert relative(layer(energy, k=2), by_loops(layer, Q, b, 2)) <= 1e-10
    assert relative(layer(energy, k=torch.tensor(5)), by_loops(layer, Q, b, 5)) <= 1e-10


@covering("kind, name", KINDS, ["gd", "nag", "heavy_ball", "fista", "admm"])
def test_each_iteration_its_own_step_size(name, kind):
    energy, Q, b = problem(kind)
    layer = ReasoningLayer(
        name, k=4, mu=MU, L=L, step_size_per_iteration=True, step_size_range=(0.01, 2.0)
    )
    assert layer.step_size.shape == (4,)
    sizes = np.array([0.9, 0.3, 1.2, 0.6])
    layer._step_size.data = torch.tensor(sizes)
    for k in (0, 1, 3, 4):
        expected = np.zeros_like(b)
        for i in range(N):
            y = z = np.zeros(D)
            for j, phi in enumerate(sizes[:k]):
                s = math.sqrt(MU * phi)
                if name == "heavy_ball":
                    y, z = y - phi * (Q[i] @ y + b[i]) + (1 - s) ** 2 * (y - z), y
                    continue
                if name == "admm":
                    w = -phi * b[i] if j == 0 else y
                    y = np.linalg.solve(np.eye(D) + phi * Q[i], w - phi * b[i])
                    continue
                beta = {"gd": 0, "nag": (1 - s) / (1 + s), "fista": j / (j + 3)}[name]
                y_next = z - phi * (Q[i] @ z + b[i])
                y, z = y_next, y_next + beta * (y_next - y)
            expected[i] = y
        assert relative(layer(energy, k=k), expected) <= 1e-10
    with pytest.raises(ValueError, match="k=5 steps need 5 step sizes, got 4"):
        layer(energy, k=5)


@covering("name, kind", list_algorithms(), KINDS)
def test_float32_energies_give_float32(name, kind):
    energy, Q, b = problem(kind, torch.float32)
    for options in ({}, {"d": D}):  # weights made at the first call, or before in float64
        layer = ReasoningLayer(name, k=9, mu=MU, L=L, **options)
        y = layer(energy)
        assert y.dtype == torch.float32
        assert relative(y, by_loops(layer, Q, b, 9)) <= 1e-5
        # The same layer then computes in float64.
        y = layer(problem(kind)[0])
        assert y.dtype == torch.float64
        assert relative(y, by_loops(layer, Q, b, 9)) <= 1e-10


@pytest.mark.parametrize("name", list_algorithms())
def test_stacks_of_energies(name):
    """Leading axes are models; b, the rotation and k may be shared or not."""
    energy, Q, b = problem("shared rotation")
    stack = SpectralQuadratic(
        torch.stack([energy.eigenvalues, energy.eigenvalues.flip(0)]),
        torch.stack([energy.rotation, energy.rotation.flip(1)]),
        energy.b.expand(2, N, D),
    )
    layer = ReasoningLayer(name, k=torch.tensor([[3], [6]]), mu=MU, L=L)
    y = layer(stack)
    Q = stack.matrix().numpy()
    assert y.shape == (2, N, D)
    for model, k in enumerate([3, 6]):
        assert relative(y[model], by_loops(layer, Q[model], b, k)) <= 1e-10
    each = torch.arange(2 * N).reshape(2, N)  # one a sample, with an axis for the outputs or not
    for k in (each, each.unsqueeze(-1)):
        y = layer(stack, k=k)
        for model in range(2):
            assert relative(y[model], by_loops(layer, Q[model], b, each[model].numpy())) <= 1e-10


@pytest.mark.parametrize("kind", [DiagonalQuadratic, DenseQuadratic])
def test_cg_goes_on_to_full_precision(kind):
    """In more dimensions than it takes steps, so that nothing ends it early."""
    rng = np.random.default_rng(0)
    eigenvalues = torch.tensor(rng.uniform(MU, L, (2, 60)))
    matrix = eigenvalues if kind is DiagonalQuadratic else torch.diag_embed(eigenvalues)
    b = rng.normal(size=(2, 60))
    y = ReasoningLayer("cg", k=45, mu=MU, L=L)(kind(matrix, torch.tensor(b)))
    assert relative(y, -b / eigenvalues.numpy()) <= 1e-10


@covering("name, k", list_algorithms(), [0, 1, 5])
def test_one_linear_term_for_all_spectra(name, k):
    energy, Q, b = problem("diagonal")
    layer = ReasoningLayer(name, k=k, mu=MU, L=L)
    y = layer(DiagonalQuadratic(energy.eigenvalues, energy.b[:1]))
    assert y.shape == (N, D)
    assert relative(y, by_loops(layer, Q, np.broadcast_to(b[:1], b.shape), k)) <= 1e-10


def test_no_samples():
    for name in list_algorithms():
        for k in (3, torch.zeros(0, dtype=torch.int64)):
            layer = ReasoningLayer(name, k=k)
            assert layer(DiagonalQuadratic(torch.ones(0, 2), torch.ones(0, 2))).shape == (0, 2)
