"""The statements themselves, on random matrices and on classes small enough to enumerate."""

from itertools import product

import numpy as np
import pytest
from _covering import covering

from sklearn_reasoning.bounds import (
    approximation_bound,
    loss_difference_bound,
    rademacher_transfer_bound,
    representation_bound,
    representation_level,
)
from sklearn_reasoning.properties import convergence, sensitivity, stability

MU, L, D = 0.2, 1.0, 3


def random_Q(rng, n):
    basis = np.linalg.qr(rng.standard_normal((n, D, D)))[0]
    # The ends are where most suprema are attained.
    eigenvalues = rng.choice([MU, L, 0.5], size=(n, D)) + 0.0
    return (basis * eigenvalues[:, None]) @ basis.swapaxes(1, 2)


def descend(Q, b, k, phi, algo="gd", start=0.0):
    """k steps from 0 or another start, in a plain loop."""
    y = z = np.zeros_like(b) + start
    root = np.sqrt(MU * phi)
    beta = 0.0 if algo == "gd" else (1 - root) / (1 + root)
    for _ in range(k):
        y_before, y = y, z - phi * ((Q @ z[..., None])[..., 0] + b)
        z = y + beta * (y - y_before)
    return y


def minimise(Q, b):
    return -np.linalg.solve(Q, b[..., None])[..., 0]


@covering("seed, k, algo", range(3), [0, 1, 4, 15], ["gd", "nag"])
def test_both_lemmas_where_the_mean_over_b_is_exact(algo, k, seed):
    rng = np.random.default_rng(seed)
    sigma, phi = 2.0, 0.9
    Q, truth = random_Q(rng, 20), random_Q(rng, 20)
    # Of these 2d vectors at every x, the mean of bb' is sigma^2 times the identity.
    bs = sigma * np.sqrt(D) * np.vstack([np.eye(D), -np.eye(D)])
    b = np.broadcast_to(bs[:, None], (2 * D, 20, D))
    losses = np.linalg.norm(descend(Q, b, k, phi, algo) - minimise(truth, b), axis=-1)
    M = sigma * np.sqrt(D) / MU
    cvg = convergence(algo, k, phi, MU, L).certified
    errors = np.linalg.norm(Q - truth, axis=(1, 2))
    upper = representation_bound((losses**2).mean(), cvg, sigma_b=sigma, L=L, M=M)
    assert (errors**2).mean() <= upper * (1 + 1e-12)
    upper = approximation_bound(errors.mean(), cvg, sigma_b=sigma, mu=MU, M=M)
    assert losses.mean() <= upper * (1 + 1e-12)
    level = (losses**2).mean()
    assert representation_level(level, cvg, sigma_b=sigma, L=L, M=M) >= (errors**2).mean()


@covering("far, k, algo", [0.0, 1.0, 30.0], [0, 1, 4, 15], ["gd", "nag"])
def test_both_lemmas_from_another_start(algo, k, far):
    rng = np.random.default_rng(k)
    sigma, phi = 2.0, 0.9
    Q, truth = random_Q(rng, 20), random_Q(rng, 20)
    bs = sigma * np.sqrt(D) * np.vstack([np.eye(D), -np.eye(D)])
    b = np.broadcast_to(bs[:, None], (2 * D, 20, D))
    # A start of each row: the mean of its own minimisers and of the truth's, and more.
    start = 0.5 * (minimise(Q, b) + minimise(truth, b)) + far * rng.standard_normal(D)
    outputs = descend(Q, b, k, phi, algo, start)
    losses = np.linalg.norm(outputs - minimise(truth, b), axis=-1)
    first = np.linalg.norm(start - minimise(Q, b), axis=-1).max()
    cvg = convergence(algo, k, phi, MU, L, any_start=True).certified
    errors = np.linalg.norm(Q - truth, axis=(1, 2))
    options = {"sigma_b": sigma, "first_distance": first}
    upper = representation_bound((losses**2).mean(), cvg, L=L, **options)
    assert (errors**2).mean() <= upper * (1 + 1e-12)
    upper = approximation_bound(errors.mean(), cvg, mu=MU, **options)
    assert losses.mean() <= upper * (1 + 1e-12)


def test_from_far_away_M_is_not_enough():
    Q, b = np.eye(1)[None] * MU, np.ones((1, 1))
    loss = np.abs(descend(Q, b, 3, 1.0, start=-1e3) - minimise(Q, b)).item()
    cvg = convergence("gd", 3, 1.0, MU, L).certified
    assert loss > 100 * approximation_bound(0.0, cvg, sigma_b=1.0, mu=MU, M=1 / MU)
    first = 1e3 - 1 / MU
    right = approximation_bound(0.0, cvg, sigma_b=1.0, mu=MU, first_distance=first)
    assert loss == pytest.approx(right)


def test_the_lemmas_are_attained():
    # Q = L, Q* = mu in one dimension, at the exact minimiser: Lemma 4.1 loses a factor L / mu.
    loss = 1 / MU - 1 / L
    assert approximation_bound(L - MU, 0.0, sigma_b=1.0, mu=MU, M=9.0) == pytest.approx(
        loss * L / MU
    )
    # And Lemma 4.2 one of (L / mu)^2; with both near L neither loses anything.
    near = L - 1e-6
    loss = 1 / near - 1 / L
    assert representation_bound(loss**2, 0.0, sigma_b=1.0, L=L, M=9.0) == pytest.approx(
        (L - near) ** 2, rel=1e-4
    )


@pytest.mark.parametrize("algo", ["gd", "nag"])
@pytest.mark.parametrize("k", [0, 1, 3, 12])
def test_loss_difference(algo, k):
    rng = np.random.default_rng(k)
    n, phi, other_phi = 300, 0.5, 1.0
    Q, other, b = random_Q(rng, n), random_Q(rng, n), rng.standard_normal((n, D))
    # Targets far away in the direction of the change, where the norms differ the most.
    one, two = descend(Q, b, k, phi, algo), descend(other, b, k, other_phi, algo)
    y = one + 1e3 * (one - two)
    difference = np.abs(np.linalg.norm(one - y, axis=1) - np.linalg.norm(two - y, axis=1))
    norms = np.linalg.norm(b, axis=1)
    bound = loss_difference_bound(
        np.linalg.norm(Q - other, 2, axis=(1, 2)),
        other_phi - phi,
        stability=stability(algo, k, phi, MU, L).in_Q.certified * norms,
        sensitivity=sensitivity(algo, k, (phi, other_phi), MU, L).certified * norms,
    )
    assert (difference <= bound * (1 + 1e-9) + 1e-9).all()
    assert k == 0 or difference.max() > 0


@pytest.mark.parametrize("algo", ["gd", "nag"])
@pytest.mark.parametrize("k", [0, 1, 3, 12])
@pytest.mark.parametrize("trained", [False, True])
def test_loss_difference_from_another_start(algo, k, trained):
    rng = np.random.default_rng(k)
    n, phi, other_phi = 300, 0.5, 1.0
    Q, other = random_Q(rng, n), random_Q(rng, n)
    start = rng.choice([1.0, 100.0], size=(n, 1)) * rng.standard_normal((n, D))
    # Of a learned b the gradient at the start is what is small.
    b = rng.standard_normal((n, D)) - (Q @ start[..., None])[..., 0]
    other_start = start + trained * rng.standard_normal((n, D))
    one = descend(Q, b, k, phi, algo, start)
    two = descend(other, b, k, other_phi, algo, other_start)
    y = one + 1e3 * (one - two)
    difference = np.abs(np.linalg.norm(one - y, axis=1) - np.linalg.norm(two - y, axis=1))
    gradient = np.max(
        [np.linalg.norm((each @ start[..., None])[..., 0] + b, axis=1) for each in (Q, other)],
        axis=0,
    )
    stab, stab_other = (stability(algo, k, each, MU, L) for each in (phi, other_phi))
    sens = sensitivity(algo, k, (phi, other_phi), MU, L, any_start=True).certified
    options = {
        "stability": stab.in_Q_at(gradient, np.linalg.norm(start, axis=1)).certified,
        "sensitivity": sens * gradient,
        "start_distance": np.linalg.norm(start - other_start, axis=1),
        "start_stability": max(stab.in_start.certified, stab_other.in_start.certified),
    }
    distance = np.linalg.norm(Q - other, 2, axis=(1, 2))
    bound = loss_difference_bound(distance, other_phi - phi, **options)
    assert (difference <= bound * (1 + 1e-9) + 1e-6).all()
    # As if from 0, with the norm of b or of the smaller gradient alone, it would not hold.
    smaller = np.linalg.norm((Q @ start[..., None])[..., 0] + b, axis=1)
    options["stability"] = stab.in_Q.certified * smaller
    options["sensitivity"] = sens * smaller
    short = loss_difference_bound(distance, other_phi - phi, **options)
    assert k == 0 or (difference > 2 * short).any()


def signed_supremum(values):
    """Return the exact complexity of a finite class, from the values of its members in rows."""
    signs = np.array(list(product([-1.0, 1.0], repeat=values.shape[1])))
    return (signs @ values.T).max(axis=1).mean()


def small_class(seed, n=2, d=2, members=6):
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((members, n, d, d)))[0]
    eigenvalues = rng.uniform(MU, L, size=(members, n, d))
    Q = (basis * eigenvalues[..., None, :]) @ basis.swapaxes(-1, -2)
    return Q[1:], Q[0], rng.standard_normal((n, d))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("k", [2, 10])
def test_transfer_on_a_finite_class(seed, k):
    Q, truth, b = small_class(seed)
    members, n, d, _ = Q.shape
    phis = np.linspace(0.8, 1.0, members)
    losses = np.array(
        [
            np.linalg.norm(descend(q, b, k, phi) - minimise(truth, b), axis=1)
            for q in Q
            for phi in phis
        ]
    )
    norm = np.linalg.norm(b, axis=1).max()
    R_Q = signed_supremum((Q - truth).reshape(members, -1)) / (n * d)
    bound = rademacher_transfer_bound(
        R_Q,
        d=d,
        stability=norm * stability("gd", k, 0.9, MU, L).in_Q.certified,
        sensitivity=norm * sensitivity("gd", k, (0.8, 1.0), MU, L).certified,
        step_size_radius=0.1,
    )
    assert 0.0 < signed_supremum(losses) / n <= bound


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("k", [2, 10])
def test_transfer_on_a_finite_class_with_trained_starts(seed, k):
    Q, truth, b = small_class(seed)
    members, n, d, _ = Q.shape
    rng = np.random.default_rng(seed)
    middle = 3.0 * rng.standard_normal((n, d))
    moves = 0.3 * rng.standard_normal((3, n, d))
    phis = np.linspace(0.8, 1.0, 3)
    losses = np.array(
        [
            np.linalg.norm(descend(q, b, k, phi, start=middle + move) - minimise(truth, b), axis=1)
            for q in Q
            for phi in phis
            for move in moves
        ]
    )
    gradient = np.linalg.norm((Q @ middle[..., None])[..., 0] + b, axis=-1).max()
    R_Q = signed_supremum((Q - truth).reshape(members, -1)) / (n * d)
    stab = stability("gd", k, 0.9, MU, L)
    bound = rademacher_transfer_bound(
        R_Q,
        d=d,
        stability=stab.in_Q_at(gradient, np.linalg.norm(middle, axis=1).max()).certified,
        sensitivity=gradient * sensitivity("gd", k, (0.8, 1.0), MU, L, any_start=True).certified,
        step_size_radius=0.1,
        start_radius=np.linalg.norm(moves, axis=-1).max(),
        start_stability=stability("gd", k, 0.8, MU, L).in_start.certified,
    )
    assert 0.0 < signed_supremum(losses) / n <= bound


def test_one_sign_a_norm_would_not_do():
    # All |Q - Q*| are 0.3, so that their complexity is 0; the losses differ all the same.
    truth, b = 0.5, np.ones(2)
    Q = truth + 0.3 * np.array(list(product([-1.0, 1.0], repeat=2)))
    losses = np.abs(b / Q - b / truth)
    assert signed_supremum(np.abs(Q - truth)) == pytest.approx(0.0, abs=1e-15)
    assert signed_supremum(losses) > 0.1
