"""scikit-learn's own callbacks (since 1.9): a report an epoch, and the right to stop."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import (
    HybridReasoningClassifier,
    HybridReasoningDenoiser,
    HybridReasoningRegressor,
)
from sklearn_reasoning.model_selection import BatchedGridSearchCV

callback = pytest.importorskip("sklearn.callback", reason="came with scikit-learn 1.9")

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.tanh(X[:, :2] - X[:, 1:])
IMAGES = np.random.default_rng(1).random((2, 8, 8))


def regressor(**parameters):
    options = {"max_epochs": 5, "b_hidden": (4,), "random_state": 0}
    return HybridReasoningRegressor(**options | parameters)


def denoiser():
    options = {"f_channels": 2, "f_layers": 1, "g_channels": 2, "g_layers": 1}
    options |= {"patch_size": 8, "max_steps": 101}
    return HybridReasoningDenoiser(**options, random_state=0)


class Log:
    """What happened, and the estimators as if fit had stopped there."""

    def __init__(self, stop_after=None):
        self.stop_after, self.events, self.estimators = stop_after, [], []
        self.n_expected = None

    def setup(self, estimator, context):
        self.n_expected = context.max_subtasks
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(f"end {context.task_name}")
        self.estimators.append(fitted_estimator)
        return context.task_name == "epoch" and context.task_id == self.stop_after


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_estimator_as_if_fit_had_stopped_after_each_epoch(keep, early_stopping):
    log = Log()
    options = {"keep": keep, "early_stopping": early_stopping, "lr_schedule": "constant"}
    model = regressor(**options).set_callbacks(log).fit(X, Y)
    epochs = ["begin epoch", "end epoch"] * 5
    assert log.events == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    for i, stopped in enumerate(log.estimators[:5], start=1):
        shorter = regressor(**options, max_epochs=i).fit(X, Y)
        assert np.array_equal(stopped.predict(X), shorter.predict(X))
        assert stopped.n_iter_ == len(stopped.history_) == i
    assert np.array_equal(model.predict(X), regressor(**options).fit(X, Y).predict(X))


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_classifier_as_if_fit_had_stopped_after_each_epoch(keep):
    def classifier(**parameters):
        options = {"keep": keep, "lr_schedule": "constant", "perception_hidden": (4,)}
        return HybridReasoningClassifier(**options | parameters, random_state=0)

    log = Log()
    labels = (Y > 0) + [1, 2]
    model = classifier(max_epochs=3).set_callbacks(log).fit(X, labels)
    assert log.events.count("end epoch") == log.n_expected == 3
    for i, stopped in enumerate(log.estimators[:3], start=1):
        shorter = classifier(max_epochs=i).fit(X, labels)
        for ours, theirs in zip(stopped.predict_proba(X), shorter.predict_proba(X), strict=True):
            assert np.array_equal(ours, theirs)
        assert stopped.n_iter_ == len(stopped.history_) == i
    assert np.array_equal(model.predict(X), classifier(max_epochs=3).fit(X, labels).predict(X))
    stopping = classifier(max_epochs=5).set_callbacks(Log(stop_after=1))
    assert stopping.fit(X, labels).n_iter_ == 2


def test_a_callback_may_stop_training():
    model = regressor().set_callbacks(Log(stop_after=2)).fit(X, Y)
    assert model.n_iter_ == len(model.history_) == 3


def test_the_denoiser_reports_every_hundred_steps():
    log = Log()
    model = denoiser().set_callbacks(log).fit(IMAGES, IMAGES)
    assert log.events.count("end epoch") == log.n_expected == 2
    assert [each.n_steps_ for each in log.estimators] == [100, 101, 101]
    assert np.array_equal(model.predict(IMAGES), denoiser().fit(IMAGES, IMAGES).predict(IMAGES))
    assert np.array_equal(log.estimators[1].predict(IMAGES), model.predict(IMAGES))
    assert not np.array_equal(log.estimators[0].predict(IMAGES), model.predict(IMAGES))
    assert denoiser().set_callbacks(Log(stop_after=0)).fit(IMAGES, IMAGES).n_steps_ == 100


@pytest.mark.parametrize("spoil", [lambda X: X * np.nan, lambda X: X[:-1]])
def test_a_fit_that_fails_is_torn_down(spoil):
    log = Log()
    model = regressor().set_callbacks(log)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=r"NaN|inconsistent"):
        model.fit(spoil(X), Y)
    assert log.events == ["setup", "begin fit", "teardown"]
    assert vars(model) == before


def test_a_score_an_epoch():
    monitor = callback.ScoringMonitor(scoring="r2")
    model = regressor().set_callbacks(monitor).fit(X, Y)
    rows = monitor.get_logs().data
    epochs = [row["r2"] for row in rows if row["task_name"] == "epoch"]
    assert len(epochs) == 5
    assert epochs[-1] == model.score(X, Y)
    # Nothing of the fit stays behind, and copies of the model work.
    assert not any(name.endswith(("_ctx", "_teardown")) for name in vars(model))
    assert clone(model)._skl_callbacks == [monitor]
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize("kind", [GridSearchCV, BatchedGridSearchCV])
def test_scores_of_every_fit_of_a_search(kind):
    monitor = callback.ScoringMonitor(scoring="r2")
    search = kind(regressor().set_callbacks(monitor), {"k": [1, 3]}, cv=2).fit(X, Y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 5 * (2 * 2 + 1)  # 2 candidates on 2 folds, and the refit
    expected = GridSearchCV(regressor(), {"k": [1, 3]}, cv=2).fit(X, Y)
    assert np.array_equal(search.predict(X), expected.predict(X))


@pytest.mark.parametrize("kind", [GridSearchCV, BatchedGridSearchCV])
def test_bars_of_searches_reach_the_epochs(kind, capsys):
    pytest.importorskip("rich")
    pipeline = make_pipeline(StandardScaler(), regressor())
    search = kind(pipeline, {"hybridreasoningregressor__k": [1, 3]}, cv=2)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X, Y)
    assert "HybridReasoningRegressor - fit" in capsys.readouterr().out


def test_weights_are_the_metadata_of_callbacks():
    weight = np.random.default_rng(2).uniform(size=len(X))
    monitor = callback.ScoringMonitor(scoring="r2")
    model = regressor().set_callbacks(monitor).fit(X, Y, sample_weight=weight)
    last = [row["r2"] for row in monitor.get_logs().data if row["task_name"] == "epoch"][-1]
    assert last == model.score(X, Y, sample_weight=weight)
