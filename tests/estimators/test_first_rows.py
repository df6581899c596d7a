"""Rows that tell little: the first ones, those of no weight, and means that drown the spread."""

import numpy as np
import pytest
from _covering import covering
from numpy.testing import assert_allclose
from sklearn import config_context
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import list_algorithms
from sklearn_reasoning.model_selection import BatchedGridSearchCV


def regressor(algo="nag", **parameters):
    options = {"k": 4, "max_epochs": 3, "q_hidden": (4,), "b_hidden": (8,), "random_state": 0}
    return HybridReasoningRegressor(algo, **options | parameters)


def make_data(n=80, d=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, X @ rng.normal(size=(3, d)) + 0.1 * rng.normal(size=(n, d))


def same_weights(first, second):
    one, other = (model.module_.state_dict() for model in (first, second))
    return all(bool((one[key] == other[key]).all()) for key in one)


def same_bits(first, second):
    return (
        same_weights(first, second)
        and first.history_[:, "train_loss"] == second.history_[:, "train_loss"]
        and first.empirical_loss_ == second.empirical_loss_
    )


# ---------------------------------------------------------------------- the first rows


@pytest.mark.parametrize(
    ("start", "unit"),
    [
        ("zero", 1.0),
        ("predicted", 1e6),
        ("auto", 1e-6),
        pytest.param("auto", 1.0, marks=pytest.mark.hard),
        pytest.param("learned", 1e6, marks=pytest.mark.hard),
    ],
)
def test_training_goes_on_from_a_single_row(start, unit):
    X = np.linspace(-1, 1, 40)[:, None]
    y = unit * (X[:, 0] + 2)
    options = {"lr": 0.1, "start": start, "mu": 0.5}
    model = regressor(**options).partial_fit(X[:1], y[:1])
    if start != "zero":
        assert_allclose(model.predict(X), y[0], rtol=1e-12)
    for _ in range(30):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.9
    assert len(np.unique(model.predict(X))) == 40
    warm = regressor(warm_start=True, max_epochs=30, **options).fit(X[:1], y[:1]).fit(X, y)
    assert warm.score(X, y) > 0.9


@pytest.mark.parametrize("algo", list_algorithms())
def test_after_a_single_row_all_rows_are_as_if_they_came_first(algo):
    """Nothing was learned of the row, so the scale, centre and axes are those of what follows."""
    X, y = make_data(60, d=3)
    # Plain steps without decay leave weights of gradient zero as they are.
    options = {"optimizer": "sgd", "weight_decay": 0.0}
    late = regressor(algo, **options).partial_fit(X[:1], y[:1] + 50.0)
    first = regressor(algo, **options)
    for _ in range(3):
        late.partial_fit(X, y)
        first.partial_fit(X, y)
    assert same_weights(late, first)
    warm = regressor(algo, warm_start=True, **options).fit(X[:1], y[:1] + 50.0).fit(X, y)
    assert same_bits(warm, regressor(algo, **options).fit(X, y))


def test_a_column_that_is_constant_at_first_gets_its_scale_later():
    X, y = make_data()
    y = np.column_stack([y, 1e4 + 30.0 * X[:, 0]])
    # Alike in the first chunk: exactly, and but for the rounding of their sum.
    for value in (1e4, 0.1):
        chunk = y[:10].copy()
        chunk[:, 2] = value
        model = regressor(mu=0.5, lr=0.1).partial_fit(X[:10], chunk)
        assert_allclose(model.predict(X)[:, 2], value, rtol=1e-6)
        others = model.module_.scale[0, :2].clone()
        for _ in range(30):
            model.partial_fit(X, y)
        assert model.score(X, y) > 0.9
        assert bool((model.module_.scale[0, :2] == others).all())
        assert_allclose(model.start_[2], y[:, 2].mean(), rtol=1e-12)


def test_a_column_that_stays_constant_is_predicted_as_it_is():
    X, y = make_data()
    y[:, 1] = 7.0
    for dtype in (np.float32, np.float64):
        model = regressor(rotation="identity").partial_fit(X[:1].astype(dtype), y[:1])
        for _ in range(5):
            model.partial_fit(X.astype(dtype), y)
        assert_allclose(model.predict(X)[:, 1], 7.0, rtol=1e-6)
        assert len(np.unique(model.predict(X)[:, 0])) == len(X)


def test_many_epochs_on_one_row_do_no_harm():
    X, y = make_data(d=1)
    model = regressor(mu=0.5, lr=0.1)
    for _ in range(40):
        model.partial_fit(X[:1], y[:1])
    for _ in range(40):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.9


# ---------------------------------------------------------------------- rows of weight zero


WAYS = {
    "one batch": {},
    "batches": {"batch_size": 7},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "both": {"early_stopping": True, "batch_size": 9, "lr_schedule": "constant"},
    "squared": {"loss": "squared", "optimizer": "sgd"},
}


@covering("way, dtype", WAYS, [np.float32, np.float64])
def test_rows_of_weight_zero_leave_no_trace(way, dtype):
    """Not in the draws of batches and held-out rows, nor in the scales: 75 rows of 150 remain."""
    X, y = make_data(150)
    X, weight = X.astype(dtype), np.random.default_rng(1).uniform(0.5, 2.0, size=150)
    weight[::2] = 0.0
    y[::2], X[::2] = 1e30, -1e30
    counts = weight > 0.0
    model = regressor(**WAYS[way]).fit(X, y, sample_weight=weight)
    absent = regressor(**WAYS[way]).fit(X[counts], y[counts], sample_weight=weight[counts])
    assert same_bits(model, absent)
    assert np.array_equal(model.start_, absent.start_)
    assert np.array_equal(model.predict(X[counts]), absent.predict(X[counts]))
    assert model.n_iter_ == absent.n_iter_
    again = model.fit(X, y, sample_weight=weight).partial_fit(X, y, sample_weight=weight)
    assert same_bits(again, absent.partial_fit(X[counts], y[counts], weight[counts]))


@pytest.mark.parametrize("algo", list_algorithms())
def test_rows_of_weight_zero_leave_no_trace_in_any_algorithm(algo):
    X, y = make_data(100)
    R = np.linalg.qr(np.random.default_rng(2).normal(size=(100, 2, 2)))[0].reshape(100, -1)
    options = {"linear_term": "given", "rotation": "given", "max_epochs": 1, "start": "mean"}
    X = np.hstack([X, y[::-1], R])
    weight = np.ones(100)
    weight[[0, 5, 99]] = 0.0
    model = regressor(algo, **options).fit(X, y, sample_weight=weight)
    counts = weight > 0.0
    assert same_bits(model, regressor(algo, **options).fit(X[counts], y[counts]))


def test_partial_fit_passes_rows_of_weight_zero_by():
    X, y = make_data(100)
    weight = np.tile([0.0, 1.0, 2.0, 0.0], 25)
    counts = weight > 0.0
    model, absent = regressor(), regressor()
    for _ in range(3):
        model.partial_fit(X, y, sample_weight=weight)
        absent.partial_fit(X[counts], y[counts], sample_weight=weight[counts])
    assert same_bits(model, absent)


@pytest.mark.parametrize("step", ["fit", "partial_fit"])
def test_weights_that_are_all_zero_are_refused(step):
    X, y = make_data()
    for model in (regressor(), regressor().fit(X, y)):
        before = vars(model).copy()
        with pytest.raises(ValueError, match=r"(?i)sample.weights?.*zero"):
            getattr(model, step)(X, y, sample_weight=np.zeros(len(X)))
        assert vars(model) == before


def test_one_row_that_counts_is_a_model_of_one_row():
    X, y = make_data()
    weight = np.zeros(len(X))
    weight[17] = 0.25
    model = regressor().fit(X, y, sample_weight=weight)
    assert same_bits(model, regressor().fit(X[17:18], y[17:18]))
    assert_allclose(model.predict(X), np.tile(y[17], (len(X), 1)), rtol=1e-12)


@covering("early_stopping, routing", [False, True], [False, True])
def test_a_batched_search_leaves_rows_of_weight_zero_out(early_stopping, routing):
    """As scikit-learn's search does; folds lose unlike numbers of rows."""
    X, y = make_data(150)
    weight = np.random.default_rng(3).uniform(0.5, 2.0, size=150)
    weight[20:75] = 0.0  # nearly all of the second fold of four
    y[20:75] = 1e6
    base = regressor(early_stopping=early_stopping, max_epochs=2)
    grid = {"lr": [0.01, 0.05]}
    with config_context(enable_metadata_routing=routing):
        if routing:
            base.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        ours, reference = (
            search(base, grid, cv=4).fit(X, y, sample_weight=weight)
            for search in (BatchedGridSearchCV, GridSearchCV)
        )
    for key, values in reference.cv_results_.items():
        if key.startswith("split"):
            assert np.array_equal(ours.cv_results_[key], values)
    assert same_bits(ours.best_estimator_, reference.best_estimator_)
    counts = weight > 0.0
    absent = base.set_params(**ours.best_params_).fit(X[counts], y[counts], weight[counts])
    assert same_bits(ours.best_estimator_, absent)


# ---------------------------------------------------------------------- large means


@covering("mean, start", [1e6, 1e8, -1e8], ["auto", "learned", "predicted"])
def test_a_large_mean_is_as_well_learned_in_float32(mean, start):
    X, y = make_data(200, d=1)
    y = y[:, 0] + mean
    scores = {}
    for dtype in (np.float32, np.float64):
        model = regressor(max_epochs=8, lr=0.1, start=start).fit(X.astype(dtype), y)
        predicted = model.predict(X.astype(dtype))
        assert predicted.dtype == np.float64  # float32 has steps of 8 at 1e8
        assert len(np.unique(predicted)) == 200
        scores[dtype] = model.score(X.astype(dtype), y)
        assert model.empirical_loss_ == pytest.approx(model.loss(X, y), rel=1e-6)
    reference = LinearRegression().fit(X, y).score(X, y)
    assert scores[np.float32] == pytest.approx(scores[np.float64], abs=1e-3)
    assert scores[np.float32] > 0.95 * reference


def test_one_output_of_large_mean_is_told_apart_beside_one_of_large_spread():
    X, y = make_data(100)
    y = y * [1.0, 1e6] + [1e8, 0.0]
    predicted = regressor(max_epochs=10).fit(X.astype(np.float32), y).predict(X)
    assert predicted.dtype == np.float64
    assert len(np.unique(predicted[:, 0])) == 100


def test_float32_predictions_are_float32_where_that_tells_them_apart():
    X, y = make_data(100)
    for means in ([0.0, 0.0], [1e3, -1e3], [1e3, 0.0]):
        model = regressor().fit(X.astype(np.float32), y + means)
        assert model.predict(X).dtype == np.float32
        assert model.predict_start(X).dtype == np.float64
        assert all(each.dtype == np.float64 for each in model.predict_energy(X))


# ---------------------------------------------------------------------- a mean of zero


@covering("algo, dtype", list_algorithms(), [np.float32, np.float64])
def test_targets_whose_mean_is_exactly_zero_are_learned(algo, dtype):
    """The start is then the first minimiser, where the gradients of the energies vanish."""
    X = np.random.default_rng(4).normal(size=(64, 4))
    y = np.where(np.arange(64) % 2, 1.0, -1.0)
    X[:, 0] = 2.0 * y
    for targets in (y, np.column_stack([y, -y, 3.0 * y])):
        model = regressor(algo, max_epochs=25, lr=0.05).fit(X.astype(dtype), targets)
        assert not model.start_.any()
        assert model.score(X, targets) > 0.9


@pytest.mark.parametrize("algo", ["cg", "rnn"])
def test_few_steps_learn_raw_targets_as_well_as_centred_ones(algo):
    X, y = make_data(64)
    y = 4.0 * y / y.std(axis=0)
    raw, centred = (
        regressor(algo, k=2, max_epochs=30, lr=0.05).fit(X, z)
        for z in (y + 100.0, y - y.mean(axis=0))
    )
    assert raw.score(X, y + 100.0) > 0.9
    assert raw.empirical_loss_ == pytest.approx(centred.empirical_loss_, rel=1e-6)
