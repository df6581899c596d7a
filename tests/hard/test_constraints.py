"""The layer and the regressor over drawn sets, terms and where they are in the steps."""

import dataclasses
import os
import pickle
import tempfile
import warnings

import numpy as np
import torch
from hard._estimator_strategies import regression_cases
from hard._penalty_strategies import sets, terms
from hard._proximal_loops import NAMES, proximal_iterates
from hard._running import holds_for
from hard._strategies import problems
from hard.test_layer import layer_of, resolution
from hypothesis import reject, strategies as st

from sklearn_reasoning import HybridReasoningRegressor, load_model, save_model
from sklearn_reasoning.exceptions import DivergenceError

FLOATS = st.just(torch.float64)
small_ks = st.integers(0, 60)


@st.composite
def penalised_problems(draw):
    """Draw energies of at most moderate condition, and a penalty of the size of their points."""
    problem = draw(problems(st.sampled_from(NAMES), FLOATS, small_ks, 1, largest_condition=1e3))
    d, scale = problem.b.shape[1], np.abs(problem.b).max() / problem.L
    if draw(st.booleans()):
        return problem, draw(sets(d, scale))
    return problem, draw(terms(d, np.abs(problem.b).max()))


@holds_for(penalised_problems(), few=10, many=600)
def test_the_layer_is_a_proximal_loop(case):
    problem, drawn = case
    y = layer_of(problem, penalty=drawn.penalty)(problem.energy()).detach().numpy()
    steps = np.broadcast_to(problem.k, len(problem.b))
    for i, (Q, b, k) in enumerate(zip(problem.matrices(), problem.b, steps, strict=True)):
        start = drawn.prox(np.zeros_like(b), 1.0) if drawn.penalty.is_set else np.zeros_like(b)
        path = proximal_iterates(
            problem.name, Q, b, [problem.step_size] * k, problem.mu, start, drawn.prox
        )
        # Sizes of what is projected count as those of its projection do.
        largest = np.abs(path).max() + np.abs(b).max() / problem.mu
        assert np.abs(y[i] - path[-1]).max() <= 100.0 * resolution(problem) * largest


@st.composite
def constrained_cases(draw):
    """Draw a regression case, a penalty for it and where that is; algorithms that take it."""
    case = draw(regression_cases())
    d, scale = case.shape[-1], float(np.abs(case.y).max())
    project = draw(st.sampled_from(["each_step", "last_step"]))
    parameters = dict(case.parameters)
    if project == "each_step":
        # A step size of one algorithm may be outside the stable region of another.
        for name in ("step_size", "step_size_range"):
            parameters.pop(name, None)
        parameters["algo"] = draw(st.sampled_from([*NAMES, "opt"]))
    is_set = project == "last_step" or draw(st.booleans())
    drawn = draw(sets(d, scale) if is_set else terms(d, scale * parameters["L"]))
    name = "constraint" if is_set else "penalty"
    parameters |= {name: drawn.penalty, "project": project}
    return dataclasses.replace(case, parameters=parameters), drawn


def fitted(case):
    """Return a fitted model; where training diverges, it must leave nothing behind."""
    model = HybridReasoningRegressor(**case.parameters)
    before = dict(vars(model))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rows outside, and b that does not fit
        try:
            return model.fit(case.X, case.y, sample_weight=case.weight)
        except DivergenceError:
            assert vars(model) == before
            reject()


@holds_for(constrained_cases(), st.sampled_from([0, 1, 2, 7, 200]), few=5, many=400)
def test_predictions_obey_at_every_k(case_and_penalty, k):
    case, drawn = case_and_penalty
    model = fitted(case)
    if model.step_size_per_iteration and model.algorithm_.has_step_size:
        k = min(k, model.k)
    given = case.parameters.get("rotation") == "given"  # other rows would need other rotations
    for rows in (case.X,) if given else (case.X, 10.0 * case.X + 1.0):
        predicted = model.predict(rows, k=k).reshape(len(rows), -1)
        if case.X.dtype == np.float32 and not np.isfinite(predicted).all():
            reject()
        assert np.isfinite(predicted).all()
        eps = np.finfo(predicted.dtype).eps
        rounding = (eps if predicted.dtype == np.float32 else 0.0) * np.abs(predicted)
        assert (predicted >= drawn.low - rounding).all()
        assert (predicted <= drawn.high + rounding).all()
        allowed = 1e4 * eps * (np.abs(predicted).sum(axis=1) + np.abs(case.y).max())
        found = [drawn.violation(row.astype(np.float64)) for row in predicted]
        assert (found <= allowed).all()


@holds_for(constrained_cases(), few=5, many=300)
def test_a_constrained_fit_is_reproduced_and_kept(case_and_penalty):
    case, _ = case_and_penalty
    model = fitted(case)
    predicted = model.predict(case.X)
    np.testing.assert_array_equal(fitted(case).predict(case.X), predicted)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(case.X), predicted)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        save_model(model, path)
        np.testing.assert_array_equal(load_model(path).predict(case.X), predicted)
    if model.algorithm_.name != "opt":  # which takes no steps, and has its start at k = 0
        np.testing.assert_array_equal(model.predict(case.X, k=model.k), predicted)
