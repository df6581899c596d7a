"""A b that is given and corrected by a network, from end to end."""

import joblib
import numpy as np
import pytest
import torch
from _covering import covering
from numpy.testing import assert_allclose
from sklearn import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_reasoning import (
    HybridReasoningRegressor,
    ReasoningLayer,
    load_model,
    save_model,
)
from sklearn_reasoning.algorithms import list_algorithms
from sklearn_reasoning.bounds import empirical_rademacher
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.energies import DenseQuadratic
from sklearn_reasoning.model_selection import BatchedGridSearchCV, decompose_gap

N, M, D = 40, 3, 3
ROTATIONS = ["identity", "shared", "predicted", "given"]
STARTS = ["auto", "zero", "mean", "learned", "predicted"]


def regressor(algo="nag", **parameters):
    options = {"k": 5, "max_epochs": 6, "q_hidden": (4,), "b_hidden": (8,), "random_state": 0}
    return HybridReasoningRegressor(algo, **options | {"linear_term": "corrected"} | parameters)


def make_data(rotation="shared", seed=0):
    """Return [x | b | R row by row], as far as given, and y."""
    rng = np.random.default_rng(seed)
    x, b = rng.normal(size=(N, M)), rng.normal(size=(N, D))
    parts = [x, b]
    if rotation == "given":
        parts.append(np.linalg.qr(rng.normal(size=(N, D, D)))[0].reshape(N, -1))
    return np.hstack(parts), 4.0 - 2.0 * b + np.tanh(x @ rng.normal(size=(M, D)))


def correction(model, X):
    """Return what the network adds to b, with a plain loop over its layers."""
    module, h = model.module_, X[:, :M]
    named = module.named_weights()
    for i in range(2):
        h = np.maximum(h, 0.0) if i else h
        h = h @ named[f"b.{i}.matrix"].numpy().T + named[f"b.{i}.bias"].numpy()
    return module.unit.item() * module.scale[0].numpy() * h


@covering("algo, rotation, start", list_algorithms(), ROTATIONS, STARTS)
def test_b_is_what_is_given_and_what_is_learned(algo, rotation, start):
    X, y = make_data(rotation)
    model = regressor(algo, rotation=rotation, start=start).fit(X, y)
    _, b = model.predict_energy(X)
    learned = correction(model, X)
    assert np.abs(learned).max() > 1e-3
    assert_allclose(b, X[:, M : M + D] + learned, rtol=1e-9, atol=1e-12)
    # No mean is taken off y: the steps count it from 0.
    assert not model.module_.offset.any()
    assert model.module_.slopes.numel() == 0
    if start in ("auto", "zero"):
        assert not model.start_.any()


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("algo", ["gd", "cg", "opt"])
def test_predictions_are_the_layers_on_the_predicted_energies(algo, start):
    X, y = make_data()
    model = regressor(algo, start=start).fit(X, y)
    Q, b = (torch.tensor(part) for part in model.predict_energy(X))
    layer = ReasoningLayer(algo, 5, model.mu, model.L, step_size=model.step_size_)
    with torch.no_grad():
        expected = layer(DenseQuadratic(Q, b), start=torch.tensor(model.predict_start(X)))
    assert_allclose(model.predict(X), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_before_training_it_is_the_given_one(rotation):
    X, y = make_data(rotation)
    options = {"rotation": rotation, "lr": 1e-14, "learn_step_size": False}
    given, corrected = (
        regressor(linear_term=linear_term, **options).fit(X, y)
        for linear_term in ("given", "corrected")
    )
    assert_allclose(corrected.predict(X), given.predict(X), rtol=1e-9, atol=1e-11)
    assert_allclose(corrected.predict_energy(X)[1], X[:, M : M + D], rtol=1e-9, atol=1e-11)


def test_a_width_that_cannot_be_split_is_refused():
    X, y = make_data()
    with pytest.raises(ValueError, match="linear_term='corrected'"):
        regressor(rotation="given").fit(X, y)
    with pytest.raises(ValueError, match="linear_term"):
        regressor(linear_term="right").fit(X, y)


def test_x_may_be_empty():
    X, y = make_data()
    model = regressor(max_epochs=100, lr=0.1).fit(X[:, M:], y)
    _, b = model.predict_energy(X[:, M:])
    # A correction that is the same for all rows: y has a mean of 4, for which b has no place.
    shift = b - X[:, M:]
    assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), rtol=1e-9, atol=1e-9)
    assert np.abs(shift).min() > 0.1


def test_searches_give_the_same_bits():
    X, y = make_data()
    grid = {"linear_term": ["given", "corrected"], "algo": ["gd", "rnn"], "k": [1, 4]}
    grid |= {"start": ["zero", "predicted"]}
    searches = [
        search(regressor(max_epochs=3), grid, cv=2, return_train_score=True).fit(X, y)
        for search in (GridSearchCV, BatchedGridSearchCV)
    ]
    one, other = (search.cv_results_ for search in searches)
    for name in one:
        if "score" in name and "time" not in name:
            assert np.array_equal(one[name], other[name]), name
    assert np.array_equal(*(search.predict(X) for search in searches))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rotation", ["shared", "given"])
def test_files_and_pickles_give_the_same_bits(rotation, dtype, tmp_path):
    X, y = make_data(rotation)
    model = regressor(rotation=rotation).fit(X.astype(dtype), y)
    save_model(model, tmp_path / "model")
    joblib.dump(model, tmp_path / "pickle")
    for again in (load_model(tmp_path / "model"), joblib.load(tmp_path / "pickle")):
        assert again.get_params() == model.get_params()
        assert again.module_.architecture.corrects
        assert np.array_equal(again.predict(X), model.predict(X))
        assert np.array_equal(again.predict_energy(X)[1], model.predict_energy(X)[1])
    loaded = load_model(tmp_path / "model").partial_fit(X.astype(dtype), y)
    assert loaded.n_iter_ == model.n_iter_ + 1


def test_going_on():
    X, y = make_data()
    model = regressor(warm_start=True, max_epochs=20).fit(X, y)
    first = model.empirical_loss_
    assert model.fit(X, y).empirical_loss_ < first
    online = regressor()
    for _ in range(3):
        online.partial_fit(X, y)
    assert online.n_iter_ == 3


def test_certificates_hold():
    X, y = make_data()
    for start in ("zero", "predicted"):
        model = regressor("gd", start=start).fit(X, y)
        assert model.certify(X).holds
    assert regressor().fit(X, y).__sklearn_tags__().regressor_tags.poor_score


def test_the_gap_has_its_parts():
    X, y = make_quadratic_reasoning(n_samples=80, random_state=0)
    model = regressor("gd", rotation="given").fit(X[:40], y[:40])
    parts = decompose_gap(model, X[:40], y[:40], X[40:], y[40:])
    assert parts.held_out_loss == pytest.approx(model.loss(X[40:], y[40:]), rel=1e-9)
    assert parts.total.held_out == pytest.approx(parts.held_out_loss, rel=1e-9)
    with pytest.raises(ValueError, match="linear_term='corrected'"):
        empirical_rademacher(model, X[:40], y[:40])


def test_it_is_cloned_and_used_in_pipelines():
    X, y = make_data()
    model = make_pipeline(FunctionTransformer(), regressor())
    assert np.array_equal(model.fit(X, y).predict(X), clone(model).fit(X, y).predict(X))


@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.hard) for s in (1, 2))])
def test_an_approximate_b_is_of_more_use_than_either(seed):
    """b that is wrong by what x explains: better than as it is, better than b as a feature."""
    X, y = make_quadratic_reasoning(n_samples=400, population_size=1000, random_state=seed)
    rng = np.random.default_rng(seed)
    X[:, 10:15] += np.tanh(X[:, :10] @ rng.normal(size=(10, 5)))
    X[:, 10:15] += 0.1 * rng.normal(size=(400, 5))
    losses = [
        HybridReasoningRegressor(
            linear_term=linear_term, rotation="given", k=20, max_epochs=40, random_state=0
        )
        .fit(X[:200], y[:200])
        .loss(X[200:], y[200:])
        for linear_term in ("corrected", "given", "learned")
    ]
    assert losses[0] < 0.95 * min(losses[1:])
