"""A batched search and scikit-learn's on the same small data, and what is equal of the two."""

import numpy as np
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV

GRID = {"k": [1, 4]}


def make_data(n=24, n_outputs=2):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    return X, np.tanh(X @ rng.normal(size=(3, n_outputs)))


X, Y = make_data()


def make_model(**options):
    return HybridReasoningRegressor(
        **{"algo": "gd", "max_epochs": 2, "b_hidden": (8,), "random_state": 0, **options}
    )


def both(estimator=None, grid=GRID, fit_params=None, *, y=Y, **options):
    """The batched search and scikit-learn's, fitted."""
    estimator = make_model() if estimator is None else estimator
    options = {"cv": 2, "return_train_score": True, **options}
    return [
        kind(estimator, grid, **options).fit(X, y, **(fit_params or {}))
        for kind in (BatchedGridSearchCV, GridSearchCV)
    ]


def assert_equal_searches(ours, reference):
    """All but the times, down to dtypes and masks."""
    assert ours.cv_results_.keys() == reference.cv_results_.keys()
    for key, expected in reference.cv_results_.items():
        values = ours.cv_results_[key]
        if key == "params":
            assert str(values) == str(expected)
            continue
        assert type(values) is type(expected), key
        assert values.dtype == expected.dtype, key
        assert values.shape == expected.shape, key
        if key.startswith("param_"):
            np.testing.assert_array_equal(values.mask, expected.mask, key)
            assert str(values.tolist()) == str(expected.tolist())
        elif not key.endswith("_time"):
            np.testing.assert_array_equal(values, expected, key)
    for name in ("best_index_", "best_score_", "multimetric_", "n_splits_", "n_features_in_"):
        assert hasattr(ours, name) == hasattr(reference, name), name
        assert getattr(ours, name, None) == getattr(reference, name, None), name
    assert type(ours.scorer_) is type(reference.scorer_)
    if hasattr(reference, "best_estimator_"):
        np.testing.assert_array_equal(ours.predict(X), reference.predict(X))
        if not (ours.multimetric_ and callable(ours.refit)):  # scikit-learn has no score for it
            assert ours.score(X, Y) == reference.score(X, Y)


def mae(estimator, X, y):
    return -mean_absolute_error(y, estimator.predict(X))


def two_scores(estimator, X, y):
    return {"r2": estimator.score(X, y), "mae": mae(estimator, X, y)}
