"""Regressors that train in no time, their data, and what they should compute."""

import numpy as np
import torch

from sklearn_reasoning import HybridReasoningRegressor, ReasoningLayer
from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.energies import DenseQuadratic

# The rnn has weights in place of an algorithm that ReasoningLayer could be told of.
EXPLICIT = [algo for algo in list_algorithms() if algo != "rnn"]
WITH_STEP_SIZE = [algo for algo in list_algorithms() if get_algorithm(algo).has_step_size]
MU, L = 0.2, 1.5


def regressor(**parameters):
    return HybridReasoningRegressor(
        **{"max_epochs": 4, "q_hidden": (4,), "b_hidden": (8,), "random_state": 0} | parameters
    )


def make_data(n=40, m=3, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, m))
    return X, np.tanh(X @ rng.normal(size=(m, d))) + 0.1 * rng.normal(size=(n, d))


def with_columns(X, d, linear_term, rotation, seed=1):
    """Append what is given: X becomes [x | b | R row by row]."""
    rng = np.random.default_rng(seed)
    parts = [X]
    if linear_term == "given":
        parts.append(rng.normal(size=(len(X), d)))
    if rotation == "given":
        parts.append(np.linalg.qr(rng.normal(size=(len(X), d, d)))[0].reshape(len(X), -1))
    return np.hstack(parts)


def layer_output(model, X, k):
    """What ReasoningLayer makes of the energies that the model predicts."""
    Q, b = model.predict_energy(X)
    layer = ReasoningLayer(
        model.algo,
        k,
        model.mu,
        model.L,
        step_size=model.step_size_,
        step_size_range=model.step_size_range,
    )
    start = torch.tensor(model.predict_start(X))
    with torch.no_grad():
        return layer(DenseQuadratic(torch.tensor(Q), torch.tensor(b)), start=start).numpy()


def same_bits(first, second):
    """Whether two fitted models are the same to the last bit."""
    tensors = [model.module_.state_dict() for model in (first, second)]
    return (
        all(torch.equal(tensors[0][key], tensors[1][key]) for key in tensors[0])
        and first.history_[:, "train_loss"] == second.history_[:, "train_loss"]
        and first.empirical_loss_ == second.empirical_loss_
    )
