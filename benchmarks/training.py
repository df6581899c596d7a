"""Training one model costs no more than a bare torch loop of the same steps.

The paper's synthetic problem: n = 100, batches of 50, d = 5, nag. Three bare loops: unrolled in
the eigenbasis (what one writes by hand), the same with this package's layer inside, and one
step of gd, where there is least to compute. Run: python benchmarks/training.py
"""

import numpy as np
from _bare_loop import bare_loop
from _timing import interleaved_medians
from threadpoolctl import threadpool_limits

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning

EPOCHS = 100


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
            "unrolled": lambda a=algo, k=k: bare_loop(a, k, X, y, use_layer=False, epochs=EPOCHS),
            "layer": lambda a=algo, k=k: bare_loop(a, k, X, y, use_layer=True, epochs=EPOCHS),
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
