"""The regressor over drawn hyperparameters, shapes and dtypes, on fits of a few epochs."""

import os
import pickle
import tempfile

import numpy as np
import pytest
from hard._estimator_strategies import regression_cases
from hard._loops import iterates
from hard._running import holds_for
from hypothesis import reject
from sklearn.base import clone

from sklearn_reasoning import HybridReasoningRegressor, load_model, save_model
from sklearn_reasoning.exceptions import DivergenceError


def fitted(case):
    """Return a fitted model; where training diverges, it must say so and leave nothing behind."""
    model = HybridReasoningRegressor(**case.parameters)
    before = dict(vars(model))
    try:
        return model.fit(case.X, case.y, sample_weight=case.weight)
    except DivergenceError:
        assert vars(model) == before
        reject()


def values_of(model):
    """Return all numbers that a fit leaves, but the seconds it took."""
    history = [{k: v for k, v in row.items() if k != "dur"} for row in model.history_]
    state = {name: value.numpy() for name, value in model.module_.state_dict().items()}
    return state, history, model.n_iter_, model.empirical_loss_


def assert_same(first, second):
    for ours, theirs in zip(values_of(first), values_of(second), strict=True):
        np.testing.assert_equal(ours, theirs)


@holds_for(regression_cases(), few=5, many=400)
def test_what_a_fit_is(case):
    model = fitted(case)
    predicted = model.predict(case.X)
    assert predicted.shape == case.y.shape
    assert predicted.dtype == case.X.dtype
    assert np.isfinite(predicted).all()
    np.testing.assert_array_equal(model.predict(case.X, k=model.k), predicted)

    assert_same(model, fitted(case))  # the seed
    assert_same(model, clone(model).fit(case.X, case.y, sample_weight=case.weight))
    before = values_of(model)
    np.testing.assert_equal(before, values_of(pickle.loads(pickle.dumps(model))))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        save_model(model, path)
        again = load_model(path)
    assert_same(model, again)
    np.testing.assert_array_equal(again.predict(case.X), predicted)
    model.fit(case.X, case.y, sample_weight=case.weight)  # begins anew
    np.testing.assert_equal(before, values_of(model))


@holds_for(regression_cases(), few=3, many=400)
def test_what_is_measured(case):
    model = fitted(case)
    predicted = model.predict(case.X)
    norms = np.linalg.norm((predicted - case.y).astype(np.float64).reshape(len(case.y), -1), axis=1)
    resolution = 10.0 * float(np.abs(case.y).max() * np.finfo(np.float32).eps)
    assert model.loss(case.X, case.y) == pytest.approx(norms.mean(), rel=1e-5, abs=resolution)
    if not model.early_stopping:
        expected = np.average(norms, weights=case.weight)
        assert model.empirical_loss_ == pytest.approx(expected, rel=1e-5, abs=resolution)
        assert model.n_iter_ == model.max_epochs
    assert model.n_iter_ == len(model.history_) <= model.max_epochs
    if model.algorithm_.has_step_size:
        ends = model.step_size_range
        low, high = model.algorithm_.stable_region(model.mu, model.L) if ends == "stable" else ends
        sizes = np.atleast_1d(model.step_size_)
        assert ((low <= sizes) & (sizes <= high)).all()
        assert sizes.shape == ((model.k if model.step_size_per_iteration else 1),)
    else:
        assert model.step_size_ is None


@holds_for(regression_cases(), few=3, many=400)
def test_the_prediction_is_a_loop_on_the_predicted_energy(case):
    model = fitted(case)
    Q, b = model.predict_energy(case.X)
    d = case.shape[-1]
    assert Q.shape == (len(case.X), d, d)
    assert b.shape == (len(case.X), d)
    eigenvalues = np.linalg.eigvalsh(Q)
    assert eigenvalues.min() >= model.mu * (1 - 1e-6)
    assert eigenvalues.max() <= model.L * (1 + 1e-6)
    name = model.algorithm_.name
    if name in ("rnn", "cg"):  # trained weights; not the same conjugacy
        return
    sizes = np.broadcast_to(1.0 if model.step_size_ is None else model.step_size_, model.k)
    predicted = model.predict(case.X).reshape(len(b), d).astype(np.float64)
    start = model.predict_start(case.X)
    for i in range(len(b)):
        if name == "opt":
            expected, largest = -np.linalg.solve(Q[i], b[i]), np.abs(b[i]).max() / model.mu
        else:
            path = iterates(name, Q[i], b[i], sizes, model.mu, model.L, start=start[i])
            expected, largest = path[-1], np.abs(path).max()
        eps = np.finfo(predicted.dtype if case.X.dtype == np.float64 else np.float32).eps
        tolerance = 1e3 * eps * (largest + np.abs(predicted[i]).max())
        assert np.abs(predicted[i] - expected).max() <= tolerance
