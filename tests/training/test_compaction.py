"""Models that are done leave their stack, and nobody can tell but by the time it takes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from _covering import covering

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.estimators.regressor._architecture import architecture_of, settings_of
from sklearn_reasoning.training import ModelNet, fit_stack, trained_models

N_EPOCHS = 24


@pytest.fixture
def sizes(monkeypatch):
    """Numbers of models that were trained side by side, step by step."""
    seen = []
    step = ModelNet._step

    def counted(net, batch, adjoint):
        seen.append(len(batch.x))
        return step(net, batch, adjoint)

    monkeypatch.setattr(ModelNet, "_step", counted)
    return seen


def make_stack(optimizer, dtype, batch_size, n=40):
    """An architecture, settings that end at unlike epochs, and rows of some lengths."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)).astype(dtype)
    y = (np.tanh(X[:, :2]) + 0.3 * rng.normal(size=(n, 2))).astype(dtype)
    model = HybridReasoningRegressor(
        "nag", b_hidden=(8,), optimizer=optimizer, max_epochs=N_EPOCHS, batch_size=batch_size
    )
    rows, torch_dtype = model._validated_rows(X, y, None, reset=True)
    settings = settings_of(model, n, 0)
    unlike = [
        {"max_epochs": 2, "lr": 3e-3},
        {"max_epochs": 5, "k": 3},
        {"loss": "squared", "keep": "last"},
        {"lr": 1e300, "lr_schedule": "constant"},
        {"patience": 1, "tol": 0.5},
        {"patience": 2, "tol": 0.1, "k": 1},
        {"weight_decay": 0.0, "learn_step_size": False},
        {"max_epochs": 11, "step_size_range": (0.3, 0.9)},
    ]
    models = [replace(settings, seed=i % 3, **each) for i, each in enumerate(unlike)]
    of_each = [rows.take(np.arange(i % 2, n - 10)) for i in range(len(models))]
    validation = [rows.take(np.arange(n - 10, n))] * len(models)
    return architecture_of(model), models, of_each, validation, torch_dtype


@covering(
    "optimizer, dtype, batch_size, validated",
    ["adam", "sgd"],
    [np.float64, np.float32],
    [16, 64],
    [False, True],
)
def test_each_model_is_as_if_it_were_trained_alone(optimizer, dtype, batch_size, validated, sizes):
    architecture, models, rows, held_out, torch_dtype = make_stack(optimizer, dtype, batch_size)
    if not validated:
        models = [replace(model, patience=None) for model in models]

    net = fit_stack(
        architecture, models, rows, validation=held_out if validated else None, dtype=torch_dtype
    )

    assert len(models) == net.module_.n_models == sizes[0]
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) <= len(models) // 2
    for i, found in enumerate(trained_models(net)):
        alone = fit_stack(
            architecture,
            [models[i]],
            [rows[i]],
            validation=[held_out[i]] if validated else None,
            dtype=torch_dtype,
        )
        (expected,) = trained_models(alone)
        assert (found.n_iter, found.diverged) == (expected.n_iter, expected.diverged)
        ours, theirs = (each.net.module_.state_dict() for each in (found, expected))
        for name, value in theirs.items():
            torch.testing.assert_close(ours[name], value, rtol=0, atol=0, equal_nan=True)
        ours, theirs = (each.net.history_columns() for each in (found, expected))
        assert ours.keys() == theirs.keys()
        for key in theirs.keys() - {"dur"}:
            np.testing.assert_array_equal(ours[key], theirs[key], key)
    assert net.progress_.diverged.tolist() == [i == 3 for i in range(len(models))]
    assert len(set(net.progress_.n_iter.tolist())) > 3


def test_a_stack_that_ends_together_stays_together(sizes):
    architecture, models, rows, _, dtype = make_stack("adam", np.float64, 64)
    models = [replace(model, max_epochs=3, lr=1e-2, patience=None) for model in models]

    fit_stack(architecture, models, rows, dtype=dtype)

    assert sizes == [len(models)] * 3
