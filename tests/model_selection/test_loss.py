"""The l2 loss against a plain loop, and as a scorer inside scikit-learn."""

import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_linnerud
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_validate

from sklearn_reasoning.model_selection import l2_loss_scorer, mean_l2_loss


def loop(y_true, y_pred, weights):
    total = 0.0
    for true, predicted, weight in zip(y_true, y_pred, weights, strict=True):
        total += weight * math.sqrt(sum((t - p) ** 2 for t, p in zip(true, predicted, strict=True)))
    return total / sum(weights)


@pytest.fixture
def labels():
    rng = np.random.RandomState(0)
    return rng.randn(9, 4), rng.randn(9, 4), rng.rand(9)


def test_is_the_mean_norm_of_a_plain_loop(labels):
    y_true, y_pred, weights = labels

    loss = mean_l2_loss(y_true, y_pred)
    weighted = mean_l2_loss(y_true, y_pred, sample_weight=weights)

    assert type(loss) is float
    assert type(weighted) is float
    assert loss == pytest.approx(loop(y_true, y_pred, np.ones(9)), rel=1e-14)
    assert weighted == pytest.approx(loop(y_true, y_pred, weights), rel=1e-14)


def test_integer_weights_repeat_samples(labels):
    y_true, y_pred, _ = labels
    counts = np.array([0, 1, 2, 3, 0, 1, 1, 1, 5])

    assert mean_l2_loss(y_true, y_pred, sample_weight=counts) == pytest.approx(
        mean_l2_loss(np.repeat(y_true, counts, axis=0), np.repeat(y_pred, counts, axis=0))
    )


def test_one_dimension_is_one_output():
    assert mean_l2_loss([1.0, 2.0], [2.0, 4.0]) == 1.5
    assert mean_l2_loss([1.0, 2.0], [[2.0], [4.0]]) == 1.5


def test_float32_predictions_lose_nothing_in_the_sum():
    y_pred = np.full((7, 1), 0.1, dtype=np.float32)

    assert mean_l2_loss(np.zeros(7), y_pred) == pytest.approx(float(np.float32(0.1)), rel=1e-15)


@pytest.mark.parametrize("frame", [pd.DataFrame, lambda y: pl.DataFrame(y, schema=list("abcd"))])
def test_frames_are_read(labels, frame):
    y_true, y_pred, _ = labels

    assert mean_l2_loss(frame(y_true), y_pred) == mean_l2_loss(y_true, y_pred)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "weights", "message"),
    [
        ([[1.0, 2.0]], [[1.0]], None, "y_true has 2 outputs and y_pred has 1"),
        ([1.0, 2.0], [1.0], None, "inconsistent numbers of samples"),
        ([], [], None, "minimum of 1 is required"),
        ([np.nan], [1.0], None, "y_true contains NaN"),
        ([1.0], [np.inf], None, "y_pred contains infinity"),
        (np.array([1j]), [1.0], None, "Complex data not supported"),
        (np.ones((1, 1, 1)), [1.0], None, "dim 3"),
        ([1.0, 2.0], [1.0, 2.0], [1.0], "inconsistent numbers of samples"),
        ([1.0, 2.0], [1.0, 2.0], [1.0, -1.0], "sample_weight must not be negative"),
        ([1.0, 2.0], [1.0, 2.0], [0.0, 0.0], "sample_weight is zero for every sample"),
        ([1.0, 2.0], [1.0, 2.0], [np.nan, 0.0], "sample_weight contains NaN"),
        ([1.0, 2.0], [1.0, 2.0], [[1.0], [1.0]], "sample_weight must have one dimension"),
    ],
)
def test_bad_input_is_named(y_true, y_pred, weights, message):
    with pytest.raises(ValueError, match=message):
        mean_l2_loss(y_true, y_pred, sample_weight=weights)


def test_scorer_is_minus_the_loss_in_cross_validation():
    X, y = load_linnerud(return_X_y=True)

    scores = cross_validate(Ridge(), X, y, cv=4, scoring=l2_loss_scorer, return_estimator=True)

    for fold, estimator in enumerate(scores["estimator"]):
        test = np.arange(5 * fold, 5 * fold + 5)
        assert scores["test_score"][fold] == -mean_l2_loss(y[test], estimator.predict(X[test]))


def test_scorer_passes_sample_weights_and_survives_pickling():
    X, y = load_linnerud(return_X_y=True)
    ridge, weights = Ridge().fit(X, y), np.arange(20)

    scorer = pickle.loads(pickle.dumps(l2_loss_scorer))

    assert scorer(ridge, X, y, sample_weight=weights) == -mean_l2_loss(
        y, ridge.predict(X), sample_weight=weights
    )
