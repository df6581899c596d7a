"""The layer over drawn algorithms, energies, dtypes, shapes, numbers of steps and spectra."""

import dataclasses

import numpy as np
import torch
from _covering import covering
from hard._loops import iterates, minimiser
from hard._running import holds_for
from hard._strategies import problems
from hypothesis import assume, strategies as st

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.energies import DenseQuadratic, DiagonalQuadratic

FLOATS = st.just(torch.float64)


def layer_of(problem, **options):
    return ReasoningLayer(
        problem.name,
        k=torch.tensor(problem.k) if np.ndim(problem.k) else problem.k,
        mu=problem.mu,
        L=problem.L,
        step_size=problem.step_size,
        **options,
    )


def by_loops(problem, sizes=None):
    """Return y_k of each sample, and the largest number that its iterates go through."""
    y, largest = np.zeros_like(problem.b), np.zeros(len(problem.b))
    steps = np.broadcast_to(problem.k, len(problem.b))
    for i, (Q, b, k) in enumerate(zip(problem.matrices(), problem.b, steps, strict=True)):
        if problem.name == "opt":
            path = [minimiser(problem.eigenvalues[i], problem.R[i], b)]
        else:
            phis = [problem.step_size or 1.0] * k if sizes is None else sizes[:k]
            path = iterates(problem.name, Q, b, phis, problem.mu, problem.L)
        y[i], largest[i] = path[-1], np.abs(path).max()
    return y, largest


def resolution(problem):
    """Return how many units of rounding an output may differ by, relative to its path.

    Where the spectrum is known the layer runs on rounded factors of Q, which moves y by as much
    as the derivative of q_k allows: k squared, or the condition of Q if that is less.
    """
    k = problem.largest_k + 1
    amplified = problem.condition if problem.name == "opt" else min(problem.condition, k**2)
    return 30.0 * torch.finfo(problem.dtype).eps * (k + amplified)


# Conjugate gradients lose conjugacy to rounding, in the loop as in the layer, but not alike.
stable_names = st.sampled_from([name for name in list_algorithms() if name != "cg"])


@holds_for(problems(stable_names), few=10, many=1000)
def test_the_layer_is_the_loop(problem):
    y = layer_of(problem)(problem.energy())
    assert y.dtype == problem.dtype
    assert y.shape == problem.b.shape
    expected, largest = by_loops(problem)
    error = np.abs(y.detach().double().numpy() - expected).max(axis=1, initial=0.0)
    assert (error <= resolution(problem) * largest).all()


@holds_for(problems(st.just("cg"), largest_condition=4.0), few=5, many=300)
def test_conjugate_gradients_are_the_loop_where_q_is_well_conditioned(problem):
    y = layer_of(problem)(problem.energy())
    expected, largest = by_loops(problem)
    error = np.abs(y.double().numpy() - expected).max(axis=1, initial=0.0)
    assert (error <= 1e4 * torch.finfo(problem.dtype).eps * largest).all()


@holds_for(problems(st.just("cg"), FLOATS, smallest_n=1), few=5, many=400)
def test_conjugate_gradients_keep_their_bound(problem):
    """Error of cg in the norm of Q: at most 2 rate^k of the first, and what rounding leaves."""
    y = layer_of(problem)(problem.energy()).numpy()
    root = np.sqrt(problem.condition)
    rate = (root - 1) / (root + 1)
    for i, k in enumerate(np.broadcast_to(problem.k, len(y))):
        Q = problem.matrices()[i].astype(np.float64)
        exact = minimiser(problem.eigenvalues[i], problem.R[i], problem.b[i]).astype(np.float64)
        error, first = y[i] - exact, exact @ Q @ exact
        left = np.sqrt(max(error @ Q @ error, 0.0) / first)
        assert left <= 2.0 * rate**k + 1e-13 * problem.condition


small_ks = st.integers(0, 6)
# gradcheck compares with finite differences of 1e-6: numbers must be of the order of one.
smooth_names = st.sampled_from([n for n in list_algorithms() if n not in ("cg", "rnn")])


@holds_for(
    problems(smooth_names, FLOATS, small_ks, smallest_n=1, largest_condition=20.0),
    few=3,
    many=200,
)
def test_gradients_are_finite_differences(problem):
    scale = problem.mu  # E(y) with Q / mu and b / mu has the same minimiser
    problem = dataclasses.replace(
        problem,
        mu=1.0,
        L=problem.L / scale,
        step_size=None if problem.step_size is None else problem.step_size * scale,
        eigenvalues=problem.eigenvalues / scale,
        b=problem.b / np.abs(problem.b).max(),
    )
    layer = layer_of(problem, step_size_range=(1e-6, 1e6))
    names, tensors = zip(*problem.tensors().items(), strict=True)

    def run(*tensors):
        return layer(problem.energy(**dict(zip(names, tensors, strict=True))))

    inputs = [tensor.requires_grad_() for tensor in tensors]
    assert run(*inputs).requires_grad or not problem.largest_k
    if not run(*inputs).requires_grad:
        return
    assert torch.autograd.gradcheck(run, inputs)
    assert torch.autograd.gradgradcheck(run, inputs, fast_mode=True, atol=1e-4)
    if problem.step_size is not None:
        (ours,) = torch.autograd.grad(
            run(*tensors).sum(), layer._step_size, materialize_grads=True, allow_unused=True
        )
        moved = [problem.step_size * (1 + sign * 1e-6) for sign in (1, -1)]
        up, down = (by_loops(problem, [phi] * problem.largest_k)[0].sum() for phi in moved)
        np.testing.assert_allclose(ours, (up - down) / (moved[0] - moved[1]), rtol=1e-4, atol=1e-5)


@holds_for(problems(st.sampled_from(["gd", "nag", "heavy_ball"]), FLOATS), few=5, many=300)
def test_every_iteration_its_own_step_size(problem):
    k = min(problem.largest_k, 60)
    problem = dataclasses.replace(problem, k=k)
    layer = layer_of(problem, step_size_per_iteration=True)
    assert layer.step_size.shape == (k,)
    sizes = layer.step_size.detach().numpy()
    low, high = get_algorithm(problem.name).stable_region(problem.mu, problem.L)
    assert ((sizes >= low) & (sizes <= high)).all()
    y = layer(problem.energy()).detach().numpy()
    expected, largest = by_loops(problem, list(sizes))
    assert (np.abs(y - expected).max(axis=1, initial=0.0) <= resolution(problem) * largest).all()


@holds_for(problems(smallest_n=2), st.sampled_from([np.nan, np.inf, -np.inf]), few=5, many=400)
def test_what_is_not_finite_stays_in_its_own_sample(problem, bad):
    layer = layer_of(problem)
    clean = layer(problem.energy()).detach()
    tensors = problem.tensors()
    tensors["b"][1, 0] = bad
    spoilt = layer(problem.energy(**tensors)).detach()
    others = torch.arange(len(clean)) != 1
    assert torch.equal(spoilt[others], clean[others])
    if np.broadcast_to(problem.k, len(clean))[1] or problem.name == "opt":
        assert not spoilt[1].isfinite().all()


@holds_for(problems(smallest_n=1), st.integers(1, 3), few=5, many=400)
def test_leading_axes_are_models(problem, n_models):
    """A stack gives what its models give alone, whichever parts of the energy are shared."""
    layer = layer_of(problem)
    alone = layer(problem.energy())
    tensors = problem.tensors()
    scales = torch.arange(1.0, n_models + 1).reshape(-1, 1, 1).to(problem.dtype)
    stacked = layer(problem.energy(**{**tensors, "b": scales * tensors["b"]}))
    assert stacked.shape == (n_models, *alone.shape)
    assume(problem.name != "cg")
    largest = by_loops(problem)[1].max()
    error = (stacked - scales * alone).detach().abs().amax()
    assert float(error) <= n_models * resolution(problem) * largest


@holds_for(problems(smallest_n=1), few=5, many=400)
def test_a_sample_gets_the_same_alone(problem):
    assume(problem.name != "cg")
    layer, steps = layer_of(problem), np.broadcast_to(problem.k, len(problem.b))
    y = layer(problem.energy()).detach().numpy()
    largest = by_loops(problem)[1]
    for i in range(len(y)):
        one = dataclasses.replace(
            problem,
            k=int(steps[i]),
            eigenvalues=problem.eigenvalues[i : i + 1],
            R=problem.R[i : i + 1],
            b=problem.b[i : i + 1],
        )
        alone = layer_of(one)(one.energy()).detach().numpy()
        assert np.abs(alone[0] - y[i]).max() <= resolution(problem) * largest[i]


@covering("name, dtype, d", list_algorithms(), [torch.float64, torch.float32], [1, 3])
def test_empty_batches(name, dtype, d):
    layer = ReasoningLayer(name, k=3, d=d)
    diagonal = torch.ones(0, d, dtype=dtype)
    b = torch.ones(0, d, dtype=dtype, requires_grad=True)
    for energy in (DiagonalQuadratic(diagonal, b), DenseQuadratic(torch.diag_embed(diagonal), b)):
        y = layer(energy)
        assert y.shape == (0, d)
        assert y.dtype == dtype
        y.sum().backward()
        assert layer(energy, k=torch.empty(0, dtype=torch.int64)).shape == (0, d)
