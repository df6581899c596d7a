"""Bad input is refused before any training, by a message that says what is wrong."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from skorch.callbacks import BatchScoring, Callback, EpochScoring, LRScheduler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.penalties import L1, Simplex

REFUSED = (ValueError, TypeError)


class NoTraining(Callback):
    """Fails the test once training begins."""

    def on_train_begin(self, net, **kwargs):
        raise AssertionError("training has begun")


def regressor(**parameters):
    return HybridReasoningRegressor(
        **{"callbacks": [NoTraining()], "max_epochs": 1, "random_state": 0} | parameters
    )


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, 3)), rng.normal(size=(20, 2))


@pytest.fixture
def frame():
    """Columns x0, x1, b0, b1, R00, ..., R11 of a problem with two outputs."""
    rng = np.random.default_rng(1)
    R = np.linalg.qr(rng.normal(size=(20, 2, 2)))[0].reshape(20, 4)
    names = ["x0", "x1", "b0", "b1", "R00", "R01", "R10", "R11"]
    return pd.DataFrame(np.hstack([rng.normal(size=(20, 4)), R]), columns=names)


def assert_refused(model, match, *arguments, methods=("fit", "partial_fit"), **options):
    """Neither way of fitting begins, and the estimator is as it was."""
    for method in methods:
        before = dict(vars(model))
        with pytest.raises(REFUSED, match=match):
            getattr(model, method)(*arguments, **options)
        assert vars(model) == before
        assert not model.__sklearn_is_fitted__()
        assert not hasattr(model, "n_features_in_")


def test_good_input_would_be_trained_on(data):
    with pytest.raises(AssertionError, match="training has begun"):
        regressor().fit(*data)
    with pytest.raises(AssertionError, match="training has begun"):
        regressor().partial_fit(*data)


# ---------------------------------------------------------------------- parameters

NAN, INF = float("nan"), float("inf")
BAD_PARAMETERS = {
    "algo": ["heavyball", "", 3, None, ["gd"], HybridReasoningRegressor],
    "k": [-1, 2.5, 3.0, "10", None, True, NAN, [1], np.inf],
    "q_hidden": [(0,), (-1,), (2.5,), "16", -1, 2.5, (True,), True, ("8",), (4, None), [[4]]],
    "step_size": [0, 0.0, -1.0, NAN, INF, "1", "stable", [1.0], 100.0, 1e-9, True],
    "step_size_range": [
        "wide",
        None,
        3,
        (1.0,),
        (0.1, 0.5, 1.0),
        (2.0, 1.0),
        (0.0, 1.0),
        (-1.0, 1.0),
        (NAN, 1.0),
        (0.1, NAN),
        (0.1, INF),
        ("a", "b"),
        ((1, 2), 3),
        (None, 1.0),
    ],
    "learn_step_size": ["yes", 2, None, 0.5],
    "step_size_per_iteration": ["yes", 2, None],
    "mu": [0, -0.1, NAN, INF, "0.1", None, 2.0, 1j, True],
    "L": [0, -1.0, NAN, INF, "1", None, 0.05, True],
    "spectrum": ["fixed", None, 3],
    "rotation": ["random", None, 3, 1.5],
    "linear_term": ["zero", None, 3, 1.5, np.array(2.0)],
    "b_hidden": [None, (0,), (-1,), "64", -1, 2.5, (True,), True],
    "loss": ["l1", "", None, 2, np.linalg.norm],
    "optimizer": ["rmsprop", None, 3, torch.optim.Adam],
    "lr": [0, -0.1, NAN, INF, "0.1", None, [0.1], True],
    "weight_decay": [-1e-4, NAN, INF, "0", None, True],
    "max_epochs": [0, -1, 2.5, 10.0, "10", None, True, INF],
    "batch_size": [0, -1, 2.5, "all", None, True, INF],
    "lr_schedule": ["step", None, 3],
    "early_stopping": ["yes", None, 2],
    "validation_fraction": [0.0, 1.0, -0.1, 1.1, NAN, "0.1", None, 5],
    "tol": [-1e-4, NAN, INF, "0", None, True],
    "n_iter_no_change": [0, -1, 2.5, None, True, "10", INF],
    "keep": ["first", None, True],
    "warm_start": ["yes", None, 2],
    "device": ["gpu", "cuda:99", "", "meta", 3, None],
    "callbacks": ["print", 3, [3], [print], [("name", print)], ["print"], {}],
    "verbose": ["yes", -1, None, 1.5],
    "start": ["origin", None, 0, 0.0, np.zeros(2), ["mean"]],
    "constraint": ["simplexx", "", 3, (0,), (0, 1, 2), (1.0, 0.0), (NAN, 1), [0, "1"], L1(1.0)],
    "penalty": ["l1", 0.1, (0.0, 1.0), Simplex],
    "project": ["first_step", None, 1, True],
    "initial_weights": ["zero", "fan_in", None, 0, 1.5, ["small"], True],
    "random_state": [-1, "seed", 1.5, 2**40, [0], np.random.default_rng(0)],
}


def test_every_parameter_is_listed():
    assert BAD_PARAMETERS.keys() == HybridReasoningRegressor().get_params().keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}={value!r}".split(" at 0x")[0])
        for name, values in BAD_PARAMETERS.items()
        for value in values
    ],
)
def test_a_parameter_out_of_its_domain(data, name, value):
    model = regressor(algo="gd")
    model.set_params(**{name: value})  # checks nothing, as scikit-learn wants it
    assert_refused(model, rf"\b{name}\b", *data)


def test_messages_help(data):
    for parameters, match in [
        ({"algo": "heavyball"}, r"heavyball.*Did you mean 'heavy_ball'"),
        ({"mu": 2.0}, r"mu=2\.0 and L=1\.0"),
        ({"algo": "gd", "step_size": 7.5}, r"7\.5.*stable region.*gd"),
        ({"spectrum": "anchored"}, r"at least 3 outputs, y has 2"),
        ({"k": -3}, "-3"),
        ({"lr": -0.25}, r"-0\.25"),
    ]:
        assert_refused(regressor(**parameters), match, *data)


@pytest.mark.parametrize("algo", ["cg", "chebyshev", "opt", "rnn"])
def test_a_step_size_is_ignored_where_there_is_none(data, algo):
    with pytest.raises(AssertionError, match="training has begun"):
        regressor(algo=algo, step_size=100.0).fit(*data)


def test_no_rows_left_to_train_on(data):
    X, y = data
    model = regressor(early_stopping=True, validation_fraction=0.9)
    assert_refused(model, r"validation_fraction=0\.9.*of 1\b", X[:1], y[:1], methods=["fit"])


def test_no_rows_with_a_weight_left_to_train_on(data):
    X, y = data
    weight = np.arange(len(X)) == 3
    model = regressor(early_stopping=True)
    with pytest.raises(ValueError, match="early_stopping=True needs two rows with a positive"):
        model.fit(X, y, sample_weight=weight)


# ---------------------------------------------------------------------- X and y


def with_value(array, value):
    array = array.astype(np.result_type(array, type(value)))
    array[3, 1] = value
    return array


BAD_DATA = {
    "NaN in X": (lambda X, y: (with_value(X, NAN), y), "X contains NaN"),
    "infinity in X": (lambda X, y: (with_value(X, INF), y), "X contains infinity"),
    "NaN in y": (lambda X, y: (X, with_value(y, NAN)), "y contains NaN"),
    "infinity in y": (lambda X, y: (X, with_value(y, -INF)), "y contains infinity"),
    "NaN in 1-D y": (lambda X, y: (X, np.full(20, NAN)), "y contains NaN"),
    "complex X": (lambda X, y: (with_value(X, 1j), y), "[Cc]omplex"),
    "complex y": (lambda X, y: (X, with_value(y, 1j)), "[Cc]omplex"),
    "no rows": (lambda X, y: (X[:0], y[:0]), r"0 sample"),
    "no columns": (lambda X, y: (X[:, :0], y), r"0 feature"),
    "ragged X": (lambda X, y: ([[1.0, 2.0], [3.0]], [1.0, 2.0]), r"inhomogeneous|sequence"),
    "ragged y": (lambda X, y: (X[:2], [[1.0, 2.0], [3.0]]), r"inhomogeneous|sequence"),
    "text in X": (lambda X, y: (np.full((20, 2), "a"), y), r"X holds text, such as 'a'"),
    "text in y": (lambda X, y: (X, np.full(20, "a")), r"y holds text, such as 'a'"),
    "objects": (lambda X, y: (np.full((20, 2), {}, dtype=object), y), "dict"),
    "sparse X": (lambda X, y: (scipy.sparse.csr_matrix(X), y), "[Ss]parse"),
    "1-D X": (lambda X, y: (X[:, 0], y), r"1D array"),
    "3-D X": (lambda X, y: (X[:, :, None], y), r"dim 3"),
    "3-D y": (lambda X, y: (X, y[:, :, None]), r"dim 3"),
    "scalar y": (lambda X, y: (X, 1.0), r"y|array"),
    "no y": (lambda X, y: (X, None), r"requires y"),
    "y without columns": (lambda X, y: (X, y[:, :0]), r"0 feature|columns of y|y has 0"),
    "rows of y missing": (lambda X, y: (X, y[:-1]), r"20, 19"),
    "rows of X missing": (lambda X, y: (X[:-1], y), r"19, 20"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data(data, name):
    spoil, match = BAD_DATA[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        assert_refused(regressor(), match, *spoil(*data))


@pytest.mark.parametrize("name", [name for name in BAD_DATA if "X" in name and "rows" not in name])
def test_bad_data_in_predict(data, name):
    spoil, match = BAD_DATA[name]
    model = HybridReasoningRegressor(max_epochs=1).fit(*data)
    X, _ = spoil(*data)
    for method in (model.predict, model.predict_energy):
        with pytest.raises(REFUSED, match=match):
            method(X)


BAD_WEIGHTS = {
    "negative": (
        lambda w: np.where(np.arange(20) == 3, -1.0, w),
        "[Nn]egative values.*sample_weight",
    ),
    "NaN": (lambda w: np.where(np.arange(20) == 3, NAN, w), "sample_weight contains NaN"),
    "infinite": (lambda w: np.where(np.arange(20) == 3, INF, w), "sample_weight contains inf"),
    "all zero": (lambda w: 0.0 * w, "[Ss]ample.?weight.*zero"),
    "too few": (lambda w: w[:-1], r"sample_weight.*\(19,\).*\(20,\)"),
    "two-dimensional": (lambda w: w[:, None], r"[Ss]ample.?weight"),
    "text": (lambda w: ["a"] * 20, r"sample_weight holds text, such as 'a'"),
    "complex": (lambda w: w + 1j, "[Cc]omplex"),
}


@pytest.mark.parametrize("name", BAD_WEIGHTS)
def test_bad_weights(data, name):
    spoil, match = BAD_WEIGHTS[name]
    assert_refused(regressor(), match, *data, sample_weight=spoil(np.ones(20)))


# ---------------------------------------------------------------------- columns


@pytest.mark.parametrize(
    ("linear_term", "rotation", "width", "needed"),
    [
        ("given", "shared", 1, 2),
        ("learned", "given", 3, 4),
        ("given", "given", 5, 6),
        ("given", [0, 1, 2, 3], 5, 2),
        ([0, 1], "given", 5, 4),
    ],
)
def test_a_width_that_cannot_be_split(data, linear_term, rotation, width, needed):
    _, y = data
    X = np.ones((20, width))
    left = width - 4 * isinstance(rotation, list) - 2 * isinstance(linear_term, list)
    match = rf"X has {left} columns.*at least {needed} for 2 outputs"
    assert_refused(regressor(linear_term=linear_term, rotation=rotation), match, X, y)


def test_no_steps_on_rotations_that_are_none(frame, data):
    _, y = data
    X = frame.to_numpy()
    for spoilt in (1.5 * X, np.where(np.arange(20)[:, None] == 7, X + 1e-3, X)):
        for options in ({"rotation": "given"}, {"rotation": [4, 5, 6, 7]}):
            assert_refused(regressor(**options), r"orthogonal.*scaled columns", spoilt, y)
    model = HybridReasoningRegressor(rotation="given", max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"orthogonal.*scaled columns"):
        model.predict(1.5 * X)
    # Rounding to float32 is no such error.
    HybridReasoningRegressor(rotation="given", max_epochs=1).fit(X.astype(np.float32), y)
    model.predict(X.astype(np.float32))


BAD_LISTS = {
    "unknown name": ({"linear_term": ["b0", "b7"]}, r"linear_term.*'b7'"),
    "unknown name of R": ({"rotation": ["R00", "R01", "R10", "R77"]}, r"rotation.*'R77'"),
    "too few": ({"linear_term": ["b0"]}, r"linear_term lists 1 columns.*needs 2"),
    "too many": ({"linear_term": ["b0", "b1", "x0"]}, r"linear_term lists 3 columns.*needs 2"),
    "none": ({"linear_term": []}, r"linear_term lists 0 columns.*needs 2"),
    "too few of R": ({"rotation": ["R00", "R11"]}, r"rotation lists 2 columns.*needs 4"),
    "duplicate": ({"linear_term": ["b0", "b0"]}, r"linear_term.*twice"),
    "name and index of one": ({"linear_term": ["b0", 2]}, r"linear_term.*twice"),
    "index from both ends": ({"linear_term": [2, -6]}, r"linear_term.*twice"),
    "in both": (
        {"linear_term": ["b0", "R00"], "rotation": ["R00", "R01", "R10", "R11"]},
        r"linear_term and rotation.*twice",
    ),
    "index too large": ({"linear_term": [0, 8]}, r"linear_term lists 8.*0 to 7"),
    "index too small": ({"linear_term": [0, -9]}, r"linear_term lists -9.*0 to 7"),
    "fraction": ({"linear_term": [0, 1.5]}, r"linear_term lists 1\.5"),
    "None": ({"linear_term": [0, None]}, r"linear_term lists None"),
    "short mask": ({"linear_term": [True, True]}, r"linear_term is a mask of length 2.*8 columns"),
    "mask of too many": ({"linear_term": [True] * 8}, r"linear_term lists 8 columns.*needs 2"),
}


@pytest.mark.parametrize("name", BAD_LISTS)
def test_bad_lists_of_columns(frame, data, name):
    parameters, match = BAD_LISTS[name]
    assert_refused(regressor(**parameters), match, frame, data[1])


def test_names_need_names(frame, data):
    model = regressor(linear_term=["b0", "b1"])
    assert_refused(model, r"linear_term lists names", frame.to_numpy(), data[1])


def test_a_name_that_two_columns_have(frame, data):
    frame.columns = ["x0", "x1", "b0", "b0", "R00", "R01", "b1", "R11"]
    assert_refused(
        regressor(linear_term=["b0", "b1"]), r"unique column names(.|\n)*b0", frame, data[1]
    )


def test_columns_must_be_those_of_fit(frame, data):
    X, y = data
    model = HybridReasoningRegressor(max_epochs=1).fit(X, y)
    for method in (model.predict, model.predict_energy, lambda X: model.loss(X, y)):
        with pytest.raises(ValueError, match=r"X has 2 features.*expecting 3 features"):
            method(X[:, :2])
    named = HybridReasoningRegressor(max_epochs=1, linear_term=["b0", "b1"]).fit(frame, y)
    with pytest.raises(ValueError, match=r"missing(.|\n)*x1"):
        named.predict(frame.drop(columns="x1"))
    with pytest.raises(ValueError, match=r"order"):
        named.predict(frame[frame.columns[::-1]])


# ---------------------------------------------------------------------- the methods' own arguments


def test_k_of_predict(data):
    X, y = data
    model = HybridReasoningRegressor(max_epochs=1).fit(X, y)
    for k in (2.5, "3", True, [3], 3.0, NAN):
        with pytest.raises(TypeError, match=r"\bk="):
            model.predict(X, k=k)
    with pytest.raises(ValueError, match=r"k=-1"):
        model.predict(X, k=-1)
    assert np.array_equal(model.predict(X, k=np.int64(3)), model.predict(X, k=3))


def test_loss_checks_y(data):
    X, y = data
    model = HybridReasoningRegressor(max_epochs=1).fit(X, y)
    for wrong in (y[:, 0], y[:-1], y[:, :1], np.ones((20, 3))):
        with pytest.raises(ValueError, match=r"y has shape .*\(20, 2\)"):
            model.loss(X, wrong)


@pytest.mark.parametrize("kind", [EpochScoring, BatchScoring, LRScheduler])
def test_callbacks_that_cannot_work_are_named(data, kind):
    callback = kind() if kind is LRScheduler else kind("r2")
    assert_refused(regressor(callbacks=[callback]), rf"callbacks(.|\n)*{kind.__name__}", *data)
