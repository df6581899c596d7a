"""A start through all that is done with an estimator: searches, copies, files, certificates."""

import pickle

import joblib
import numpy as np
import pytest
from _covering import covering
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import list_algorithms
from sklearn_reasoning.model_selection import BatchedGridSearchCV, decompose_gap
from sklearn_reasoning.persistence import load_model, save_model

STARTS = ["auto", "zero", "mean", "learned", "predicted"]
N, D = 30, 2


def regressor(algo="gd", **parameters):
    options = {"k": 4, "max_epochs": 2, "q_hidden": (4,), "b_hidden": (6,), "random_state": 0}
    return HybridReasoningRegressor(algo, **options | parameters)


def make_data(linear_term="learned", dtype=np.float64, mean=10.0):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 3))
    y = mean + np.tanh(x @ rng.normal(size=(3, D)))
    X = np.hstack([x, rng.normal(size=(N, D))]) if linear_term == "given" else x
    return X.astype(dtype), y


def assert_predicts_the_same(one, other, X):
    for k in (None, 0, 1, 7):
        assert np.array_equal(one.predict(X, k=k), other.predict(X, k=k))
    assert np.array_equal(one.predict_start(X), other.predict_start(X))
    assert (one.start_ is None) == (other.start_ is None)
    assert one.start_ is None or np.array_equal(one.start_, other.start_)


# ---------------------------------------------------------------------- searches


@covering("dtype, linear_term", [np.float32, np.float64], ["learned", "given"])
def test_searches_over_the_start_agree_to_the_bit(linear_term, dtype):
    X, y = make_data(linear_term, dtype)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=N)
    grid = {"start": STARTS}
    ours, reference = (
        search(regressor("nag", linear_term=linear_term), grid, cv=2, return_train_score=True)
        for search in (BatchedGridSearchCV, GridSearchCV)
    )
    for search in (ours, reference):
        search.fit(X, y, sample_weight=weight)
    keys = [key for key in reference.cv_results_ if "time" not in key and "param" not in key]
    assert len(keys) > 6
    for key in keys:
        assert np.array_equal(ours.cv_results_[key], reference.cv_results_[key]), key
    assert ours.best_params_ == reference.best_params_
    assert_predicts_the_same(ours.best_estimator_, reference.best_estimator_, X)
    scores = reference.cv_results_["mean_test_score"][:5]
    assert scores[0] == scores[STARTS.index("mean" if linear_term == "learned" else "zero")]
    assert len(set(scores)) == 4


def test_a_search_reaches_the_start_inside_a_pipeline():
    X, y = make_data()
    pipeline = make_pipeline(StandardScaler(), regressor())
    grid = {"hybridreasoningregressor__start": STARTS}
    ours, reference = (
        search(pipeline, grid, cv=2).fit(X, y) for search in (BatchedGridSearchCV, GridSearchCV)
    )
    for key in ("split0_test_score", "split1_test_score"):
        assert np.array_equal(ours.cv_results_[key], reference.cv_results_[key])


# ---------------------------------------------------------------------- copies and files


@covering("start, linear_term", STARTS, ["learned", "given"])
def test_copies_and_files_keep_the_start(start, linear_term, tmp_path):
    for dtype in (np.float32, np.float64):
        X, y = make_data(linear_term, dtype)
        model = regressor("nag", start=start, linear_term=linear_term).fit(X, y)
        assert clone(model).start == start
        assert not hasattr(clone(model), "start_")
        assert_predicts_the_same(clone(model).fit(X, y), model, X)
        assert_predicts_the_same(pickle.loads(pickle.dumps(model)), model, X)
        joblib.dump(model, tmp_path / "model.joblib")
        assert_predicts_the_same(joblib.load(tmp_path / "model.joblib"), model, X)
        save_model(model, tmp_path / f"{dtype.__name__}")
        loaded = load_model(tmp_path / f"{dtype.__name__}")
        assert loaded.start == start
        assert_predicts_the_same(loaded, model, X)
        # Training goes on from a file as it would have without.
        assert_predicts_the_same(loaded.partial_fit(X, y), model.partial_fit(X, y), X)


@pytest.mark.parametrize("algo", list_algorithms())
def test_a_file_keeps_the_starts_of_every_algorithm(algo, tmp_path):
    X, y = make_data()
    for start in ("learned", "predicted"):
        model = regressor(algo, start=start).fit(X, y)
        save_model(model, tmp_path / start)
        assert_predicts_the_same(load_model(tmp_path / start), model, X)


# ---------------------------------------------------------------------- going on


@pytest.mark.parametrize("step", ["fit", "partial_fit"])
@pytest.mark.parametrize("linear_term", ["learned", "given"])
def test_training_that_goes_on_refuses_another_start(linear_term, step):
    X, y = make_data(linear_term)
    own = "mean" if linear_term == "learned" else "zero"
    for start in STARTS:
        model = regressor(start=start, linear_term=linear_term, warm_start=True).fit(X, y)
        predicted = model.predict(X)
        same = {start, own} if start in ("auto", own) else {start}
        same |= {"auto"} if start == own else set()
        for other in STARTS:
            model.set_params(start=other)
            if other in same:
                continue
            with pytest.raises(ValueError, match=r"parameter that changes|begin anew"):
                getattr(model, step)(X, y)
            assert np.array_equal(model.predict(X), predicted)
        for other in same:  # the same start by another name goes on
            getattr(model.set_params(start=other), step)(X, y)


@pytest.mark.parametrize("start", STARTS)
def test_a_warm_start_keeps_the_centre_and_the_start_of_the_first_fit(start):
    X, y = make_data()
    model = regressor(start=start, warm_start=True, lr=1e-30).fit(X, y)
    before = model.predict(X)
    model.fit(X, y + 5.0)
    assert_allclose(model.predict(X), before, rtol=1e-13)


# ---------------------------------------------------------------------- certificates


@covering("algo, start, linear_term", list_algorithms(), STARTS, ["learned", "given"])
def test_a_certificate_never_fails_to_hold(algo, start, linear_term):
    """For a mean that is large too; it is None where nothing is proven, as of trained cells."""
    for dtype, mean in ((np.float32, 10.0), (np.float64, 1e6)):
        X, y = make_data(linear_term, dtype, mean)
        model = regressor(algo, start=start, linear_term=linear_term, max_epochs=1).fit(X, y)
        assert model.certify().holds is None
        certificate = model.certify(X)
        bound = float(certificate.convergence.certified)
        assert certificate.holds is (None if bound == np.inf else True)
        assert algo == "rnn" or bound < np.inf
        Q, b = model.predict_energy(X)
        exact = np.linalg.solve(Q, -b[..., None])[..., 0]
        first = np.linalg.norm(model.predict_start(X) - exact, axis=1)
        assert_allclose(certificate.rows.first_distance, first, rtol=1e-6, atol=1e-14 * mean)
        left = np.linalg.norm(model.predict(X) - exact, axis=1)
        assert (left <= bound * first + 1e-6 * (1.0 + first)).all()
        norms = np.linalg.norm(model.predict_start(X), axis=1)
        assert_allclose(certificate.rows.start_norm, norms, rtol=1e-12)
        known = certificate.layer.start_norm
        assert known is None if start == "predicted" else known == pytest.approx(norms[0])
        assert "MORE than the bound" not in certificate.summary()


@covering("algo, k", list_algorithms(), [0, 1, 60])
def test_certificates_hold_for_no_steps_and_for_many(algo, k):
    X, y = make_data()
    for start in ("zero", "predicted"):
        certificate = regressor(algo, k=k, start=start, max_epochs=1).fit(X, y).certify(X)
        assert certificate.holds is not False


@covering("start, linear_term", STARTS, ["learned", "given"])
def test_the_parts_of_the_gap_add_up_from_every_start(start, linear_term):
    X, y = make_data(linear_term)
    for algo in ("nag", "cg", "opt"):
        model = regressor(algo, start=start, linear_term=linear_term).fit(X[:20], y[:20])
        parts = decompose_gap(model, X[:20], y[:20], X[20:], y[20:])
        assert parts.empirical_loss == pytest.approx(model.empirical_loss_, rel=1e-12)
        assert parts.held_out_loss == pytest.approx(model.loss(X[20:], y[20:]), rel=1e-12)
        for column in ("empirical", "held_out", "gap"):
            bias, error, total = (
                getattr(part, column)
                for part in (parts.algorithm_bias, parts.representation_error, parts.total)
            )
            assert bias + error == pytest.approx(total, rel=1e-12, abs=1e-12)
        Q, b = model.predict_energy(X)
        exact = np.linalg.solve(Q, -b[..., None])[..., 0]
        distance = np.linalg.norm(model.predict(X) - exact, axis=1)[:20].mean()
        assert parts.distance_to_minimiser.empirical == pytest.approx(distance, abs=1e-9)
        if algo == "opt":
            assert parts.algorithm_bias.empirical == 0.0


# ---------------------------------------------------------------------- float32


@covering("algo, start", list_algorithms(), ["auto", "mean", "learned", "predicted"])
def test_float32_training_predicts_as_float64_training(algo, start):
    X, y = make_data(mean=1000.0)
    models = [regressor(algo, start=start).fit(X.astype(t), y) for t in (np.float32, np.float64)]
    single, double = (model.predict(X.astype(np.float32)) for model in models)
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    assert_allclose(single, double, rtol=0.0, atol=1e-3)
    assert_allclose(models[0].predict_start(X), models[1].predict_start(X), rtol=1e-6)
