"""Dates, spans of time and text are no numbers, wherever they hide; others leave the floats."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV, mean_l2_loss

N = 24
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 2))
Y = np.tanh(X[:, :2])
DAYS = np.tile(np.arange("1970-01-01", "1970-01-05", dtype="datetime64[D]"), 6)
STAMPS = DAYS.astype("datetime64[us]").astype(object)


def regressor(**parameters):
    options = {"max_epochs": 2, "q_hidden": (4,), "b_hidden": (8,), "random_state": 0}
    return HybridReasoningRegressor(**options | parameters)


def objects(values):
    column = np.empty(N, dtype=object)
    column[:] = 1.0
    column[5] = values[5]
    return column


TIMES = {
    "days": DAYS,
    "seconds": DAYS.astype("datetime64[s]"),
    "no date": np.full(N, np.datetime64("NaT", "D")),
    "spans": DAYS - DAYS[0],
    "one datetime among objects": objects(STAMPS),
    "one date among objects": objects([stamp.date() for stamp in STAMPS]),
    "one span among objects": objects([datetime.timedelta(1)] * N),
    "one datetime64 among objects": objects(DAYS),
    "one stamp of pandas among objects": objects([pd.Timestamp(stamp) for stamp in STAMPS]),
}
TEXT = {
    "digits": np.arange(N).astype(str),
    "bytes": np.arange(N).astype("S"),
    "one text among objects": objects(["1.5"] * N),
    "one of bytes among objects": objects([b"1.5"] * N),
}
COLUMNS = {
    **{name: (column, TypeError, "dates or times") for name, column in TIMES.items()},
    **{name: (column, ValueError, "text, such as") for name, column in TEXT.items()},
}


def refused_everywhere(spoilt_X, spoilt_y, error, match):
    """Assert that each method names the argument, before it does anything."""
    model = regressor()
    before = dict(vars(model))
    for method in (model.fit, model.partial_fit):
        for data, name in (((spoilt_X, Y), "X"), ((X, spoilt_y), "y")):
            with pytest.raises(error, match=rf"^{name}.* holds {match}"):
                method(*data)
    assert vars(model) == before
    model = regressor().fit(X, Y)
    for method in (model.predict, model.predict_start, model.predict_energy, model.certify):
        with pytest.raises(error, match=rf"^X.* holds {match}"):
            method(spoilt_X)
    with pytest.raises(error, match=rf"^y.* holds {match}"):
        model.loss(X, spoilt_y)
    with pytest.raises(error, match=rf"^y_true.* holds {match}"):
        mean_l2_loss(spoilt_y, Y)


@pytest.mark.parametrize("name", COLUMNS)
def test_arrays_of_other_kinds_are_refused(name):
    column, error, match = COLUMNS[name]
    refused_everywhere(np.stack([column, column], axis=1), column, error, match)


@pytest.mark.parametrize("name", COLUMNS)
def test_one_column_of_a_pandas_frame_is_named(name):
    column, error, match = COLUMNS[name]
    frame = pd.DataFrame({"mass": X[:, 0], "when": column})
    refused_everywhere(frame, frame, error, match)
    for method in (regressor().fit, regressor().partial_fit):
        with pytest.raises(error, match=rf"^X\['when'\] holds {match}"):
            method(frame, Y)
        with pytest.raises(error, match=rf"^y holds {match}"):
            method(X, frame["when"])


FRAMES = {
    "time zones": (
        pd.DataFrame({"when": pd.Series(DAYS.astype("datetime64[ns]")).dt.tz_localize("UTC")}),
        TypeError,
    ),
    "categories": (pd.DataFrame({"when": pd.Categorical(["1", "2"] * (N // 2))}), ValueError),
    "pandas strings": (pd.DataFrame({"when": pd.array(["1.5"] * N, dtype="string")}), ValueError),
    "polars dates": (pl.DataFrame({"mass": X[:, 0], "when": DAYS}), TypeError),
    "polars spans": (
        pl.DataFrame({"mass": X[:, 0], "when": (DAYS - DAYS[0]).astype("m8[us]")}),
        TypeError,
    ),
    "polars strings": (pl.DataFrame({"mass": X[:, 0], "when": ["1.5"] * N}), ValueError),
}


@pytest.mark.parametrize("name", FRAMES)
def test_columns_of_frames_are_named(name):
    frame, error = FRAMES[name]
    for method in (regressor().fit, regressor().partial_fit):
        with pytest.raises(error, match=r"^X\['when'\] holds"):
            method(frame, Y)
        with pytest.raises(error, match=r"^y\['when'\] holds"):
            method(X, frame)


@pytest.mark.parametrize("kind", ["dates", "text"])
def test_columns_of_pyarrow_are_named(kind):
    pyarrow = pytest.importorskip("pyarrow")
    column, error = {"dates": (DAYS, TypeError), "text": (["1.5"] * N, ValueError)}[kind]
    table = pyarrow.table({"mass": X[:, 0], "when": column})
    for data in (table, table.to_batches()[0]):
        with pytest.raises(error, match=r"^X\['when'\] holds"):
            regressor().fit(data, Y)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ([["1", "2"]] * N, ValueError),
        ([[1.0, "2"]] * N, ValueError),
        ([[1.0, stamp] for stamp in STAMPS], TypeError),
        ([[day, day] for day in DAYS], TypeError),
    ],
    ids=["text", "mixed text", "datetimes", "days"],
)
def test_lists_of_other_kinds_are_refused(data, error):
    refused_everywhere(data, data, error, "")


def test_weights_are_numbers_too():
    with pytest.raises(ValueError, match=r"^sample_weight holds text"):
        regressor().fit(X, Y, sample_weight=["1"] * N)
    with pytest.raises(TypeError, match=r"^sample_weight holds dates or times"):
        regressor().fit(X, Y, sample_weight=DAYS)
    with pytest.raises(ValueError, match=r"^sample_weight holds text"):
        mean_l2_loss(Y, Y, sample_weight=["1"] * N)


def test_searches_name_them():
    search = BatchedGridSearchCV(regressor(), {"k": [1, 2]}, cv=2, error_score="raise")
    with pytest.raises(TypeError, match=r"^X holds dates or times"):
        search.fit(DAYS[:, None], Y)
    with pytest.raises(ValueError, match=r"^y holds text"):
        search.fit(X, np.arange(N).astype(str))


def test_the_way_out_for_dates():
    days = (DAYS - DAYS[0]) / np.timedelta64(1, "D")
    seconds = (DAYS.astype("datetime64[s]") - DAYS[0]) / np.timedelta64(1, "D")
    predicted = [regressor().fit(a[:, None], Y).predict(a[:, None]) for a in (days, seconds)]
    np.testing.assert_array_equal(*predicted)


def test_a_frame_of_sparse_columns_is_told_what_frames_have():
    dense = pd.DataFrame(X, columns=["a", "b"])
    sparse = dense.astype(pd.SparseDtype("float", 0.0))
    for method in (regressor().fit, regressor().partial_fit):
        with pytest.raises(TypeError, match=r"^X.*dense data is required.*X\.sparse\.to_dense\(\)"):
            method(sparse, Y)
        with pytest.raises(TypeError, match=r"^y.*dense data is required.*y\.sparse\.to_dense\(\)"):
            method(X, sparse)
    np.testing.assert_array_equal(
        regressor().fit(sparse.sparse.to_dense(), Y).predict(dense),
        regressor().fit(dense, Y).predict(dense),
    )


# ---------------------------------------------------------------------- beyond floats


@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce")  # scikit-learn's sum
@pytest.mark.parametrize("value", [1e151, -1e155, 1e200, 1e308, 1e-151, 1e-310])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_targets_whose_squares_leave_the_floats_are_refused(value, dtype):
    for method in (regressor().fit, regressor().partial_fit):
        with pytest.raises(ValueError, match=r"^y has values up to .*divide it by"):
            method(X.astype(dtype), value * Y / abs(Y).max())


@pytest.mark.parametrize("loss", ["l2", "squared"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exponent", [-490, -140, 140, 490])
def test_the_unit_of_targets_does_not_matter(exponent, dtype, loss):
    unit = 2.0**exponent
    model = regressor(loss=loss).fit(X.astype(dtype), Y)
    scaled = regressor(loss=loss).fit(X.astype(dtype), unit * Y)
    expected = model.predict(X.astype(dtype))
    np.testing.assert_allclose(scaled.predict(X.astype(dtype)) / unit, expected, rtol=1e-6)
    assert scaled.empirical_loss_ / unit == pytest.approx(model.empirical_loss_, rel=1e-6)


def test_targets_of_zero_are_no_small_ones():
    assert not regressor().fit(X, 0.0 * Y).predict(X).any()


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1e200, 1e308])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_only_the_ratios_of_weights_count(size, dtype):
    weight = np.where(np.arange(N) % 3 == 0, 0.0, 1.0)
    model = regressor().fit(X.astype(dtype), Y, sample_weight=weight)
    scaled = regressor().fit(X.astype(dtype), Y, sample_weight=size * weight)
    np.testing.assert_allclose(scaled.predict(X), model.predict(X), rtol=1e-6)
    assert scaled.empirical_loss_ == pytest.approx(model.empirical_loss_)
    assert mean_l2_loss(Y, 0 * Y, sample_weight=size * weight) == pytest.approx(
        mean_l2_loss(Y, 0 * Y, sample_weight=weight)
    )


@pytest.mark.parametrize("shape", [(N,), (N, 1)])
@pytest.mark.parametrize("given", [(N,), (N, 1)])
def test_one_output_is_a_vector_or_a_column(shape, given):
    y = Y[:, 0]
    model = regressor().fit(X, y.reshape(shape))
    assert model.loss(X, y.reshape(given)) == pytest.approx(model.empirical_loss_, rel=1e-12)
    assert model.loss(X, y.reshape(given)) == mean_l2_loss(y, model.predict(X))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.period_range("2020", periods=N, freq="M"), "Period, not numbers.*value.ordinal of"),
        (pd.interval_range(0, N), "Interval, not numbers.*value.mid of each"),
        ([object()] * N, "object, not numbers. Make numbers of them"),
    ],
    ids=["periods", "intervals", "objects"],
)
def test_values_that_no_number_is_made_of(column, message):
    frame = pd.DataFrame(X, columns=["age", "dose"]).assign(when=column)
    with pytest.raises(TypeError, match=rf"^X\['when'\] holds values of {message}"):
        regressor().fit(frame, Y)
    with pytest.raises(TypeError, match=rf"^y holds values of {message}"):
        regressor().fit(X, pd.Series(column))
    with pytest.raises(TypeError, match=rf"^X holds values of {message}"):
        regressor().fit(frame.to_numpy(), Y)
