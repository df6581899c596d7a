"""Groups of few rows that fits of a second learn from."""

from functools import cache

import numpy as np

from sklearn_reasoning import FewShotReasoningRegressor


def make_lines(n_groups=40, n_rows=8, *, seed=0, n_outputs=1):
    """Return X, y and groups of lines, each with its own slope and level."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_groups, n_rows, 1))
    slope, level = rng.normal(size=(2, n_groups, 1, n_outputs))
    y = (slope * x + level).reshape(-1, n_outputs)
    return x.reshape(-1, 1), y[:, 0] if n_outputs == 1 else y, np.repeat(range(n_groups), n_rows)


SMALL = {"basis_hidden": (8,), "n_basis": 6, "max_epochs": 30, "random_state": 0}


@cache
def fitted(**params):
    """Return a regressor that knows the lines, which tests may not change."""
    return FewShotReasoningRegressor(**SMALL | params).fit(*make_lines())
