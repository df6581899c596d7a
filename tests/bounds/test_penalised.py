"""The lemmas with a penalty: what holds, what fails, and what is said of that."""

import numpy as np
import pytest
import torch

from sklearn_reasoning.algorithms import Problem, get_algorithm, last_iterate
from sklearn_reasoning.bounds import (
    approximation_bound,
    local_rademacher_bound,
    loss_difference_bound,
    representation_bound,
    representation_level,
)
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.penalties import L1, Ball, Nonnegative, Simplex
from sklearn_reasoning.properties import convergence, sensitivity, stability

MU, L, D, N = 0.1, 1.0, 3, 200


def random_Q(rng):
    R = np.linalg.qr(rng.normal(size=(N, D, D)))[0]
    eigenvalues = rng.choice([MU, L, 0.5], size=(N, D))
    return torch.tensor((R * eigenvalues[:, None]) @ R.swapaxes(1, 2))


def problem(Q, b, penalty):
    return Problem(DenseQuadratic(Q, b), MU, L, penalty)


def outputs(algo, Q, b, penalty, k, phi):
    return last_iterate(get_algorithm(algo), problem(Q, b, penalty), k, phi)


def norms(v):
    return v.norm(dim=-1).numpy()


@pytest.mark.parametrize("algo", ["gd", "nag", "fista", "admm"])
@pytest.mark.parametrize("penalty", [Simplex(), Nonnegative(), Ball(0.5), L1(0.2)])
def test_lemma_4_1_in_its_form_with_a_penalty(algo, penalty):
    rng = np.random.default_rng(0)
    Q, truth, b = random_Q(rng), random_Q(rng), torch.tensor(rng.normal(size=(N, D)))
    minimisers = problem(truth, b, penalty).minimizer()
    posed = problem(Q, b, penalty)
    first = norms(posed.start_point() - posed.minimizer()).max()
    error = np.linalg.norm(Q - truth, 2, axis=(1, 2)).mean()
    M = norms(minimisers).max()
    for k in (0, 1, 4, 15):
        losses = norms(outputs(algo, Q, b, penalty, k, 0.9) - minimisers)
        cvg = convergence(algo, k, 0.9, MU, L, penalty=penalty).certified
        bound = approximation_bound(error, cvg, mu=MU, M=M, first_distance=first, penalty=penalty)
        assert losses.mean() <= bound * (1 + 1e-12)


def test_the_form_without_a_penalty_is_exceeded_on_a_simplex():
    """b is short, the minimiser is not: its share of the bound falls with b, the loss does not."""
    sigma = 1e-3
    bs = sigma * np.sqrt(2) * np.vstack([np.eye(2), -np.eye(2)])
    Q = torch.tensor([[[L, 0.0], [0.0, MU]]], dtype=torch.float64).expand(4, 2, 2)
    truth, b = Q.flip(-1, -2), torch.tensor(bs)
    one, two = (problem(matrix, b, Simplex()).minimizer() for matrix in (Q, truth))
    loss, error = norms(one - two).mean(), np.linalg.norm(Q - truth, axis=(1, 2)).mean()
    assert loss > 2.6 * approximation_bound(error, 0.0, sigma_b=sigma, mu=MU, M=1.0)
    spectral = np.linalg.norm(Q - truth, 2, axis=(1, 2)).mean()
    right = {"M": norms(two).max(), "first_distance": 1.0, "penalty": Simplex()}
    assert loss <= approximation_bound(spectral, 0.0, mu=MU, **right)


def test_lemma_4_2_says_nothing_with_a_penalty():
    """All Q have the minimiser 0 where b is positive: no loss, whatever the error."""
    rng = np.random.default_rng(1)
    Q, truth = random_Q(rng), random_Q(rng)
    b = torch.tensor(rng.uniform(0.1, 1.0, size=(N, D)))
    one, two = (problem(matrix, b, Nonnegative()).minimizer() for matrix in (Q, truth))
    assert torch.equal(one, two)
    options = {"sigma_b": 1.0, "L": L, "M": 1.0}
    assert representation_bound(0.0, 0.0, **options) == 0.0
    for function in (representation_bound, representation_level):
        assert function(0.0, 0.0, penalty=Nonnegative(), **options) == np.inf
        found = function([0.0, 1.0], 0.0, penalty=Nonnegative(), **options)
        assert found.tolist() == [np.inf, np.inf]
    local = {"n_samples": 100, "d": 2, "convergence": [0.5, 0.1], "stability": 1.0, "level": 1.0}
    assert np.isfinite(local_rademacher_bound(3.0, M=1.0, **local)).all()
    found = local_rademacher_bound(3.0, M=1.0, penalty=Nonnegative(), **local)
    assert found.tolist() == [np.inf, np.inf]


@pytest.mark.parametrize("algo", ["gd", "admm"])
def test_equation_17_holds_with_a_set(algo):
    rng = np.random.default_rng(2)
    Q, other, b = random_Q(rng), random_Q(rng), torch.tensor(rng.normal(size=(N, D)))
    k, phi, other_phi, penalty = 5, 0.9, 0.6, Nonnegative()
    one = outputs(algo, Q, b, penalty, k, phi)
    two = outputs(algo, other, b, penalty, k, other_phi)
    targets = one + 1e3 * (one - two)  # where the losses differ the most
    difference = np.abs(norms(one - targets) - norms(two - targets))
    bound = loss_difference_bound(
        np.linalg.norm(Q - other, 2, axis=(1, 2)),
        phi - other_phi,
        stability=stability(algo, k, phi, MU, L, penalty=penalty).in_Q.certified * norms(b),
        sensitivity=sensitivity(algo, k, (other_phi, phi), MU, L, penalty=penalty).certified
        * norms(b),
    )
    assert (difference <= bound * (1 + 1e-9)).all()


def test_what_is_missing_is_said():
    with pytest.raises(ValueError, match=r"M=None and first_distance=1.0 are both needed with"):
        approximation_bound(0.1, 0.1, mu=MU, first_distance=1.0, penalty=Simplex())
    with pytest.raises(ValueError, match="sigma_b=None is for bounds with a penalty"):
        approximation_bound(0.1, 0.1, mu=MU, M=1.0)
