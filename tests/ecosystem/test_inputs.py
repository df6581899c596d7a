"""What may be handed to fit and predict: the same bits as numpy's arrays, or what to do instead."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from sklearn_reasoning import HybridReasoningDenoiser, HybridReasoningRegressor
from sklearn_reasoning.model_selection import BatchedGridSearchCV, l2_loss_scorer

N = 24
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 5))
Y = np.tanh(X @ RNG.normal(size=(5, 2)))
WEIGHT = RNG.uniform(0.5, 2.0, size=N)
NAMES = ["age", "b0", "dose", "b1", "mass"]


def regressor(**parameters):
    options = {"max_epochs": 2, "q_hidden": (4,), "b_hidden": (8,), "random_state": 0}
    return HybridReasoningRegressor(**options | parameters)


REFERENCE = regressor().fit(X, Y, WEIGHT)
PREDICTED = REFERENCE.predict(X)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def in_file(array, tmp_path):
    np.save(tmp_path / f"{array.ndim}.npy", array)
    return np.load(tmp_path / f"{array.ndim}.npy", mmap_mode="r")


def array_api_strict(array):
    return pytest.importorskip("array_api_strict").asarray(array)


SAME_NUMBERS = {
    "lists": lambda a: a.tolist(),
    "column by column": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "read-only": read_only,
    "long double": lambda a: a.astype(np.longdouble),
    "big-endian": lambda a: a.astype(">f8"),
    "objects": lambda a: a.astype(object),
    "a mask over nothing": lambda a: np.ma.array(a, mask=False),
    "tensors": torch.from_numpy,
    "tensors with gradients": lambda a: torch.tensor(a, requires_grad=True),
    "array_api_strict": array_api_strict,
}


can_dispatch = pytest.mark.skipif(
    tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 14),
    reason="scikit-learn dispatches arrays with scipy 1.14 or newer",
)


@pytest.mark.parametrize(
    "dispatch", [False, pytest.param(True, marks=can_dispatch)], ids=["", "dispatch"]
)
@pytest.mark.parametrize("name", SAME_NUMBERS)
def test_the_same_numbers_give_the_same_bits(name, dispatch):
    convert = SAME_NUMBERS[name]
    with config_context(array_api_dispatch=dispatch):
        model = regressor().fit(convert(X), convert(Y), sample_weight=convert(WEIGHT))
        predicted = model.predict(convert(X))
        loss = model.loss(convert(X), convert(Y))
    assert type(predicted) is np.ndarray
    assert np.array_equal(predicted, PREDICTED)
    assert loss == REFERENCE.loss(X, Y)


def test_a_memory_map(tmp_path):
    mapped = in_file(X, tmp_path)
    assert np.array_equal(regressor().fit(mapped, Y, WEIGHT).predict(mapped), PREDICTED)


@pytest.mark.parametrize(
    "narrow",
    [
        lambda a: a.astype(np.float16),
        lambda a: a.astype(np.float32),
        lambda a: a.astype(">f4"),
        lambda a: (4.0 * a).astype(np.int8),
        lambda a: a > 0.0,
        lambda a: torch.tensor(a).to(torch.bfloat16),
    ],
    ids=["float16", "float32", ">f4", "int8", "bool", "bfloat16"],
)
def test_narrow_numbers_are_what_they_are_in_a_dtype_that_is_trained_in(narrow):
    given = narrow(X)
    single = str(given.dtype) in ("float32", ">f4")
    wide = given.double().numpy() if isinstance(given, torch.Tensor) else given.astype(np.float64)
    predicted = regressor().fit(given, Y).predict(given)
    assert predicted.dtype == (np.float32 if single else np.float64)
    assert np.array_equal(
        predicted, regressor().fit(wide.astype(np.float32) if single else wide, Y).predict(wide)
    )


# ---------------------------------------------------------------------- frames


class OnlyArrow:
    """A frame of a library of its own, that hands out Arrow's stream of columns."""

    def __init__(self, frame):
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema=None):
        return self._frame.__arrow_c_stream__(requested_schema)


class OnlyInterchange:
    """A frame of a library of its own, that speaks the interchange protocol."""

    def __init__(self, frame):
        self._frame = frame

    def __dataframe__(self, nan_as_null=False, allow_copy=True):
        return self._frame.__dataframe__(nan_as_null, allow_copy)


def pandas_frame(array, names):
    return pd.DataFrame(array, columns=names)


def polars_frame(array, names):
    return pl.DataFrame(array, schema=names)


def pyarrow_table(array, names):
    return pytest.importorskip("pyarrow").table(dict(zip(names, array.T, strict=True)))


def narwhals_frame(native):
    def convert(array, names):
        return pytest.importorskip("narwhals").from_native(native(array, names))

    return convert


def arrow_stream(array, names):
    if tuple(map(int, pl.__version__.split(".")[:2])) < (1, 3):
        pytest.skip("polars reads the stream since 1.3")
    return OnlyArrow(polars_frame(array, names))


FRAMES = {
    "pandas": pandas_frame,
    "pandas Float64": lambda a, names: pandas_frame(a, names).astype("Float64"),
    "polars": polars_frame,
    "pyarrow table": pyarrow_table,
    "pyarrow batch": lambda a, names: pyarrow_table(a, names).to_batches()[0],
    "narwhals of pandas": narwhals_frame(pandas_frame),
    "narwhals of polars": narwhals_frame(polars_frame),
    "interchange protocol": lambda a, names: OnlyInterchange(pyarrow_table(a, names)),
    "Arrow's stream": arrow_stream,
}


@pytest.mark.parametrize("name", FRAMES)
def test_columns_of_any_frame_by_name(name):
    frame = FRAMES[name]
    model = regressor(linear_term=["b0", "b1"])
    model.fit(frame(X, NAMES), frame(Y, ["u", "v"]))
    by_index = regressor(linear_term=[1, 3]).fit(X, Y)
    assert model.feature_names_in_.tolist() == NAMES
    assert np.array_equal(model.predict(frame(X, NAMES)), by_index.predict(X))
    assert np.array_equal(model.predict_energy(frame(X, NAMES))[1], X[:, [1, 3]])
    assert model.loss(frame(X, NAMES), frame(Y, ["u", "v"])) == model.empirical_loss_
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame(X[:, ::-1], NAMES[::-1]))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame(X[:, :4], NAMES[:4]))


@pytest.mark.parametrize(
    "column",
    [lambda y: pd.Series(y, name="u"), lambda y: pl.Series("u", y)],
    ids=["pandas", "polars"],
)
def test_a_series_is_a_target_of_one_dimension(column):
    predicted = regressor().fit(X, column(Y[:, 0]), sample_weight=column(WEIGHT)).predict(X)
    assert predicted.shape == (N,)
    assert np.array_equal(predicted, regressor().fit(X, Y[:, 0], WEIGHT).predict(X))


# ---------------------------------------------------------------------- what is refused


def masked(array):
    mask = np.zeros(array.shape, dtype=bool)
    mask.flat[3] = True
    return np.ma.array(array, mask=mask)


def dask_frame(array):
    pytest.importorskip("pyarrow")
    return pytest.importorskip("dask.dataframe").from_pandas(pd.DataFrame(array), npartitions=2)


def duckdb_relation(array):
    frame = pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[-1])])
    return pytest.importorskip("duckdb").from_df(frame)


REFUSED = {
    "lazy frame": (lambda a: pl.DataFrame(a).lazy(), TypeError, r"LazyFrame.*\.collect\(\)"),
    "dask frame": (dask_frame, TypeError, r"dask.*\.compute\(\)"),
    "duckdb relation": (duckdb_relation, TypeError, r"duckdb.*\.df\(\)"),
    "narwhals lazy frame": (
        lambda a: pytest.importorskip("narwhals").from_native(pl.DataFrame(a).lazy()),
        TypeError,
        r"LazyFrame.*\.collect\(\)",
    ),
    "masked": (masked, ValueError, r"1 masked values.*filled"),
    "sparse": (scipy.sparse.csr_array, TypeError, r"[Ss]parse.*toarray"),
    "sparse tensor": (
        lambda a: torch.tensor(a).to_sparse(),
        TypeError,
        r"layout torch\.sparse_coo.*to_dense",
    ),
    "meta tensor": (lambda a: torch.tensor(a).to("meta"), ValueError, "holds no numbers"),
    "mapping": (lambda a: {"x": a[:, 0]}, TypeError, r"mapping.*DataFrame"),
    "structured": (
        lambda a: np.array([tuple(row) for row in a], dtype=[("u", float), ("v", float)]),
        TypeError,
        "structured_to_unstructured",
    ),
}


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_way_out(name):
    spoil, error, match = REFUSED[name]
    two = X[:, :2]
    for method in (regressor().fit, regressor().partial_fit):
        with pytest.raises(error, match=rf"^X.*{match}"):
            method(spoil(two), Y)
        with pytest.raises(error, match=rf"^y.*{match}"):
            method(two, spoil(Y))
    model = regressor().fit(two, Y)
    for method in (model.predict, model.predict_energy):
        with pytest.raises(error, match=rf"^X.*{match}"):
            method(spoil(two))
    with pytest.raises(error, match=rf"^y.*{match}"):
        model.loss(two, spoil(Y))


def test_weights_under_a_mask_are_refused():
    with pytest.raises(ValueError, match=r"^sample_weight.*1 masked"):
        regressor().fit(X, Y, sample_weight=masked(WEIGHT))


def test_a_frame_that_nothing_reads_says_what_would(monkeypatch):
    for library in ("pyarrow", "polars"):
        monkeypatch.setitem(sys.modules, library, None)
    frame = OnlyArrow(pd.DataFrame(X))
    with pytest.raises(TypeError, match="pyarrow or polars would read"):
        regressor().fit(frame, Y)


# ---------------------------------------------------------------------- searches and scores


CONTAINERS = {
    "tensors": lambda a, names: torch.tensor(a),
    "pandas": pandas_frame,
    "polars": polars_frame,
    "pyarrow": pyarrow_table,
}


@pytest.mark.parametrize("kind", [GridSearchCV, BatchedGridSearchCV])
@pytest.mark.parametrize("name", CONTAINERS)
def test_searches_cut_what_they_are_given(name, kind):
    convert = CONTAINERS[name]
    arguments = {"param_grid": {"k": [1, 3]}, "cv": KFold(2), "scoring": l2_loss_scorer}
    search = kind(regressor(), **arguments).fit(convert(X, NAMES), convert(Y, ["u", "v"]))
    expected = GridSearchCV(regressor(), **arguments).fit(X, Y)
    for key in ("split0_test_score", "split1_test_score"):
        assert np.array_equal(search.cv_results_[key], expected.cv_results_[key])
    assert np.array_equal(search.predict(convert(X, NAMES)), expected.predict(X))


@can_dispatch
@pytest.mark.parametrize("scoring", [None, "r2", "neg_mean_absolute_error", l2_loss_scorer])
def test_scores_of_tensors_under_dispatch(scoring):
    options = {"cv": 2, "scoring": scoring, "error_score": "raise"}
    expected = cross_val_score(regressor(), X, Y, **options)
    with config_context(array_api_dispatch=True):
        scores = cross_val_score(regressor(), torch.tensor(X), torch.tensor(Y), **options)
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


# ---------------------------------------------------------------------- images


@pytest.fixture(scope="module")
def denoiser():
    clean = RNG.random((3, 16, 16))
    options = {"f_channels": 2, "g_channels": 2, "patch_size": 8, "max_steps": 2}
    return HybridReasoningDenoiser(**options, random_state=0).fit(clean, clean)


@pytest.mark.parametrize("name", [name for name in SAME_NUMBERS if name != "long double"])
def test_the_same_images_give_the_same_bits(denoiser, name):
    convert = SAME_NUMBERS[name]
    images = np.random.default_rng(1).random((2, 8, 8))
    if name in ("lists", "objects"):  # a list, or an array of objects, holds images
        convert = list
    expected = denoiser.predict(images)
    assert np.array_equal(np.stack(list(denoiser.predict(convert(images)))), expected)
    one_by_one = [SAME_NUMBERS[name](image) for image in images] if name != "lists" else [*images]
    if name != "objects":
        assert np.array_equal(np.stack(denoiser.predict(one_by_one)), expected)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("name", ["masked", "sparse tensor", "meta tensor"])
def test_images_that_cannot_be_read_are_named(denoiser, name):
    spoil, error, match = REFUSED[name]
    images = np.random.default_rng(1).random((2, 8, 8))
    with pytest.raises(error, match=rf"^noisy\[1\].*{match}"):
        denoiser.predict([images[0], spoil(images[1])])
    with pytest.raises(error, match=rf"^noisy.*{match}"):
        denoiser.predict(spoil(images))
