"""Training one model with nag costs at most 1.2 times a bare torch loop of the same steps.

The paper's synthetic problem: n = 100, batches of 50, d = 5, nag. Three bare loops: unrolled in
the eigenbasis (what one writes by hand), the same with this package's layer inside, and one
step of gd, where there is least to compute. Run: python benchmarks/training.py
"""

import numpy as np
import torch
from _timing import interleaved_medians
from threadpoolctl import threadpool_limits

from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.energies import DiagonalQuadratic

MU, L, EPOCHS = 0.1, 1.0, 100


def unroll(algo, k, eigenvalues, b, phi):
    y = z = torch.zeros_like(b)
    root = torch.sqrt(MU * phi)
    beta = (1 - root) / (1 + root) if algo == "nag" else None
    for _ in range(k):
        y_next = z - phi * (eigenvalues * z + b)
        z = y_next if beta is None else y_next + beta * (y_next - y)
        y = y_next
    return y


def bare_loop(algo, k, X, y, use_layer):
    """Train by hand: torch modules, torch's Adam, a cosine schedule, no bookkeeping."""
    x = torch.from_numpy(X[:, :10])
    rotation = torch.from_numpy(X[:, 15:]).reshape(-1, 5, 5)
    b = torch.einsum("nji,nj->ni", rotation, torch.from_numpy(X[:, 10:15]))
    target = torch.einsum("nji,nj->ni", rotation, torch.from_numpy(y))
    torch.manual_seed(0)
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
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    losses = []
    for _ in range(EPOCHS):
        order, total = torch.randperm(100), 0.0
        for rows in (order[:50], order[50:]):
            optimizer.zero_grad()
            inner = MU + (L - MU) * torch.softmax(net(x[rows]), dim=1)
            end = torch.ones(50, 1, dtype=torch.float64)
            eigenvalues = torch.cat([L * end, inner, MU * end], dim=1)
            if use_layer:
                predicted = layer(DiagonalQuadratic(eigenvalues, b[rows]))
            else:
                predicted = unroll(algo, k, eigenvalues, b[rows], phi)
            loss = torch.linalg.vector_norm(predicted - target[rows], dim=1).mean()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                phi.clamp_(low, high)
            total += loss.item()
        schedule.step()
        losses.append(total / 2)
    return losses


def main():
    X, y = make_quadratic_reasoning(random_state=0)
    print(
        "| algorithm, k | estimator | bare loop, unrolled | ratio | bare loop, our layer | ratio |"
    )
    print("|---|---|---|---|---|---|")
    for algo, k in (("nag", 10), ("nag", 30), ("gd", 10), ("gd", 1)):
        model = HybridReasoningRegressor(
            algo,
            k,
            linear_term="given",
            rotation="given",
            batch_size=50,
            max_epochs=EPOCHS,
            random_state=0,
        )
        functions = {
            "estimator": lambda m=model: m.fit(X, y),
            "unrolled": lambda a=algo, k=k: bare_loop(a, k, X, y, use_layer=False),
            "layer": lambda a=algo, k=k: bare_loop(a, k, X, y, use_layer=True),
        }
        seconds = interleaved_medians(functions, repeats=9)
        step = {name: 1e6 * value / (2 * EPOCHS) for name, value in seconds.items()}
        assert np.isfinite(model.empirical_loss_)
        print(
            f"| {algo}, {k} | {step['estimator']:.0f} us a step | {step['unrolled']:.0f} us "
            f"| {step['estimator'] / step['unrolled']:.2f} | {step['layer']:.0f} us "
            f"| {step['estimator'] / step['layer']:.2f} |"
        )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
