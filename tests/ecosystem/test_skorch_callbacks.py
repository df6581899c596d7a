"""skorch's callbacks on both estimators: what works, and what is refused before any training."""

import pickle

import numpy as np
import pytest
import torch
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

from sklearn_reasoning import HybridReasoningDenoiser, HybridReasoningRegressor

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.tanh(X[:, :2] - X[:, 1:])


def regressor(**parameters):
    options = {"max_epochs": 6, "b_hidden": (4,), "random_state": 0}
    return HybridReasoningRegressor(**options | parameters)


def denoiser(**parameters):
    options = {"f_channels": 2, "g_channels": 2, "patch_size": 8, "max_steps": 101}
    return HybridReasoningDenoiser(**options | parameters, random_state=0)


ESTIMATORS = {
    "regressor": (regressor, (X, Y)),
    "denoiser": (denoiser, [np.random.default_rng(1).random((2, 8, 8))] * 2),
}


@pytest.fixture(params=ESTIMATORS)
def make_and_data(request):
    return ESTIMATORS[request.param]


def test_checkpoints_of_the_best_epochs(tmp_path, make_and_data):
    make, data = make_and_data
    checkpoint = Checkpoint("train_loss_best", dirname=str(tmp_path))
    model = make(callbacks=[checkpoint]).fit(*data)
    losses = model.history_[:, "train_loss"]
    is_best = [loss == min(losses[: i + 1]) for i, loss in enumerate(losses)]
    assert model.history_[:, "train_loss_best"] == model.history_[:, "event_cp"] == is_best
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    assert saved.keys() == model.module_.state_dict().keys()


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_the_best_checkpoint_may_be_loaded(tmp_path):
    options = {"dirname": str(tmp_path), "f_optimizer": None, "load_best": True}
    callback = Checkpoint("train_loss_best", **options)
    model = regressor(batch_size=10, callbacks=[callback]).fit(X, Y)
    assert np.array_equal(model.predict(X), regressor(batch_size=10).fit(X, Y).predict(X))


def test_what_watches_changes_no_bit(tmp_path, make_and_data, capsys):
    make, data = make_and_data
    watching = [
        ("stop", EarlyStopping("train_loss", patience=100)),
        Checkpoint("train_loss_best", dirname=str(tmp_path)),
        TrainEndCheckpoint(dirname=str(tmp_path)),
        GradientNormClipping(1e9),
        PrintLog(sink=lambda text: None),
        ProgressBar(detect_notebook=False, batches_per_epoch=100),
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
