"""The recurrent cell: where it begins and what it refuses."""

import numpy as np
import pytest
import torch

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.algorithms import RecurrentCell
from sklearn_reasoning.energies import DenseQuadratic, DiagonalQuadratic


@pytest.mark.parametrize("cell", [RecurrentCell(), RecurrentCell(3), RecurrentCell(4, n_layers=3)])
@pytest.mark.parametrize("k", [1, 6, 40])
def test_it_begins_as_gradient_descent(cell, k):
    rng = np.random.default_rng(0)
    mu, L = 0.2, 1.7
    R, _ = np.linalg.qr(rng.normal(size=(4, 3, 3)))
    Q = torch.tensor(R * rng.uniform(mu, L, (4, 1, 3)) @ R.transpose(0, 2, 1))
    energy = DenseQuadratic(Q, torch.tensor(rng.normal(size=(4, 3))))
    y = ReasoningLayer(cell, k=k, mu=mu, L=L)(energy)
    expected = ReasoningLayer("gd", k=k, mu=mu, L=L, step_size=1 / L)(energy)
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-14)


def test_spare_units_can_learn():
    weights = RecurrentCell(width=3).initial_weights(2, 0.1, 1.0)
    spare = weights["W1_state"][4:]
    assert (spare != 0).all()
    assert (weights["V"][:, 4:] == 0).all()
    assert torch.linalg.matrix_rank(spare) == 2


@pytest.mark.parametrize(
    "options", [{}, {"width": 3}, {"n_layers": 3}, {"width": 4, "n_layers": 2}]
)
@pytest.mark.parametrize("k", [1, 2, 5])
def test_where_b_is_zero_it_learns_as_gradient_descent_does(options, k):
    """Each pair relu(t) - relu(-t) is t, and has the derivative 1 at t = 0 too."""
    mu, L = 0.2, 1.7
    spectrum = torch.tensor([[0.2, 0.9, 1.7], [0.4, 0.5, 1.1]], dtype=torch.float64)
    slopes = []
    for algo in (RecurrentCell(**options), "gd"):
        b = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
        y = ReasoningLayer(algo, k=k, mu=mu, L=L)(DiagonalQuadratic(spectrum, b))
        assert (y == 0).all()
        slopes += torch.autograd.grad(y.sum(), b)
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-12, atol=0)
    expected = -(1 - (1 - spectrum / L) ** k) / spectrum
    torch.testing.assert_close(slopes[0], expected, rtol=1e-12, atol=0)


def test_a_model_that_begins_with_b_of_zero_is_trained():
    spectrum = torch.full((4, 2), 0.5, dtype=torch.float64)
    target = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
    b = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    layer = ReasoningLayer("rnn", k=4, mu=0.1, L=1.0, d=2)
    steps = torch.optim.SGD([b], lr=0.2)
    losses = []
    for _ in range(40):
        loss = (layer(DiagonalQuadratic(spectrum, b)) - target).square().mean()
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert losses[0] == 1.0
    assert losses[-1] < 1e-3


def test_initial_weights_use_no_random_numbers():
    before = torch.get_rng_state()
    first, second = (RecurrentCell(3, 2).initial_weights(3, 0.1, 1.0) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(weight.dtype == torch.float64 for weight in first.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [({"width": 1}, "width=1 must be at least 2"), ({"n_layers": 0}, "n_layers=0 must be")],
)
def test_too_small(options, message):
    with pytest.raises(ValueError, match=message):
        RecurrentCell(**options)
