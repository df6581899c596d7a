"""A batched search is an estimator like scikit-learn's, and works where these do."""

import pickle

import joblib
import numpy as np
import pytest
import torch
from model_selection._both_searches import GRID, X, Y, assert_equal_searches, both, make_model
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning.model_selection import BatchedGridSearchCV, BatchedRandomizedSearchCV


@pytest.mark.parametrize("kind", [BatchedGridSearchCV, BatchedRandomizedSearchCV])
def test_it_is_cloned_printed_and_pickled(kind):
    search = kind(make_model(), {"k": [1, 2]}, cv=2, n_repeats=2)
    if kind is BatchedRandomizedSearchCV:
        search.set_params(n_iter=2, random_state=0)
    assert search.get_params()["estimator__lr"] == 1e-2
    assert repr(clone(search)) == repr(search)
    assert "n_repeats=2" in repr(search)
    assert search._repr_html_()

    search.fit(X, Y)
    again = pickle.loads(pickle.dumps(search))

    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    assert again.cv_results_["params"] == search.cv_results_["params"]
    assert not hasattr(clone(search), "cv_results_")


def test_it_has_the_methods_of_its_estimator():
    ours, reference = both()
    unfitted = [clone(search) for search in (ours, reference)]
    for name in ("predict", "predict_proba", "transform", "inverse_transform", "score_samples"):
        assert hasattr(ours, name) == hasattr(reference, name), name
        assert hasattr(unfitted[0], name) == hasattr(unfitted[1], name), name
    assert ours.__sklearn_tags__() == reference.__sklearn_tags__()
    with pytest.raises(NotFittedError):
        unfitted[0].predict(X)
    with pytest.raises(NotFittedError):
        unfitted[0].score(X, Y)
    without, _ = both(refit=False)
    assert not hasattr(without, "predict")
    with pytest.raises(AttributeError, match="refit"):
        without.score(X, Y)


def test_nested_searches():
    inner = [
        kind(make_model(), GRID, cv=2, return_train_score=True)
        for kind in (BatchedGridSearchCV, GridSearchCV)
    ]

    np.testing.assert_array_equal(*(cross_val_score(search, X, Y, cv=2) for search in inner))
    piped = [make_pipeline(StandardScaler(), search).fit(X, Y) for search in inner]
    np.testing.assert_array_equal(*(pipeline.predict(X) for pipeline in piped))
    outer = [
        kind(search, {"estimator__max_epochs": [2, 3]}, cv=2).fit(X, Y)
        for kind, search in zip((BatchedGridSearchCV, GridSearchCV), inner, strict=True)
    ]
    assert_equal_searches(*outer)


def test_neither_data_nor_global_random_states_change():
    X_before, Y_before = X.copy(), Y.copy()
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    numpy_before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002

    drawn_from = {"k": [1, 2, 3], "lr": loguniform(1e-3, 1e-1)}
    model = make_pipeline(StandardScaler(), make_model(random_state=None))
    names = {f"hybridreasoningregressor__{name}": values for name, values in drawn_from.items()}
    BatchedRandomizedSearchCV(model, names, n_iter=3, cv=2, n_repeats=2).fit(X, Y)

    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(Y, Y_before)


@pytest.mark.parametrize("backend", ["threading", "multiprocessing"])
def test_other_backends_of_joblib(backend):
    with joblib.parallel_config(backend, n_jobs=2):
        ours = BatchedGridSearchCV(make_model(), GRID, cv=2).fit(X, Y)

    assert_equal_searches(ours, GridSearchCV(make_model(), GRID, cv=2).fit(X, Y))


@pytest.mark.hard
def test_scorers_that_cannot_be_pickled_reach_workers():
    grid = {"algo": ["gd", "rnn"], "max_epochs": [2, 3]}  # two stacks
    scoring = {"steps": lambda model, X, y: model.n_iter_, "r2": lambda m, X, y: m.score(X, y)}

    ours, reference = both(grid=grid, scoring=scoring, refit="r2", n_jobs=2)

    assert_equal_searches(ours, reference)
    assert ours.cv_results_["mean_test_steps"].tolist() == [2, 3, 2, 3]
