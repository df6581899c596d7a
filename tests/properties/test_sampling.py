"""What is found for methods of which nothing is proven, beside the same method's proofs."""

import numpy as np
import pytest
import torch

from sklearn_reasoning.algorithms import GradientDescent, PerIteration
from sklearn_reasoning.properties import convergence, sensitivity, stability

MU, L = 0.1, 1.0
K = [0, 1, 4, 12]


class Undeclared(GradientDescent):
    """Gradient descent of which nothing is known but its steps."""

    name = "undeclared"
    is_polynomial = False

    def sensitivity_rate(self, step_size, mu, L):
        return None


def both(prop, **options):
    return prop(Undeclared(), K, mu=MU, L=L, **options), prop("gd", K, mu=MU, L=L, **options)


@pytest.mark.parametrize("step_size", [0.5, 1.5, [0.3, 0.5, 1.0, 1.5]])
def test_the_values_are_those_of_the_slowest_direction(step_size):
    """gd has its suprema at the eigenvalue mu, which some problems have along b."""
    stab, proven = both(stability, step_size=step_size)
    for found, known in (
        both(convergence, step_size=step_size),
        both(sensitivity, step_size=step_size),
        (stab.in_b, proven.in_b),
        (stab.in_Q, proven.in_Q),
    ):
        share = 0.5 if known is proven.in_Q else 1 - 1e-4
        assert (found.attained <= known.certified * (1 + 1e-4) + 1e-9).all()
        assert (found.attained >= share * known.attained - 1e-9).all()
        assert (found.certified == np.inf).all()


def test_over_a_range_of_step_sizes():
    low, high = 0.3, 0.9
    found, known = both(sensitivity, step_size=(low, high))
    np.testing.assert_allclose(found.attained, known.attained, rtol=1e-3)
    assert (found.certified == np.inf).all()


@pytest.mark.parametrize("rate", [None, np.nan])
def test_over_a_range_of_a_polynomial_without_a_rate(rate):
    class Unproven(GradientDescent):
        def sensitivity_rate(self, step_size, mu, L):
            return rate

    found = sensitivity(Unproven(), K, (0.3, 0.9), mu=MU, L=L)
    known = sensitivity("gd", K, (0.3, 0.9), mu=MU, L=L)
    np.testing.assert_allclose(found.attained, known.attained, rtol=1e-9)
    np.testing.assert_array_equal(found.certified, np.inf)
    assert (found.eigenvalue[1:] == MU).all()


def test_each_iteration_its_own_step_size():
    sizes = PerIteration(tuple(np.linspace(0.3, 1.2, 12)))
    found, known = both(sensitivity, step_size=sizes)
    assert (found.attained <= known.certified * (1 + 1e-4)).all()
    # Of four random directions in 12 dimensions the best makes up a good part of the norm.
    assert (found.attained[1:] >= 0.1 * known.attained[1:]).all()
    assert found.attained[0] == 0.0
    none = sensitivity(Undeclared(), 0, PerIteration(()), mu=MU, L=L)
    assert (none.attained, none.certified) == (0.0, np.inf)


def test_one_eigenvalue():
    found = stability(Undeclared(), K, 0.5, mu=1.0, L=1.0)
    np.testing.assert_array_equal(found.in_Q.attained, np.zeros(4))
    np.testing.assert_allclose(found.in_b.attained, 1 - 0.5 ** np.array(K), rtol=1e-6, atol=1e-12)


def test_global_random_numbers_are_neither_used_nor_moved():
    state = torch.get_rng_state()
    first = sensitivity("rnn", [1, 3], mu=MU, L=L).attained
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    np.testing.assert_array_equal(sensitivity("rnn", [1, 3], mu=MU, L=L).attained, first)
    torch.set_rng_state(state)


def test_no_numbers_of_steps():
    for step_size in (0.5, (0.3, 0.9)):
        none = sensitivity("gd", np.zeros(0, dtype=int), step_size)
        assert none.attained.shape == none.certified.shape == (0,)
