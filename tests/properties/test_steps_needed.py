"""Steps for an accuracy, against a search through all k in closed forms and plain loops."""

import mpmath
import numpy as np
import pytest
from _covering import covering

from sklearn_reasoning.algorithms import Algorithm, PerIteration
from sklearn_reasoning.properties import convergence, stable_region, steps_needed

K = np.arange(5000)
LEFT = {
    "gd": lambda k, phi, mu, L: (1 - phi * mu) ** k,
    "nag": lambda k, phi, mu, L: (1 - np.sqrt(mu * phi)) ** k * (1 + k * np.sqrt(mu * phi)),
    "chebyshev": lambda k, phi, mu, L: (
        1 / np.cosh(np.minimum(2 * k * np.arctanh(np.sqrt(mu / L)), 700))
    ),
    "cg": lambda k, phi, mu, L: np.minimum(
        1, np.sqrt(L / mu) / np.cosh(np.minimum(2 * k * np.arctanh(np.sqrt(mu / L)), 700))
    ),
}


@pytest.mark.parametrize("accuracy", [0.97, 0.5, 0.013, 1e-6])
@pytest.mark.parametrize(("mu", "L"), [(0.1, 1.0), (0.02, 3.0), (0.9, 1.0)])
@pytest.mark.parametrize("name", LEFT)
def test_closed_forms(name, mu, L, accuracy):
    sizes = (None,) if name in ("chebyshev", "cg") else (0.5 / L, stable_region(name, mu, L)[1])
    for phi in sizes:
        left = LEFT[name](K, phi, mu, L)
        expected = int(np.argmax(left <= accuracy))
        found = steps_needed(name, accuracy, phi, mu, L)
        # certified is up to 1.001 of the exact value, which may take a step more
        assert expected <= found <= int(np.argmax(left <= accuracy / 1.001))


@covering("name, share, accuracy", ["gd", "nag", "heavy_ball"], [0.05, 0.5, 1.0], [0.9, 0.3, 1e-4])
def test_it_is_enough_and_one_step_less_is_not(name, share, accuracy):
    mu = 0.05
    phi = share * stable_region(name, mu, 1.0)[1]
    k = steps_needed(name, accuracy, phi, mu, 1.0)
    t = np.linspace(mu, 1.0, 3001)
    assert largest_residual(name, t, k, phi, mu) <= accuracy
    assert largest_residual(name, t, k - 1, phi, mu) > accuracy * 0.999


def largest_residual(name, t, k, phi, mu):
    r = z = before = np.ones_like(t)
    s = np.sqrt(mu * phi)
    for _ in range(k):
        if name == "gd":
            r = r - phi * t * r
        elif name == "nag":
            r_next = z - phi * t * z
            z, r = r_next + (1 - s) / (1 + s) * (r_next - r), r_next
        else:
            r, before = r - phi * t * r + (1 - s) ** 2 * (r - before), r
    return np.abs(r).max()


def test_high_condition_numbers():
    mu, accuracy = 1e-6, 1e-3
    s = mpmath.sqrt(mu)

    def left(k):
        return (1 - s) ** k * (1 + k * s)

    k = steps_needed("nag", accuracy, 1.0, mu, 1.0)
    assert left(k) <= accuracy * (1 + 1e-9)
    assert left(k - 1) > accuracy / 1.001
    assert steps_needed("gd", 0.99, 1.0, mu, 1.0) == int(np.ceil(np.log(0.99) / np.log1p(-mu)))


def test_what_never_comes_is_none():
    assert steps_needed("gd", 0.5, 2.5, 0.1, 1.0) is None  # diverges
    assert steps_needed("nag", 0.5, 1.9, 0.1, 1.0) is None
    assert steps_needed("gd", 1e-3, 1.0, 1e-6, 1.0) is None  # takes seven million
    sizes = PerIteration((1.0,) * 10)
    assert steps_needed("gd", 0.5, sizes, 0.1, 1.0) == 7  # 0.9^7 < 0.5
    assert steps_needed("gd", 0.3, sizes, 0.1, 1.0) is None  # 0.9^10 > 0.3

    class Own(Algorithm):
        name, is_polynomial = "own", False

        def step(self, state, problem, phi):
            return (problem.descend(state[0], phi),)

    assert steps_needed(Own(), 0.5) is None


def test_without_and_with_one_step():
    assert steps_needed("opt", 1e-9) == 0
    assert steps_needed("gd", 1.5) == 0
    assert steps_needed("gd", 0.5, mu=1.0, L=1.0) == 1
    assert steps_needed("rnn", 0.01, mu=0.1) == steps_needed("gd", 0.01, mu=0.1) == 44
    assert steps_needed("gd", np.float32(0.01)) == steps_needed("gd", 0.01)
    assert steps_needed("gd", 0.01, [1.0]) == 44


def test_a_method_that_first_grows():
    # Heavy ball at the end of its region: the error exceeds 1 before it falls.
    mu, phi = 0.01, stable_region("heavy_ball", 0.01, 1.0)[1]
    assert convergence("heavy_ball", 2, phi, mu).attained > 1.0
    k = steps_needed("heavy_ball", 0.5, phi, mu, 1.0)
    assert convergence("heavy_ball", k, phi, mu).certified <= 0.5
    assert convergence("heavy_ball", k - 1, phi, mu).certified > 0.5


def test_steps_that_leave_the_minimiser_again():
    # 0.5 to 1: two sizes of Chebyshev's, and then one that multiplies the error.
    sizes = PerIteration((1.0 / 0.573, 1.0 / 0.927, 60.0, 60.0))
    assert convergence("gd", 2, sizes, 0.5).certified < 0.06
    assert min(convergence("gd", [1, 3], sizes, 0.5).certified) > 0.4
    assert steps_needed("gd", 0.06, sizes, 0.5) == 2
    assert steps_needed("gd", 0.01, sizes, 0.5) is None


@covering("name, seed, accuracy", ["gd", "nag", "heavy_ball"], range(4), [0.8, 0.3, 0.05, 1e-3])
def test_sizes_of_each_step_against_all_k(name, seed, accuracy):
    rng = np.random.default_rng(seed)
    sizes = PerIteration(tuple(rng.uniform(0.5, 2.2, size=70)))
    certified = convergence(name, np.arange(71), sizes, 0.4).certified
    enough = np.flatnonzero(certified <= accuracy)
    expected = int(enough[0]) if len(enough) else None
    assert steps_needed(name, accuracy, sizes, 0.4) == expected


@covering("name, phi", ["gd", "nag", "heavy_ball", "rnn", "cg", "opt"], [0.5, 1.2, 1.9, 2.5])
def test_one_size_against_all_k(name, phi):
    size = phi if name in ("gd", "nag", "heavy_ball") else None
    certified = convergence(name, np.arange(200), size, 0.4).certified
    for accuracy in (1.0, 0.6, 0.45, 0.2, 1e-2):
        enough = np.flatnonzero(certified <= accuracy)
        found = steps_needed(name, accuracy, size, 0.4)
        if len(enough):
            assert found == enough[0]
        else:
            assert found is None or found >= 200


def test_defaults_are_those_of_the_docstring():
    assert steps_needed("nag", 0.01) == steps_needed("nag", 0.01, 1.0, 0.1, 1.0) == 17
    assert steps_needed("gd", 0.01, mu=0.2, L=2.0) == 44  # at step size 1/L


@pytest.mark.parametrize("accuracy", [0.0, -0.5, float("inf"), float("nan"), "0.5", None])
def test_accuracies_that_are_none(accuracy):
    with pytest.raises(ValueError, match=r"accuracy=.* must be a positive number"):
        steps_needed("gd", accuracy)


def test_step_sizes_that_are_several():
    for step_size in ([0.5, 1.0], []):
        with pytest.raises(ValueError, match=r"step_size=.* must be a single one"):
            steps_needed("gd", 0.5, step_size)
