"""Soft matchings against scipy, long runs, finite differences, and their own certificates."""

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment, minimize

from sklearn_reasoning.matching import DualMatching, MatchingLayer, bipartite_scores

ALGORITHMS = ["fista", "gd"]


def drawn(n, n_samples=3, seed=0, density=0.6, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    scores = scale * torch.randn(n_samples, n, n, generator=generator, dtype=torch.float64)
    mask = torch.rand(n_samples, n, n, generator=generator) < density
    return scores, mask | mask.mT


def minimizer_of_scipy(scores, mask, capacity):
    """The minimiser by a general solver, over the allowed pairs i < j."""
    n = len(scores)
    i, j = np.nonzero(np.triu(mask, 1))
    U = 0.5 * (scores[i, j] + scores[j, i])
    incidence = np.zeros((n, len(i)))
    incidence[i, np.arange(len(i))] = incidence[j, np.arange(len(i))] = 1.0
    found = minimize(
        lambda y: 0.5 * y @ y - U @ y,
        np.zeros(len(U)),
        jac=lambda y: y - U,
        bounds=[(0.0, None)] * len(U),
        constraints={
            "type": "ineq",
            "fun": lambda y: capacity - incidence @ y,
            "jac": lambda y: -incidence,
        },
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    y = np.zeros((n, n))
    y[i, j] = y[j, i] = found.x
    return y


@pytest.mark.parametrize("algo", ALGORITHMS)
@pytest.mark.parametrize("capacity", [1.0, torch.linspace(0.3, 2.0, 8, dtype=torch.float64)])
def test_many_steps_reach_the_minimiser_of_scipy(algo, capacity):
    scores, mask = drawn(8, n_samples=2, scale=2.0)
    y = MatchingLayer(algo, k=2000)(scores, mask, capacity)
    for sample in range(len(y)):
        expected = minimizer_of_scipy(
            scores[sample].numpy(), mask[sample].numpy(), np.asarray(capacity)
        )
        np.testing.assert_allclose(y[sample], expected, atol=2e-5)


@pytest.mark.parametrize("algo", ALGORITHMS)
@pytest.mark.parametrize("k", [0, 1, 3, 20, 200])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_k_is_feasible(algo, k, dtype):
    scores, mask = drawn(24, scale=3.0)
    y = MatchingLayer(algo, k)(scores.to(dtype), mask)
    assert y.dtype == dtype
    assert (y >= 0.0).all()
    assert torch.equal(y, y.mT)
    assert (y[~mask] == 0.0).all()
    assert y.diagonal(dim1=1, dim2=2).abs().max() == 0.0
    assert y.sum(dim=-1).max() <= 1.0 + 8 * torch.finfo(dtype).eps


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_certificates_hold_at_every_k(algo):
    for scale, density in ((0.3, 0.2), (2.0, 0.6), (8.0, 1.0)):
        scores, mask = drawn(8, n_samples=6, scale=scale, density=density)
        energy = DualMatching(scores, mask)
        layer = MatchingLayer(algo)
        last = MatchingLayer().multipliers(energy, 1000)
        best, best_dual = energy.feasible(last), energy.value(last)
        assert energy.gap(last).max() < 1e-3
        for k in (1, 2, 3, 5, 10, 30, 100):
            certificate = layer.certify(energy, k)
            s = layer.multipliers(energy, k)
            y = energy.feasible(s)
            away = ((y - best).square().sum(dim=(1, 2)) / 2.0).sqrt().numpy()
            slack = 1e-3
            assert (away <= certificate.distance + slack).all()
            assert (away <= certificate.distance_bound + slack).all()
            assert ((energy.value(s) - best_dual).numpy() <= certificate.dual_bound + 1e-9).all()
            assert (certificate.gap <= certificate.gap_bound).all()


def test_the_gap_falls():
    scores, mask = drawn(16)
    certified = [MatchingLayer().certify(DualMatching(scores, mask), k) for k in (1, 10, 100, 1000)]
    gaps = np.array([certificate.gap for certificate in certified])
    assert (gaps[1:] < gaps[:-1]).all()
    assert (gaps[-1] < 1e-4 * gaps[0]).all()
    assert "duality gap: at most" in str(certified[0])


def test_without_steps_nothing_is_known_beforehand():
    certificate = MatchingLayer().certify(DualMatching(*drawn(6)), 0)
    assert np.isinf(certificate.distance_bound).all()
    assert np.isfinite(certificate.gap).all()


def test_the_curvature_is_bounded_by_the_degrees():
    scores, mask = drawn(9, density=0.5)
    energy = DualMatching(scores, mask)
    graph = (torch.where(mask, 0.5 * (scores + scores.mT), 0.0) > 0.0).double()
    graph.diagonal(dim1=1, dim2=2).zero_()
    degree = graph.sum(dim=-1)
    hessian = torch.diag_embed(degree) + graph  # where every pair is active: A A'
    largest = torch.linalg.eigvalsh(hessian)[:, -1]
    assert (largest <= energy.curvature() + 1e-9).all()
    assert (energy.curvature() <= 2.0 * degree.amax(dim=-1)).all()
    unit = (2.0 * degree.clamp(min=1.0)).rsqrt()
    assert torch.linalg.eigvalsh(unit.unsqueeze(-1) * hessian * unit.unsqueeze(-2)).max() <= 1.0001


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_gradients_are_those_of_finite_differences(algo):
    scores, mask = drawn(4, n_samples=1)
    layer = MatchingLayer(algo, k=5)
    assert torch.autograd.gradcheck(
        lambda U: layer(U, mask), scores.clone().requires_grad_(), eps=1e-7, atol=1e-5
    )


def test_the_gradient_of_the_dual_is_that_of_its_value():
    scores, mask = drawn(7)
    energy = DualMatching(scores, mask)
    s = torch.rand(3, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    s.requires_grad_()
    (expected,) = torch.autograd.grad(energy.value(s).sum(), s)
    torch.testing.assert_close(energy.gradient(s), expected)


def test_sharp_scores_give_the_assignment_of_scipy():
    scores = np.random.default_rng(0).random((6, 9))
    y = MatchingLayer(k=4000)(bipartite_scores(torch.from_numpy(400.0 * scores)))[:6, 6:]
    rows, columns = linear_sum_assignment(scores, maximize=True)
    assert [tuple(pair) for pair in (y > 0.5).nonzero().tolist()] == list(
        zip(rows, columns, strict=True)
    )


def test_a_side_with_capacities_takes_as_many():
    scores = torch.full((2, 5), 10.0, dtype=torch.float64)
    capacity = torch.tensor([3.0, 1.0] + [1.0] * 5, dtype=torch.float64)
    y = MatchingLayer(k=2000)(bipartite_scores(scores), capacity=capacity)[:2, 2:]
    torch.testing.assert_close(
        y.sum(dim=1), torch.tensor([3.0, 1.0], dtype=torch.float64), atol=1e-4, rtol=0.0
    )
    assert y.sum(dim=0).max() <= 1.0 + 1e-12


def test_bad_input():
    with pytest.raises(ValueError, match="algo='cg' is not one of"):
        MatchingLayer("cg")
    with pytest.raises(ValueError, match="k=-1 must not be negative"):
        MatchingLayer(k=-1)
    with pytest.raises(TypeError, match=r"k=2\.5 must be a whole number"):
        MatchingLayer(k=2.5)
    with pytest.raises(ValueError, match="must be square"):
        DualMatching(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="mask must be symmetric"):
        DualMatching(torch.zeros(2, 2), torch.tensor([[False, True], [False, False]]))
    with pytest.raises(ValueError, match="must be positive"):
        DualMatching(torch.zeros(2, 2), capacity=0.0)


def test_without_a_positive_score_the_start_is_certified_as_the_minimiser():
    scores = torch.full((2, 4, 4), -1.0, dtype=torch.float64)
    found = MatchingLayer().certify(DualMatching(scores), 0)
    for values in (found.gap, found.gap_bound, found.distance_bound):
        np.testing.assert_array_equal(values, np.zeros(2))
