"""The bits of a batched search are those of scikit-learn's search over the same estimator."""

import copy
from itertools import product

import joblib
import numpy as np
import pandas as pd
import polars
import pytest
from _covering import covering
from scipy.stats import loguniform, randint
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV, ShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import BatchedGridSearchCV, BatchedRandomizedSearchCV
from sklearn_reasoning.model_selection.search import _fits

ALGORITHMS = ("gd", "nag", "heavy_ball", "chebyshev", "opt", "rnn", "cg")
# 43 rows in 2 folds: 21 and 22 are held out.
N = 43

# Whatever may differ from candidate to candidate, one thing against another.
MIXED = [
    {"k": [0, 12]},
    {"k": [1], "loss": ["squared"], "lr": [3e-3]},
    {"k": [5], "optimizer": ["sgd"], "lr_schedule": ["constant"], "keep": ["last"]},
    {"k": [7], "max_epochs": [3], "weight_decay": [0.0], "random_state": [3]},
    {"k": [4], "step_size": [0.7], "learn_step_size": [False]},
    {"k": [3], "step_size_range": [(0.3, 0.9)], "batch_size": [16]},
    {"k": [3], "step_size_per_iteration": [True]},
    {"early_stopping": [True], "k": [2], "tol": [0.5], "n_iter_no_change": [1]},
    {"early_stopping": [True], "k": [6], "n_iter_no_change": [4], "keep": ["last"]},
    {"k": [2], "q_hidden": [None, ()]},
]
SHORT = {"k": [1, 6], "lr": [1e-2, 3e-3]}


@pytest.fixture(scope="module")
def data():
    return make_data()


def make_data(n=N, n_outputs=3, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    y = np.tanh(X @ rng.normal(size=(5, n_outputs))) + 0.1 * rng.normal(size=(n, n_outputs))
    return X.astype(dtype), (20.0 + 3.0 * y).astype(dtype)


def make_model(algo="nag", **options):
    return HybridReasoningRegressor(
        algo, **{"max_epochs": 3, "b_hidden": (12,), "random_state": 0, **options}
    )


def both(estimator, grid, X, y, fit_params=None, **options):
    """The batched search and scikit-learn's, fitted."""
    options = {"cv": 2, "return_train_score": True, **options}
    # The refit hands X itself to a pipeline, which may work in place.
    return [
        search(estimator, grid, **options).fit(copy.copy(X), y, **(fit_params or {}))
        for search in (BatchedGridSearchCV, GridSearchCV)
    ]


def assert_same_bits(ours, reference, X):
    splits = [key for key in reference.cv_results_ if key.startswith("split")]
    assert {"split0_test_score", "split1_train_score"} <= set(splits)
    for key in splits:
        np.testing.assert_array_equal(ours.cv_results_[key], reference.cv_results_[key], key)
    assert ours.best_params_ == reference.best_params_
    assert ours.best_score_ == reference.best_score_
    predicted = (search.predict(copy.copy(X)) for search in (ours, reference))
    np.testing.assert_array_equal(*predicted)


def assert_scores_differ(search):
    """A grid whose candidates all score alike would show nothing."""
    scores = search.cv_results_["mean_test_score"]
    assert len(np.unique(scores)) > 1


# ---------------------------------------------------------------------- what is stacked


# A closed form, and a learned cell.
UNLIKE = {("nag", np.float32), ("rnn", np.float64)}


@pytest.mark.parametrize(("algo", "dtype"), [
    pytest.param(*case, marks=() if case in UNLIKE else pytest.mark.hard)
    for case in product(ALGORITHMS, [np.float64, np.float32])
])  # fmt: skip
def test_a_grid_that_mixes_everything(algo, dtype):
    X, y = make_data(dtype=dtype)

    ours, reference = both(make_model(algo, max_epochs=5), MIXED, X, y)

    assert_same_bits(ours, reference, X)
    assert_scores_differ(ours)


def test_a_grid_of_all_algorithms(data):
    ours, reference = both(make_model(), {"algo": list(ALGORITHMS), "k": [1, 6]}, *data)

    assert_same_bits(ours, reference, data[0])
    assert_scores_differ(ours)


@pytest.mark.parametrize("size", [3, *(pytest.param(n, marks=pytest.mark.hard) for n in (1, 200))])
def test_the_size_of_the_stacks_does_not_matter(data, size, monkeypatch):
    # Two stacks of 16: as many models as fill a vector.
    grid = {"algo": ["gd", "nag"], **SHORT, "loss": ["l2", "squared"]}
    monkeypatch.setattr(_fits, "LARGEST_STACK", size)

    assert_same_bits(*both(make_model(), grid, *data), data[0])


@pytest.mark.hard
def test_the_number_of_workers_does_not_matter(data):
    grid = {"algo": ["gd", "rnn"], **SHORT, "batch_size": [16, "auto"]}
    ours = BatchedGridSearchCV(make_model(), grid, cv=2, return_train_score=True, n_jobs=2)
    reference = GridSearchCV(make_model(), grid, cv=2, return_train_score=True)

    assert_same_bits(ours.fit(*data), reference.fit(*data), data[0])


def test_threads_give_the_same_bits(data):
    ours = BatchedGridSearchCV(
        make_model(), {**SHORT, "q_hidden": [(), 4]}, cv=2, return_train_score=True, n_jobs=2
    )
    reference = GridSearchCV(**{**ours_without(ours), "n_jobs": None})

    with joblib.parallel_config("threading"):
        ours.fit(*data)

    assert_same_bits(ours, reference.fit(*data), data[0])


def ours_without(search):
    """The parameters that scikit-learn's search has too."""
    own = ("n_repeats", "checkpoint_dir")
    return {k: v for k, v in search.get_params(deep=False).items() if k not in own}


@covering(
    "rotation, linear_term", ["identity", "shared", "predicted", "given"], ["learned", "given"]
)
def test_every_rotation_and_linear_term(rotation, linear_term):
    X, y = make_quadratic_reasoning(n_samples=N, random_state=0)
    columns = {("learned", "given"): [*range(10), *range(15, X.shape[1])]}
    used = slice(15) if rotation != "given" else slice(None)
    X = X[:, columns.get((linear_term, rotation), used)]
    model = make_model("gd", rotation=rotation, linear_term=linear_term)

    ours, reference = both(model, {"k": [1, 6], "lr": [1e-2, 1e-3]}, X, y)

    assert_same_bits(ours, reference, X)
    assert_scores_differ(ours)


def test_folds_whose_padded_lengths_differ():
    # 80 and 81 of 107 rows train in two batches of 40 and 41; 64 and fewer in one.
    X, y = make_data(107)
    cv = [*KFold(4).split(X), *ShuffleSplit(2, train_size=40, random_state=0).split(X)]

    ours, reference = both(make_model(max_epochs=5), {"k": [1, 6]}, X, y, cv=cv)

    assert_same_bits(ours, reference, X)


def test_random_states_that_are_generators(data):
    model = make_model(random_state=np.random.RandomState(5))

    assert_same_bits(*both(model, SHORT, *data), data[0])


@pytest.mark.parametrize("weight", ["ones and twos", "with zeros"])
def test_sample_weights_reach_fit_and_scorer(data, weight):
    X, y = data
    weights = np.arange(len(X)) % 3 if weight == "with zeros" else 1 + np.arange(len(X)) % 2

    ours, reference = both(make_model(), SHORT, X, y, {"sample_weight": weights.astype(float)})
    unweighted = BatchedGridSearchCV(make_model(), SHORT, cv=2).fit(X, y)

    assert_same_bits(ours, reference, X)
    assert ours.best_score_ != unweighted.best_score_


# ---------------------------------------------------------------------- data


@pytest.mark.parametrize("n_columns", ["1-D", 1])
def test_a_single_target(data, n_columns):
    X, y = data
    y = y[:, 0] if n_columns == "1-D" else y[:, :1]

    ours, reference = both(make_model(), SHORT, X, y)

    assert_same_bits(ours, reference, X)
    assert ours.predict(X).shape == y.shape


def read_only_memmap(values, folder, name):
    joblib.dump(values, folder / name)
    return joblib.load(folder / name, mmap_mode="r")


@covering(
    "container, scaled",
    ["pandas", "polars", "list", "fortran", "strided", "memmap", "integers"],
    [True, False],
)
def test_containers_of_data(data, container, scaled, tmp_path):
    X, y = data
    names = list("abcde")
    if container == "pandas":
        index = np.arange(len(X))[::-1]
        X, y = pd.DataFrame(X, index, names), pd.DataFrame(y, index, list("uvw"))
    elif container == "polars":
        X, y = polars.DataFrame(X, schema=names), polars.DataFrame(y, schema=list("uvw"))
    elif container == "list":
        X, y = X.tolist(), y.tolist()
    elif container == "fortran":
        X, y = np.asfortranarray(X), np.asfortranarray(y)
    elif container == "strided":
        X, y = np.repeat(X, 2, axis=1)[:, ::2], y[:, ::-1]
    elif container == "memmap":
        X, y = read_only_memmap(X, tmp_path, "X"), read_only_memmap(y, tmp_path, "y")
    else:
        X, y = np.round(10 * X).astype(int), np.round(10 * y).astype(int)
    model = make_pipeline(StandardScaler(), make_model()) if scaled else make_model()
    grid = {"hybridreasoningregressor__k": [1, 6]} if scaled else {"k": [1, 6]}

    ours, reference = both(model, grid, X, y)

    assert_same_bits(ours, reference, X)
    assert hasattr(ours, "feature_names_in_") == (container in ("pandas", "polars"))


def test_columns_taken_by_name():
    X, y = make_quadratic_reasoning(n_samples=N, random_state=0)
    names = [f"x{i}" for i in range(10)] + [f"b{i}" for i in range(5)]
    frame = pd.DataFrame(X[:, :15], columns=names)[names[::-1]]
    model = make_model(linear_term=[f"b{i}" for i in range(5)], rotation="identity")

    assert_same_bits(*both(model, SHORT, frame, pd.DataFrame(y)), frame)


def test_columns_with_names_and_weights_behind_a_transformer():
    X, y = make_quadratic_reasoning(n_samples=N, random_state=0)
    only_x = ColumnTransformer([("x", StandardScaler(), slice(10))], remainder="passthrough")
    model = Pipeline([("scale", only_x), ("m", make_model(linear_term="given", rotation="given"))])
    weights = {"m__sample_weight": np.linspace(0.5, 1.5, N)}

    assert_same_bits(*both(model, {"m__k": [1, 5], "m__lr": [1e-2, 1e-3]}, X, y, weights), X)


# ---------------------------------------------------------------------- around the regressor


class InPlaceScaler(TransformerMixin, BaseEstimator):
    """What ``copy=False`` does, and forgets to say."""

    def fit(self, X, y=None):
        self.scale_ = np.abs(X).max(axis=0)
        return self

    def transform(self, X):
        X /= self.scale_
        return X


def pipelines():
    steps = [("scaler", StandardScaler()), ("model", make_model())]
    named = {f"model__{name}": values for name, values in SHORT.items()}
    ks = {"model__k": SHORT["k"]}
    yield "plain", Pipeline(steps), named
    yield "scaler's parameter", Pipeline(steps), {**ks, "scaler__with_mean": [True, False]}
    yield "steps", Pipeline(steps), {**ks, "scaler": [MinMaxScaler(), "passthrough"]}
    yield "in place", Pipeline([("scaler", InPlaceScaler()), *steps[1:]]), named
    widths = Pipeline([*steps[:1], ("pca", PCA()), *steps[1:]])
    yield "widths", widths, {**ks, "pca__n_components": [2, 3]}
    yield (
        "frames",
        Pipeline(steps).set_output(transform="pandas"),
        {**ks, "model__linear_term": ["learned", ["x2", "x4", "x0"]]},
    )
    yield "nested", make_pipeline(Pipeline(steps)), {"pipeline__model__k": [1, 6]}
    yield (
        "models",
        Pipeline(steps),
        {"model": [make_model("gd"), make_model("opt")], "model__lr": [1e-2, 1e-3]},
    )
    yield (
        "target",
        TransformedTargetRegressor(make_model(), transformer=StandardScaler()),
        {f"regressor__{name}": values for name, values in SHORT.items()},
    )
    yield (
        "target and features",
        TransformedTargetRegressor(Pipeline(steps), func=np.log, inverse_func=np.exp),
        {"regressor__model__k": [1, 6], "transformer": [None]},
    )


LIKE_OTHERS = ("plain", "nested", "target")


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        pytest.param(*case, id=name, marks=pytest.mark.hard if name in LIKE_OTHERS else ())
        for name, *case in pipelines()
    ],
)
def test_each_fold_has_its_own_preprocessing(data, estimator, grid):
    X, y = data[0], np.abs(data[1]) + 1.0

    ours, reference = both(estimator, grid, X, y)

    assert_same_bits(ours, reference, X)
    assert_scores_differ(ours)


def test_the_memory_of_a_pipeline(data, tmp_path):
    steps = [("scaler", StandardScaler()), ("model", make_model())]
    model = Pipeline(steps, memory=joblib.Memory(tmp_path, verbose=0))

    assert_same_bits(*both(model, {"model__k": [1, 6], "model__lr": [1e-2]}, *data), data[0])


# ---------------------------------------------------------------------- what scorers see


def test_scorers_see_the_fitted_estimator(data):
    def facts(estimator, X, y):
        model = estimator.named_steps["model"]
        Q, b = model.predict_energy(X)
        history = model.history_
        return {
            "n_iter": model.n_iter_,
            "step_size": model.step_size_,
            "empirical_loss": model.empirical_loss_,
            "first": history[0]["train_loss"],
            "last": history[-1]["train_loss"],
            "epochs": len(history),
            "keys": len(history[0].keys() - {"batches"}),
            "Q": Q.sum(),
            "b": b.sum(),
            "other k": model.predict(X, k=3).sum(),
            "weights": sum(float(p.detach().sum()) for p in model.module_.parameters()),
            "asked for": model.max_epochs,
        }

    model = Pipeline([("scaler", StandardScaler()), ("model", make_model())])
    grid = [
        {"model__k": [1, 6], "model__max_epochs": [4, 9]},
        {"model__early_stopping": [True], "model__tol": [0.9, 0.0]},
    ]
    ours, reference = both(model, grid, *data, scoring=facts, refit=False)

    keys = [key for key in reference.cv_results_ if key.startswith("split")]
    assert len(keys) == 2 * 2 * 12
    for key in keys:
        np.testing.assert_array_equal(ours.cv_results_[key], reference.cv_results_[key], key)


# ---------------------------------------------------------------------- other searches


def test_randomized_search_draws_scikit_learns_candidates(data):
    drawn_from = {"k": randint(0, 20), "lr": loguniform(1e-3, 1e-1), "loss": ["l2", "squared"]}
    options = {"n_iter": 8, "cv": 2, "return_train_score": True, "random_state": 4}

    ours, reference = (
        search(make_model(), drawn_from, **options).fit(*data)
        for search in (BatchedRandomizedSearchCV, RandomizedSearchCV)
    )

    assert ours.cv_results_["params"] == reference.cv_results_["params"]
    assert_same_bits(ours, reference, data[0])


# ---------------------------------------------------------------------- algorithms of users


class Richardson(Algorithm):
    """Gradient descent, written for a stack as well as for one model."""

    name = "richardson"

    def step(self, state, problem, phi):
        (y,) = state
        return (problem.descend(y, phi),)

    def stable_region(self, mu, L):
        return 0.01, 2.0 / (mu + L)


class Cautious(Richardson):
    """Reads its step size as a number, which only a single model's is."""

    def step(self, state, problem, phi):
        (y,) = state
        return (problem.descend(y, phi if phi > 0.5 else 0.5),)


@pytest.mark.parametrize("algorithm", [Richardson(), Cautious()])
def test_algorithms_of_users(data, algorithm):
    ours, reference = both(make_model(algorithm, max_epochs=4), SHORT, *data)

    assert_same_bits(ours, reference, data[0])
    assert_scores_differ(ours)
