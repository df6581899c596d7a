"""skorch's callbacks on both estimators: what works, and what is refused before any training."""

import os
import pickle
import threading

import numpy as np
import pytest
import torch
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    PrintLog,
    ProgressBar,
    TrainEndCheckpoint,
)

from sklearn_reasoning import (
    HybridReasoningClassifier,
    HybridReasoningDenoiser,
    HybridReasoningRegressor,
)
from sklearn_reasoning.algorithms import GradientDescent
from sklearn_reasoning.estimators.denoiser import _denoiser, _parameters, _patches

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.tanh(X[:, :2] - X[:, 1:])
STEPS = 10


def regressor(**parameters):
    options = {"max_epochs": 6, "b_hidden": (4,), "random_state": 0}
    return HybridReasoningRegressor(**options | parameters)


def denoiser(**parameters):
    options = {"f_channels": 2, "f_layers": 1, "g_channels": 2, "g_layers": 1}
    options |= {"patch_size": 8, "max_steps": STEPS + 1}
    return HybridReasoningDenoiser(**options | parameters, random_state=0)


def classifier(**parameters):
    options = {"max_epochs": 6, "perception_hidden": (4,), "random_state": 0}
    return HybridReasoningClassifier(**options | parameters)


ESTIMATORS = {
    "regressor": (regressor, (X, Y)),
    "classifier": (classifier, (X, (Y > 0) + [1, 2])),
    "denoiser": (denoiser, [np.random.default_rng(1).random((2, 8, 8))] * 2),
}


@pytest.fixture(params=ESTIMATORS)
def make_and_data(request, monkeypatch):
    if request.param == "denoiser":  # two epochs of few steps
        for module in (_denoiser, _parameters, _patches):
            monkeypatch.setattr(module, "STEPS_PER_EPOCH", STEPS)
        monkeypatch.setattr(_patches.PatchSteps, "n_batches", STEPS)
    return ESTIMATORS[request.param]


def test_checkpoints_of_the_best_epochs(tmp_path, make_and_data):
    make, data = make_and_data
    checkpoint = Checkpoint("train_loss_best", dirname=str(tmp_path))
    model = make(callbacks=[checkpoint]).fit(*data)
    losses = model.history_[:, "train_loss"]
    # The first step of a rate that rises from 0 leaves the loss as it was, which is no better.
    is_best = [i == 0 or loss < min(losses[:i]) for i, loss in enumerate(losses)]
    assert model.history_[:, "train_loss_best"] == model.history_[:, "event_cp"] == is_best
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    assert saved.keys() == model.module_.state_dict().keys()


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_the_best_checkpoint_may_be_loaded(tmp_path):
    options = {"dirname": str(tmp_path), "f_optimizer": None, "load_best": True}
    callback = Checkpoint("train_loss_best", **options)
    model = regressor(batch_size=10, callbacks=[callback]).fit(X, Y)
    assert np.array_equal(model.predict(X), regressor(batch_size=10).fit(X, Y).predict(X))


class FitBeside(Callback):
    """Another fit, with the same checkpoint, in the middle of this one."""

    def __init__(self, fit):
        self.fit = fit

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            self.fit()


NAMES_OF_FILES = [
    {},
    {"fn_prefix": "a-"},
    {"fn_prefix": "deeper/", "f_params": "best-{last_epoch[epoch]}.pt"},
    {"f_params": "deeper/params.pt", "f_history": None},
    {"f_params": "params.safetensors", "use_safetensors": True},
]
LOAD_BEST = {"monitor": "train_loss_best", "f_optimizer": None, "load_best": True}


@pytest.mark.filterwarnings("ignore:TypedStorage")
@pytest.mark.parametrize(
    ("make_and_data", "names"),
    [
        pytest.param(
            estimator,
            names,
            id=f"{estimator}-{names}",
            marks=() if estimator == "regressor" or i == 2 else pytest.mark.hard,
        )
        for estimator in ESTIMATORS
        for i, names in enumerate(NAMES_OF_FILES)
    ],
    indirect=["make_and_data"],
)
def test_fits_that_share_a_checkpoint_load_what_they_saved(tmp_path, make_and_data, names):
    make, data = make_and_data
    if make is denoiser and "use_safetensors" in names:
        pytest.skip("skorch cannot save this module so, and says it in the sink alone")
    checkpoint = Checkpoint(**LOAD_BEST, dirname=str(tmp_path), **names)

    def other(lr=1e-4):
        return make(callbacks=[checkpoint], lr=lr).fit(*data)

    alone = make(callbacks=[checkpoint]).fit(*data)
    # The first call of this one saves; then others write under its names, and lose nothing of it.
    beside = make(callbacks=[checkpoint, FitBeside(other)]).fit(*data)
    np.testing.assert_array_equal(beside.predict(data[0]), alone.predict(data[0]))
    folder = tmp_path / "deeper" if "deeper" in str(names) else tmp_path
    found = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert not [name for name in os.listdir(tmp_path) if name.startswith("fit-")]
    assert any("params" in name or "best-" in name for name in found)
    # The files are where their names say, and the callback says so too.
    used = beside.net_.callbacks_[-2 if len(beside.net_.callbacks_) > 1 else 0][1]
    assert vars(used) == vars(checkpoint)
    assert folder.is_dir()


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_training_that_goes_on_loads_the_best_of_all_its_calls(tmp_path):
    checkpoint = Checkpoint(**LOAD_BEST, dirname=str(tmp_path))
    model = regressor(callbacks=[checkpoint], lr=1e-2)
    for _ in range(20):
        model.partial_fit(X, Y)
    best = min(model.history_[:, "train_loss"])
    model.set_params(lr=10.0).partial_fit(X, Y)
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    assert min(model.history_[:, "train_loss"]) <= best
    for name, value in model.module_.state_dict().items():
        assert torch.equal(value, saved[name])


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_files_of_a_fit_that_fails_are_kept(tmp_path):
    checkpoint = Checkpoint(**LOAD_BEST, dirname=str(tmp_path))
    with pytest.raises(RuntimeError, match="out of patience"):
        regressor(callbacks=[checkpoint, Failing()]).fit(X, Y)
    assert sorted(os.listdir(tmp_path)) == ["criterion.pt", "history.json", "params.pt"]


def test_a_checkpoint_in_a_folder_that_changes_is_refused(make_and_data):
    make, data = make_and_data
    checkpoint = Checkpoint(**LOAD_BEST, f_params="{last_epoch[epoch]}/params.pt")
    with pytest.raises(ValueError, match=r"callbacks holds a Checkpoint.*put the braces into"):
        make(callbacks=[checkpoint]).fit(*data)


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_a_search_in_threads_has_the_scores_of_one_by_one(tmp_path):
    checkpoint = Checkpoint(**LOAD_BEST, dirname=str(tmp_path))
    rates = {"lr": [1e-4, 1e-3, 1e-2, 1e-1]}
    scores = []
    for n_jobs in (1, 2):
        with parallel_config("threading", n_jobs=n_jobs):
            search = GridSearchCV(regressor(callbacks=[checkpoint]), rates, cv=2, refit=False)
            scores.append(search.fit(X, Y).cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*scores)


def test_what_watches_changes_no_bit(tmp_path, make_and_data, capsys):
    make, data = make_and_data
    watching = [
        ("stop", EarlyStopping("train_loss", patience=100)),
        Checkpoint("train_loss_best", dirname=str(tmp_path)),
        TrainEndCheckpoint(dirname=str(tmp_path)),
        GradientNormClipping(1e9),
        PrintLog(sink=lambda text: None),
        ProgressBar(detect_notebook=False, batches_per_epoch=STEPS),
    ]
    watched = make(callbacks=watching).fit(*data)
    assert np.array_equal(watched.predict(data[0]), make().fit(*data).predict(data[0]))
    # ... and pickles of it work, and hold none of them.
    again = pickle.loads(pickle.dumps(watched.net_))
    assert again.callbacks_ == []
    assert again.history[:, "train_loss"] == watched.history_[:, "train_loss"]


def test_gradients_are_clipped():
    assert not np.array_equal(
        regressor(callbacks=[GradientNormClipping(1e-3)], optimizer="sgd").fit(X, Y).predict(X),
        regressor(optimizer="sgd").fit(X, Y).predict(X),
    )


class Curious(Callback):
    """Keep all that is shown."""

    def __init__(self, epochs):
        self.epochs = epochs

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.X_ = X

    def on_epoch_end(self, net, **kwargs):
        self.epochs.append(len(net.history))


def test_the_callback_that_was_handed_in_stays_as_it_was(make_and_data):
    make, data = make_and_data
    epochs = []
    curious = Curious(epochs)
    model = make(callbacks=[("curious", curious)]).fit(*data)
    assert vars(curious) == {"epochs": epochs}
    assert epochs == list(range(1, len(model.history_) + 1))
    # The copy that saw the training is the net's.
    assert dict(model.net_.callbacks_)["curious"].X_ is not None
    assert b"curious" not in pickle.dumps(model.net_)


class Locked(Callback):
    """One that holds what cannot be copied."""

    def __init__(self, lock):
        self.lock = lock


class LockedOnceItTrains(Callback):
    """The way out."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.lock_ = threading.Lock()


class Shared(Locked):
    """The other one."""

    def __sklearn_clone__(self):
        return self


@pytest.mark.parametrize(
    "callback",
    [Locked(threading.Lock()), ("name", Locked(threading.Lock()))],
    ids=["alone", "named"],
)
def test_a_callback_that_cannot_be_copied_is_named(make_and_data, callback):
    make, data = make_and_data
    model = make(callbacks=[Callback(), callback]).fit(*data)
    for copying in (clone, lambda model: cross_val_score(model, *data, cv=2)):
        with pytest.raises(TypeError, match=r"^callbacks holds a Locked that.*on_train_begin"):
            copying(model)


def test_another_parameter_that_cannot_be_copied_is_named():
    class Own(GradientDescent):
        def __init__(self):
            self.lock = threading.Lock()

    with pytest.raises(TypeError, match=r"^algo holds a Own that cannot be copied"):
        clone(regressor(algo=Own()))
    # ... and what goes wrong for another reason stays what it is.
    with pytest.raises(RuntimeError, match="does not set or modifies parameter"):
        clone(Changing(k=3))


class Changing(HybridReasoningDenoiser):
    def __init__(self, k=3):
        super().__init__(k=[k])


def test_the_ways_out_for_what_cannot_be_copied(make_and_data):
    make, data = make_and_data
    for callback in (LockedOnceItTrains(), Shared(threading.Lock())):
        scores = cross_val_score(make(callbacks=[callback]), *data, cv=2)
        np.testing.assert_array_equal(scores, cross_val_score(make(), *data, cv=2))


class Failing(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise RuntimeError("out of patience")


def test_a_callback_that_fails_leaves_the_estimator_as_it_was(make_and_data):
    make, data = make_and_data
    model = make(callbacks=[Failing()])
    before = dict(vars(model))
    with pytest.raises(RuntimeError, match="out of patience"):
        model.fit(*data)
    assert vars(model) == before
    model.set_params(callbacks=None).fit(*data).set_params(callbacks=[Failing()])
    predicted = model.predict(data[0])
    with pytest.raises(RuntimeError, match="out of patience"):
        model.fit(*data)
    assert np.array_equal(model.predict(data[0]), predicted)


@pytest.mark.parametrize(
    ("callback", "match"),
    [
        (EpochScoring("r2"), "EpochScoring.*ScoringMonitor"),
        (EpochScoring, "EpochScoring.*ScoringMonitor"),
        (LRScheduler(), "LRScheduler.*lr_schedule"),
        (InputShapeSetter(), "InputShapeSetter"),
        (LoadInitState(Checkpoint()), "LoadInitState.*warm_start"),
        (EarlyStopping(), r"EarlyStopping.*'valid_loss'.*monitor='train_loss'"),
        (EarlyStopping, r"EarlyStopping.*'valid_loss'.*monitor='train_loss'"),
        (Checkpoint(), r"Checkpoint.*'valid_loss_best'.*monitor='train_loss_best'"),
        (Checkpoint("train_loss_best", load_best=True), "f_optimizer=None"),
        (("name", print), "no skorch callback"),
        (("name", Callback(), 3), "no skorch callback"),
    ],
    ids=[
        "scoring",
        "scoring class",
        "schedule",
        "shapes",
        "state",
        "stopping",
        "stopping class",
        "checkpoint",
        "optimizer",
        "function",
        "triple",
    ],
)
def test_what_cannot_work_is_refused_before_training(make_and_data, callback, match):
    make, data = make_and_data
    with pytest.raises(ValueError, match=rf"callbacks holds.*{match}"):
        make(callbacks=[callback]).fit(*data)


def test_a_bar_of_steps_needs_their_number_where_patches_are_drawn():
    model = denoiser(callbacks=[ProgressBar()])
    with pytest.raises(ValueError, match=r"ProgressBar.*batches_per_epoch=100"):
        model.fit(*ESTIMATORS["denoiser"][1])


def test_two_of_a_name_are_refused(make_and_data):
    make, data = make_and_data
    with pytest.raises(ValueError, match="callbacks holds two callbacks of the name 'a'"):
        make(callbacks=[("a", Callback()), ("a", Callback())]).fit(*data)


def test_held_out_rows_are_monitored_with_early_stopping(tmp_path):
    model = regressor(
        early_stopping=True,
        lr=0.1,
        random_state=1,
        callbacks=[EarlyStopping(sink=lambda text: None), Checkpoint(dirname=str(tmp_path))],
    ).fit(X, Y)
    losses = model.history_[:, "valid_loss"]
    assert losses[1] > losses[0] > min(losses)  # neither all events nor none but the first
    assert model.history_[:, "event_cp"] == [
        x == min(losses[: i + 1]) for i, x in enumerate(losses)
    ]


def test_the_epochs_are_printed_without_colours(capsys):
    regressor(verbose=1, callbacks=[Callback()]).fit(X, Y)
    printed = capsys.readouterr().out
    assert "train_loss" in printed
    assert all(character == "\n" or character.isprintable() for character in printed)
