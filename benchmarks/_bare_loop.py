"""Training by hand, for the benchmarks to compare with: a bare torch loop, no bookkeeping."""

from __future__ import annotations

import torch
from _unrolled import unroll

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.energies import DiagonalQuadratic

MU, L = 0.1, 1.0


def bare_loop(algo, k, X, y, use_layer, epochs, seed=0):
    """Train on the paper's synthetic problem (n = 100, d = 5) in batches of 50.

    torch's modules, its Adam, a cosine schedule. The algorithm is unrolled in the eigenbasis, or
    is this package's layer. Returns the training loss of each epoch, and what the mean loss of
    other rows is.
    """
    x, b, target = _in_the_eigenbasis(X, y)
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(10, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3)
    ).double()
    phi = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    layer = ReasoningLayer(algo, k, MU, L, step_size=1.0)
    step_size = layer.parameters() if use_layer else [phi]
    low, high = layer.low, layer.high
    optimizer = torch.optim.Adam(
        [{"params": net.parameters(), "weight_decay": 1e-4}, {"params": step_size}], lr=1e-2
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)

    def mean_loss(x, b, target):
        inner = MU + (L - MU) * torch.softmax(net(x), dim=1)
        end = torch.ones(len(x), 1, dtype=torch.float64)
        eigenvalues = torch.cat([L * end, inner, MU * end], dim=1)
        if use_layer:
            predicted = layer(DiagonalQuadratic(eigenvalues, b))
        else:
            predicted = unroll(algo, k, eigenvalues.mul, b, phi, MU)
        return torch.linalg.vector_norm(predicted - target, dim=1).mean()

    losses = []
    for _ in range(epochs):
        order, total = torch.randperm(100), 0.0
        for rows in (order[:50], order[50:]):
            optimizer.zero_grad()
            loss = mean_loss(x[rows], b[rows], target[rows])
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                phi.clamp_(low, high)
            total += loss.item()
        schedule.step()
        losses.append(total / 2)

    @torch.no_grad()
    def loss_of(X, y):
        return mean_loss(*_in_the_eigenbasis(X, y)).item()

    return losses, loss_of


def _in_the_eigenbasis(X, y):
    rotation = torch.from_numpy(X[:, 15:]).reshape(-1, 5, 5)
    b, target = (
        torch.einsum("nji,nj->ni", rotation, torch.from_numpy(values))
        for values in (X[:, 10:15], y)
    )
    return torch.from_numpy(X[:, :10]), b, target
