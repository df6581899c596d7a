"""A given b that cannot fit y speaks up: once, at fit, with what to set."""

import re
import warnings

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.energies import suggest_spectrum
from sklearn_reasoning.model_selection import BatchedGridSearchCV

N, D = 100, 5
B = slice(-D - D * D, -D * D)


def make_data(scale=1.0):
    """Return rows [x | b | R] whose b is off by a factor, and y."""
    X, y = make_quadratic_reasoning(n_samples=N, random_state=0)
    X[:, B] *= scale
    return X, y


def regressor(**parameters):
    options = {"k": 3, "q_hidden": (4,), "b_hidden": (4,), "max_epochs": 1, "random_state": 0}
    return HybridReasoningRegressor(
        **{"linear_term": "given", "rotation": "given"} | options | parameters
    )


def warnings_of(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(one.message) for one in caught]


TOO_LARGE = r"linear_term: b is more than 10 times too large .*\[mu, L\] = \[0.1, 1\].*Set mu and L"
TOO_SMALL = r"linear_term: b is more than 10 times too small .*suggest_spectrum\(b, y\)"
WRONG_SIGN = r"linear_term: b has the wrong sign.*Hand over -b.*suggest_spectrum\(-b, y\)"


@pytest.mark.parametrize("linear_term", ["given", "corrected", list(range(10, 15))])
@pytest.mark.parametrize(
    ("scale", "message"), [(100.0, TOO_LARGE), (0.01, TOO_SMALL), (-1.0, WRONG_SIGN), (1.0, None)]
)
def test_one_warning_that_says_what_to_set(linear_term, scale, message):
    X, y = make_data(scale)
    model = regressor(linear_term=linear_term)
    said = warnings_of(lambda: model.fit(X, y))
    assert len(said) == (message is not None)
    assert message is None or re.match(message, said[0])
    assert len(warnings_of(lambda: model.fit(X.astype(np.float32), y))) == len(said)


def test_what_it_says_to_set_is_silent():
    for scale, sign in ((100.0, 1.0), (0.01, 1.0), (-100.0, -1.0)):
        X, y = make_data(scale)
        X[:, B] *= sign
        mu, L = suggest_spectrum(X[:, B], y)
        regressor(mu=mu, L=L).fit(X, y)  # warnings are errors here


def test_it_points_at_the_line_that_called_fit():
    X, y = make_data(100.0)
    with pytest.warns(UserWarning, match="too large") as caught:
        regressor().fit(X, y)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="too large") as caught:
        regressor().partial_fit(X, y)
    assert caught[0].filename == __file__


def test_b_that_has_nothing_to_do_with_y_is_silent():
    X, y = make_data()
    X[:, B] = 100.0 * np.random.default_rng(0).normal(size=(N, D))
    regressor().fit(X, y)
    regressor(linear_term="corrected").fit(X, y)


def test_an_algorithm_that_learns_its_own_scale_is_silent():
    regressor(algo="rnn").fit(*make_data(100.0))


def test_a_scaled_b_is_named():
    X, y = make_data()
    X[:, B], y = 1e-3 * X[:, B], 1e-3 * y
    regressor(rotation="shared").fit(X[:, :15], y)
    model = make_pipeline(StandardScaler(), regressor(rotation="shared"))
    with pytest.warns(UserWarning, match="its own unit, if a scaler changed it"):
        model.fit(X[:, :15], y)


def test_rows_of_weight_zero_are_absent():
    X, y = make_data()
    off, _ = make_data(100.0)
    both, twice = np.vstack([X, off]), np.vstack([y, y])
    first = np.repeat([1.0, 0.0], N)
    regressor().fit(both, twice, sample_weight=first)
    with pytest.warns(UserWarning, match="too large"):
        regressor().fit(both, twice, sample_weight=1.0 - first)


def test_only_the_first_rows_of_partial_fit_are_asked():
    X, y = make_data(100.0)
    model = regressor()
    assert len(warnings_of(lambda: model.partial_fit(X, y))) == 1
    assert warnings_of(lambda: model.partial_fit(X, y)) == []


def test_a_search_side_by_side_says_it_once():
    X, y = make_data(100.0)
    grid = {"k": [1, 2, 3, 4], "lr": [1e-3, 1e-2]}
    pipeline = make_pipeline("passthrough", regressor())
    for estimator, named in (
        (regressor(), grid),
        (pipeline, {f"hybridreasoningregressor__{name}": grid[name] for name in grid}),
    ):
        search = BatchedGridSearchCV(estimator, named, cv=3)
        assert len(warnings_of(lambda search=search: search.fit(X, y))) == 1


def test_python_shows_once_what_the_fits_of_a_search_say():
    X, y = make_data(100.0)
    search = GridSearchCV(regressor(), {"k": [1, 2], "lr": [1e-3, 1e-2]}, cv=3)
    said = warnings_of(lambda: search.fit(X, y))
    assert len(said) == 4 * 3 + 1
    assert len(set(said)) == 1
