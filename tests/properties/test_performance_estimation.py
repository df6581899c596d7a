"""Certificates against performance estimation: worst cases over all energies and all penalties.

PEPit finds the largest value of a property by a semidefinite program, over every smooth strongly
convex E, quadratic or not, and every closed convex g (Taylor, Hendrickx and Glineur 2017). It knows
nothing of the proofs. Values are exact but for the solver's tolerance.
"""

import numpy as np
import pytest
from PEPit import PEP
from PEPit.functions import ConvexFunction, SmoothStronglyConvexFunction
from PEPit.primitive_steps import proximal_step
from threadpoolctl import threadpool_limits

from sklearn_reasoning.penalties import Nonnegative
from sklearn_reasoning.properties import convergence, stability

MU, L = 0.1, 1.0
ANY = Nonnegative()  # certificates are the same for all


def close(found, expected):
    return found == pytest.approx(expected, rel=2e-3, abs=1e-5)


def at_most(found, bound):
    return found <= bound * (1 + 2e-3) + 1e-5


def descend(z, phi, E, g, push=None):
    """Take the proximal gradient step from z; ``push`` is added to the gradient."""
    gradient = E.gradient(z) if push is None else E.gradient(z) + push
    y, _, _ = proximal_step(z - phi * gradient, g, phi)
    return y


def run(algo, start, k, phi, E, g, push=None):
    y = z = start
    if algo == "admm":
        w = start - phi * (E.gradient(start) if push is None else E.gradient(start) + push)
        for _ in range(k):
            y, _, _ = proximal_step(w, g, phi)
            x, _, _ = proximal_step(2 * y - w if push is None else 2 * y - w - phi * push, E, phi)
            w = w + x - y
        y, _, _ = proximal_step(w, g, phi)
        return y
    s = np.sqrt(MU * phi)
    for i in range(k):
        y_next = descend(z, phi, E, g, push)
        beta = {"gd": 0.0, "nag": (1 - s) / (1 + s), "fista": i / (i + 3)}[algo]
        z = y_next + beta * (y_next - y)
        y = y_next
    return y


def worst(algo, k, phi, changed):
    """Return the largest distance to the minimiser over the first, or change with b over its."""
    problem = PEP()
    E = problem.declare_function(SmoothStronglyConvexFunction, mu=MU, L=L)
    g = problem.declare_function(ConvexFunction)
    start = problem.set_initial_point()
    if changed == "start":
        minimiser = (E + g).stationary_point()
        problem.set_initial_condition((start - minimiser) ** 2 <= 1)
        other = minimiser
    else:
        push = problem.set_initial_point()
        problem.set_initial_condition(push**2 <= 1)
        # Without it nothing is bounded, and the change does not depend on it.
        problem.set_initial_condition(start**2 <= 1)
        other = run(algo, start, k, phi, E, g, push)
    y = run(algo, start, k, phi, E, g)
    problem.set_performance_metric((y - other) ** 2)
    with threadpool_limits(1):
        return float(np.sqrt(max(problem.solve(verbose=0), 0.0)))


def hard_but(n, *cases):
    """Return cases, of which all but the first n are for `make test-hard`."""
    return [*cases[:n], *(pytest.param(*case, marks=pytest.mark.hard) for case in cases[n:])]


@pytest.mark.parametrize(("k", "phi"), hard_but(2, (3, 1.0), (3, 1.9), (1, 1.0), (6, 0.5)))
def test_gd_leaves_what_is_certified(k, phi):
    bound = convergence("gd", k, phi, MU, L, penalty=ANY).certified
    assert close(worst("gd", k, phi, "start"), bound)


@pytest.mark.parametrize(("k", "phi"), hard_but(1, (3, 1.0), (1, 1.0), (3, 1.9)))
def test_gd_moves_with_b_by_no_more_than_is_certified(k, phi):
    found = worst("gd", k, phi, "b")
    stab = stability("gd", k, phi, MU, L, penalty=ANY).in_b
    assert at_most(found, stab.certified)
    if phi == 1.0:
        assert close(found, stab.certified)


@pytest.mark.parametrize(("algo", "k", "phi"), hard_but(
    2, ("nag", 4, 0.5), ("fista", 3, 0.5), ("nag", 1, 1.0), ("nag", 6, 1.0), ("fista", 6, 1.0)
))  # fmt: skip
def test_accelerated_steps_leave_no_more_than_is_certified(algo, k, phi):
    found = worst(algo, k, phi, "start")
    bound = convergence(algo, k, phi, MU, L, penalty=ANY)
    assert at_most(found, bound.certified)
    assert found >= bound.attained * (1 - 2e-3)  # quadratic energies are among those


@pytest.mark.parametrize(("algo", "k"), [("nag", 3), ("fista", 3)])
def test_accelerated_steps_move_with_b_by_no_more_than_is_certified(algo, k):
    found, stab = worst(algo, k, 1.0, "b"), stability(algo, k, 1.0, MU, L, penalty=ANY).in_b
    assert at_most(found, stab.certified)
    assert found >= stab.attained * (1 - 2e-3)


@pytest.mark.parametrize(
    ("k", "phi"), hard_but(2, (3, None), (3, 8.0), (1, None), (6, None), (3, 1.0))
)
def test_admm_leaves_no_more_than_is_certified(k, phi):
    phi = 1 / np.sqrt(MU * L) if phi is None else phi
    found = worst("admm", k, phi, "start")
    bound = convergence("admm", k, phi, MU, L, penalty=ANY)
    assert at_most(found, bound.certified)
    assert found >= bound.attained * (1 - 2e-3)


@pytest.mark.parametrize("phi", [1.0, 1 / np.sqrt(MU * L)])
def test_admm_moves_with_b_by_as_much_as_is_certified(phi):
    stab = stability("admm", 3, phi, MU, L, penalty=ANY).in_b
    assert close(worst("admm", 3, phi, "b"), stab.certified)
