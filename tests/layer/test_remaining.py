"""What is left to the minimiser, with all its digits, and who may run in the eigenbasis."""

import mpmath
import numpy as np
import pytest
import torch

from sklearn_reasoning.algorithms import Problem, get_algorithm, list_algorithms
from sklearn_reasoning.energies import DiagonalQuadratic, SpectralQuadratic
from sklearn_reasoning.layer import decouples, first_distance, minimize, remaining
from sklearn_reasoning.penalties import Nonnegative

MU, L, N, D = 0.1, 1.0, 4, 3
RNG = np.random.default_rng(5)
SPECTRUM = np.concatenate([np.full((N, 1), MU), RNG.uniform(MU, L, (N, D - 1))], axis=1)
R = np.linalg.qr(RNG.normal(size=(N, D, D)))[0]
B, START = RNG.normal(size=(N, D)), RNG.normal(size=(N, D))
Q = R * SPECTRUM[:, None] @ R.transpose(0, 2, 1)
MINIMISER = -np.linalg.solve(Q, B[..., None])[..., 0]


def problem(start=None, shared=False):
    rotation = torch.tensor(R[0] if shared else R)
    energy = SpectralQuadratic(torch.tensor(SPECTRUM), rotation, torch.tensor(B))
    return Problem(energy, MU, L, start=None if start is None else torch.tensor(start))


def phi_of(name, d=D):
    algorithm = get_algorithm(name)
    weights = algorithm.initial_weights(d, MU, L)
    return weights or algorithm.initial_step_size(MU, L)


@pytest.mark.parametrize("start", [None, START, START[0]], ids=["zero", "each its own", "one"])
def test_the_first_distance_is_the_start_minus_the_minimiser_in_the_eigenbasis(start):
    apart = (0.0 if start is None else start) - MINIMISER
    expected = np.einsum("nji,nj->ni", R, apart)
    np.testing.assert_allclose(first_distance(problem(start)), expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(
        first_distance(problem(start)).norm(dim=-1), np.linalg.norm(apart, axis=-1), rtol=1e-11
    )


@pytest.mark.parametrize("start", [None, START, START[0]], ids=["zero", "each its own", "one"])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("name", list_algorithms())
def test_it_is_the_output_minus_the_minimiser(name, shared, start):
    algorithm, posed = get_algorithm(name), problem(start, shared)
    for k in (0, 1, 5, torch.tensor([[2], [0], [9], [1]])):
        y = minimize(algorithm, posed, k, phi_of(name))
        expected = posed.energy.to_eigenbasis(y - posed.minimizer())
        found = remaining(algorithm, posed, k, phi_of(name))
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("start", [0.0, 2.0])
def test_it_keeps_its_digits_where_outputs_have_none_left(start):
    """After 400 steps of gradient descent 1e-20 is left, far below the rounding of y."""
    energy = DiagonalQuadratic(
        torch.tensor([[MU, 0.5]], dtype=torch.float64), torch.ones(1, 2, dtype=torch.float64)
    )
    posed = Problem(energy, MU, L, start=torch.full((2,), start, dtype=torch.float64))
    found = remaining(get_algorithm("gd"), posed, 400, 1.0)[0]
    with mpmath.workdps(40):
        for entry, t in zip(found.tolist(), (MU, 0.5), strict=True):
            t = mpmath.mpf(t)
            expected = float((1 - t) ** 400 * (start + 1 / t))
            assert entry == pytest.approx(expected, rel=1e-11)
    assert 0 < found[0] < 1e-15


def test_who_treats_the_outputs_one_by_one():
    free = [name for name in list_algorithms() if decouples(get_algorithm(name))]
    assert free == ["gd", "nag", "heavy_ball", "chebyshev", "cg", "opt", "fista", "admm"]
    # A set is known in the coordinates of y only.
    assert not any(decouples(get_algorithm(name), Nonnegative()) for name in list_algorithms())
