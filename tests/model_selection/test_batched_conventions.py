"""The batched searches keep what scikit-learn's searches promise, and their own promises."""

import pickle

import joblib
import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.stats import loguniform
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.ensemble import BaggingRegressor, VotingRegressor
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import make_scorer, mean_absolute_error, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    cross_val_score,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.model_selection import (
    BatchedGridSearchCV,
    BatchedRandomizedSearchCV,
    gap_table,
    l2_loss_scorer,
)

GRID = {"k": [1, 4], "lr": [1e-2, 3e-2]}


def make_data(n=24, n_outputs=2):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    return X, np.tanh(X @ rng.normal(size=(3, n_outputs)))


X, Y = make_data()


def make_model(**options):
    return HybridReasoningRegressor(
        **{"algo": "gd", "max_epochs": 3, "b_hidden": (8,), "random_state": 0, **options}
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


# ---------------------------------------------------------------------- scoring


def mae(estimator, X, y):
    return -mean_absolute_error(y, estimator.predict(X))


def two_scores(estimator, X, y):
    return {"r2": estimator.score(X, y), "mae": mae(estimator, X, y)}


def last(results):
    return len(results["params"]) - 1


@pytest.mark.parametrize(
    ("scoring", "refit"),
    [
        (None, True),
        (None, False),
        ("neg_mean_absolute_error", True),
        (l2_loss_scorer, True),
        (mae, last),
        (make_scorer(r2_score, multioutput="variance_weighted"), True),
        (["r2", "neg_mean_absolute_error"], "r2"),
        (("r2", "neg_max_error"), False),
        ({"a": "r2", "b": mae}, "b"),
        (two_scores, "mae"),
        (two_scores, False),
        (["r2", "neg_mean_absolute_error"], last),
    ],
)
def test_scorers_and_refit(scoring, refit):
    y = Y if scoring != ("r2", "neg_max_error") else Y[:, 0]
    assert_equal_searches(*both(scoring=scoring, refit=refit, y=y))


@pytest.mark.parametrize("scoring", [None, two_scores])
def test_without_train_scores(scoring):
    ours, reference = both(scoring=scoring, refit=False, return_train_score=False)

    assert_equal_searches(ours, reference)
    assert not any("train" in key for key in ours.cv_results_)


def test_a_grid_of_unlike_dicts_masks_what_is_not_tried():
    grid = [{"k": [1, 2], "q_hidden": [None, (4,)]}, {"loss": ["squared"]}, {"step_size": [None]}]

    ours, reference = both(grid=grid)

    assert_equal_searches(ours, reference)
    assert ours.cv_results_["param_k"].mask.tolist() == [False] * 4 + [True] * 2


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"scoring": ["r2", "no_such_score"]}, ValueError),
        ({"scoring": ["r2", "neg_mean_absolute_error"]}, ValueError),
        ({"scoring": "no_such_score"}, ValueError),
        ({"scoring": lambda *_: "text"}, ValueError),
        ({"scoring": two_scores, "refit": "rmse"}, ValueError),
        ({"refit": lambda results: 1.5}, TypeError),
        ({"refit": lambda results: 99}, IndexError),
        ({"error_score": "ignore"}, ValueError),
        ({"cv": 1}, ValueError),
        ({"cv": 30}, ValueError),
        ({"cv": []}, ValueError),
        ({"cv": GroupKFold(2)}, ValueError),
        ({"n_jobs": 0}, ValueError),
        ({"n_jobs": "two"}, ValueError),
        ({"verbose": "loud"}, ValueError),
        ({"estimator": object()}, ValueError),
        ({"param_grid": {"depth": [1]}}, ValueError),
        ({"param_grid": {"k": 3}}, TypeError),
        ({"param_grid": {"k": []}}, ValueError),
        ({"param_grid": []}, ValueError),
    ],
)
def test_mistakes_are_told_as_scikit_learn_tells_them(options, error):
    options = {"estimator": make_model(), "param_grid": GRID, "cv": 2, **options}
    messages = []
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with pytest.raises(error) as raised:
            kind(**options).fit(X, Y)
        messages.append(str(raised.value).replace("BatchedGridSearchCV", "GridSearchCV"))
    assert messages[0] == messages[1]


def test_a_scorer_that_fails():
    def picky(estimator, X, y):
        if estimator.k == 4:
            raise RuntimeError("not this one")
        return 1.0

    searches = []
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with pytest.warns() as warned:
            searches.append(kind(make_model(), GRID, scoring=picky, cv=2, refit=False).fit(X, Y))
        assert sum("not this one" in str(w.message) for w in warned) == 4

    assert_equal_searches(*searches)


# ---------------------------------------------------------------------- fits that fail


@pytest.mark.parametrize("error_score", [np.nan, -7.5])
@pytest.mark.parametrize("scoring", [None, ["r2", "neg_mean_absolute_error"], two_scores])
def test_a_candidate_out_of_its_domain(scoring, error_score):
    refit = False if callable(scoring) else "r2" if scoring else True
    searches = []
    for kind in (BatchedGridSearchCV, GridSearchCV):
        search = kind(
            make_model(),
            {"k": [2, -1, 5]},
            cv=2,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=True,
        )
        with pytest.warns() as warned:
            searches.append(search.fit(X, Y))
        messages = [str(w.message) for w in warned if w.category is FitFailedWarning]
        assert len(messages) == 1
        assert "2 fits failed out of a total of 6" in messages[0]
        assert "The 'k' parameter" in messages[0]

    assert_equal_searches(*searches)


def test_all_fits_failed():
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with pytest.raises(ValueError, match="All the 4 fits failed"):
            kind(make_model(), {"k": [-1, -2]}, cv=2).fit(X, Y)


DIVERGING = [{"k": [2, 5]}, {"k": [2], "lr": [1e200], "loss": ["squared"], "optimizer": ["sgd"]}]


@pytest.mark.parametrize("error_score", [np.nan, -100.0])
def test_a_candidate_that_diverges_disturbs_no_other(error_score):
    model = make_model(optimizer="sgd", loss="squared", max_epochs=8)
    options = {"cv": 2, "error_score": error_score, "return_train_score": True}
    with pytest.warns() as warned:
        ours = BatchedGridSearchCV(model, DIVERGING, **options).fit(X, Y)
    with pytest.warns():
        reference = GridSearchCV(model, DIVERGING, **options).fit(X, Y)

    assert_equal_searches(ours, reference)
    np.testing.assert_array_equal(ours.cv_results_["split0_test_score"][2], error_score)
    named = [str(w.message) for w in warned if "left the finite numbers" in str(w.message)]
    assert len(named) == 1
    assert "'lr': 1e+200" in named[0]
    assert "in 2 of 2 fits" in named[0]
    assert f"error_score={error_score}" in named[0]
    assert warned[0].filename == __file__


def test_a_divergence_is_raised_where_that_is_wanted():
    model = make_model(optimizer="sgd", loss="squared", max_epochs=8)
    search = BatchedGridSearchCV(model, DIVERGING, cv=2, error_score="raise")

    with pytest.raises(DivergenceError, match="not finite") as raised:
        search.fit(X, Y)

    assert any("1e+200" in note for note in raised.value.__notes__)


def test_an_error_is_raised_where_that_is_wanted():
    with pytest.raises(ValueError, match="The 'k' parameter"):
        BatchedGridSearchCV(make_model(), {"k": [2, -1]}, cv=2, error_score="raise").fit(X, Y)


def test_sparse_data_are_refused_as_by_the_estimator():
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with pytest.raises(ValueError, match=r"(?i)sparse"):
            kind(make_model(), GRID, cv=2).fit(sparse.csr_array(X), Y)


# ---------------------------------------------------------------------- splits and metadata

GROUPS = np.arange(len(X)) % 5
WEIGHTS = 1.0 + np.arange(len(X)) % 3


@pytest.mark.parametrize(
    "cv",
    [
        lambda: KFold(3, shuffle=True, random_state=0),
        lambda: KFold(3, shuffle=True, random_state=np.random.RandomState(0)),
        lambda: ShuffleSplit(3, test_size=0.3, random_state=1),
        lambda: PredefinedSplit(np.arange(len(X)) % 3 - 1),
        lambda: (split for split in KFold(3).split(X)),
        lambda: [(list(range(12)), list(range(12, 24)))],
        lambda: [(np.arange(24) < 12, np.arange(24) >= 12)],
        lambda: [(np.arange(24), np.arange(24))] * 2,
    ],
)
def test_splits(cv):
    searches = [
        kind(make_model(), GRID, cv=cv()).fit(X, Y) for kind in (BatchedGridSearchCV, GridSearchCV)
    ]
    assert_equal_searches(*searches)


def test_groups():
    ours, reference = both(cv=GroupKFold(3), fit_params={"groups": GROUPS})

    assert_equal_searches(ours, reference)


def test_a_scorer_without_weights_is_warned_of():
    for kind in (BatchedGridSearchCV, GridSearchCV):
        with pytest.warns(UserWarning, match="does not support sample_weight"):
            kind(make_model(), GRID, cv=2, scoring=mae).fit(X, Y, sample_weight=WEIGHTS)


@pytest.mark.parametrize("to_scorer", [False, True])
@pytest.mark.parametrize("to_fit", [False, True])
def test_metadata_routing(to_fit, to_scorer):
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(r2_score).set_score_request(sample_weight=to_scorer)
        model = make_model().set_fit_request(sample_weight=to_fit)
        metadata = {"groups": GROUPS}
        if to_fit or to_scorer:
            metadata["sample_weight"] = WEIGHTS
        searches = [
            kind(model, GRID, cv=GroupKFold(3), scoring=scorer).fit(X, Y, **metadata)
            for kind in (BatchedGridSearchCV, GridSearchCV)
        ]
        plain = BatchedGridSearchCV(model, GRID, cv=GroupKFold(3), scoring=make_scorer(r2_score))
        plain.fit(X, Y, groups=GROUPS)

    assert_equal_searches(*searches)
    assert (plain.best_score_ == searches[0].best_score_) == (not to_fit and not to_scorer)


def test_routing_refuses_what_nobody_asked_for():
    with config_context(enable_metadata_routing=True):
        for kind in (BatchedGridSearchCV, GridSearchCV):
            with pytest.raises(ValueError, match="sample_weight"):
                kind(make_model(), GRID, cv=2).fit(X, Y, sample_weight=WEIGHTS)


# ---------------------------------------------------------------------- an estimator


@pytest.mark.parametrize("kind", [BatchedGridSearchCV, BatchedRandomizedSearchCV])
def test_it_is_cloned_printed_and_pickled(kind):
    search = kind(make_model(), {"k": [1, 2]}, cv=2, n_repeats=2)
    if kind is BatchedRandomizedSearchCV:
        search.set_params(n_iter=2, random_state=0)
    assert search.get_params()["estimator__lr"] == 1e-2
    assert repr(clone(search)) == repr(search)
    assert "n_repeats=2" in repr(search)
    assert search._repr_html_()

    search.fit(X, Y)
    again = pickle.loads(pickle.dumps(search))

    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    assert again.cv_results_["params"] == search.cv_results_["params"]
    assert not hasattr(clone(search), "cv_results_")


def test_it_has_the_methods_of_its_estimator():
    ours, reference = both()
    unfitted = [clone(search) for search in (ours, reference)]
    for name in ("predict", "predict_proba", "transform", "inverse_transform", "score_samples"):
        assert hasattr(ours, name) == hasattr(reference, name), name
        assert hasattr(unfitted[0], name) == hasattr(unfitted[1], name), name
    assert ours.__sklearn_tags__() == reference.__sklearn_tags__()
    with pytest.raises(NotFittedError):
        unfitted[0].predict(X)
    with pytest.raises(NotFittedError):
        unfitted[0].score(X, Y)
    without, _ = both(refit=False)
    assert not hasattr(without, "predict")
    with pytest.raises(AttributeError, match="refit"):
        without.score(X, Y)


def test_nested_searches():
    inner = [
        kind(make_model(), GRID, cv=2, return_train_score=True)
        for kind in (BatchedGridSearchCV, GridSearchCV)
    ]

    np.testing.assert_array_equal(*(cross_val_score(search, X, Y, cv=2) for search in inner))
    piped = [make_pipeline(StandardScaler(), search).fit(X, Y) for search in inner]
    np.testing.assert_array_equal(*(pipeline.predict(X) for pipeline in piped))
    outer = [
        kind(search, {"estimator__max_epochs": [2, 3]}, cv=2).fit(X, Y)
        for kind, search in zip((BatchedGridSearchCV, GridSearchCV), inner, strict=True)
    ]
    assert_equal_searches(*outer)


def test_neither_data_nor_global_random_states_change():
    X_before, Y_before = X.copy(), Y.copy()
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    numpy_before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002

    drawn_from = {"k": [1, 2, 3], "lr": loguniform(1e-3, 1e-1)}
    model = make_pipeline(StandardScaler(), make_model(random_state=None))
    names = {f"hybridreasoningregressor__{name}": values for name, values in drawn_from.items()}
    BatchedRandomizedSearchCV(model, names, n_iter=3, cv=2, n_repeats=2).fit(X, Y)

    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(Y, Y_before)


@pytest.mark.parametrize("backend", ["threading", "multiprocessing"])
def test_other_backends_of_joblib(backend):
    with joblib.parallel_config(backend, n_jobs=2):
        ours = BatchedGridSearchCV(make_model(), GRID, cv=2).fit(X, Y)

    assert_equal_searches(ours, GridSearchCV(make_model(), GRID, cv=2).fit(X, Y))


def test_scorers_that_cannot_be_pickled_reach_workers():
    scoring = {"steps": lambda model, X, y: model.n_iter_, "r2": lambda m, X, y: m.score(X, y)}

    ours, reference = both(grid={"max_epochs": [2, 3]}, scoring=scoring, refit="r2", n_jobs=2)

    assert_equal_searches(ours, reference)
    assert ours.cv_results_["mean_test_steps"].tolist() == [2, 3]


# ---------------------------------------------------------------------- one by one


class Shrunk(HybridReasoningRegressor):
    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.shrinkage_ = 0.5 if np.mean(self.predict(X)) > 0.0 else 0.25
        return self

    def predict(self, X, k=None):
        return getattr(self, "shrinkage_", 1.0) * super().predict(X, k)


class OfHalf(HybridReasoningRegressor):
    """What follows prediction may change without a fit of its own."""

    def predict(self, X, k=None):
        return 0.5 * super().predict(X, k)


class CalibratedPipeline(Pipeline):
    def fit(self, X, y=None, **params):
        super().fit(X, y, **params)
        self.bias_ = np.mean(y - super().predict(X), axis=0)
        return self

    def predict(self, X, **params):
        return super().predict(X, **params) + self.bias_


class Denoised(TransformerMixin, BaseEstimator):
    """A model of ours out of sight."""

    def fit(self, X, y=None):
        self.model_ = make_model().fit(X, X)
        return self

    def transform(self, X):
        return self.model_.predict(X)


class Quiet(Callback):
    """Any callback: it watches one net at a time."""


def one_by_one():
    ours = make_model()
    yield "Ridge", Ridge(), {"alpha": [0.1, 1.0]}, "Ridge is no HybridReasoningRegressor"
    yield (
        "MultiOutputRegressor",
        MultiOutputRegressor(ours),
        {"estimator__k": [1, 4]},
        "MultiOutputRegressor is no",
    )
    yield (
        "BaggingRegressor",
        BaggingRegressor(ours, n_estimators=2, random_state=0),
        {"estimator__k": [1, 4]},
        "BaggingRegressor is no",
    )
    yield "own fit", Shrunk("gd", max_epochs=3, random_state=0), GRID, "Shrunk has a fit of its own"
    yield (
        "own pipeline",
        CalibratedPipeline([("m", ours)]),
        {"m__k": [1, 4]},
        "CalibratedPipeline has a fit of its own",
    )
    yield "callbacks", make_model(callbacks=[Quiet()]), GRID, "callbacks watch one model"
    yield (
        "two models",
        Pipeline([("bag", BaggedFeatures(make_model())), ("m", ours)]),
        {"m__k": [1, 4], "bag__model__k": [2]},
        "more than one HybridReasoningRegressor",
    )


class BaggedFeatures(TransformerMixin, BaseEstimator):
    def __init__(self, model):
        self.model = model

    def fit(self, X, y=None):
        self.model_ = clone(self.model).fit(X, y)
        return self

    def transform(self, X):
        return np.hstack([X, self.model_.predict(X)])


@pytest.mark.parametrize(
    ("estimator", "grid", "reason"), [pytest.param(*case[1:], id=case[0]) for case in one_by_one()]
)
def test_what_cannot_be_stacked_is_fitted_one_by_one(estimator, grid, reason, capsys):
    ours, reference = both(estimator, grid)
    assert_equal_searches(ours, reference)
    assert capsys.readouterr() == ("", "")

    clone(ours).set_params(verbose=1).fit(X, Y)

    printed = capsys.readouterr().out
    n_fits = 2 * len(ours.cv_results_["params"])
    assert f"totalling {n_fits} fits: 0 in 0 stacks" in printed
    assert f"{n_fits} fits are trained one by one: " in printed
    assert reason in printed


def test_a_voting_regressor():
    # It takes 1-D targets.
    model = VotingRegressor([("a", make_model()), ("b", make_model(algo="opt"))])
    assert_equal_searches_1d(*both(model, {"a__k": [1, 4]}, y=Y[:, 0]))


def assert_equal_searches_1d(ours, reference):
    for key in (key for key in reference.cv_results_ if key.startswith("split")):
        np.testing.assert_array_equal(ours.cv_results_[key], reference.cv_results_[key])
    np.testing.assert_array_equal(ours.predict(X), reference.predict(X))


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (OfHalf("gd", max_epochs=3, random_state=0), GRID),
        (make_pipeline(Denoised(), make_model()), {"hybridreasoningregressor__k": [1, 4]}),
        (
            Pipeline([("m", make_model())]),
            {"m": [Ridge(), make_model(), LinearRegression(), make_model(algo="opt")]},
        ),
        (Pipeline([("s", StandardScaler()), ("m", "passthrough")]), {"m": [make_model(), Ridge()]}),
    ],
)
def test_what_can_be_stacked_only_in_part(estimator, grid):
    assert_equal_searches(*both(estimator, grid, scoring="r2"))


def test_models_that_print_are_fitted_one_by_one(capsys):
    BatchedGridSearchCV(make_model(verbose=1), GRID, cv=2, verbose=1).fit(X, Y)

    printed = capsys.readouterr().out
    assert "8 fits are trained one by one: verbose prints" in printed
    assert printed.count("train_loss") == 9  # the refit prints too


def test_an_estimator_without_targets():
    class Centre(BaseEstimator):
        def __init__(self, shift=0.0):
            self.shift = shift

        def fit(self, X):
            self.mean_ = X.mean(axis=0) + self.shift
            return self

        def score(self, X):
            return -np.square(X - self.mean_).mean()

    searches = [
        kind(Centre(), {"shift": [0.0, 1.0]}, cv=3).fit(X)
        for kind in (BatchedGridSearchCV, GridSearchCV)
    ]
    for key in ("mean_test_score", "rank_test_score"):
        np.testing.assert_array_equal(*(search.cv_results_[key] for search in searches))


# ---------------------------------------------------------------------- scikit-learn's callbacks


class Log:
    def __init__(self):
        self.tasks = []

    def setup(self, estimator, context):
        self.tasks.append(f"setup {type(estimator).__name__}")

    def teardown(self, estimator, context):
        self.tasks.append("teardown")

    def on_fit_task_begin(self, estimator, context, **_):
        self.tasks.append(context.task_name)

    def on_fit_task_end(self, estimator, context, **_):
        return False


@pytest.mark.skipif(
    not hasattr(BatchedGridSearchCV, "set_callbacks"), reason="callbacks came with 1.9"
)
class TestCallbacks:
    def test_on_the_search(self, capsys):
        logs = []
        searches = []
        for kind in (BatchedGridSearchCV, GridSearchCV):
            logs.append(Log())
            search = kind(make_model(), GRID, cv=2).set_callbacks(logs[-1])
            searches.append(search.fit(X, Y))

        assert_equal_searches(*searches)
        assert logs[0].tasks[1:] == logs[1].tasks[1:]
        assert logs[0].tasks.count("candidate-split-evaluation") == 8
        assert capsys.readouterr().out == ""

    def test_on_the_estimator(self):
        logs = []
        for kind in (BatchedGridSearchCV, GridSearchCV):
            logs.append(Log())
            pipeline = make_pipeline(StandardScaler(), make_model()).set_callbacks(logs[-1])
            kind(pipeline, {"hybridreasoningregressor__k": [1, 4]}, cv=2).fit(X, Y)

        assert logs[0].tasks == logs[1].tasks
        assert logs[0].tasks.count("setup Pipeline") == 5

    def test_restarts_are_refused(self):
        search = BatchedGridSearchCV(make_model(), GRID, n_repeats=2).set_callbacks(Log())
        with pytest.raises(ValueError, match="n_repeats cannot be used together"):
            search.fit(X, Y)


# ---------------------------------------------------------------------- verbose


def test_verbose_says_what_is_done(capsys):
    BatchedGridSearchCV(make_model(), GRID, cv=2, verbose=1).fit(X, Y)

    out, err = capsys.readouterr()
    assert out == "Fitting 2 folds for each of 4 candidates, totalling 8 fits: 8 in 1 stack.\n"
    assert "8/8" in err
    assert "model/s" in err
    assert "best score" in err


def test_the_bar_shows_the_score_of_refit(capsys):
    scoring = {"r2": "r2", "mae": "neg_mean_absolute_error"}
    search = BatchedGridSearchCV(make_model(), GRID, cv=2, verbose=2, scoring=scoring, refit="mae")

    search.fit(X, Y)

    err = capsys.readouterr().err
    assert f"best mae {search.best_score_:.4g}" in err
    assert err.count("fold 1, restart 0: k=4") == 2


def test_it_is_silent_by_default(capfd):
    BatchedGridSearchCV(make_model(), GRID, cv=2).fit(X, Y)

    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------------- restarts


class WithoutSeed(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "2", None])
def test_n_repeats_is_a_positive_whole_number(value):
    with pytest.raises(ValueError, match=r"n_repeats=.* must be a whole number"):
        BatchedGridSearchCV(make_model(), GRID, n_repeats=value).fit(X, Y)


def test_restarts_need_a_seed_to_change():
    with pytest.raises(ValueError, match=r"n_repeats=2 .* random_state"):
        BatchedGridSearchCV(WithoutSeed(), {}, n_repeats=2).fit(X, Y)


@pytest.mark.parametrize("value", [3, True, ["folder"]])
def test_checkpoint_dir_is_a_path(value):
    with pytest.raises(ValueError, match="checkpoint_dir"):
        BatchedGridSearchCV(make_model(), GRID, checkpoint_dir=value).fit(X, Y)


def split_scores(search, part="test"):
    columns = [f"split{i}_{part}_score" for i in range(search.n_splits_)]
    return np.column_stack([search.cv_results_[column] for column in columns])


@pytest.mark.parametrize("random_state", [7, np.random.RandomState(7)])
def test_restarts_are_further_splits(random_state):
    model = make_model(random_state=random_state)
    options = {"cv": 3, "return_train_score": True}
    single = BatchedGridSearchCV(model, GRID, **options).fit(X, Y)

    search = BatchedGridSearchCV(model, GRID, n_repeats=3, **options).fit(X, Y)

    scores = split_scores(search)
    assert search.n_splits_ == 9
    assert scores.shape == (4, 9)
    np.testing.assert_array_equal(scores[:, :3], split_scores(single))
    assert np.unique(scores).size == scores.size
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], scores.mean(axis=1))
    again = BatchedGridSearchCV(model, GRID, n_repeats=3, **options).fit(X, Y)
    np.testing.assert_array_equal(split_scores(again), scores)
    table = gap_table(search)
    assert len(table["gap"]) == 4
    np.testing.assert_allclose(table["split8_held_out_score"], scores[:, 8])


def test_the_seed_of_a_restart_is_known():
    model = make_pipeline(StandardScaler(), make_model(random_state=5))
    grid = {"hybridreasoningregressor__k": [1, 4]}
    search = BatchedGridSearchCV(model, grid, cv=2, n_repeats=3).fit(X, Y)

    folds = list(KFold(2).split(X))
    for restart in (1, 2):
        seed = int(np.random.SeedSequence([5, restart]).generate_state(1)[0] >> 1)
        for i, parameters in enumerate(search.cv_results_["params"]):
            for fold, (train, test) in enumerate(folds):
                one = clone(model).set_params(
                    **parameters, hybridreasoningregressor__random_state=seed
                )
                score = one.fit(X[train], Y[train]).score(X[test], Y[test])
                column = f"split{2 * restart + fold}_test_score"
                assert search.cv_results_[column][i] == score
    # The refit has the estimator's own seed.
    assert search.best_estimator_[-1].random_state == 5


def test_restarts_without_a_seed_are_all_fresh():
    search = BatchedGridSearchCV(make_model(random_state=None), {"k": [2]}, cv=2, n_repeats=3)

    scores = split_scores(search.fit(X, Y))

    assert np.unique(scores).size == 6
    assert not np.intersect1d(scores, split_scores(clone(search).fit(X, Y))).size


def test_what_is_no_seed_is_refused_by_fit():
    search = BatchedGridSearchCV(make_model(), {"random_state": [0, -3, "seed"]}, cv=2, n_repeats=2)
    with pytest.warns() as warned:
        search.fit(X, Y)

    failures = [str(w.message) for w in warned if w.category is FitFailedWarning]
    assert len(failures) == 1
    assert "8 fits failed out of a total of 12" in failures[0]
    assert "The 'random_state' parameter" in failures[0]
    assert np.isnan(split_scores(search)).all(axis=1).tolist() == [False, True, True]


def test_restarts_of_other_estimators():
    model = BaggingRegressor(n_estimators=2, random_state=0)
    search = BatchedGridSearchCV(model, {"max_samples": [6]}, cv=2, n_repeats=2).fit(X, Y)

    assert np.unique(split_scores(search)).size == 4


def test_restarts_of_models_that_only_candidates_have():
    search = BatchedGridSearchCV(
        Pipeline([("m", LinearRegression())]), {"m": [make_model()]}, cv=2, n_repeats=2
    )

    assert np.unique(split_scores(search.fit(X, Y))).size == 4
