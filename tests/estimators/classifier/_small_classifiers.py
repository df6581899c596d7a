"""Classifiers that train in no time, their data, and what they should compute."""

import numpy as np

from sklearn_reasoning import HybridReasoningClassifier

CONVEX = ["gd", "fista", "nag", "heavy_ball", "admm", "opt"]


def classifier(**parameters):
    # So few epochs are over before a rate has risen.
    options = {"k": 6, "max_epochs": 5, "perception_hidden": (8,), "random_state": 0}
    options["lr_schedule"] = "cosine"
    return HybridReasoningClassifier(**options | parameters)


def features(n=40, m=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, m))


def cells_of(X, n_cells=2):
    """Return classes 0, 1 and 2 of cells that go together."""
    first = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    return np.stack([(first + cell) % 3 for cell in range(n_cells)], axis=1)


def onto_simplices(v, sizes):
    """Project each group of classes onto the simplex, by sorting (Held, Wolfe and Crowder)."""
    parts = []
    for part in np.split(v, np.cumsum(sizes)[:-1]):
        ordered = np.sort(part)[::-1]
        means = (np.cumsum(ordered) - 1.0) / np.arange(1, len(part) + 1)
        threshold = means[ordered > means][-1]
        parts.append(np.maximum(part - threshold, 0.0))
    return np.concatenate(parts)


def accelerated(Q, b, sizes, phi, k):
    """Yield y_0, ..., y_k of projected steps with momentum i/(i + 3), of one row.

    ``sizes`` are the numbers of classes of the cells; None is the box of a multilabel indicator.
    """
    if sizes is None:
        y = np.full(len(b), 0.5)
    else:
        y = np.concatenate([np.full(size, 1.0 / size) for size in sizes])
    z = y
    yield y
    for i in range(k):
        v = z - phi * (Q @ z + b)
        new = np.clip(v, 0.0, 1.0) if sizes is None else onto_simplices(v, sizes)
        y, z = new, new + i / (i + 3) * (new - y)
        yield y


def step_size(model):
    """Return 1/(L (1 + |e|)), L the largest eigenvalue of the coupling."""
    if model.coupling_ is None:
        return 1.0
    L = np.linalg.eigvalsh(model.coupling_)[-1]
    return 1.0 / (L * (1.0 + abs(model.concavity_)))


def sizes_of(model):
    classes = model.classes_
    return [len(own) for own in (classes if isinstance(classes, list) else [classes])]


def flat(probabilities):
    """Return probabilities as rows of all outputs, cell by cell."""
    if isinstance(probabilities, list):
        return np.hstack(probabilities)
    return probabilities


def same_bits(first, second, X):
    states = [model.module_.state_dict() for model in (first, second)]
    return all(bool((states[0][key] == states[1][key]).all()) for key in states[0]) and (
        np.array_equal(flat(first.predict_proba(X)), flat(second.predict_proba(X)))
    )
