"""The regressor inside what scikit-learn, pandas, polars and joblib offer."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import loguniform, randint
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_validate,
    learning_curve,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.model_selection import gap_table, l2_loss_scorer, mean_l2_loss


def regressor(**parameters):
    return HybridReasoningRegressor(
        **{"max_epochs": 4, "q_hidden": (4,), "b_hidden": (8,), "random_state": 0} | parameters
    )


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(48, 4))
    return X, np.tanh(X @ rng.normal(size=(4, 2))) + 0.05 * rng.normal(size=(48, 2))


@pytest.fixture(scope="module")
def given():
    """A frame of x, b and R under names, out of order, and y, which has three columns."""
    rng = np.random.default_rng(1)
    n, d = 40, 3
    x = rng.normal(loc=5.0, size=(n, 4))
    b = rng.normal(size=(n, d))
    R = np.linalg.qr(rng.normal(size=(n, d, d)))[0]
    eigenvalues = [1.0, 0.4, 0.1]
    y = -np.einsum("nij,j,nkj,nk->ni", R, 1.0 / np.array(eigenvalues), R, b)
    columns = {f"b{i}": b[:, i] for i in range(d)}
    columns |= {f"x{i}": x[:, i] for i in range(4)}
    columns |= {f"R{i}{j}": R[:, i, j] for i in range(d) for j in range(d)}
    return pd.DataFrame(columns), y


X_NAMES = [f"x{i}" for i in range(4)]
B_NAMES = [f"b{i}" for i in range(3)]
R_NAMES = [f"R{i}{j}" for i in range(3) for j in range(3)]


# ---------------------------------------------------------------------- composition


def test_pipeline(data):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), regressor()).fit(X, y)
    scaled = StandardScaler().fit_transform(X)
    alone = regressor().fit(scaled, y)
    assert np.array_equal(pipeline.predict(X), alone.predict(scaled))
    assert np.array_equal(pipeline.predict(X, k=2), alone.predict(scaled, k=2))


def test_set_params_on_nested_steps(data):
    X, y = data
    pipeline = Pipeline([("scale", StandardScaler()), ("model", regressor())])
    pipeline.set_params(model__algo="gd", model__k=3, model__loss="squared")
    assert np.array_equal(
        pipeline.fit(X, y).predict(X),
        make_pipeline(StandardScaler(), regressor(algo="gd", k=3, loss="squared"))
        .fit(X, y)
        .predict(X),
    )
    with pytest.raises(ValueError, match="depth"):
        pipeline.set_params(model__depth=3)


# Processes take seconds to start.
@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.hard)])
def test_grid_search_gives_the_same_numbers_by_one_worker_and_by_two(data, backend):
    X, y = data
    search = GridSearchCV(
        make_pipeline(StandardScaler(), regressor()),
        {
            "hybridreasoningregressor__algo": ["gd", "cg"],
            "hybridreasoningregressor__k": [1, 6],
        },
        scoring=l2_loss_scorer,
        cv=3,
        return_train_score=True,
    ).fit(X, y)
    table = gap_table(search)
    assert table["param_hybridreasoningregressor__algo"].tolist() == ["gd", "gd", "cg", "cg"]
    assert table["param_hybridreasoningregressor__k"].tolist() == [1, 6, 1, 6]
    # The empirical loss of a fold is what the model of that fold says of itself.
    train, test = next(iter(KFold(3).split(X)))
    model = clone(search.estimator).set_params(
        hybridreasoningregressor__algo="cg", hybridreasoningregressor__k=1
    )
    model.fit(X[train], y[train])
    assert table["split0_empirical_loss"][2] == model[-1].empirical_loss_
    assert table["split0_held_out_loss"][2] == mean_l2_loss(y[test], model.predict(X[test]))
    # Processes compute under another number of threads.
    with joblib.parallel_config(backend):
        parallel = clone(search).set_params(n_jobs=2).fit(X, y)
    for name, column in gap_table(parallel).items():
        np.testing.assert_array_equal(column, table[name])
    assert np.array_equal(parallel.predict(X), search.predict(X))


def test_randomized_search(data):
    search = RandomizedSearchCV(
        regressor(),
        {"lr": loguniform(1e-3, 1e-1), "k": randint(1, 8), "q_hidden": [None, 0, (4, 4)]},
        n_iter=3,
        cv=2,
        random_state=0,
    ).fit(*data)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.lr == search.best_params_["lr"]
    assert search.best_estimator_.get_params()["q_hidden"] == search.best_params_["q_hidden"]


def test_halving_grid_search(data):
    X, y = data
    search = HalvingGridSearchCV(
        regressor(),
        {"k": [0, 1, 2, 4]},
        resource="max_epochs",
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=2,
        scoring=l2_loss_scorer,
        return_train_score=True,
        random_state=0,
    ).fit(X, y + 3.0)
    table = gap_table(search)
    assert table["n_resources"].tolist() == [1] * 4 + [2] * 2 + [4]
    assert search.best_estimator_.n_iter_ == 4
    assert search.best_params_["k"] > 0


def test_cross_validate(data):
    results = cross_validate(
        regressor(),
        *data,
        cv=2,
        scoring={"l2": l2_loss_scorer, "r2": "r2"},
        return_estimator=True,
        return_train_score=True,
    )
    for model, score in zip(results["estimator"], results["train_l2"], strict=True):
        assert score == -model.empirical_loss_
    assert np.isfinite(results["test_r2"]).all()


def test_transformed_target(data):
    X, y = data
    model = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, 7.0 * y)
    scaler = StandardScaler().fit(7.0 * y)
    alone = regressor().fit(X, scaler.transform(7.0 * y))
    assert np.array_equal(model.predict(X), scaler.inverse_transform(alone.predict(X)))


def test_bagging(data):
    X, y = data
    model = BaggingRegressor(regressor(), n_estimators=3, random_state=0).fit(X, y)
    members = [member.predict(X) for member in model.estimators_]
    assert not np.array_equal(members[0], members[1])
    np.testing.assert_allclose(model.predict(X), np.mean(members, axis=0), rtol=1e-12, atol=1e-12)


def test_stacking(data):
    X, y = data
    model = StackingRegressor([("ours", regressor()), ("ridge", Ridge())], cv=2)
    transformed = model.fit(X, y[:, 0]).transform(X)
    assert np.array_equal(transformed[:, 0], regressor().fit(X, y[:, 0]).predict(X))
    assert model.predict(X).shape == (len(X),)


def test_multi_output(data):
    X, y = data
    predicted = MultiOutputRegressor(regressor()).fit(X, y).predict(X)
    assert np.array_equal(predicted[:, 1], regressor().fit(X, y[:, 1]).predict(X))


def test_permutation_importance(data):
    X, _ = data
    model = regressor(max_epochs=30).fit(X, np.stack([X[:, 2], -X[:, 2]], axis=1))
    result = permutation_importance(
        model, X, np.stack([X[:, 2], -X[:, 2]], axis=1), n_repeats=2, random_state=0
    )
    assert result.importances_mean.argmax() == 2


def test_learning_curve(data):
    sizes, train, test = learning_curve(
        regressor(), *data, train_sizes=[0.5, 1.0], cv=2, scoring=l2_loss_scorer
    )
    assert sizes.tolist() == [12, 24]
    X, y = data
    assert train[1, 0] == -regressor().fit(X[24:], y[24:]).empirical_loss_
    assert np.isfinite(test).all()


def test_sample_weight_is_routed(data):
    X, y = data
    weight = np.random.default_rng(2).uniform(size=len(X))
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            regressor().set_fit_request(sample_weight=True),
        )
        scorer = copy.deepcopy(l2_loss_scorer).set_score_request(sample_weight=True)
        search = GridSearchCV(pipeline, {"hybridreasoningregressor__k": [2]}, cv=2, scoring=scorer)
        search.fit(X, y, sample_weight=weight)
        routed = search.predict(X)
    train, test = next(iter(KFold(2).split(X)))
    scaler = StandardScaler().fit(X[train])
    model = regressor(k=2).fit(scaler.transform(X[train]), y[train], weight[train])
    predicted = model.predict(scaler.transform(X[test]))
    loss = mean_l2_loss(y[test], predicted, sample_weight=weight[test])
    assert search.cv_results_["split0_test_score"][0] == -loss
    scaled = StandardScaler().fit_transform(X)
    assert np.array_equal(routed, regressor(k=2).fit(scaled, y, weight).predict(scaled))
    assert not np.array_equal(routed, regressor(k=2).fit(scaled, y).predict(scaled))


def test_k_of_predict_is_routed(data):
    X, y = data
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), regressor().set_predict_request(k=True))
        pipeline.fit(X, y)
        assert np.array_equal(
            pipeline.predict(X, k=1), pipeline[-1].predict(pipeline[0].transform(X), k=1)
        )


# ---------------------------------------------------------------------- frames


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.from_pandas], ids=["pandas", "polars"])
def test_columns_of_a_frame_by_name(given, frame):
    table, y = given
    frame = frame(table)
    model = regressor(linear_term=B_NAMES, rotation=R_NAMES).fit(frame, y)
    assert model.feature_names_in_.tolist() == list(table.columns)
    # By position the layout is [x | b | R].
    ordered = table[X_NAMES + B_NAMES + R_NAMES].to_numpy()
    positional = regressor(linear_term="given", rotation="given").fit(ordered, y)
    assert np.array_equal(model.predict(frame), positional.predict(ordered))
    assert np.array_equal(model.predict_energy(frame)[1], table[B_NAMES].to_numpy())
    # ... and by index.
    indices = [table.columns.get_loc(name) for name in B_NAMES]
    mask = [name in R_NAMES for name in table.columns]
    indexed = regressor(linear_term=indices, rotation=mask).fit(table.to_numpy(), y)
    assert np.array_equal(indexed.predict(table.to_numpy()), positional.predict(ordered))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_frames_for_X_and_y(data, frame):
    X, y = data
    X_frame = frame({f"x{i}": column for i, column in enumerate(X.T)})
    y_frame = frame({f"y{i}": column for i, column in enumerate(y.T)})
    model = regressor().fit(X_frame, y_frame)
    predicted = model.predict(X_frame)
    assert isinstance(predicted, np.ndarray)
    assert np.array_equal(predicted, regressor().fit(X, y).predict(X))
    assert model.loss(X_frame, y_frame) == model.loss(X_frame, y) == model.empirical_loss_
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.from_pandas], ids=["pandas", "polars"])
def test_column_transformer_keeps_a_scaler_off_b_and_R(given, frame):
    table, y = given
    scaler = ColumnTransformer(
        [("x", StandardScaler(), X_NAMES)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    scaler.set_output(transform="pandas" if frame is pd.DataFrame else "polars")
    model = make_pipeline(scaler, regressor(linear_term=B_NAMES, rotation=R_NAMES))
    predicted = model.fit(frame(table), y).predict(frame(table))
    by_hand = table.copy()
    by_hand[X_NAMES] = StandardScaler().fit_transform(table[X_NAMES])
    alone = regressor(linear_term=B_NAMES, rotation=R_NAMES).fit(by_hand, y)
    assert np.array_equal(predicted, alone.predict(by_hand))
    scaled_too = make_pipeline(StandardScaler(), regressor(linear_term="given", rotation="given"))
    with pytest.raises(ValueError, match="scaled columns"):
        scaled_too.fit(table[X_NAMES + B_NAMES + R_NAMES], y)


# ---------------------------------------------------------------------- copies and files


@pytest.mark.parametrize("loss", ["l2", "squared"])
def test_clone_and_the_two_meanings_of_loss(data, loss):
    X, y = data
    model = regressor(loss=loss, algo="gd")
    assert isinstance(model.loss, str)
    assert model.loss == loss
    with pytest.raises(NotFittedError):
        model.loss(X, y)
    copied = clone(model.fit(X, y))
    assert copied.get_params() == model.get_params()
    assert copied.loss == loss
    assert not hasattr(copied, "net_")
    with pytest.raises(NotFittedError):
        copied.loss(X, y)
    assert np.array_equal(copied.fit(X, y).predict(X), model.predict(X))
    expected = np.linalg.norm(model.predict(X) - y, axis=1).mean()
    assert model.loss(X, y) == pytest.approx(expected, rel=1e-14)
    assert f"loss='{loss}'" in repr(model) or loss == "l2"


def test_loss_belongs_to_its_own_estimator(data):
    X, y = data
    first, second = regressor().fit(X, y), regressor(k=1).fit(X, y)
    loss = first.loss
    second.set_params(loss=loss)
    assert second.loss(X, y) == second.empirical_loss_ != first.empirical_loss_
    assert type(pickle.loads(pickle.dumps(second)).get_params()["loss"]) is str
    assert type(copy.deepcopy(loss)) is str


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("algo", ["nag", "rnn"])
def test_a_copy_is_the_same_model_and_shares_nothing(data, how, algo):
    X, y = data
    model = regressor(algo=algo).fit(X, y)
    predicted = model.predict(X)
    copied = COPIES[how](model)
    assert np.array_equal(copied.predict(X), predicted)
    for name in ("epoch", "train_loss", "lr", "dur"):
        assert copied.history_[:, name] == model.history_[:, name]
    assert copied.get_params() == model.get_params()
    copied.partial_fit(X, y)
    assert not np.array_equal(copied.predict(X), predicted)
    assert np.array_equal(model.predict(X), predicted)


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_partial_fit_goes_on_in_a_copy_as_in_the_original(data, how, optimizer):
    X, y = data
    model = regressor(optimizer=optimizer).partial_fit(X, y).partial_fit(X, y)
    copied = COPIES[how](model)
    for each in (model, copied):
        each.partial_fit(X, y).partial_fit(X, y)
    assert np.array_equal(copied.predict(X), model.predict(X))
    assert len(copied.history_) == len(model.history_) == 4


LOADER = """
import random, sys
import numpy as np, torch
import sklearn.model_selection  # where rich is installed, it draws from Python's random

random.seed(1), np.random.seed(2), torch.manual_seed(3)
torch.set_default_dtype(torch.float32)

def states():
    kind, keys, *rest = np.random.get_state()
    return (
        random.getstate(), kind, keys.tolist(), rest, torch.get_rng_state().tolist(),
        torch.get_num_threads(), torch.get_num_interop_threads(), torch.get_default_dtype(),
        torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled(),
        {key: value for key, value in np.geterr().items()},
    )

before = states()
assert "sklearn_reasoning" not in sys.modules
import joblib
model = joblib.load(sys.argv[1])
assert states() == before, "loading changed a global state"
X = np.load(sys.argv[2])
np.save(sys.argv[3], model.predict(X))
assert states() == before, "predicting changed a global state"
model.partial_fit(X, model.predict(X))
assert states() == before, "training changed a global state"
"""


def test_joblib_file_is_small_and_gives_the_same_bits_in_a_new_process(tmp_path, new_process):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 10))
    y = np.tanh(X @ rng.normal(size=(10, 5)))
    model = HybridReasoningRegressor(random_state=0).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    assert (tmp_path / "model.joblib").stat().st_size < 40_000
    np.save(tmp_path / "X.npy", X)
    paths = [tmp_path / name for name in ("model.joblib", "X.npy", "predicted.npy")]
    done = new_process(LOADER, *map(str, paths))
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(paths[2]), model.predict(X))


def test_a_model_holds_no_training_rows(data):
    X, y = data
    repeats = 50
    small = pickle.dumps(regressor(batch_size=10_000).fit(X, y))
    X, y = np.tile(X, (repeats, 1)), np.tile(y, (repeats, 1))
    large = pickle.dumps(regressor(batch_size=10_000).fit(X, y))
    assert abs(len(large) - len(small)) < 100
