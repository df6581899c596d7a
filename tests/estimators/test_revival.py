"""Outputs that a set cuts off in all rows come back in training."""

import numpy as np
import pytest
import torch

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.penalties import Simplex
from sklearn_reasoning.training import _adjoint


def cut_off_outputs(project):
    """Train on shares of which the last are 0 but in three rows; return which fade out."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 2))
    scores = X @ rng.normal(size=(2, 3)) - np.linspace(0.0, 3.0, 3)
    y = Simplex().project(torch.from_numpy(scores)).numpy()
    assert 0 < (y[:, 2] > 0.01).sum() <= 3
    model = HybridReasoningRegressor(
        constraint="simplex",
        project=project,
        k=3,
        q_hidden=None,
        b_hidden=8,
        max_epochs=100,
        random_state=0,
    )
    predicted = model.fit(X, y).predict(X)
    return (predicted.max(axis=0) == 0.0) & (y.max(axis=0) > 0.01)


@pytest.mark.parametrize("project", ["each_step", "last_step"])
def test_an_output_that_fades_out_comes_back(project, monkeypatch):
    assert not cut_off_outputs(project).any()
    monkeypatch.setattr(_adjoint, "handed_to_b", lambda *_: None)
    assert cut_off_outputs(project).any()
