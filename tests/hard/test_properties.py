"""Certificates over drawn spectra, step sizes and numbers of steps, against drawn problems."""

import numpy as np
from hard._loops import iterates, minimiser
from hard._running import holds_for
from hard._strategies import ANY_ALGORITHM, spectra
from hypothesis import strategies as st

from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.properties import (
    convergence,
    sensitivity,
    stability,
    stable_region,
    steps_needed,
)

# opt is solved for, and the certificates of a cell are those of weights, not of a step size.
STEPPED = st.sampled_from([name for name in list_algorithms() if name not in ("opt", "rnn")])
SIZED = st.sampled_from(["gd", "nag", "heavy_ball"])


@st.composite
def settings(draw, names, largest_condition=1e4):
    """Draw an algorithm, mu, L and a step size of its stable region (None where it has none)."""
    name, (mu, L) = draw(names), draw(spectra(largest_condition))
    if not get_algorithm(name).has_step_size:
        return name, mu, L, None
    low, high = stable_region(name, mu, L)
    share = draw(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0])))
    return name, mu, L, min(low + share * (high - low), high)


def problem(rng, d, mu, L):
    """Return eigenvalues inside [mu, L], often its ends among them, a rotation and b."""
    eigenvalues = mu + (L - mu) * rng.random(d)
    eigenvalues[0] = rng.choice([mu, eigenvalues[0]])
    eigenvalues[-1] = rng.choice([L, eigenvalues[-1]])
    R = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return eigenvalues, R, rng.normal(size=d)


def matrix(eigenvalues, R):
    R = R.astype(np.longdouble)
    return (R * eigenvalues) @ R.T


def run(name, Q, b, k, phi, mu, L):
    return iterates(name, Q, b, [phi or 1.0] * k, mu, L)[-1]


ks = st.integers(0, 40)


@holds_for(settings(STEPPED), ks, st.integers(0, 2**32 - 1), few=8, many=800)
def test_no_problem_is_beyond_a_certificate(drawn, k, seed):
    name, mu, L, phi = drawn
    rng = np.random.default_rng(seed)
    d = rng.integers(1, 5)
    eigenvalues, R, b = problem(rng, d, mu, L)
    Q = matrix(eigenvalues, R)
    y = run(name, Q, b, k, phi, mu, L)

    cvg = convergence(name, k, phi, mu, L)
    exact = minimiser(eigenvalues, R, b)
    # In the loop, rounding leaves what a certificate does not count.
    rounding = 1e-12 * (k + 1) ** 2
    assert cvg.attained <= cvg.certified
    assert np.linalg.norm(y - exact) <= (cvg.certified + rounding) * np.linalg.norm(exact)

    stab = stability(name, k, phi, mu, L)
    for part in (stab.in_Q, stab.in_b):
        assert part.attained <= part.certified
    other_b = b + 1e-3 * rng.normal(size=d)
    moved = np.linalg.norm(run(name, Q, other_b, k, phi, mu, L) - y)
    allowed = stab.in_b.certified * np.linalg.norm(other_b - b)
    assert moved <= allowed * (1 + 1e-9) + rounding * np.linalg.norm(b) / mu
    others, S, _ = problem(rng, d, mu, L)
    other_Q = matrix(others, S)
    moved = np.linalg.norm(run(name, other_Q, b, k, phi, mu, L) - y)
    apart = np.linalg.norm((other_Q - Q).astype(np.float64), 2)
    if apart == 0.0:  # one dimension, at one end; what is not proven is certified as inf
        return
    allowed = stab.in_Q.certified * apart * np.linalg.norm(b)
    assert moved <= allowed * (1 + 1e-9) + rounding * np.linalg.norm(b) / mu


@holds_for(settings(SIZED), ks, st.floats(0, 1), st.integers(0, 2**32 - 1), few=5, many=400)
def test_no_step_size_is_beyond_the_sensitivity(drawn, k, share, seed):
    name, mu, L, phi = drawn
    low, high = stable_region(name, mu, L)
    rng = np.random.default_rng(seed)
    eigenvalues, R, b = problem(rng, 3, mu, L)
    Q = matrix(eigenvalues, R)
    other = low + share * (high - low)
    between = sensitivity(name, k, "stable", mu, L)
    assert between.attained <= between.certified
    moved = np.linalg.norm(run(name, Q, b, k, other, mu, L) - run(name, Q, b, k, phi, mu, L))
    rounding = 1e-12 * (k + 1) ** 2 * np.linalg.norm(b) / mu
    allowed = between.certified * abs(other - phi) * np.linalg.norm(b)
    assert moved <= allowed * (1 + 1e-9) + rounding
    at_one = sensitivity(name, k, phi, mu, L)
    assert at_one.attained <= between.certified * (1 + 1e-9)


@holds_for(settings(ANY_ALGORITHM), few=8, many=800)
def test_the_stable_region_is_ordered_and_scales(drawn):
    """E(y) / c has the same minimiser: its step sizes are c times as large."""
    name, mu, L, _ = drawn
    low, high = stable_region(name, mu, L)
    assert 0 <= low <= high
    if get_algorithm(name).has_step_size:
        np.testing.assert_allclose(stable_region(name, mu / 4, L / 4), (4 * low, 4 * high))
        if name != "admm":  # every size is stable, and 1/mu an end of use
            assert stable_region(name, mu, 2 * L)[1] < high


@holds_for(settings(STEPPED, largest_condition=1e3), st.floats(1e-8, 0.9), few=5, many=300)
def test_steps_needed_are_enough_and_no_fewer_are(drawn, accuracy):
    name, mu, L, phi = drawn
    k = steps_needed(name, accuracy, phi, mu, L)
    if k is None:
        assert convergence(name, 2**16, phi, mu, L).certified > accuracy
        return
    assert convergence(name, k, phi, mu, L).certified <= accuracy
    if k:
        assert convergence(name, k - 1, phi, mu, L).certified > accuracy
    assert steps_needed(name, min(2 * accuracy, 1.0), phi, mu, L) <= k


@holds_for(settings(st.sampled_from(["gd", "nag", "chebyshev", "cg"])), ks, few=5, many=400)
def test_more_steps_or_a_narrower_spectrum_are_never_worse(drawn, k):
    name, mu, L, phi = drawn
    now, next_one = (convergence(name, steps, phi, mu, L).certified for steps in (k, k + 1))
    assert next_one <= now * (1 + 1e-9)
    if name == "gd":
        narrower = convergence(name, k, phi, mu, (mu + L) / 2).certified
        assert narrower <= now * (1 + 1e-9)
