"""A search with a checkpoint_dir, disturbed in every way, ends as if nothing had happened."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from scipy.stats import loguniform
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning
from sklearn_reasoning.model_selection import BatchedGridSearchCV, BatchedRandomizedSearchCV

X, Y = make_quadratic_reasoning(40, random_state=0)
MODEL = HybridReasoningRegressor(
    linear_term="given", rotation="given", q_hidden=(2,), max_epochs=2, random_state=0
)
# Two stacks.
GRID = {"algo": ["gd", "nag"], "k": [1, 3]}
CV = KFold(2)


def make(folder=None, *, model=MODEL, grid=GRID, **options):
    options = {"cv": CV, "return_train_score": True} | options
    return BatchedGridSearchCV(model, grid, checkpoint_dir=folder, **options)


def assert_same_search(search, other, *, times=False, X=X):
    """All that two searches found out is equal; with ``times``, nothing was trained again."""
    for name, values in other.cv_results_.items():
        if times or "time" not in name:
            np.testing.assert_array_equal(search.cv_results_[name], values, err_msg=name)
    assert search.cv_results_.keys() == other.cv_results_.keys()
    assert search.best_index_ == other.best_index_
    np.testing.assert_array_equal(search.predict(X), other.predict(X))


def results_in(folder):
    return sorted(Path(folder).glob("results-*.json"))


# ---------------------------------------------------------------------------- kills


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_search_that_was_killed_goes_on_to_the_same_bits(tmp_path):
    parent = os.getpid()

    def score(estimator, X, y):
        if estimator.algo == "nag" and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return estimator.score(X, y)

    # gd first: it has more epochs, and so the longer stack.
    grid = [{"algo": ["gd"], "max_epochs": [4], "k": [1, 3]}, {"algo": ["nag"], "k": [1, 3]}]
    child = os.fork()
    if not child:
        try:
            make(tmp_path, grid=grid, scoring=score).fit(X, Y)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    (kept,) = results_in(tmp_path)
    seconds = [result["fit_time"] for _, result in json.loads(kept.read_bytes())["results"]]
    again = make(tmp_path, grid=grid, scoring=score).fit(X, Y)
    assert again.cv_results_["mean_fit_time"][0] == np.mean(seconds[:2])
    assert_same_search(again, make(grid=grid, scoring=score).fit(X, Y))


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Searches that were killed at random moments, in processes of their own."""
    folder = tmp_path_factory.mktemp("killed")
    driver = Path(__file__).with_name("_killed_searches.py")
    subprocess.run([sys.executable, "-W", "error", driver, folder], check=True, timeout=300)
    return {path.stem: pickle.loads(path.read_bytes()) for path in folder.glob("*.pickle")}


@pytest.mark.hard
@pytest.mark.parametrize("name", ["one", "two", "both-0", "both-1", "both-2"])
def test_searches_that_were_killed_or_shared_a_folder_have_the_same_bits(killed, name):
    results, best_index, predicted = killed[name]
    expected, expected_index, expected_predicted = killed["never"]
    assert results.keys() == expected.keys()
    for key in expected:
        np.testing.assert_array_equal(results[key], expected[key], err_msg=key)
    assert best_index == expected_index
    np.testing.assert_array_equal(predicted, expected_predicted)


@pytest.mark.hard
def test_the_killed_searches_were_killed_and_resumed(killed):
    report = killed["report"]
    assert report["kills"] >= 3  # of 7; on a busy machine a search may end before its time is up
    assert report["kept from one worker"] > 0
    assert report["kept from two workers"] > 0


# ---------------------------------------------------------------------------- resuming


@pytest.fixture(scope="module")
def undisturbed():
    return make().fit(X, Y)


def test_a_search_that_has_ended_trains_nothing_again(tmp_path, undisturbed):
    first = make(tmp_path).fit(X, Y)
    assert_same_search(first, undisturbed)
    assert_same_search(make(tmp_path).fit(X, Y), first, times=True)
    assert_same_search(make(str(tmp_path), n_jobs=2).fit(X, Y), first, times=True)


def test_a_folder_is_made_with_its_parents(tmp_path, undisturbed):
    folder = tmp_path / "a" / "b"
    assert_same_search(make(folder).fit(X, Y), undisturbed)
    assert len(results_in(folder)) == 2


def test_what_the_results_do_not_depend_on_may_change(tmp_path, capsys):
    first = make(tmp_path, refit=False).fit(X, Y)
    again = make(tmp_path, verbose=1, pre_dispatch=1, n_jobs=1).fit(X, Y)
    assert "8 done before" in capsys.readouterr().out
    np.testing.assert_array_equal(
        again.cv_results_["mean_fit_time"], first.cv_results_["mean_fit_time"]
    )


@pytest.mark.parametrize(
    "container",
    [
        lambda X: pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]),
        lambda X: X.tolist(),
        np.asfortranarray,
    ],
    ids=["frame", "lists", "columns first"],
)
def test_other_containers_of_data_resume(tmp_path, container):
    first = make(tmp_path).fit(container(X), Y)
    again = make(tmp_path).fit(container(X), Y)
    assert_same_search(again, first, times=True, X=container(X))


def test_a_pipeline_with_candidates_that_are_estimators_resumes(tmp_path):
    model = make_pipeline(StandardScaler(), Ridge())
    scaler = MinMaxScaler()
    grid = {"standardscaler": [scaler, StandardScaler()], "ridge__alpha": np.array([0.1, 1.0])}
    first = make(tmp_path, model=model, grid=grid).fit(X, Y)
    scaler.fit(X)  # each fit has a clone, which forgets this
    again = make(tmp_path, model=model, grid=grid).fit(X, Y)
    assert_same_search(again, first, times=True)


def test_a_randomized_search_resumes(tmp_path):
    def search(folder=None):
        return BatchedRandomizedSearchCV(
            MODEL,
            {"lr": loguniform(1e-3, 1e-1)},
            n_iter=3,
            random_state=np.random.RandomState(0),
            cv=CV,
            checkpoint_dir=folder,
        ).fit(X, Y)

    first = search(tmp_path)
    assert_same_search(first, search())
    assert_same_search(search(tmp_path), first, times=True)


def test_without_random_state_finished_fits_are_kept_and_the_others_have_fresh_seeds(tmp_path):
    model = HybridReasoningRegressor(**MODEL.get_params() | {"random_state": None})
    grid = GRID | {"k": [2, 3]}  # one step from 0 is b times a number, whatever the seed
    first = make(tmp_path, model=model, grid=grid).fit(X, Y)
    results_in(tmp_path)[0].unlink()  # as if it had been killed before the second stack
    again = make(tmp_path, model=model, grid=grid).fit(X, Y)
    same = again.cv_results_["split0_test_score"] == first.cv_results_["split0_test_score"]
    assert sorted(same) == [False, False, True, True]


# ---------------------------------------------------------------------------- damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: bytes(len(content)),
        lambda content: content.replace(b'"n_test_samples": 20', b'"n_test_samples": 21'),
        lambda content: b"[]",
        lambda content: b'{"search": 1, "results": [[0, {}]]}',
    ],
    ids=["truncated", "empty", "zeros", "another number", "no results", "no checksum"],
)
def test_damaged_results_are_warned_about_and_trained_again(tmp_path, undisturbed, damage):
    make(tmp_path).fit(X, Y)
    damaged = results_in(tmp_path)[0]
    content = damage(damaged.read_bytes())
    assert content != damaged.read_bytes()
    damaged.write_bytes(content)
    with pytest.warns(UserWarning, match=f"{damaged.name} was damaged.* trained again"):
        again = make(tmp_path).fit(X, Y)
    assert_same_search(again, undisturbed)
    assert_same_search(make(tmp_path).fit(X, Y), again, times=True)  # and no further warning


def test_results_of_another_search_are_left_out(tmp_path, undisturbed):
    make(tmp_path / "other", grid={"k": [1, 2]}).fit(X, Y)
    make(tmp_path / "here").fit(X, Y)
    (strayed,) = results_in(tmp_path / "other")
    strayed = strayed.rename(tmp_path / "here" / strayed.name)
    with pytest.warns(UserWarning, match="belongs to another search"):
        again = make(tmp_path / "here").fit(X, Y)
    assert_same_search(again, undisturbed)
    assert strayed.exists()


def test_what_killed_processes_left_unfinished_goes_and_what_is_young_stays(tmp_path):
    make(tmp_path).fit(X, Y)
    old, young = tmp_path / ".1.partial", tmp_path / ".2.partial"
    for path in (old, young):
        path.write_bytes(b"[")
    an_hour_ago = time.time() - 3600
    os.utime(old, (an_hour_ago, an_hour_ago))
    make(tmp_path).fit(X, Y)
    assert not old.exists()
    assert young.exists()  # another process may be writing it


def test_nothing_is_left_but_the_manifest_and_the_results(tmp_path):
    make(tmp_path).fit(X, Y)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"search.json", *(path.name for path in results_in(tmp_path))}


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.hard)])
def test_a_full_disk_is_an_oserror_and_the_search_goes_on_later(tmp_path, n_jobs):
    resource = pytest.importorskip("resource")
    # Many scores of the second stack make a file that is not let through; the first is small.
    grid = [{"algo": ["gd"], "max_epochs": [70]}, {"algo": ["nag"], "k": list(range(1, 30))}]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4500, hard))
    try:
        with (
            pytest.raises(OSError, match=r"written to: .* saved before is kept") as error,
            joblib.parallel_config("threading"),
        ):
            make(tmp_path, grid=grid, n_jobs=n_jobs).fit(X, Y)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert repr(str(tmp_path)) in str(error.value)
    assert len(results_in(tmp_path)) == 1 or n_jobs == 2  # with two, the large one may end first
    assert not list(tmp_path.glob(".*"))
    again = make(tmp_path, grid=grid).fit(X, Y)
    assert_same_search(again, make(grid=grid).fit(X, Y))


def test_ctrl_c_keeps_what_is_finished(tmp_path):
    pressed = tmp_path / "pressed"

    def score(estimator, X, y):
        if estimator.algo == "nag" and not pressed.exists():
            pressed.touch()
            raise KeyboardInterrupt
        return estimator.score(X, y)

    folder = tmp_path / "search"
    # gd first: it has more epochs, and so the longer stack.
    grid = [{"algo": ["gd"], "max_epochs": [4], "k": [1, 3]}, {"algo": ["nag"], "k": [1, 3]}]
    with pytest.raises(KeyboardInterrupt):
        make(folder, grid=grid, scoring=score).fit(X, Y)
    (kept,) = results_in(folder)
    seconds = [result["fit_time"] for _, result in json.loads(kept.read_bytes())["results"]]
    again = make(folder, grid=grid, scoring=score).fit(X, Y)
    assert again.cv_results_["mean_fit_time"][0] == np.mean(seconds[:2])
    assert_same_search(again, make(grid=grid, scoring=score).fit(X, Y))


@pytest.mark.hard
def test_a_worker_that_dies_ends_the_search_which_goes_on_later(tmp_path):
    marker = tmp_path / "a worker has died"

    def score(estimator, X, y):
        if estimator.algo == "nag" and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return estimator.score(X, y)

    folder = tmp_path / "search"
    with pytest.raises(TerminatedWorkerError):
        make(folder, scoring=score, n_jobs=2).fit(X, Y)
    again = make(folder, scoring=score).fit(X, Y)
    assert_same_search(again, make(scoring=score).fit(X, Y))


# ---------------------------------------------------------------------------- results


def score_everything(estimator, X, y):
    error = float(np.mean((estimator.predict(X) - y) ** 2))
    return {
        "nan": np.nan,
        "inf": -np.inf,
        "whole": 2**53 + 1,
        "single": np.float32(error),
        "numpy": np.int64(3),
        "yes": np.bool_(1),
        "third": error / 3,
        "tiny": 5e-324,
    }


def test_all_kinds_of_scores_come_back(tmp_path):
    options = {"scoring": score_everything, "refit": "third"}
    searches = []
    for folder in (None, tmp_path, tmp_path):
        # A mean of infinities has no standard deviation.
        with np.errstate(invalid="ignore"), pytest.warns(UserWarning, match="non-finite"):
            searches.append(make(folder, **options).fit(X, Y))
    never, first, again = searches
    assert_same_search(first, never)
    assert_same_search(again, first, times=True)


@pytest.mark.parametrize(
    "error_score",
    [np.nan, -1, np.float32(-0.1), np.float16(-0.1), np.int32(-3), np.longdouble(-0.1)],
    ids=lambda value: f"{type(value).__name__} {value}",
)
def test_failed_fits_come_back_with_their_warnings(tmp_path, error_score):
    options = {"grid": {"k": [1, 3], "lr": [1e-2, -1.0]}, "error_score": error_score}
    searches = []
    for folder in (None, tmp_path, tmp_path):
        with pytest.warns() as warned:
            searches.append(make(folder, **options).fit(X, Y))
        told = [str(one.message) for one in warned if one.category is FitFailedWarning]
        assert len(told) == 1
        assert "4 fits failed out of a total of 8" in told[0]
    never, first, again = searches
    assert_same_search(first, never)
    assert_same_search(again, first, times=True)


def test_several_scorers_come_back(tmp_path):
    options = {"scoring": ["r2", "neg_mean_squared_error"], "refit": "r2"}
    first = make(tmp_path, **options).fit(X, Y)
    assert_same_search(make(tmp_path, **options).fit(X, Y), first, times=True)


# ---------------------------------------------------------------------------- refusals


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The folder of a search, and what is in it."""
    folder = tmp_path_factory.mktemp("kept")
    make(folder).fit(X, Y, sample_weight=np.ones(40))
    return folder, {path.name: path.read_bytes() for path in folder.iterdir()}


def changed(array, value=0.5):
    array = array.copy()
    array[3, 1] = value
    return array


OTHER_SEARCHES = {
    "X": (r"in X\.", {"X": changed(X)}),
    "X's dtype": (r"in X\.", {"X": X.astype(np.float32)}),
    "the rows' order": (r"in X and y\.", {"X": X[::-1].copy(), "y": Y[::-1].copy()}),
    "y": (r"in y\.", {"y": changed(Y)}),
    "y's last bit": (r"in y\.", {"y": changed(Y, np.nextafter(Y[3, 1], 9.0))}),
    "the weights": (r"in the parameters of fit and .*\.", {"sample_weight": np.arange(40.0)}),
    "a candidate": (r"in the candidates\.", {"grid": GRID | {"k": [1, 4]}}),
    "the type of a candidate": (r"in the candidates\.", {"grid": GRID | {"k": [1, 3.0]}}),
    "the order of candidates": (r"in the candidates\.", {"grid": GRID | {"k": [3, 1]}}),
    "cv": (r"in the splits of cv\.", {"cv": KFold(2, shuffle=True, random_state=0)}),
    "scoring": (r"in scoring \(None there, 'r2' here\)\.", {"scoring": "r2"}),
    "n_repeats": (r"in n_repeats \(1 there, 2 here\)\.", {"n_repeats": 2}),
    "error_score": (r"in error_score \(nan there, -1 here\)\.", {"error_score": -1}),
    "train scores": (
        r"in return_train_score \(True there, False here\)\.",
        {"return_train_score": False},
    ),
    "a parameter": (
        r"in the estimator's lr \(0.01 there, 0.001 here\)\.",
        {"model": HybridReasoningRegressor(**MODEL.get_params() | {"lr": 1e-3})},
    ),
    "the seed": (
        r"in the estimator's random_state \(0 there, 1 here\)\.",
        {"model": HybridReasoningRegressor(**MODEL.get_params() | {"random_state": 1})},
    ),
    "the estimator": (
        r"in the class of the estimator, .* more parts\.",
        {"model": Ridge(), "grid": {"alpha": [0.1, 1.0]}},
    ),
}


@pytest.mark.parametrize("name", OTHER_SEARCHES)
def test_another_search_is_refused_by_name_before_any_training(kept, name, capsys):
    folder, before = kept
    differs, other = OTHER_SEARCHES[name]
    fit = {"X": X, "y": Y, "sample_weight": np.ones(40)}
    fit |= {key: other[key] for key in fit if key in other}
    options = {key: value for key, value in other.items() if key not in fit}
    message = f"holds another search, which differs {differs} Name another folder, or delete"
    with pytest.raises(ValueError, match=message) as error:
        make(folder, verbose=1, **options).fit(**fit)
    assert repr(str(folder)) in str(error.value)
    assert "Fitting" not in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_other_groups_are_other_splits(tmp_path):
    search = make(tmp_path, cv=GroupKFold(2))
    search.fit(X, Y, groups=np.arange(40) % 4)
    with pytest.raises(ValueError, match="differs in the splits of cv"):
        search.fit(X, Y, groups=np.arange(40) % 5)


@pytest.mark.parametrize("library", ["sklearn_reasoning", "torch", "sklearn", "numpy", "python"])
def test_another_version_is_refused_by_name(tmp_path, library):
    make(tmp_path).fit(X, Y)
    manifest = tmp_path / "search.json"
    content = json.loads(manifest.read_bytes())
    content["versions"][library] = "0.0.1"
    manifest.write_text(json.dumps(content))
    message = rf"other versions, whose bits may differ: {library} \(0.0.1 there, .* here\)\. Name"
    with pytest.raises(ValueError, match=message):
        make(tmp_path).fit(X, Y)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}', b'{"a": "\xff"}'])
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path, content):
    make(tmp_path).fit(X, Y)
    (tmp_path / "search.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"search\.json that is damaged, or no search's. Name"):
        make(tmp_path).fit(X, Y)


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("\\end")
    with pytest.raises(ValueError, match=r"holds files \('thesis.tex'\), but no search.json"):
        make(tmp_path).fit(X, Y)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="is a file, and must be a folder"):
        make(tmp_path / "file").fit(X, Y)
    with pytest.raises(OSError, match=r"checkpoint_dir=.*below.* cannot be made"):
        make(tmp_path / "file" / "below").fit(X, Y)


@pytest.mark.parametrize("begun", [True, False])
def test_a_folder_that_cannot_be_written_to_is_refused_before_any_training(
    tmp_path, capsys, begun, monkeypatch
):
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions of folders are POSIX's")
    if begun:
        make(tmp_path).fit(X, Y)
    # Root may write anywhere, and nobody may not enter root's folders: a relative path is in.
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        for path in tmp_path.iterdir():
            path.chmod(0o444)
        os.seteuid(65534)
    try:
        with pytest.raises(PermissionError, match=r"checkpoint_dir='.' cannot be written to"):
            make(".", verbose=1).fit(X, Y)
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o755)
    assert capsys.readouterr().out.count("Fitting") == 0


def test_splits_and_candidates_must_be_drawn_alike_again(tmp_path):
    with pytest.raises(ValueError, match="splits that can be made again"):
        make(tmp_path, cv=ShuffleSplit(2)).fit(X, Y)
    with pytest.raises(ValueError, match="needs random_state"):
        BatchedRandomizedSearchCV(MODEL, {"k": [1, 2]}, checkpoint_dir=tmp_path).fit(X, Y)
    assert not list(tmp_path.iterdir())
