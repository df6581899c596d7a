"""Methods that say their steps are of the form with momentum: the form against the steps."""

import numpy as np
import pytest
import torch

from sklearn_reasoning.algorithms import (
    FISTA,
    Algorithm,
    GradientDescent,
    Problem,
    get_algorithm,
    iterates,
    list_algorithms,
)
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.penalties import Nonnegative

MU, L, D = 0.1, 1.0, 4
OF_THE_FORM = [name for name in list_algorithms() if get_algorithm(name)._momentum(0.7, MU)]


def test_which_they_are():
    assert sorted(OF_THE_FORM) == ["fista", "gd", "heavy_ball", "nag"]


@pytest.mark.parametrize("penalty", [None, Nonnegative()])
@pytest.mark.parametrize("name", OF_THE_FORM)
def test_the_form_is_the_step(name, penalty):
    rng = np.random.default_rng(0)
    R, _ = np.linalg.qr(rng.normal(size=(D, D)))
    Q = R @ np.diag([MU, 0.3, 0.6, L]) @ R.T
    b, c, phi = rng.normal(size=D), np.abs(rng.normal(size=D)), 0.7
    energy = DenseQuadratic(torch.tensor(Q)[None], torch.tensor(b)[None])
    problem = Problem(energy, MU, L, penalty, start=torch.tensor(c)[None])
    size = torch.tensor(phi, dtype=torch.float64)
    found = [y[0].numpy() for y in iterates(get_algorithm(name), problem, 9, size)]

    momentum = get_algorithm(name)._momentum(size, MU)
    y, z = c, c
    for i in range(9):
        np.testing.assert_allclose(found[i], y, rtol=0, atol=1e-13)
        v = z - phi * (Q @ (z if momentum.looks_ahead else y) + b)
        y_next = v if penalty is None else np.maximum(v, 0.0)
        beta = 0.0 if momentum.factor is None else float(momentum.after(i))
        y, z = y_next, y_next + beta * (y_next - y)
    np.testing.assert_allclose(found[9], y, rtol=0, atol=1e-13)


def test_whoever_writes_steps_anew_is_not_of_the_form():
    class Halved(GradientDescent):
        def step(self, state, problem, phi):
            return super().step(state, problem, 0.5 * phi)

    class FromNowhere:
        def start(self, y, problem):
            return y, y, 5

    class Late(FromNowhere, FISTA):
        pass

    class Renamed(FISTA):
        name = "renamed"

    class Own(Algorithm):
        def step(self, state, problem, phi):
            return (problem.descend(state[0], phi),)

    assert Halved()._momentum(0.7, MU) is None
    assert Late()._momentum(0.7, MU) is None
    assert Own()._momentum(0.7, MU) is None
    assert Renamed()._momentum(0.7, MU) == FISTA()._momentum(0.7, MU)
