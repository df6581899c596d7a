"""Steps of energies that share one matrix: against the layer, autograd and differences."""

import numpy as np
import pytest
import torch
from _covering import covering

from sklearn_reasoning.algorithms import Problem, get_algorithm, last_iterate
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.layer import CoupledSteps, Simplices, UnitBox, minimize
from sklearn_reasoning.penalties import Box, Simplex

CELLS, CLASSES, N, K = 4, 3, 5, 9
METHODS = ["gd", "fista", "nag", "heavy_ball"]
GRADIENT_TOLERANCE = {"rtol": 1e-9, "atol": 1e-11}


def numbers(by="cells", n_classes=CLASSES, dtype=torch.float64, seed=0):
    """Return G, b and a start in the middle, with the bounds of G's spectrum."""
    generator = torch.Generator().manual_seed(seed)
    m = CELLS * (n_classes if by == "outputs" else 1)
    A = torch.randn(m, m, generator=generator, dtype=torch.float64)
    G = A @ A.T / m + 0.1 * torch.eye(m, dtype=torch.float64)
    spectrum = torch.linalg.eigvalsh(G)
    b = 2.0 * torch.randn(CELLS, n_classes, N, generator=generator, dtype=torch.float64)
    start = torch.full_like(b, 1.0 / n_classes if n_classes > 1 else 0.5)
    return *(v.to(dtype) for v in (G, b, start)), float(spectrum[0]), float(spectrum[-1])


def as_problem(G, b, start, mu, L, penalty):
    """Return the same energies with Q in full, a row of outputs each."""
    Q = G if len(G) == b[:, :, 0].numel() else torch.kron(G, torch.eye(b.shape[1], dtype=G.dtype))
    rows = [v.permute(2, 0, 1).flatten(1) for v in (b, start)]
    return Problem(DenseQuadratic(Q.expand(N, -1, -1), rows[0]), mu, L, penalty, rows[1])


def as_cells(y, like):
    return y.unflatten(1, like.shape[:2]).permute(1, 2, 0)


def sets(kind):
    if kind == "box":
        return UnitBox(), Box(0.0, 1.0), 1
    return Simplices(), Simplex(groups=(CLASSES,) * CELLS), CLASSES


@covering(
    "k, algo, by, kind", [0, 1, 2, 7, 40], METHODS, ["cells", "outputs"], ["simplices", "box"]
)
def test_steps_are_those_of_the_layer(algo, by, kind, k):
    cells, penalty, n_classes = sets(kind)
    G, b, start, mu, L = numbers(by, n_classes)
    algorithm = get_algorithm(algo)
    phi = algorithm.initial_step_size(mu, L)
    problem = as_problem(G, b, start, mu, L, penalty)
    expected = as_cells(minimize(algorithm, problem, k, phi), b)
    steps = CoupledSteps(algorithm, phi, mu, cells)
    torch.testing.assert_close(steps.last(G, b, start, k), expected, rtol=0, atol=1e-12)
    iterates = steps.iterates(G, b, start)
    for i in range(1, k + 1):
        y = next(iterates)
        if i in (1, k):
            expected = as_cells(minimize(algorithm, problem, i, phi), b)
            torch.testing.assert_close(y, expected, rtol=0, atol=1e-12)


@covering("k, algo, by, kind", [1, 2, K], METHODS, ["cells", "outputs"], ["simplices", "box"])
def test_gradients_are_those_of_autograd(algo, by, kind, k):
    cells, penalty, n_classes = sets(kind)
    G, b, start, mu, L = numbers(by, n_classes)
    start = project(b.flip(0), cells)  # from the middle, a step is flat in G
    G.requires_grad_(), b.requires_grad_()
    algorithm = get_algorithm(algo)
    phi = algorithm.initial_step_size(mu, L)
    weights = torch.randn(b.shape, generator=torch.Generator().manual_seed(1), dtype=b.dtype)

    unrolled = last_iterate(algorithm, as_problem(G, b, start, mu, L, penalty), k, phi)
    expected = torch.autograd.grad((as_cells(unrolled, b) * weights).sum(), [G, b])
    y = CoupledSteps(algorithm, phi, mu, cells).last(G, b, start, k)
    found = torch.autograd.grad((y * weights).sum(), [G, b])
    assert expected[0].abs().max() > 1e-3
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, **GRADIENT_TOLERANCE)


@covering("algo, kind", METHODS, ["simplices", "box"])
def test_gradients_are_those_of_differences(algo, kind):
    cells, _, n_classes = sets(kind)
    G, b, start, mu, L = numbers("cells", n_classes, seed=2)
    algorithm = get_algorithm(algo)
    phi = algorithm.initial_step_size(mu, L)

    def last(G, b):
        return CoupledSteps(algorithm, phi, mu, cells).last(G, b, start, K)

    G.requires_grad_(), b.requires_grad_()
    assert torch.autograd.gradcheck(last, (G, b), eps=1e-7, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("algo", METHODS)
def test_single_precision_has_its_digits(algo):
    outputs = []
    for dtype in (torch.float32, torch.float64):
        G, b, start, mu, L = numbers(dtype=dtype)
        algorithm = get_algorithm(algo)
        steps = CoupledSteps(algorithm, algorithm.initial_step_size(mu, L), mu, Simplices())
        G.requires_grad_(), b.requires_grad_()
        y = steps.last(G, b, start, K)
        assert y.dtype == dtype
        outputs.append([y.detach(), *torch.autograd.grad(y.square().sum(), [G, b])])
    for single, double in zip(*outputs, strict=True):
        torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-5)


def test_a_matrix_that_is_concave_in_places_is_stepped_on_alike():
    G, b, start, _, L = numbers()
    G = G - 0.5 * L * torch.eye(len(G), dtype=G.dtype)
    algorithm, phi = get_algorithm("fista"), 1.0 / L
    y = start
    z = y
    penalty = Simplex(groups=(CLASSES,) * CELLS)
    for i in range(30):
        v = z - phi * (torch.einsum("ij,jcn->icn", G, z) + b)
        rows = penalty.prox(v.permute(2, 0, 1).flatten(1), phi)
        new = as_cells(rows, b)
        y, z = new, new + i / (i + 3) * (new - y)
    found = CoupledSteps(algorithm, phi, 1e-3, Simplices()).last(G, b, start, 30)
    torch.testing.assert_close(found, y, rtol=0, atol=1e-12)


# ------------------------------------------------------------------ projections


def project(v, cells, times=1):
    """Project after other arrays, whose thresholds the projector begins from."""
    projector, out = cells.projector(v), torch.empty_like(v)
    for i in range(times):
        other = (i + 1.0) * torch.randn(v.shape, generator=torch.Generator().manual_seed(i))
        projector(other.to(v.dtype), out)
    projector(v.clone(), out)
    return out


@pytest.mark.parametrize("scale", [1e-8, 1.0, 30.0, 1e6, 1e15, 1e200])
@pytest.mark.parametrize("n_classes", [2, 9, 40])
@pytest.mark.parametrize("times", [0, 3])
def test_projections_are_those_of_the_penalty(scale, n_classes, times):
    generator = torch.Generator().manual_seed(n_classes)
    v = scale * torch.randn(6, n_classes, 20, generator=generator, dtype=torch.float64)
    y = project(v, Simplices(), times)
    # Largest entries at 0: the differences that count are then not rounded away.
    shifted = (v - v.amax(1, keepdim=True)).movedim(1, 2)
    expected = Simplex().prox(shifted.clamp_min(-2.0), 1.0).movedim(2, 1)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-13)
    assert float(y.min()) >= 0.0
    torch.testing.assert_close(y.sum(1), torch.ones(6, 20, dtype=y.dtype), rtol=0, atol=1e-13)


@pytest.mark.parametrize("scale", [1.0, 1e5, 1e30])
def test_projections_in_single_precision(scale):
    v = scale * torch.randn(6, 9, 20, generator=torch.Generator().manual_seed(0))
    y = project(v, Simplices(), 2)
    torch.testing.assert_close(y.sum(1), torch.ones(6, 20), rtol=0, atol=1e-5)
    assert float(y.min()) >= 0.0


@pytest.mark.parametrize(
    "entries", [[0.0, 0.0, 0.0], [5.0, 5.0, -1.0], [1e9, 1e9, 1e9], [1e9, 1e9 - 0.5, 0.0]]
)
def test_ties_are_shared(entries):
    v = torch.tensor(entries, dtype=torch.float64).reshape(1, 3, 1)
    expected = Simplex().prox((v - v.max()).reshape(1, 3), 1.0).reshape(1, 3, 1)
    torch.testing.assert_close(project(v, Simplices()), expected, rtol=0, atol=1e-12)


def test_classes_that_a_cell_has_not_stay_at_zero():
    groups = [3, 1, 2, 3]
    allowed = torch.zeros(CELLS, CLASSES, 1, dtype=torch.bool)
    for cell, size in enumerate(groups):
        allowed[cell, CLASSES - size :] = True
    kept = allowed.flatten().nonzero().squeeze(1)
    G, b, _, mu, L = numbers("outputs")
    start = allowed.double().expand(-1, -1, N).contiguous()
    start /= start.sum(1, keepdim=True)
    rows = [v.permute(2, 0, 1).flatten(1)[:, kept] for v in (b, start)]
    G.requires_grad_(), b.requires_grad_()
    for algo in METHODS:
        algorithm = get_algorithm(algo)
        phi = algorithm.initial_step_size(mu, L)
        Q, linear = G[kept][:, kept], b.permute(2, 0, 1).flatten(1)[:, kept]
        energy = DenseQuadratic(Q.expand(N, -1, -1), linear)
        problem = Problem(energy, mu, L, Simplex(groups=tuple(groups)), rows[1])
        expected = last_iterate(algorithm, problem, K, phi)
        y = CoupledSteps(algorithm, phi, mu, Simplices(allowed)).last(G, b, start, K)
        flat = y.permute(2, 0, 1).flatten(1)
        torch.testing.assert_close(flat[:, kept], expected, rtol=0, atol=1e-12)
        assert not y[~allowed.expand_as(y)].any()
        theirs = torch.autograd.grad(expected.square().sum(), [G, b], retain_graph=True)
        ours = torch.autograd.grad(y.square().sum(), [G, b])
        for found, wanted in zip(ours, theirs, strict=True):
            torch.testing.assert_close(found, wanted, **GRADIENT_TOLERANCE)


def test_the_box_clips():
    v = torch.tensor([-1.0, 0.0, 0.25, 1.0, 2.0]).reshape(5, 1, 1)
    assert project(v, UnitBox()).flatten().tolist() == [0.0, 0.0, 0.25, 1.0, 1.0]


def test_iterates_of_steps_without_end_keep_one_before():
    G, b, start, mu, L = numbers()
    steps = CoupledSteps(get_algorithm("fista"), 1.0 / L, mu, Simplices())
    iterates = steps.iterates(G, b, start)
    first = next(iterates)
    copy = first.clone()
    next(iterates)
    assert np.array_equal(first, copy)
    assert not start.isnan().any()
    assert float((start - 1 / CLASSES).abs().max()) == 0.0
