"""Starts other than 0: against plain NumPy loops, and against the energy that is shifted."""

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
KINDS = ["diagonal", "spectral", "shared rotation", "dense", "operator"]
STARTS = {"a row each": (N, D), "one for all": (D,), "one row for all": (1, D)}
# The cell's weights are for one b: it is not shifted with the energy.
SHIFTED = [name for name in list_algorithms() if name != "rnn"]


# ---------------------------------------------------------------------- the loops


def gd(Q, b, y, k, phi, weights):
    for _ in range(k):
        y = y - phi * (Q @ y + b)
    return y


def nag(Q, b, y, k, phi, weights):
    root = math.sqrt(MU * phi)
    z = y
    for _ in range(k):
        y_next = z - phi * (Q @ z + b)
        z = y_next + (1 - root) / (1 + root) * (y_next - y)
        y = y_next
    return y


def heavy_ball(Q, b, y, k, phi, weights):
    y_before = y
    for _ in range(k):
        move = (1 - math.sqrt(MU * phi)) ** 2 * (y - y_before)
        y, y_before = y - phi * (Q @ y + b) + move, y
    return y


def fista(Q, b, y, k, phi, weights):
    z = y
    for i in range(k):
        y_next = z - phi * (Q @ z + b)
        z = y_next + i / (i + 3) * (y_next - y)
        y = y_next
    return y


def admm(Q, b, y, k, phi, weights):
    moved, implicit = y - phi * (Q @ y + b), np.linalg.inv(np.eye(len(b)) + phi * Q)
    for _ in range(k):
        moved = implicit @ (moved - phi * b)
    return moved if k else y


def chebyshev(Q, b, y, k, phi, weights):
    y_before, rho, omega = y, (L - MU) / (L + MU), 1.0
    for i in range(k):
        y, y_before = y_before + omega * (y - 2 / (MU + L) * (Q @ y + b) - y_before), y
        omega = 2 / (2 - rho**2) if i == 0 else 4 / (4 - rho**2 * omega)
    return y


def cg(Q, b, y, k, phi, weights):
    r = -b - Q @ y
    p, first = r, np.linalg.norm(r)
    for _ in range(k):
        if np.linalg.norm(r) <= 1e-15 * first:
            break
        alpha = (r @ r) / (p @ Q @ p)
        y, r_next = y + alpha * p, r - alpha * (Q @ p)
        p, r = r_next + (r_next @ r_next) / (r @ r) * p, r_next
    return y


def rnn(Q, b, y, k, phi, weights):
    for _ in range(k):
        hidden = np.maximum(weights["W1_state"] @ y + weights["W1_gradient"] @ (Q @ y + b), 0)
        y = weights["V"] @ hidden
    return y


def opt(Q, b, y, k, phi, weights):
    return -np.linalg.solve(Q, b)


LOOPS = {f.__name__: f for f in (gd, nag, heavy_ball, fista, admm, chebyshev, cg, rnn, opt)}


def by_loops(layer, Q, b, start, k):
    """Run the loop on each sample; k is an int or one a sample."""
    phi = None if layer.step_size is None else layer.step_size.item()
    weights = {name: weight.detach().numpy() for name, weight in layer.weights.items()}
    samples = zip(Q, b, np.broadcast_to(start, b.shape), np.broadcast_to(k, len(b)), strict=True)
    return np.stack([LOOPS[layer.algorithm.name](*sample, phi, weights) for sample in samples])


# ---------------------------------------------------------------------- the energies


def problem(seed=3):
    """Return eigenvalues, rotations, linear terms and starts, a row for each sample."""
    rng = np.random.default_rng(seed)
    eigenvalues = rng.uniform(MU, L, (N, D))
    eigenvalues[:, 0], eigenvalues[:, 1] = MU, L
    R, _ = np.linalg.qr(rng.normal(size=(N, D, D)))
    return eigenvalues, R, rng.normal(size=(N, D)), 3.0 * rng.normal(size=(N, D))


def make(kind, b, dtype=torch.float64):
    """Return an energy of a kind and its Q."""
    eigenvalues, R, _, _ = problem()
    if kind == "diagonal":
        R = np.broadcast_to(np.eye(D), R.shape)
    elif kind == "shared rotation":
        R = np.broadcast_to(R[0], R.shape)
    Q = R * eigenvalues[:, None] @ R.transpose(0, 2, 1)

    def to(array):
        return torch.tensor(array.copy(), dtype=dtype)

    matrix = to(Q)
    b = b if isinstance(b, torch.Tensor) else to(b)
    energy = {
        "diagonal": lambda: DiagonalQuadratic(to(eigenvalues), b),
        "spectral": lambda: SpectralQuadratic(to(eigenvalues), to(R), b),
        "shared rotation": lambda: SpectralQuadratic(to(eigenvalues), to(R[0]), b),
        "dense": lambda: DenseQuadratic(matrix, b),
        "operator": lambda: OperatorQuadratic(lambda y: torch.einsum("nij,nj->ni", matrix, y), b),
    }[kind]()
    return energy, Q


def relative(y, expected):
    scale = np.linalg.norm(expected)
    return np.linalg.norm(y.detach().numpy() - expected) / (scale or 1.0)


def layer_of(name, share=0.8, **options):
    algorithm = get_algorithm(name)
    size = share * algorithm.stable_region(MU, L)[1] if algorithm.has_step_size else None
    return ReasoningLayer(name, mu=MU, L=L, step_size=size, **options)


# ---------------------------------------------------------------------- facts


@covering("name, kind, shape", list_algorithms(), KINDS, STARTS)
def test_the_layer_from_a_start_is_the_loop_from_there(name, kind, shape):
    _, _, b, starts = problem()
    start = starts.reshape(-1)[: math.prod(STARTS[shape])].reshape(STARTS[shape])
    energy, Q = make(kind, b)
    for share in (0.3, 1.0):
        layer = layer_of(name, share)
        for k in K:
            y = layer(energy, k=k, start=torch.tensor(start))
            assert y.shape == (N, D)
            expected = by_loops(layer, Q, b, start, k)
            # What the start had of rounding errors is left where it has been forgotten.
            scale = np.linalg.norm(np.broadcast_to(start, b.shape)) / np.linalg.norm(expected)
            assert relative(y, expected) <= 1e-10 + 1e-14 * scale


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_with_any_weights_is_the_loop(kind):
    _, _, b, start = problem()
    energy, Q = make(kind, b)
    layer = ReasoningLayer(RecurrentCell(width=3), mu=MU, L=L, d=D)
    generator = torch.Generator().manual_seed(0)
    for weight in layer.weights.values():
        drawn = torch.randn(weight.shape, dtype=weight.dtype, generator=generator)
        weight.data = 0.7 * drawn / math.sqrt(weight.shape[1])
    for k in (0, 1, 2, 7, 30):
        y = layer(energy, k=k, start=torch.tensor(start))
        assert relative(y, by_loops(layer, Q, b, start, k)) <= 1e-10


@covering("name, kind", SHIFTED, KINDS)
def test_it_is_the_layer_from_zero_on_the_shifted_energy(name, kind):
    """With z = y - c the energy has the same Q and the linear term Q c + b."""
    _, _, b, start = problem()
    energy, Q = make(kind, b)
    shifted, _ = make(kind, np.einsum("nij,nj->ni", Q, start) + b)
    layer = layer_of(name)
    for k in K:
        expected = start + layer(shifted, k=k).detach().numpy()
        assert relative(layer(energy, k=k, start=torch.tensor(start)), expected) <= 1e-10


@covering("name, kind", list_algorithms(), KINDS)
def test_no_start_and_a_start_of_zeros_are_the_same(name, kind):
    energy, _ = make(kind, problem()[2])
    layer = layer_of(name)
    for k in (0, 1, 7):
        y, zero = layer(energy, k=k), layer(energy, k=k, start=torch.zeros(D, dtype=torch.float64))
        assert torch.equal(y, zero)


@covering("name, kind", list_algorithms(), KINDS)
def test_started_at_the_minimiser_it_stays_there(name, kind):
    energy, Q = make(kind, problem()[2])
    minimizer = -np.linalg.solve(Q, problem()[2][..., None])[..., 0]
    layer = layer_of(name, 1.0)
    for k in K:
        y = layer(energy, k=k, start=torch.tensor(minimizer))
        assert relative(y, minimizer) <= 1e-12


@pytest.mark.parametrize("name", [name for name in SHIFTED if name != "opt"])
def test_no_steps_leave_the_start_as_it_is(name):
    _, _, b, start = problem()
    for kind in KINDS:
        y = layer_of(name)(make(kind, b)[0], k=0, start=torch.tensor(start))
        assert relative(y, start) <= 1e-15  # to rounding: cg turns it into the eigenbasis and back


@covering("name, kind", list_algorithms(), KINDS)
def test_each_sample_takes_its_own_number_of_steps_from_its_start(name, kind):
    _, _, b, start = problem()
    energy, Q = make(kind, b)
    layer, k = layer_of(name), np.array([7, 0, 30, 1])
    for steps in (torch.tensor(k), torch.tensor(k).unsqueeze(-1), k):
        y = layer(energy, k=steps, start=torch.tensor(start))
        assert relative(y, by_loops(layer, Q, b, start, k)) <= 1e-10


@covering("name, kind", list_algorithms(), KINDS)
def test_the_output_has_the_dtype_of_the_energy_whatever_that_of_the_start(name, kind):
    _, _, b, start = problem()
    single, double = (torch.tensor(start, dtype=dtype) for dtype in (torch.float32, torch.float64))
    layer = layer_of(name)
    for dtype, tolerance in ((torch.float32, 3e-5), (torch.float64, 1e-6)):
        energy, Q = make(kind, b, dtype)
        for given in (single, double):
            y = layer(energy, k=9, start=given)
            assert y.dtype == dtype
            assert relative(y, by_loops(layer, Q, b, start, 9)) <= tolerance
            assert torch.equal(y, layer(energy, k=9, start=given.to(dtype)))


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball"])
def test_each_iteration_its_own_step_size(name):
    _, _, b, start = problem()
    sizes = [0.9, 0.3, 1.2, 0.6]
    layer = ReasoningLayer(name, k=4, mu=MU, L=L, step_size_per_iteration=True)
    layer._step_size.data = torch.tensor(sizes, dtype=torch.float64)
    for kind in KINDS:
        energy, Q = make(kind, b)
        expected = []
        for matrix, linear, first in zip(Q, b, start, strict=True):
            y = z = first
            for phi in sizes:
                s = math.sqrt(MU * phi)
                if name == "heavy_ball":
                    y, z = y - phi * (matrix @ y + linear) + (1 - s) ** 2 * (y - z), y
                    continue
                beta = 0 if name == "gd" else (1 - s) / (1 + s)
                y_next = z - phi * (matrix @ z + linear)
                y, z = y_next, y_next + beta * (y_next - y)
            expected.append(y)
        assert relative(layer(energy, start=torch.tensor(start)), np.stack(expected)) <= 1e-10


@pytest.mark.parametrize("name", list_algorithms())
def test_three_models_side_by_side_are_each_alone(name):
    """Leading axes are models: each has its own starts, or all share one."""
    eigenvalues, R, b, start = problem()
    spectra = torch.tensor(np.stack([eigenvalues, eigenvalues[::-1], eigenvalues[:, ::-1]]))
    rotations = torch.tensor(np.stack([R[0], R[1], R[2]]))
    linear = torch.tensor(b).expand(3, N, D)
    starts = torch.tensor(np.stack([start, -start, start[::-1]]))
    layer = layer_of(name)
    stack = SpectralQuadratic(spectra, rotations, linear)
    y, shared = layer(stack, k=6, start=starts), layer(stack, k=6, start=starts[0, 0])
    for model in range(3):
        alone = SpectralQuadratic(spectra[model], rotations[model], linear[model])
        # Products with one rotation are rounded otherwise than those with three.
        expected = layer(alone, k=6, start=starts[model])
        torch.testing.assert_close(y[model], expected, rtol=1e-12, atol=1e-13)
        expected = layer(alone, k=6, start=starts[0, 0])
        torch.testing.assert_close(shared[model], expected, rtol=1e-12, atol=1e-13)


@covering("name, kind, shape", list_algorithms(), KINDS, STARTS)
def test_derivatives_in_the_start_and_b_are_finite_differences(name, kind, shape):
    _, _, b, starts = problem()
    start = starts.reshape(-1)[: math.prod(STARTS[shape])].reshape(STARTS[shape])
    layer = layer_of(name, d=D)
    # Away from the kinks of the cell, which sits in them at its initial weights.
    for weight in layer.weights.values():
        weight.data += 0.05 * torch.cos(torch.arange(weight.numel()).reshape(weight.shape))
    inputs = torch.tensor(start, requires_grad=True), torch.tensor(b, requires_grad=True)
    for k in (0, 1, 3, torch.tensor([2, 0, 1, 3])):
        assert torch.autograd.gradcheck(
            lambda c, linear, k=k: layer(make(kind, linear)[0], k=k, start=c),
            inputs,
            fast_mode=True,
        )


def test_the_derivative_in_the_start_is_the_residual_polynomial():
    """y_k - y* = r_k(Q) (c - y*), so that dy_k / dc = r_k(Q)."""
    eigenvalues, R, b, start = problem()
    for name in ("gd", "nag", "heavy_ball", "chebyshev"):
        layer = layer_of(name)
        phi = None if layer.step_size is None else layer.step_size.item()
        r = get_algorithm(name).residual(eigenvalues, 7, phi, MU, L)
        expected = R * r[:, None] @ R.transpose(0, 2, 1)
        for kind in ("spectral", "dense"):
            energy, _ = make(kind, b)
            jacobian = torch.autograd.functional.jacobian(
                lambda c, energy=energy, layer=layer: layer(energy, k=7, start=c),
                torch.tensor(start),
            )
            for row in range(N):
                np.testing.assert_allclose(jacobian[row, :, row], expected[row], atol=1e-13)


# ---------------------------------------------------------------------- errors


@covering("kind, name", KINDS, list_algorithms())
def test_shapes_that_do_not_go_with_the_samples(name, kind):
    layer, (energy, _) = layer_of(name), make(kind, problem()[2])
    for shape in ((4,), (N, 1, D), (2, N, D), (3, D), (N, 4), (0, D)):
        with pytest.raises(ValueError, match=r"^start of shape \(.*\) does not go with energies"):
            layer(energy, start=torch.zeros(shape, dtype=torch.float64))


@pytest.mark.parametrize("start", [[0.0] * D, np.zeros(D), 0.0, "mean"])
def test_what_is_no_tensor(start):
    with pytest.raises(TypeError, match=r"^start must be a torch.Tensor, got "):
        ReasoningLayer("gd")(make("diagonal", problem()[2])[0], start=start)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_tensors_of_whole_or_complex_numbers(dtype):
    with pytest.raises(TypeError, match=r"^start must have a floating point dtype, got torch"):
        ReasoningLayer("gd")(make("diagonal", problem()[2])[0], start=torch.ones(D, dtype=dtype))
