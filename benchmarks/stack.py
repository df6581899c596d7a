"""A stack takes tens of thousands of model-steps a second on one core.

The paper's synthetic problem (batches of 40 of 80 rows, d = 5, a 10-16-3 network, k from 1 to
30) with b and rotation given, and with what the estimator learns by default (a b-network of 64
hidden units, a shared rotation). The floor is a bare loop that only trains the 10-16-3 networks:
batched products of 50 rows, forwards and backwards, and torch's fused Adam. Run: python
benchmarks/stack.py
"""

from dataclasses import replace
from itertools import cycle, islice

import torch
from _timing import interleaved_medians
from threadpoolctl import threadpool_limits

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.estimators.regressor._architecture import architecture_of, settings_of
from sklearn_reasoning.training import RegressionModel, build_net, set_initial_state, stack_rows
from sklearn_reasoning.training._targets import target_statistics

SIZES = (1, 40, 200, 800)
KS = (1, 2, 5, 10, 20, 30)
GIVEN = {"linear_term": "given", "rotation": "given"}


def stack_epochs(algo, n_models, dtype, epochs, **options):
    """Return a function that trains a stack for some epochs of two steps."""
    X, y = make_quadratic_reasoning(n_samples=80, random_state=0)
    model = HybridReasoningRegressor(algo, 10, batch_size=40, random_state=0, **options)
    rows, _ = model._validated_rows(X, y, None, reset=True)
    architecture, settings = architecture_of(model), settings_of(model, len(X), 0)
    ks = KS if n_models > 1 else (10,)
    models = [replace(settings, k=k, seed=i % 7) for i, k in enumerate(islice(cycle(ks), n_models))]
    net = build_net(RegressionModel, architecture, models, dtype)
    set_initial_state(net, models, [target_statistics(architecture, rows)] * n_models)
    batches = stack_rows(net, [rows] * n_models, [40] * n_models)

    def train():
        for epoch in range(epochs):
            for batch in batches.epoch(epoch):
                net.train_step(batch)

    return train


def floor_steps(n_models, dtype, steps):
    """Return a function that trains bare networks, features times rows, for some steps."""
    x, y = torch.randn(n_models, 10, 50, dtype=dtype), torch.randn(n_models, 3, 50, dtype=dtype)
    shapes = ((16, 10), (16, 1), (3, 16), (3, 1))
    weights = [(0.1 * torch.randn(n_models, *s, dtype=dtype)).requires_grad_() for s in shapes]
    optimizer = torch.optim.Adam(weights, fused=True)

    def train():
        W1, b1, W2, b2 = weights
        for _ in range(steps):
            optimizer.zero_grad()
            hidden = torch.relu(torch.baddbmm(b1, W1, x))
            error = torch.baddbmm(b2, W2, hidden) - y
            (error * error).sum().backward()
            optimizer.step()

    return train


def main():
    functions, model_steps = {}, {}
    for dtype in (torch.float32, torch.float64):
        for n_models in SIZES:
            epochs = max(1, 200 // n_models)
            for name, algo, options in (
                ("gd, given", "gd", GIVEN),
                ("nag, given", "nag", GIVEN),
                ("gd, default", "gd", {}),
                ("nag, default", "nag", {}),
            ):
                key = (name, dtype, n_models)
                functions[key] = stack_epochs(algo, n_models, dtype, epochs, **options)
            functions["floor", dtype, n_models] = floor_steps(n_models, dtype, 2 * epochs)
            model_steps[dtype, n_models] = 2 * epochs * n_models
    seconds = interleaved_medians(functions, repeats=15)
    print("| model-steps per second | " + " | ".join(f"{n} models" for n in SIZES) + " |")
    print("|---" * (len(SIZES) + 1) + "|")
    for name, dtype, _ in [key for key in functions if key[2] == SIZES[0]]:
        rates = [model_steps[dtype, n] / seconds[name, dtype, n] for n in SIZES]
        cells = " | ".join(f"{rate:,.0f}" for rate in rates)
        print(f"| {name}, {str(dtype).removeprefix('torch.')} | {cells} |")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
