"""MAML on every weight, against the plain loop of a network in torch."""

import numpy as np
import torch
from estimators.few_shot._small_groups import fitted, make_lines
from torch import nn

ALL = {"adapt": "all", "k": 3, "max_epochs": 3}


def network_of(model):
    """Return a torch network with the start of a fitted model, and its step sizes."""
    weights, sizes = model.module_.initial()
    layers = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 1)).double()
    with torch.no_grad():
        for parameter, value in zip(layers.parameters(), weights, strict=True):
            parameter.copy_(value[0, 0].reshape(parameter.shape))
    return layers, [float(size.detach()) for size in sizes]


def test_predictions_are_those_of_plain_gradient_steps():
    X, y, groups = make_lines(4, 5, seed=7)
    model = fitted(**ALL)
    adapted = model.adapt(X, y, groups)
    scales = {
        name: value[0].numpy() for name, value in model.module_.named_buffers() if "_" in name
    }
    x = torch.from_numpy((X - scales["x_mean"]) / scales["x_scale"])
    t = torch.from_numpy((y[:, None] - scales["y_mean"]) / scales["y_scale"])
    for group in range(4):
        here = groups == group
        network, sizes = network_of(model)
        for _ in range(3):
            loss = (network(x[here]) - t[here]).square().mean()
            slopes = torch.autograd.grad(loss, list(network.parameters()))
            with torch.no_grad():
                for parameter, slope, size in zip(network.parameters(), slopes, sizes, strict=True):
                    parameter -= size * slope
        expected = network(x[here]).detach().numpy() * scales["y_scale"] + scales["y_mean"]
        np.testing.assert_allclose(
            adapted.predict(X[here], groups[here]), expected[:, 0], rtol=1e-9
        )


def test_training_differentiates_through_the_steps():
    model = fitted(**ALL)
    module = model.module_
    generator = torch.Generator().manual_seed(0)
    x, target = (
        torch.randn(1, 2, 1, 4, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    mask = torch.ones(1, 2, 1, 4, dtype=torch.float64)

    def loss():
        weights = module.adapted(x[..., :2], target[..., :2], mask[..., :2])
        return (module.outputs(weights, x[..., 2:]) - target[..., 2:]).square().sum()

    (slope,) = torch.autograd.grad(loss(), module.weights)
    direction = torch.randn(slope.shape, generator=generator, dtype=torch.float64)
    values = []
    before, eps = module.weights.detach().clone(), 1e-6
    for sign in (1.0, -1.0):
        with torch.no_grad():
            module.weights.copy_(before + sign * eps * direction)
        values.append(float(loss().detach()))
    with torch.no_grad():
        module.weights.copy_(before)
    expected = (values[0] - values[1]) / (2.0 * eps)
    assert abs(float((slope * direction).sum()) - expected) <= 1e-5 * abs(expected)


def test_start_ridge_and_step_sizes_are_not_those_of_heads():
    model = fitted(**ALL)
    assert model.start_ is None
    assert model.ridge_ is None
    X, _, groups = make_lines()
    assert (model.predict(X, groups, k=0) == model.predict(X)).all()
