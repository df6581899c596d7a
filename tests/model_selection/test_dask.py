"""Searches on a real dask cluster: in threads, and in processes, which die."""

import logging
import os
import signal
import threading
import time

import dask
import joblib
import numpy as np
import pytest
from distributed import Client, KilledWorker, LocalCluster

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import BatchedGridSearchCV

# Of joblib 1.5 about its own backend.
pytestmark = pytest.mark.filterwarnings("ignore:`apply_async` is deprecated:DeprecationWarning")

MODEL = HybridReasoningRegressor(
    linear_term="given", rotation="given", max_epochs=3, random_state=0
)
# Four architectures.
GRID = {"algo": ["gd", "nag"], "q_hidden": [(2,), (4,)], "k": [1, 2, 3]}


@pytest.fixture(scope="module")
def cluster():
    options = {
        "distributed.scheduler.allowed-failures": 1,
        # A busy machine may take long to start a process.
        "distributed.comm.timeouts.connect": "60s",
    }
    with (
        dask.config.set(options),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",  # any free port: others may run a cluster too
            silence_logs=logging.CRITICAL,  # it logs deaths at length, and they are our subject
        ) as cluster,
        Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        yield client


@pytest.fixture
def workers(cluster):
    # Each process that starts takes seconds: what uses them is hard.
    """Wait for workers that an earlier test killed: with one, joblib uses this process."""
    cluster.wait_for_workers(2, timeout=120)


def killer():
    """Return a function that kills a worker that calls it, and never this process."""
    parent = os.getpid()

    def die():  # inside, because workers cannot import this file
        assert os.getpid() != parent, "this is no worker"
        os.kill(os.getpid(), signal.SIGKILL)

    return die


def deadly_scorer(marker):
    """Return a scorer that kills the first process that uses it on k = 2."""
    die = killer()

    def score(estimator, X, y):
        if estimator.k == 2 and not marker.exists():
            marker.touch()
            die()
        return estimator.score(X, y)

    return score


def always_deadly_scorer(folder):
    """Return a scorer that kills every process that uses it on k = 2, once there are results."""
    die = killer()

    def score(estimator, X, y):
        while estimator.k == 2:
            if list(folder.glob("results-*.json")):
                die()
            time.sleep(0.01)
        return estimator.score(X, y)

    return score


def make(scoring, folder=None, grid=GRID):
    return BatchedGridSearchCV(
        MODEL, grid, cv=3, scoring=scoring, return_train_score=True, checkpoint_dir=folder
    )


def assert_same_search(search, other, X):
    for name, values in other.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(search.cv_results_[name], values, err_msg=name)
    assert search.best_index_ == other.best_index_
    np.testing.assert_array_equal(search.predict(X), other.predict(X))


def test_a_cluster_gives_the_scores_of_one_process(tmp_path):
    X, y = make_quadratic_reasoning(40, random_state=0)
    ran_in = set()

    def score(estimator, X, y):
        ran_in.add(threading.get_ident())
        return estimator.score(X, y)

    cluster = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "processes": False,
        "dashboard_address": ":0",
    }
    with LocalCluster(**cluster) as threads, Client(threads), joblib.parallel_config("dask"):
        search = make(score, tmp_path).fit(X, y)
    # The refit is scored by nobody: all scores are the workers'.
    assert threading.get_ident() not in ran_in
    assert_same_search(search, make(score).fit(X, y), X)
    assert list(tmp_path.glob("results-*.json"))


@pytest.mark.hard
def test_a_worker_killed_at_work_changes_no_score(workers, tmp_path):
    # Several megabytes: joblib must not leave them to one worker, to be lost with it.
    X, y = make_quadratic_reasoning(60, random_state=0)
    X = np.hstack([np.random.default_rng(0).normal(size=(60, 7000)), X])
    assert X.nbytes > 3e6
    score = deadly_scorer(tmp_path / "a worker has died")
    search = make(score, tmp_path / "search").fit(X, y)
    assert (tmp_path / "a worker has died").exists()
    with joblib.parallel_config("sequential"):
        assert_same_search(search, make(score).fit(X, y), X)

    # The folder was written by this process, and serves whatever computes the rest.
    files = sorted((tmp_path / "search").glob("results-*.json"))
    assert len(files) >= 2
    files[0].unlink()
    again = make(score, tmp_path / "search").fit(X, y)
    assert_same_search(again, search, X)


@pytest.mark.hard
def test_a_stack_that_kills_its_workers_is_an_error_and_the_rest_is_kept(workers, tmp_path):
    X, y = make_quadratic_reasoning(60, random_state=0)
    score = always_deadly_scorer(tmp_path)
    with pytest.raises(KilledWorker):
        make(score, tmp_path, [{"algo": ["gd"]}, {"k": [2]}]).fit(X, y)
    assert list(tmp_path.glob("results-*.json"))
