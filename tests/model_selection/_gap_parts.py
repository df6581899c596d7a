"""Models whose gap is taken apart, and what its parts should be."""

from dataclasses import astuple

import numpy as np

from sklearn_reasoning import HybridReasoningRegressor

LEARNED = HybridReasoningRegressor(k=3, max_epochs=5, random_state=0)
GIVEN = HybridReasoningRegressor(
    "gd", k=4, linear_term="given", rotation="given", max_epochs=10, random_state=0
)
COLUMNS = ("empirical", "held_out", "gap")


def parts_of(decomposition):
    names = ("algorithm_bias", "representation_error", "label_noise")
    return [part for name in names if (part := getattr(decomposition, name)) is not None]


def assert_adds_up(decomposition):
    for column in COLUMNS:
        parts = sum(getattr(part, column) for part in parts_of(decomposition))
        scale = sum(abs(getattr(part, column)) for part in parts_of(decomposition))
        assert abs(parts - getattr(decomposition.total, column)) <= 1e-12 * scale
        # An error of a sum is at most the sum of errors, however the parts hang together.
        errors = [getattr(part, f"{column}_se") for part in parts_of(decomposition)]
        assert getattr(decomposition.total, f"{column}_se") <= sum(errors) * (1 + 1e-9)


def minimisers(model, X):
    """-Q^{-1} b, a row at a time."""
    return np.array([-np.linalg.inv(Q) @ b for Q, b in zip(*model.predict_energy(X), strict=True)])


def mean_and_error(values):
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


def assert_part(part, training, test):
    """Compare a part with row values."""
    (a, error), (b, test_error) = mean_and_error(training), mean_and_error(test)
    expected = a, error, b, test_error, b - a, np.sqrt(error**2 + test_error**2)
    # Losses are of the order of 100, and so differences of losses are rounded at 1e-14.
    np.testing.assert_allclose(astuple(part), expected, rtol=1e-9, atol=1e-11)
